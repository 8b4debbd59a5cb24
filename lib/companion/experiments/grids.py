"""The grids of Section 5, what perturbing a model does to its answers: an experiment, a file a kind of model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import torch
import xarray as xr

from companion.experiments import experiment, fewshot_grid, lesion_grid
from companion.experiments.experiment import Cell
from companion.functions import sources, tracks
from companion.functions.tracks import Track
from companion.models import catalogue, suited
from modularity import measure, moefication
from modularity.models import Model

Kind = Literal["t5", "switch"]


@dataclass(frozen=True)
class Grid:
    """What one of the grids is made of, for a model and a track: a cell is a run, a setting and a task.

    With a `limit`, it is a part of the grid that is quickly made: at most so many tasks (of those seen and of those
    unseen, with T5), draws, and numbers of experts (T5) or evaluations while learning (Switch).

    A probe is a cell with one order and number of experts (T5), or one strategy and draw (Switch); a difference is the
    mean of absolute differences of its accuracies, since an answer on the edge may fall to the other side elsewhere.
    """

    kind: Kind
    model: str = ""
    track: Track = "mini"
    tolerance: float = field(default=0.02, repr=False)
    folder: str = field(default="results", repr=False)
    limit: int = 0  # along each of its axes; 0 for all

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown grid {self.kind!r}; known: {', '.join(get_args(Kind))}")
        plans = lesion_grid.PLANS if self.kind == "t5" else fewshot_grid.PLANS
        if self.track not in plans:
            raise ValueError(f"unknown track {self.track!r} of the grid {self.kind!r}; known: {', '.join(plans)}")
        if self.limit < 0 or self.limit == 1:
            raise ValueError(
                f"got limit {self.limit}, expected 2 or more, as an interval takes two draws, or 0 for the whole grid"
            )
        object.__setattr__(self, "model", self.model or f"{self.kind}-mini")

    @property
    def name(self) -> str:
        usual = (self.model, self.track) == (f"{self.kind}-mini", "mini")
        whole = f"perturbing_{self.kind}" if usual else f"perturbing_{self.kind}_{self.model}_{self.track}"
        return f"{whole}_{self.limit}" if self.limit else whole

    @property
    def plan(self) -> lesion_grid.Plan | fewshot_grid.Plan:
        if self.kind == "switch":
            return fewshot_grid.plan_of(self.track, self.limit)
        plan, width = lesion_grid.plan_of(self.track, self.limit), getattr(catalogue.shape(self.model), "d_ff", None)
        return lesion_grid.of_width(plan, width) if width else plan  # what is no T5 is refused when it is loaded

    def cells(self) -> list[Cell]:
        """In the order in which they are made: what the sections lean on most first."""
        seeds = catalogue.seeds(self.model) if self.model in catalogue.MINI else [0]
        if self.kind == "t5":
            tasks = lesion_grid.plan_of(self.track, self.limit).tasks
            settings = {name: (s.runs, tasks) for name, s in lesion_grid.SETTINGS.items()}
        else:
            settings = {name: (s.runs, s.tasks) for name, s in fewshot_grid.settings_of(self.track, self.limit).items()}
        return [(run, name, task) for name, (n, tasks) in settings.items() for run in seeds[:n] for task in tasks]

    def load(self, seed: int) -> Model:
        """A run of the model, on a GPU if there is one; a `ValueError` if it is none of this kind (`suited`)."""
        model = catalogue.load(self.model, seed=seed if self.model in catalogue.MINI else None)
        model = (suited.t5 if self.kind == "t5" else suited.switch)(model)
        if torch.cuda.is_available():
            model.module.to("cuda")
        return model

    def experts(self, seed: int) -> xr.DataArray:
        """The fine experts of a T5's neurons; a Switch has its own."""
        plan = self.plan
        return moefication.experts(self.load(seed), getattr(plan, "fine", moefication.EXPERTS))

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        seed = int(cell[0])
        if (fingerprint := self.load(seed).fingerprint) is None:
            return None
        tables = (tracks.task_table(str(cell[2]), part, self.track) for part in get_args(tracks.Part))
        ranked = tracks.load("task", self.track, part="train")
        return {
            "model": fingerprint,
            "piece": list(cell),
            "track": self.track,
            "plan": list(self.plan),
            "rows": [[str(value) for value in table.to_numpy().ravel()] for table in tables],
            "ranked": [[s.name, list(s.sentences), s.labels] for s in ranked],
            "experts": self.experts(seed).to_numpy(),
            **({"limit": self.limit} if self.limit else {}),  # the key of a whole grid is older than limits
            **measure.key(),
        }

    def compute(self, cell: Cell) -> xr.Dataset:
        return self.piece(cell).to_dataset(name="accuracy")

    def piece(self, cell: Cell, only: Sequence | None = None, groups: xr.DataArray | None = None) -> xr.DataArray:
        """Accuracies of a cell, or of the part `only` of it."""
        seed, setting, task = int(cell[0]), str(cell[1]), str(cell[2])
        groups = self.experts(seed) if groups is None else groups
        compute: Callable[..., xr.DataArray] = lesion_grid.piece if self.kind == "t5" else fewshot_grid.piece
        options = {"track": self.track, "only": only, "limit": self.limit}
        return compute(self.load(seed), setting, task, self.plan, groups, **options)

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        """``accuracy``, dims ``(seed, setting, task, …)``, not a number where a grid has none; and ``experts``."""
        cells = self.cells()
        first = made(cells[0])["accuracy"]
        known = [list(dict.fromkeys(part)) for part in zip(*cells, strict=True)]
        coordinates: dict[str, Any] = dict(zip(("seed", "setting", "task"), known, strict=True))
        coordinates |= {str(d): first[d].to_numpy() for d in first.dims}
        shape = (*map(len, known), *first.shape)
        result = xr.DataArray(np.full(shape, np.nan, np.float32), coordinates, tuple(coordinates), name="accuracy")
        for cell in cells:
            where = dict(zip(("seed", "setting", "task"), cell, strict=True))
            result.loc[where] = made(cell)["accuracy"].to_numpy()
        seeds = result["seed"].to_numpy().tolist()
        experts = xr.concat([self.experts(seed) for seed in seeds], xr.IndexVariable("seed", seeds))
        return xr.Dataset({"accuracy": result, "experts": experts.rename(neuron="of_neuron", layer="of_layer")}), {}

    def provenance(self) -> Mapping[str, object]:
        files = sources.registry()  # their digests stay the same under another version of the libraries
        seeds = dict.fromkeys(int(cell[0]) for cell in self.cells())
        digests = [files[f"models/{self.model}/seed-{seed}/{catalogue.WEIGHTS}"].sha256 for seed in seeds]
        return {"models": digests, "plan": str(self.plan)}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        made: list[Cell] = []
        for cell in self.cells():
            if isinstance(self.plan, lesion_grid.Plan):
                made += [(*cell, *pair) for pair in lesion_grid.wanted(self.plan, str(cell[1]), self.limit)]
            else:
                made += [(*cell, s, draw) for s in fewshot_grid.STRATEGIES for draw in range(self.plan.draws)]
        return made

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        seed, setting, task, *part = probe
        expected = shipped["accuracy"].sel(seed=seed, setting=setting, task=task)
        found = self.piece(probe[:3], [tuple(part)], experts_of(shipped, int(seed)))
        # Not a number if something is not shipped, and then not within the tolerance.
        return float(np.abs(found.to_numpy() - expected.to_numpy())[found.notnull().to_numpy()].mean())


def load(kind: Kind) -> xr.Dataset:
    """A shipped grid: ``accuracy``, dims ``(seed, setting, task, …)``, and the ``experts`` it was made with."""
    return experiment.load(Grid(kind))


def experts_of(shipped: xr.Dataset, seed: int) -> xr.DataArray:
    """The experts that a run of a shipped grid was perturbed by, dims ``(layer, neuron)``."""
    return shipped["experts"].sel(seed=seed, drop=True).rename(of_neuron="neuron", of_layer="layer")
