"""Top neurons under other scores and poolings than the paper's: an experiment, behind Section 5's sensitivity."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from typing import Any

import numpy as np
import xarray as xr
from numcodecs import Zstd
from tqdm import tqdm

from companion.experiments import experiment
from companion.experiments.experiment import Cell, Checked, Recompute, available
from companion.experiments.piecewise import Pieces
from companion.experiments.shipped_readings import asked, content
from companion.functions.tracks import FUNCTIONS
from companion.models import catalogue
from modularity import capture, identity, measure, neurons, predictivity, readings, specialists
from modularity.models import Model
from modularity.pooling import Pooling
from modularity.ranking import Score
from modularity.subfunction import SubFunction

# A GELU neuron that stays off is a rounding error away from zero, so that a processor's rounding orders its sentences.
FLOOR = 1e-4  # maxima nearer to zero than this are zero where a setting is floored
FLOORED = "floored"
# Setting → the choice that it is another value of.
SETTINGS = {"signs": "score", "auroc": "score", FLOORED: "pooling", "mean": "pooling", "last": "pooling"}
# Pooling → setting → the score of both, so that sentences are read once for each pooling.
POOLINGS: Mapping[Pooling, Mapping[str, Score]] = {
    "max": {"signs": "signs", "auroc": "auroc", FLOORED: "labels"},
    "mean": {"mean": "labels"},
    "last": {"last": "labels"},
}


def read(
    model: Model,
    subfunctions: Sequence[SubFunction],
    pooling: Pooling,
    settings: Mapping[str, Score] | None = None,
    *,
    floor: float = FLOOR,
) -> xr.Dataset:
    """The top 1 % of neurons under settings that read by a pooling: ``top`` (setting, subfunction, layer, rank).

    Its coordinates and its attribute are those of a reading (`readings.read`).

    Parameters
    ----------
    settings : with their scores; those of the pooling in `POOLINGS` if not given.
    floor : of the setting ``floored``.
    """
    layers = neurons.layers(model)
    width = next(iter(layers.values())).neurons
    scores = POOLINGS[pooling] if settings is None else settings
    found = []
    with readings.placed(model):
        bar = tqdm(subfunctions, f"{model.label}, {pooling}", unit="sub-function", disable=len(subfunctions) == 1)
        for one, pooled in capture.stream(model, bar, pooling=pooling):
            values = [
                [predictivity.predictivity(layer, one.labels, score=score) for layer in _as(setting, pooled, floor)]
                for setting, score in scores.items()
            ]
            order = np.argsort(-np.array(values), axis=-1, kind="stable")[..., : specialists.number(width)]
            found.append(order.astype(readings.COUNT))
    coordinates = {
        "setting": list(scores),
        "subfunction": [one.name for one in subfunctions],
        "layer": list(layers),
        "function": ("subfunction", [one.function for one in subfunctions]),
    }
    top = (("setting", "subfunction", "layer", "rank"), np.stack(found, 1))
    return xr.Dataset({"top": top}, coordinates, {"neurons": width})


def _as(setting: str, pooled: xr.DataArray, floor: float) -> np.ndarray:
    values = pooled.to_numpy()
    return np.where(np.abs(values) < floor, 0, values) if setting == FLOORED else values


def _decides(pooling: Pooling) -> dict[str, object]:
    """Beside model and sub-functions."""
    return {pooling: [list(pair) for pair in POOLINGS[pooling].items()], FLOORED: FLOOR, **measure.key()}


@dataclass(frozen=True)
class Variants:
    """Of the first run of a model: a cell is a pooling and a function, a probe a pooling and a sub-function.

    A difference is the largest fraction, of all settings, of a model's top neurons that are others.
    """

    model: str
    tolerance: float = field(default=0.05, repr=False)  # neurons of nearly equal scores change places
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return f"variants_{self.model}"

    def cells(self) -> list[Cell]:
        available(partial(catalogue.folder_of, self.model))
        return [(pooling, function) for pooling in POOLINGS for function in FUNCTIONS]

    def key(self, cell: Cell) -> dict[str, object] | None:
        if (fingerprint := catalogue.load(self.model).fingerprint) is None:
            return None
        pooling, function = cell
        contents = [content(s) for s in asked()[str(function)]]
        return {"model": fingerprint, "subfunctions": contents, **_decides(pooling)}  # type: ignore[arg-type]

    def compute(self, cell: Cell) -> xr.Dataset:
        pooling, function = cell
        return read(catalogue.load(self.model), asked()[str(function)], pooling)  # type: ignore[arg-type]

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        rows = [xr.concat([made((p, f)) for f in FUNCTIONS], "subfunction") for p in POOLINGS]
        whole = xr.concat(rows, "setting")
        contents = [content(s) for f in FUNCTIONS for s in asked()[f]]
        whole = whole.assign_coords(content=("subfunction", contents))
        whole = whole.assign_attrs(
            neurons=made(("max", FUNCTIONS[0])).attrs["neurons"],
            weights=identity.weights(catalogue.load(self.model).module),
        )
        return whole, {"top": {"dtype": "uint16", "compressors": [Zstd(level=19)], "chunks": whole["top"].shape}}

    def provenance(self) -> dict[str, object]:
        return {"model": self.model}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        return [(pooling, i) for pooling in POOLINGS for i in range(shipped.sizes["subfunction"])]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        pooling, row = probe
        model = available(partial(catalogue.load, self.model))
        then = shipped.isel(subfunction=[int(row)])
        one = [s for f in FUNCTIONS for s in asked()[f]][int(row)]
        if content(one) != then["content"].item() or identity.weights(model.module) != shipped.attrs["weights"]:
            return float("nan")
        now = read(model, [one], pooling)  # type: ignore[arg-type]
        same = [
            (specialists.top_neurons(now.sel(setting=s)) & specialists.top_neurons(then.sel(setting=s))).sum("neuron")
            for s in now["setting"].to_numpy()
        ]
        return 1 - min(float(both.mean()) for both in same) / then.sizes["rank"]


SHIPPED = {name: Variants(name) for name in (catalogue.MPNET, "t5-mini")}


def obtain(
    name: str | PathLike[str],
    subfunctions: Sequence[SubFunction],
    recompute: Recompute = "slice",
    *,
    vary: bool = True,
    cells: int = 1,
) -> tuple[dict[tuple[str, str], xr.Dataset], Checked]:
    """(choice, setting) → its top neurons, of the first run of a model: shipped and rechecked, else computed; none if
    not asked to `vary`."""
    experiment.check(recompute)
    if not vary:
        return {}, Checked(f"variants of {catalogue.known_as(name)}")
    shipped = Variants(catalogue.known_as(name))
    if recompute != "full" and experiment.is_shipped(shipped):
        file = experiment.load(shipped)
        contents = [content(s) for s in subfunctions]
        rows = np.flatnonzero(file["content"].isin(contents).to_numpy())
        if file["content"].to_numpy()[rows].tolist() == contents:
            probes = [(pooling, int(row)) for pooling in POOLINGS for row in rows]
            said = experiment.recheck(shipped, file, probes, cells=cells if recompute == "slice" else 0)
            return {(choice, s): file.isel(subfunction=rows).sel(setting=s) for s, choice in SETTINGS.items()}, said
    model = catalogue.load(name)
    tables = {p: _stored(model, subfunctions, p) for p in POOLINGS}
    read_by = {s: tables[p].sel(setting=s) for p in POOLINGS for s in POOLINGS[p]}
    return {(choice, s): read_by[s] for s, choice in SETTINGS.items()}, Checked(model.label, computed=True)


def _stored(model: Model, subfunctions: Sequence[SubFunction], pooling: Pooling) -> xr.Dataset:
    """Computed now, each sub-function stored once it is read, or from the store of this machine."""
    key = None if (fingerprint := model.fingerprint) is None else {"model": fingerprint, **_decides(pooling)}
    pieces = Pieces(f"variants-{model.stem}-{pooling}", key, subfunctions)
    return pieces.whole(lambda: xr.concat(pieces.each(model, lambda one: read(model, [one], pooling)), "subfunction"))
