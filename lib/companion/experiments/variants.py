"""Top neurons under other scores and poolings than the paper's: an experiment, behind Section 5's sensitivity."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import xarray as xr
from numcodecs import Zstd

from companion.experiments import experiment
from companion.experiments.experiment import Cell, Checked, Recompute
from companion.experiments.shipped_readings import asked, content
from companion.models import catalogue
from modularity import measure, readings, specialists
from modularity.models import Model
from modularity.subfunction import SubFunction

SETTINGS = (("score", "signs"), ("score", "auroc"), ("pooling", "mean"), ("pooling", "last"))
FUNCTIONS = ("semantic", "knowledge", "task")


def read(model: Model, subfunctions: Sequence[SubFunction], choice: str, setting: str) -> xr.Dataset:
    """The top 1 % of a reading with one option that is not the default: ``top`` (subfunction, layer, rank)."""
    options: dict[str, Any] = {choice: setting}
    return readings.read(model, subfunctions, kept=specialists.SHARE, **options)[["top"]]


@dataclass(frozen=True)
class Variants:
    """Of the first run of a companion model: a cell is a setting and a function, a probe a setting and a sub-function.

    A difference is the largest fraction of a layer's top neurons that are others.
    """

    model: str = "t5-mini"
    tolerance: float = field(default=0.1, repr=False)  # neurons of nearly equal scores change places
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return f"variants_{self.model}"

    def cells(self) -> list[Cell]:
        return [(*setting, function) for setting in SETTINGS for function in FUNCTIONS]

    def key(self, cell: Cell) -> dict[str, object] | None:
        if (fingerprint := catalogue.load(self.model).fingerprint) is None:
            return None
        contents = [content(s) for s in asked()[str(cell[-1])]]
        return {"model": fingerprint, "subfunctions": contents, "setting": list(cell[:-1]), **measure.key()}

    def compute(self, cell: Cell) -> xr.Dataset:
        choice, setting, function = map(str, cell)
        return read(catalogue.load(self.model), asked()[function], choice, setting)

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        rows = [xr.concat([made((*s, f)) for f in FUNCTIONS], "subfunction", combine_attrs="drop") for s in SETTINGS]
        whole = xr.concat(rows, "setting").assign_coords(setting=[setting for _, setting in SETTINGS])
        contents = [content(s) for f in FUNCTIONS for s in asked()[f]]
        whole = whole.assign_coords(content=("subfunction", contents))
        whole = whole.assign_attrs(neurons=made((*SETTINGS[0], FUNCTIONS[0])).attrs["neurons"])
        return whole, {"top": {"dtype": "uint16", "compressors": [Zstd(level=19)], "chunks": whole["top"].shape}}

    def provenance(self) -> dict[str, object]:
        return {"model": self.model}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        return [(*setting, i) for setting in SETTINGS for i in range(shipped.sizes["subfunction"])]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        choice, setting, row = probe
        then = shipped.sel(setting=setting).isel(subfunction=[int(row)])
        one = [s for f in FUNCTIONS for s in asked()[f]][int(row)]
        if content(one) != then["content"].item():
            return float("nan")
        now = read(catalogue.load(self.model), [one], str(choice), str(setting)).assign_attrs(
            neurons=then.attrs["neurons"]
        )
        both = (specialists.top_neurons(now) & specialists.top_neurons(then)).sum("neuron")
        return 1 - float(both.min()) / then.sizes["rank"]


def obtain(
    name: str | PathLike[str], subfunctions: Sequence[SubFunction], recompute: Recompute = "slice", *, cells: int = 1
) -> tuple[dict[tuple[str, str], xr.Dataset], Checked]:
    """(choice, setting) → its top neurons, of the first run of a model: shipped and rechecked, else computed."""
    experiment.check(recompute)
    shipped = Variants(catalogue.known_as(name))
    if recompute != "full" and experiment.is_shipped(shipped):
        file = experiment.load(shipped)
        if file["content"].to_numpy().tolist() == [content(s) for s in subfunctions]:
            number = cells if recompute == "slice" else 0
            said = experiment.recheck(shipped, file, shipped.probes(file), cells=number)
            return {pair: file.sel(setting=pair[1]) for pair in SETTINGS}, said
    model = catalogue.load(name)
    return {pair: read(model, subfunctions, *pair) for pair in SETTINGS}, Checked(model.label, computed=True)
