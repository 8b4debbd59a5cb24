"""The experiment of histories: what Section 6 needs of each checkpoint of a pre-training run, a file a run."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

from companion.experiments import experiment, history_arrays, history_file, stored_scores
from companion.experiments.experiment import Cell, UnavailableError
from companion.experiments.shipped_readings import content
from companion.functions import followed, sources
from companion.models import catalogue
from companion.models.recipe import RECIPES, Recipe
from modularity import effect_sizes, environment, measure, moefication, neurons, specialists
from modularity.models import Model
from modularity.subfunction import SubFunction

SPLIT = 0  # seed of the halves
STOPPED = 4_900  # step up to which the run with a constant learning rate was trained


@dataclass(frozen=True)
class History:
    """Of a pre-training run: a cell is a checkpoint with all that is scored of it.

    A probe is a sub-function at the start of the run, which its seed makes, or at its end, which is shipped; a
    difference is the largest of its experts' predictivities and of its best neurons'.
    """

    model: str = ""  # of `recipe.RECIPES`
    seed: int = 0  # of the run
    run: str = ""  # its folder; if not given the one in ``runs/``, where `catalogue.runs_folder` is
    subfunctions: tuple[SubFunction, ...] | None = field(default=None, repr=False)  # those of `followed` if not given
    steps: tuple[int, ...] = ()  # if not given, all that the run's recipe says, or all there are
    lean: bool = False  # every other sub-function and no neurons: for a run beside others
    experts: int = field(default=moefication.EXPERTS, repr=False)  # of a layer that has none of its own
    top: float = field(default=specialists.SHARE, repr=False)  # share of a layer's neurons that are followed
    tolerance: float = field(default=0.005, repr=False)
    folder: str = field(default="history", repr=False)

    @property
    def name(self) -> str:
        return "-".join(self.place.parts[-2:]) if self.run else f"{self.model}-{self.seed}"

    @property
    def place(self) -> Path:
        if self.run:
            return environment.expanded(self.run).absolute()
        return catalogue.runs_folder() / self.model / f"seed-{self.seed}"

    def chosen(self) -> tuple[list[SubFunction], list[SubFunction]]:
        """The sub-functions, and those of which correlations of halves are made."""
        everything = followed.subfunctions() if self.subfunctions is None else list(self.subfunctions)
        halved = followed.every_other(everything)
        return halved if self.lean else everything, halved

    def cells(self) -> list[Cell]:
        """In the order of time.

        Raises
        ------
        UnavailableError
            The run has no checkpoints on this machine.
        FileNotFoundError, ValueError
            It has not the one asked for, or not all of its recipe, or fewer than two.
        """
        if not (there := catalogue.steps(self.place)):
            target = "pretrain" if self.run else f"pretrain-{self.name}"
            raise UnavailableError(f"{self.place} has no checkpoints; `make {target}` writes them")
        wanted = sorted(self.steps or there)
        history_file.check_steps(wanted, None if self.steps else _planned(self.place, there[-1]))
        for step in set(wanted) - set(there):
            self.load(step)  # stops, and says which there are
        return [(step,) for step in wanted]

    def load(self, step: int) -> Model:
        return catalogue.load(str(self.place), step=step)

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        if (fingerprint := self.load(int(cell[0])).fingerprint) is None:
            return None
        contents = [[content(s) for s in part] for part in self.chosen()]
        return {"model": fingerprint, "subfunctions": contents, "split": SPLIT, **measure.key()}

    def compute(self, cell: Cell) -> xr.Dataset:
        """``scores`` (subfunction, layer, neuron); ``halves`` (half, halved, layer, neuron); and, of the
        layers without experts of a Switch, ``dense`` (halved, rest, of_rest)."""
        model, (chosen, halved) = self.load(int(cell[0])), self.chosen()
        names = {"subfunction": "halved", "function": "function_halved"}
        made = {
            "scores": stored_scores.compute(model, chosen),
            "halves": stored_scores.compute(model, halved, halves=SPLIT).rename(names),
        }
        if rest := sorted(neurons.feed_forward(model).keys() - neurons.layers(model).keys()):
            made["dense"] = stored_scores.compute(model, halved, layers=rest).rename(
                names | {"layer": "rest", "neuron": "of_rest"}
            )
        return xr.Dataset(made)

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        """See `history_file.load`; one checkpoint and the one before it are in memory at a time."""
        cells, (subfunctions, halved) = self.cells(), self.chosen()
        model = self.load(catalogue.steps(self.place)[-1])
        own = moefication.experts(model, self.experts)
        groups = history_arrays.groups(own.to_numpy())
        kept = history_arrays.with_every_score([s.function for s in subfunctions])
        rows = list(history_arrays.followed_by_time((_scored(made(cell)) for cell in cells), groups, kept, self.top))
        arrays = {name: np.stack([row[name] for row in rows]) for name in rows[0]} | {"partition_of": groups[:2]}
        rest = sorted(neurons.feed_forward(model).keys() - neurons.layers(model).keys())
        names = history_arrays.coordinates(subfunctions, halved, kept, own["layer"].to_numpy().tolist(), rest)
        log = pd.read_json(self.place / "log.jsonl", lines=True)
        whole = history_arrays.dataset(arrays, [int(step) for (step,) in cells], names, log)
        whole = whole.drop_dims(["kept", "rank"]) if self.lean else whole
        whole = whole.transpose(*history_file.DIMS, missing_dims="ignore")
        return whole, history_file.encoding(whole)

    def provenance(self) -> Mapping[str, object]:
        last = self.place / "steps" / f"{catalogue.steps(self.place)[-1]:08d}" / catalogue.WEIGHTS
        return {"model": sources.file_hash(last), "run": self.model, "seed": self.seed}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        start, end = shipped["step"].to_numpy()[[0, -1]].tolist()
        ended = self.model in catalogue.MINI and self.seed in catalogue.seeds(self.model)
        return [(step, str(n)) for step in ([start, end] if ended else [start]) for n in shipped["subfunction"].values]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        step, name = int(probe[0]), str(probe[1])
        if not (one := [s for s in self.chosen()[0] if s.name == name]):
            return float("nan")
        scores = stored_scores.compute(self.at_hand(step, int(shipped["step"][-1])), one)
        then = shipped.sel(step=step, subfunction=[name])
        groups = then["partition_of"].sel(partition="model", drop=True)
        experts = effect_sizes.expert_predictivity(scores, groups) - then["experts"].sel(partition="model", drop=True)
        return float(np.max([np.abs(off.to_numpy()).max() for off in (experts, scores.max("neuron") - then["best"])]))

    def at_hand(self, step: int, end: int) -> Model:
        """The start of the run, whose checkpoints are kept in bfloat16, or its end."""
        if step == 0:
            tokenizer = catalogue.tokenizer()
            module = replace(RECIPES[self.model], seed=self.seed).build(len(tokenizer))
            module.to(torch.bfloat16).to(torch.float32).eval().requires_grad_(False)
            return Model(self.model, module, tokenizer, untrained=True, seed=self.seed, step=0)
        if step == end and self.model in catalogue.MINI:
            return catalogue.load(self.model, seed=self.seed)
        raise UnavailableError(f"step {step} of {self.name} is not shipped; `make pretrain-{self.name}` makes it")


def _shipped() -> Iterator[History]:
    yield from (History(name, seed) for name in catalogue.MINI for seed in range(3))
    constant = "t5-mini-constant"
    yield History(constant, steps=tuple(s for s in RECIPES[constant].checkpoints() if s <= STOPPED), lean=True)


SHIPPED = {made.name: made for made in _shipped()}


def compute(
    run: str | Path,
    subfunctions: Iterable[SubFunction],
    *,
    steps: Iterable[int] = (),
    experts: int = moefication.EXPERTS,
    top: float = specialists.SHARE,
) -> xr.Dataset:
    """The history of the run in the folder `run`, by this process; see `history_file.load` for what it holds.

    Parameters
    ----------
    steps : some of its checkpoints; if not given, all that its recipe says, or all there are.
    experts : of a layer that has none of its own.
    top : share of a layer's neurons that are followed.

    Raises
    ------
    FileNotFoundError, ValueError
        What `History.cells` raises.
    """
    few, asked = tuple(subfunctions), tuple(map(int, steps))
    wanted = History(run=str(run), subfunctions=few, steps=asked, experts=experts, top=top)
    return experiment.compute(wanted, workers=1)[0]


def _planned(run: Path, step: int) -> list[int] | None:
    """The checkpoints that a run was to have, where it was trained here."""
    recipe = run / "steps" / f"{step:08d}" / catalogue.RECIPE
    return Recipe(**json.loads(recipe.read_text(encoding="utf-8"))).checkpoints() if recipe.exists() else None


def _scored(cell: xr.Dataset) -> history_arrays.Scored:
    rest = cell["dense"].to_numpy() if "dense" in cell else None
    return history_arrays.Scored(cell["scores"].to_numpy(), cell["halves"].to_numpy(), rest)
