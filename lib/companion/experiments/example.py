"""The activations of Section 3's example, of a model that is too large to load for a page: an experiment."""

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
from companion.experiments.shipped_readings import content
from companion.functions import tracks
from companion.models import catalogue
from modularity import capture, identity, measure
from modularity.subfunction import SubFunction, find

SUBFUNCTION, LAYER = "conflict/heat", 5
SENTENCES = 10  # of a probe


@dataclass(frozen=True)
class Example:
    """One layer's activations on every sentence of a sub-function: one cell; a probe is a few sentences.

    A difference is the largest of an activation.
    """

    model: str = catalogue.MPNET
    subfunction: str = SUBFUNCTION
    layer: int = LAYER
    tolerance: float = field(default=0.01, repr=False)  # they are stored with 11 significant bits
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return f"example_{self.model}"

    def asked(self) -> SubFunction:
        return find(tracks.load("semantic"), self.subfunction)

    def cells(self) -> list[Cell]:
        available(partial(catalogue.folder_of, self.model))
        return [(self.subfunction, self.layer)]

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        weights = identity.weights(catalogue.load(self.model).module)
        return {"weights": weights, "subfunction": content(self.asked()), "layer": int(cell[1]), **measure.key()}

    def compute(self, cell: Cell) -> xr.Dataset:
        model = catalogue.load(self.model)
        found = capture.pooled_activations(model, self.asked().sentences, layers=int(cell[1]))
        return found.to_dataset(name="activation").assign_attrs(weights=identity.weights(model.module))

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        """``activation`` (layer, sentence, neuron) as float16, with what it is of as attributes."""
        whole = made((self.subfunction, self.layer)).astype(np.float16)
        whole = whole.assign_attrs(content=content(self.asked()))
        return whole, {"activation": {"compressors": [Zstd(level=19)], "chunks": whole["activation"].shape}}

    def provenance(self) -> Mapping[str, object]:
        return {"model": self.model, "subfunction": self.subfunction}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        return [(i,) for i in range(0, shipped.sizes["sentence"], SENTENCES)]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        model = available(partial(catalogue.load, self.model))
        one = self.asked()
        if content(one) != shipped.attrs["content"] or identity.weights(model.module) != shipped.attrs["weights"]:
            return float("nan")
        some = slice(int(probe[0]), int(probe[0]) + SENTENCES)
        now = capture.pooled_activations(model, one.sentences[some], layers=self.layer)
        return float(np.abs(now.to_numpy() - shipped["activation"].to_numpy()[:, some]).max())


SHIPPED = Example()


def obtain(
    name: str | PathLike[str], one: SubFunction, layer: int, recompute: Recompute = "slice"
) -> tuple[xr.DataArray, Checked]:
    """Activations of one layer, dims ``(sentence, neuron)``: shipped and rechecked, or of any other example computed.

    Raises
    ------
    ValueError
        What `capture.pooled_activations` raises.
    """
    experiment.check(recompute)
    asked = (catalogue.known_as(name), one.name, layer) == (SHIPPED.model, SHIPPED.subfunction, SHIPPED.layer)
    if asked and recompute != "full" and experiment.is_shipped(SHIPPED):
        file = experiment.load(SHIPPED)
        if content(one) == file.attrs["content"]:
            said = experiment.recheck(SHIPPED, file, SHIPPED.probes(file), cells=int(recompute == "slice"))
            return file["activation"].isel(layer=0).astype(np.float32), said
    model = catalogue.load(name)
    made = capture.pooled_activations(model, one.sentences, layers=layer).isel(layer=0)
    return made, Checked(model.label, computed=True)
