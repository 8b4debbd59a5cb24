"""The experiment of readings: every run and untrained copy of the models that this book shows, a file a model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from companion.experiments import partitions, reading_file
from companion.experiments.experiment import Cell, available
from companion.functions import tracks
from companion.models import catalogue
from modularity import identity, measure, moefication, readings, store
from modularity.models import Model
from modularity.subfunction import SubFunction

COPIES = 3  # untrained ones of each model, as in the paper
DRAWS = 30  # random partitions of trained companions, for Figure 7's semantic experts
ASKED = (*tracks.FUNCTIONS, *tracks.CONTROLS)
PARTITIONS = ("own", "random")
PARTITION = "partition"  # a probe beside those of sub-functions
# A GELU neuron that is off in a sentence has a maximum of a rounding error, so that another processor orders such
# sentences otherwise: up to .021 of one predictivity in all-mpnet-base-v2, .0011 of the mean of a layer's best.
ONE_NEURON = 5  # how many times the tolerance one neuron's may be off


class Copy(NamedTuple):
    """Which weights of a model."""

    untrained: bool
    seed: int | None

    def __str__(self) -> str:
        return f"{'untrained' if self.untrained else 'run'} {self.seed or 0}"

    def load(self, name: str) -> Model:
        return catalogue.load(name, untrained=self.untrained, seed=self.seed)


def copies_of(name: str, *, seeds: int = 3, untrained: int = COPIES, seed: int = 0) -> list[Copy]:
    """The first runs of a companion model, or the one of any other, and untrained copies from `seed` on."""
    trained = (
        [Copy(False, s) for s in catalogue.seeds(name)[:seeds]]
        if name in catalogue.companions()
        else [Copy(False, None)]
    )
    return trained + [Copy(True, seed + i) for i in range(untrained)]


def copy_of(name: str, label: str) -> Copy:
    """Of those of `copies_of` the one with this label, such as ``run 0`` or ``untrained 2``."""
    return {str(copy): copy for copy in copies_of(name)}[label]


def read(
    model: Model,
    subfunctions: Sequence[SubFunction],
    *,
    draws: int = 0,
    seed: int = 0,
    by: Callable[..., xr.Dataset] | None = None,
    **options: Any,
) -> xr.Dataset:
    """`readings.read` with the model's own experts, as ``own`` (layer, neuron), and with random ones of the same sizes.

    Parameters
    ----------
    draws : as many random partitions, whose experts are in ``shuffled`` (draw, alike, layer, expert), of semantic
        sub-functions.
    seed : of k-means, of the random partitions and of the halves.
    by : what reads instead of `readings.read`, given the same.
    """
    own = moefication.experts(model, seed=seed)
    drawn = [moefication.at_random(own, seed=seed + i) for i in range(max(1, draws))]
    groups = xr.concat([own, *drawn], "partition", coords="minimal")
    groups = groups.assign_coords(partition=["own", *(f"random {i}" for i in range(len(drawn)))])
    made = (by or readings.read)(model, subfunctions, groups, seed=seed, **options)
    random = made["expert_mean"].isel(partition=slice(1, None)).rename(partition="draw", subfunction="alike")
    made = made.isel(partition=[0, 1]).assign_coords(partition=list(PARTITIONS)).assign(own=own)
    if not draws:
        return made
    semantic = random.isel(alike=np.flatnonzero(made["function"].to_numpy() == "semantic"))
    return made.assign(shuffled=semantic.drop_vars("function").assign_coords(draw=np.arange(draws)))


@cache
def asked() -> dict[str, list[SubFunction]]:
    """The sub-functions of this book's pages, by function, and the controls."""
    everything = tracks.load_all(controls=True)
    return {f: [s for s in everything if s.function == f] for f in ASKED}


def content(one: SubFunction) -> str:
    """A short digest of everything of a sub-function that decides its reading."""
    return store.digest([one.name, one.function, list(one.sentences), one.labels])[:16]


@dataclass(frozen=True)
class Readings:
    """Of one of the models that this book shows: a cell is a copy of it and a function, a probe one sub-function."""

    model: str
    tolerance: float = field(default=0.01, repr=False)
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return f"readings_{self.model}"

    def cells(self) -> list[Cell]:
        available(partial(catalogue.folder_of, self.model))
        return [(str(copy), function) for copy in copies_of(self.model) for function in ASKED]

    def draws(self, label: str, function: str) -> int:
        trained = not copy_of(self.model, label).untrained
        return DRAWS if self.model in catalogue.MINI and trained and function == "semantic" else 0

    def key(self, cell: Cell) -> dict[str, object] | None:
        label, function = map(str, cell)
        if (fingerprint := copy_of(self.model, label).load(self.model).fingerprint) is None:
            return None
        return {
            "model": fingerprint,
            "subfunctions": [content(s) for s in asked()[function]],
            "draws": self.draws(label, function),
            **measure.key(),
        }

    def compute(self, cell: Cell) -> xr.Dataset:
        label, function = map(str, cell)
        return read(copy_of(self.model, label).load(self.model), asked()[function], draws=self.draws(label, function))

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        labels = list(map(str, copies_of(self.model)))
        parts = [reading_file.joined([made((label, f)) for f in ASKED]) for label in labels]
        shuffled = [p["shuffled"] for p in parts if "shuffled" in p]
        parts = [p.drop_dims("draw") if "draw" in p.dims else p for p in parts]
        parts = [p.drop_vars("alike", errors="ignore") for p in parts]
        whole = xr.concat([p.drop_dims("of") for p in parts], "copy").assign_coords(copy=labels)
        if self.model not in catalogue.MINI:  # real models are large; by their totals experts and neurons are perturbed
            whole = reading_file.fewer_of_untrained(whole).assign(total=parts[0]["total"])
        if shuffled:
            whole = whole.assign(shuffled=xr.concat(shuffled, "run"))
        contents = [content(s) for f in ASKED for s in asked()[f]]
        digests = [identity.weights(c.load(self.model).module) for c in copies_of(self.model)]
        whole = whole.assign_coords(content=("subfunction", contents), weights=("copy", digests))
        return whole, {str(name): reading_file.encoding(str(name), whole[name]) for name in whole.data_vars}

    def provenance(self) -> dict[str, object]:
        return {"model": self.model}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        names = shipped["subfunction"].to_numpy().tolist()
        functions_ = shipped["function"].to_numpy().tolist()
        labels = shipped["copy"].to_numpy().tolist()
        every: list[Cell] = [(c, f, n) for c in labels for f, n in zip(functions_, names, strict=True)]
        return every + [(c, PARTITION, int(x)) for c in labels for x in shipped["layer"].to_numpy()]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        label, function, which = probe
        copy = copy_of(self.model, str(label))
        model = available(partial(copy.load, self.model))
        then = shipped.sel(copy=label)
        if identity.weights(model.module) != then["weights"].item():
            return float("nan")
        if function == PARTITION:
            return partitions.looser(model, then["own"].sel(layer=which))
        one = {s.name: s for s in asked()[str(function)]}.get(str(which))
        rows = (then["function"] == function) & (then["subfunction"] == which)
        then = then.isel(subfunction=int(np.flatnonzero(rows.to_numpy())[0]))
        if one is None or content(one) != then["content"].item():
            return float("nan")
        groups = xr.concat([then["own"], moefication.at_random(then["own"])], "partition", coords="minimal")
        now = readings.read(model, [one], groups.assign_coords(partition=list(PARTITIONS))).isel(subfunction=0)
        off = [float(np.abs(now[name] - then[name]).max()) for name in ("mean", "expert_mean", "half_expert_mean")]
        ranked: xr.DataArray = abs(now["score"] - then["score"])
        off += [float(ranked.mean("rank").max()), float(ranked.max()) / ONE_NEURON]
        same = (now["half_top"] == then["half_top"]).isel(place=0)  # another best neuron has another score elsewhere
        apart: xr.DataArray = abs(now["held_out"] - then["held_out"])
        return max(*off, float(apart.where(same, 0).max()))


SHIPPED = {name: Readings(name) for name in (*catalogue.MINI, catalogue.MINILM, catalogue.MPNET)}
