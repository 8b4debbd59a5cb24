"""In how many of the three functions a neuron passes on sentences that did not choose it: an experiment, for Section 4.

Functions stand on equal footing: equally many sub-functions, and equally many sentences of each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from os import PathLike
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from numcodecs import Zstd
from scipy import stats
from tqdm import tqdm

from companion.experiments import experiment, halves
from companion.experiments.experiment import Cell, Checked, Recompute, available
from companion.experiments.shipped_readings import content, copies_of, copy_of
from companion.functions import shipped_chance, tracks
from companion.models import catalogue
from modularity import capture, chance, identity, measure, readings, specialists
from modularity.models import Model
from modularity.subfunction import SubFunction

FUNCTIONS = ("semantic", "knowledge", "task")
SUBFUNCTIONS = 8  # of each function: as many as there are tasks
PER_CLASS = 100  # sentences, half of them to choose and half to judge
FALSE = 0.05  # share of the neurons and functions that pass to expect among those that pass by chance
LOW = 0.01  # p-values that are counted for rechecks
NONE = -1  # sub-functions left out


@cache
def asked() -> tuple[SubFunction, ...]:
    """The sub-functions: of each function some, spread evenly over its list, with their first sentences."""
    made: list[SubFunction] = []
    for function in FUNCTIONS:
        every = tracks.load(function)  # type: ignore[arg-type]
        chosen = np.linspace(0, len(every) - 1, SUBFUNCTIONS).round().astype(int)
        made += [tracks.first(every[i], PER_CLASS) for i in chosen]
    return tuple(made)


def p_values(
    model: Model, subfunctions: tuple[SubFunction, ...]
) -> tuple[Float[np.ndarray, "half subfunction layer neuron"], Float[np.ndarray, "half subfunction layer neuron"]]:
    """Predictivities on the first and the second half of the sentences, and how often chance reaches as much."""
    bar = tqdm(subfunctions, desc=model.label, unit="sub-function")
    with readings.placed(model):
        scores = halves.half_scores(capture.stream(model, bar)).sel(half=list(specialists.HALVES))
    sizes = [(one.sizes[0] // 2, one.sizes[1] // 2) for one in subfunctions]
    made = [chance.p_values(scores[:, i].to_numpy(), shipped_chance.chance_level(*s)) for i, s in enumerate(sizes)]
    return scores.to_numpy(), np.stack(made, 1)


def passing(
    scores: Float[np.ndarray, "half subfunction layer neuron"],
    p: Float[np.ndarray, "half subfunction layer neuron"],
    functions: list[str],
) -> Int[np.ndarray, "half layer pattern"]:
    """How many neurons pass in which functions.

    On one half a neuron's best sub-function of a function is chosen; it passes in the function if it is good at this
    one on the other half, at a false discovery rate of `FALSE` over all neurons and functions of the model.

    Returns
    -------
    In pattern 1 passes only the first function, in 2 the second, in 3 both, and so on.
    """
    made = []
    for here, there in ((0, 1), (1, 0)):
        found = []
        for function in FUNCTIONS:
            rows = [i for i, of in enumerate(functions) if of == function]
            best = scores[here, rows].argmax(0)
            found.append(np.take_along_axis(p[there, rows], best[None], 0)[0])
        judged = np.array(found)
        stands = stats.false_discovery_control(judged.ravel()).reshape(judged.shape) <= FALSE
        pattern = (stands * (1 << np.arange(len(FUNCTIONS)))[:, None, None]).sum(0)
        made.append([np.bincount(layer, minlength=1 << len(FUNCTIONS)) for layer in pattern])
    return np.array(made)


@dataclass(frozen=True)
class FunctionCounts:
    """Of a model that this book shows: a cell is a copy of it, a probe a sub-function of a copy.

    A difference is that of the share of p-values up to `LOW`.
    """

    model: str
    tolerance: float = field(default=0.01, repr=False)
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return f"functions_{self.model}"

    def cells(self) -> list[Cell]:
        available(partial(catalogue.folder_of, self.model))
        return [(str(copy),) for copy in copies_of(self.model)]

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        weights = identity.weights(copy_of(self.model, str(cell[0])).load(self.model).module)
        return {"weights": weights, "subfunctions": [content(s) for s in asked()], "rate": FALSE, **measure.key()}

    def compute(self, cell: Cell) -> xr.Dataset:
        """``neurons`` (without, half, layer, pattern), `NONE` for all sub-functions; ``low`` (half, subfunction)."""
        model = copy_of(self.model, str(cell[0])).load(self.model)
        scores, p = p_values(model, asked())
        functions = [one.function for one in asked()]
        without = range(NONE, len(functions))
        kept = [[i for i in range(len(functions)) if i != out] for out in without]
        counts = [passing(scores[:, k], p[:, k], [functions[i] for i in k]) for k in kept]
        return xr.Dataset(
            {
                "neurons": (("without", "half", "layer", "pattern"), np.array(counts)),
                "low": (("half", "subfunction"), (p <= LOW).mean((2, 3))),
            },
            {"without": list(without), "half": list(specialists.HALVES)},
            {"weights": identity.weights(model.module)},
        )

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        labels = [str(copy) for copy in copies_of(self.model)]
        parts = [made((label,)) for label in labels]
        whole = xr.concat(parts, "copy", combine_attrs="drop").assign_coords(
            copy=labels,
            weights=("copy", [part.attrs["weights"] for part in parts]),
            content=("subfunction", [content(one) for one in asked()]),
            function=("subfunction", [one.function for one in asked()]),
        )
        packed = {"compressors": [Zstd(level=19)], "chunks": whole["neurons"].shape}
        return whole, {"neurons": packed | {"dtype": "uint32"}}

    def provenance(self) -> Mapping[str, object]:
        return {"model": self.model}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        return [(label, i) for label in shipped["copy"].to_numpy().tolist() for i in range(len(asked()))]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        label, row = str(probe[0]), int(probe[1])
        model = available(partial(copy_of(self.model, label).load, self.model))
        then, one = shipped.sel(copy=label).isel(subfunction=row), asked()[row]
        if content(one) != then["content"].item() or identity.weights(model.module) != then["weights"].item():
            return float("nan")
        _, p = p_values(model, (one,))
        return float(np.abs((p <= LOW).mean((1, 2, 3)) - then["low"].to_numpy()).max())


SHIPPED = {name: FunctionCounts(name) for name in (*catalogue.MINI, catalogue.MINILM, catalogue.MPNET)}


def obtain(
    names: Sequence[str | PathLike[str]], recompute: Recompute = "slice"
) -> tuple[dict[str, xr.Dataset], list[Checked]]:
    """Model → the counts of its copies, shipped and rechecked or computed; and what was rechecked, for each model."""
    made: dict[str, xr.Dataset] = {}
    checked: list[Checked] = []
    for name in map(catalogue.known_as, names):
        made[name], said = experiment.obtain(FunctionCounts(name), recompute, cells=1)
        checked.append(said)
    return made, checked
