"""What the explorer's page shows of four models: an experiment, and how its shipped file is laid out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numcodecs import Blosc, Zstd

from companion.experiments import experiment
from companion.experiments.experiment import Cell, available
from companion.experiments.shipped_readings import SHIPPED, asked, content
from companion.explorer import cards, recheck
from companion.explorer import layers as explorer_layers
from companion.functions.tracks import FUNCTIONS
from companion.models import catalogue
from modularity import capture, identity, measure, specialists
from modularity.subfunction import SubFunction

MODELS = (catalogue.MPNET, *catalogue.MINI, catalogue.MINILM)
RUN = "run 0"  # of the models that have several
PAIRS = slice(3, None, 4)  # of the noun pairs: every fourth
SINGLE_SENTENCE = ("cola", "sst2")  # tasks; an input of the others is two sentences, which take longer
COUNTS = "histograms of"  # a model: a variable of the file


def subfunctions() -> list[SubFunction]:
    """Those of Sections 4 and 5."""
    return [s for function in FUNCTIONS for s in asked()[function]]


def read_by(name: str) -> dict[int, SubFunction]:
    """The sub-functions that a model's cards are made of, each under its number among `subfunctions`.

    All of them; of the large model, which takes an hour to read them, every fourth noun pair, all of knowledge, and the
    tasks of which an input is one sentence.
    """
    numbered = dict(enumerate(subfunctions()))
    if name != catalogue.MPNET:
        return numbered
    pairs = [i for i, s in numbered.items() if s.function == "semantic"][PAIRS]
    return {i: s for i, s in numbered.items() if s.function == "knowledge" or i in pairs or s.name in SINGLE_SENTENCE}


def others(name: str) -> int:
    """How many cards a layer of a model has at least; 0 for the best neuron of each sub-function only."""
    return 0 if name == catalogue.MPNET else cards.CARDS


@dataclass(frozen=True)
class Cards:
    """What the page shows of the first run of each model: a cell is a model, a probe a sub-function of one.

    A difference is the largest of: a predictivity, p or q of a list; the share of sentences that fall in another bin of
    a histogram; and, on the card of the best neuron of each layer, a predictivity, a cosine, an activation (relative).
    """

    models: tuple[str, ...] = field(default=MODELS, repr=False)
    subfunctions: tuple[SubFunction, ...] | None = field(default=None, repr=False)  # of each; `read_by` if not given
    tolerance: float = field(default=0.02, repr=False)  # three digits are kept, and a sentence may lie on an edge
    name: str = field(default="explorer", repr=False)
    folder: str = field(default="results", repr=False)

    def read_by(self, name: str) -> dict[int, SubFunction]:
        return read_by(name) if self.subfunctions is None else dict(enumerate(self.subfunctions))

    def cells(self) -> list[Cell]:
        for name in self.models:
            available(partial(catalogue.folder_of, name))
        return [(name,) for name in self.models]

    def key(self, cell: Cell) -> dict[str, object] | None:
        name = str(cell[0])
        if (fingerprint := catalogue.load(name).fingerprint) is None:
            return None
        numbered = [[i, content(s)] for i, s in self.read_by(name).items()]
        return {"model": fingerprint, "subfunctions": numbered, "others": others(name), **measure.key()}

    def compute(self, cell: Cell) -> xr.Dataset:
        """The page's data as JSON; experts are judged by all sub-functions, as in Section 5."""
        name = str(cell[0])
        reading = experiment.load(SHIPPED[name]).sel(copy=RUN)
        reading = reading.isel(subfunction=np.flatnonzero(reading["function"].isin(FUNCTIONS)))
        members, own = specialists.top_neurons(reading), reading["own"]
        model = catalogue.load(name)
        made = explorer_layers.shown(model, self.read_by(name), own, members, others=others(name))
        text = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
        return xr.Dataset({"data": ("byte", np.frombuffer(text.encode(), np.uint8))})

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        parts, encoding = [], {}
        for name in self.models:
            parts.append(packed(name, json.loads(made((name,))["data"].to_numpy().tobytes())))
            encoding[name] = {"compressors": [Zstd(level=22)], "chunks": parts[-1][name].shape}
            counts = Blosc(cname="zstd", clevel=9, shuffle=Blosc.SHUFFLE)
            encoding[f"{COUNTS} {name}"] = {"compressors": [counts], "chunks": parts[-1][f"{COUNTS} {name}"].shape}
        models = {name: catalogue.load(name) for name in self.models}
        known = {i: s for name in self.models for i, s in self.read_by(name).items()}
        coordinates = {
            "content": ("subfunction", [content(known[i]) for i in sorted(known)]),
            "number": ("subfunction", sorted(known)),
            "weights": ("model", [identity.weights(model.module) for model in models.values()]),
            "gap": ("model", [model.gap for model in models.values()]),
            "model": ("model", list(models)),
        }
        return xr.merge(parts).assign_coords(coordinates), encoding

    def provenance(self) -> dict[str, object]:
        return {"models": list(self.models)}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        return [(name, s.name, i) for name in self.models for i, s in self.read_by(name).items()]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        name, number = str(probe[0]), int(probe[2])
        model = available(partial(catalogue.load, name))
        one = self.read_by(name)[number]
        if identity.weights(model.module) != shipped["weights"].sel(model=name).item():
            return float("nan")
        if content(one) != shipped["content"][shipped["number"] == number].item():
            return float("nan")
        texts = explorer_layers.sentences(self.read_by(name).values())
        data, off = unpacked(shipped, name), list[float]()
        for values in capture.pooled_activations(model, one.sentences):
            shown = data[str(int(values["layer"]))]
            off += recheck.of_list(shown["top"][str(number)], values.to_numpy(), one)
            off += recheck.of_card(model, values, shown, number, texts)
        return max(off)


def packed(name: str, data: dict[str, cards.Plain]) -> xr.Dataset:
    """A model's data (layer → what `layers.shown` says of it) as the file has them: the histograms' counts apart."""
    counts = []
    for of_layer in data.values():
        for top in of_layer["top"].values():
            counts += [h[2:] for h in top["h"]]
            top["h"] = [h[:2] for h in top["h"]]
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return xr.Dataset(
        {
            name: (f"byte of {name}", np.frombuffer(text.encode(), np.uint8)),
            f"{COUNTS} {name}": ((f"list of {name}", "bin"), np.array(counts, np.uint16)),
        }
    )


def unpacked(shipped: xr.Dataset, name: str) -> dict[str, cards.Plain]:
    """Layer → what `layers.shown` says of it, of a model, from the shipped file; sub-functions and neurons as text."""
    data = json.loads(shipped[name].to_numpy().tobytes())
    counts = iter(shipped[f"{COUNTS} {name}"].to_numpy().tolist())
    for of_layer in data.values():
        for top in of_layer["top"].values():
            top["h"] = [[*edges, *next(counts)] for edges in top["h"]]
    return data
