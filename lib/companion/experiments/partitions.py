"""Partitions of a model's neurons with other seeds and numbers of experts: an experiment, behind Section 5."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from typing import Any

import numpy as np
import xarray as xr
from numcodecs import Zstd

from companion.experiments import experiment
from companion.experiments.experiment import Cell, Checked, Recompute, available
from companion.models import catalogue
from modularity import identity, measure, moefication, neurons, partition
from modularity.models import Model

NUMBERS = (8, 16, 32, 64, 96)  # of experts; those that divide the neurons of a layer
SEEDS = range(5)  # of k-means into 16
Settings = dict[tuple[str, int], xr.DataArray]  # (what is changed, to what) → the expert of every neuron


def settings(width: int) -> list[tuple[str, int]]:
    """What is changed, and to what, for layers of `width` neurons."""
    return [("experts", n) for n in NUMBERS if width % n == 0] + [("k-means seed", seed) for seed in SEEDS]


def compute(model: Model, what: str, to: int) -> xr.DataArray:
    """One partition, dims ``(layer, neuron)``."""
    return moefication.experts(model, to) if what == "experts" else moefication.experts(model, seed=to)


@dataclass(frozen=True)
class Partitions:
    """Of the first run of a model whose experts are found in its weights: a cell is a setting, a probe a layer of it.

    A difference is how much larger the sum is that k-means makes small, as a share.
    """

    model: str
    tolerance: float = field(default=0.01, repr=False)
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return f"partitions_{self.model}"

    def cells(self) -> list[Cell]:
        model = available(partial(catalogue.load, self.model))
        return list(settings(next(iter(neurons.layers(model).values())).neurons))

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        weights = identity.weights(catalogue.load(self.model).module)
        return {"weights": weights, "setting": list(cell), **measure.key()}

    def compute(self, cell: Cell) -> xr.Dataset:
        return compute(catalogue.load(self.model), str(cell[0]), int(cell[1])).to_dataset(name="expert")

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        """``expert`` (setting, layer, neuron), with the coordinates ``what`` and ``to`` of a setting."""
        cells = self.cells()
        whole = xr.concat([made(cell)["expert"] for cell in cells], "setting")
        whole = whole.assign_coords(what=("setting", [w for w, _ in cells]), to=("setting", [t for _, t in cells]))
        digest = identity.weights(catalogue.load(self.model).module)
        packed = {"compressors": [Zstd(level=19)], "chunks": whole.shape}
        return whole.to_dataset().assign_attrs(weights=digest), {"expert": packed}

    def provenance(self) -> dict[str, object]:
        return {"model": self.model}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        pairs = zip(shipped["what"].to_numpy().tolist(), shipped["to"].to_numpy().tolist(), strict=True)
        return [(*pair, layer) for pair in pairs for layer in shipped["layer"].to_numpy().tolist()]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        what, to, layer = str(probe[0]), int(probe[1]), int(probe[2])
        model = available(partial(catalogue.load, self.model))
        if identity.weights(model.module) != shipped.attrs["weights"]:
            return float("nan")
        then = as_settings(shipped)[what, to].sel(layer=layer)
        return looser(model, then, seed=0 if what == "experts" else to)


def looser(model: Model, shipped: xr.DataArray, *, seed: int = 0) -> float:
    """Relative difference of what balanced k-means makes small, of its experts now and the shipped ones of a layer."""
    layer = int(shipped["layer"])
    part = neurons.layers(model)[layer]
    if part.experts > 1:
        return float((moefication.experts(model, part.experts).sel(layer=layer) != shipped).any())
    rows = partition.directions(part.input_weights.float().cpu().numpy())
    now = partition.by_weights(rows, int(shipped.max()) + 1, seed=seed)
    spread = [sum(((rows[of == e] - rows[of == e].mean(0)) ** 2).sum() for e in np.unique(of)) for of in (now, shipped)]
    return abs(spread[0] / spread[1] - 1)


SHIPPED = {name: Partitions(name) for name in ("t5-mini", catalogue.MINILM, catalogue.MPNET)}


def as_settings(shipped: xr.Dataset) -> Settings:
    """Each partition of a file by what was changed, and to what."""
    parts = shipped["expert"].reset_coords(["what", "to"], drop=True)
    pairs = zip(shipped["what"].to_numpy().tolist(), shipped["to"].to_numpy().tolist(), strict=True)
    return {pair: parts.isel(setting=i) for i, pair in enumerate(pairs)}


def obtain(name: str | PathLike[str], recompute: Recompute = "slice", *, cells: int = 1) -> tuple[Settings, Checked]:
    """(what is changed, to what) → the expert of every neuron; shipped and rechecked, or computed.

    Nothing for a Switch, whose experts are its own.
    """
    experiment.check(recompute)
    name = catalogue.known_as(name)
    shipped = SHIPPED.get(name)
    if shipped and recompute != "full" and experiment.is_shipped(shipped):
        file, said = experiment.obtain(shipped, recompute, cells=cells)
        return as_settings(file), said
    model = catalogue.load(name)
    parts = neurons.layers(model)
    if max(part.experts for part in parts.values()) > 1:
        return {}, Checked(f"partitions of {name}", computed=True)
    width = next(iter(parts.values())).neurons
    return {s: compute(model, *s) for s in settings(width)}, Checked(f"partitions of {name}", computed=True)
