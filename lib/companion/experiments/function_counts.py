"""In how many of the three functions a neuron passes on sentences that did not choose it: an experiment, for Section 4.

Functions stand on equal footing (`equal_footing`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from numcodecs import Zstd
from scipy import stats
from tqdm import tqdm

from companion.experiments import experiment, halves
from companion.experiments.equal_footing import FUNCTIONS, asked
from companion.experiments.experiment import Cell, Checked, Recompute, available
from companion.experiments.shipped_readings import COPIES, content, copies_of
from companion.functions import shipped_chance
from companion.models import catalogue
from modularity import capture, chance, identity, measure, readings, specialists
from modularity.models import Model
from modularity.subfunction import SubFunction

FALSE = 0.05  # share of the neurons and functions that pass to expect among those that pass by chance
LOW = 0.01  # p-values that are counted for rechecks
NONE = -1  # sub-functions left out


def p_values(
    model: Model, subfunctions: Sequence[SubFunction], *, seed: int = 0
) -> tuple[Float[np.ndarray, "half subfunction layer neuron"], Float[np.ndarray, "half subfunction layer neuron"]]:
    """Predictivities on the first and the second half of the sentences, drawn by `seed`, and how often chance reaches
    as much."""
    bar = tqdm(subfunctions, desc=model.label, unit="sub-function")
    with readings.placed(model):
        scores = halves.half_scores(capture.stream(model, bar), seed=seed).sel(half=list(specialists.HALVES))
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
    """Of a model: a cell is a copy of it, a probe a sub-function of a copy.

    A difference is that of the share of p-values up to `LOW`. What is shipped is of the defaults.
    """

    model: str
    chosen: tuple[SubFunction, ...] | None = field(default=None, repr=False)  # `equally_many`; those shipped if None
    copies: int = COPIES  # untrained ones, from `seed` on
    seed: int = 0  # of these, and of the halves
    tolerance: float = field(default=0.01, repr=False)
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return f"functions_{self.model}"

    @property
    def subfunctions(self) -> tuple[SubFunction, ...]:
        return self.chosen or asked()

    @property
    def loads(self) -> dict[str, Callable[[], Model]]:
        """Label → how its copy of the model is loaded."""
        copies = copies_of(self.model, untrained=self.copies, seed=self.seed)
        return {str(copy): partial(copy.load, self.model) for copy in copies}

    def cells(self) -> list[Cell]:
        available(partial(catalogue.folder_of, self.model))
        return [(label,) for label in self.loads]

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        weights = identity.weights(self.loads[str(cell[0])]().module)
        key = {"weights": weights, "subfunctions": [content(s) for s in self.subfunctions], "rate": FALSE}
        return key | ({"seed": self.seed} if self.seed else {}) | measure.key()

    def compute(self, cell: Cell) -> xr.Dataset:
        """``neurons`` (without, half, layer, pattern), `NONE` for all sub-functions; ``low`` (half, subfunction)."""
        model = self.loads[str(cell[0])]()
        scores, p = p_values(model, self.subfunctions, seed=self.seed)
        functions = [one.function for one in self.subfunctions]
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
        labels = list(self.loads)
        parts = [made((label,)) for label in labels]
        whole = xr.concat(parts, "copy", combine_attrs="drop").assign_coords(
            copy=labels,
            weights=("copy", [part.attrs["weights"] for part in parts]),
            content=("subfunction", [content(one) for one in self.subfunctions]),
            function=("subfunction", [one.function for one in self.subfunctions]),
        )
        packed = {"compressors": [Zstd(level=19)], "chunks": whole["neurons"].shape}
        return whole, {"neurons": packed | {"dtype": "uint32"}}

    def provenance(self) -> Mapping[str, object]:
        return {"model": self.model}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        return [(label, i) for label in self.loads for i in range(len(self.subfunctions))]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        label, row = str(probe[0]), int(probe[1])
        model = available(self.loads[label])
        then, one = shipped.sel(copy=label).isel(subfunction=row), self.subfunctions[row]
        if content(one) != then["content"].item() or identity.weights(model.module) != then["weights"].item():
            return float("nan")
        _, p = p_values(model, (one,), seed=self.seed)
        return float(np.abs((p <= LOW).mean((1, 2, 3)) - then["low"].to_numpy()).max())


SHIPPED = {name: FunctionCounts(name) for name in (*catalogue.MINI, catalogue.MINILM, catalogue.MPNET)}


def obtain(
    names: Sequence[str | PathLike[str]],
    chosen: tuple[SubFunction, ...],
    recompute: Recompute = "slice",
    *,
    copies: int = COPIES,
    seed: int = 0,
) -> tuple[dict[str, xr.Dataset], list[Checked]]:
    """Model → the counts of its copies, shipped and rechecked or computed; and what was rechecked, for each model.

    Parameters
    ----------
    chosen : sub-functions as `equal_footing.equally_many` gives them.
    copies, seed : untrained copies of each model, from that of `seed` on.
    """
    experiment.check(recompute)
    made: dict[str, xr.Dataset] = {}
    checked: list[Checked] = []
    shipped = [content(one) for one in chosen] == [content(one) for one in asked()] and not seed and copies <= COPIES
    for name in map(catalogue.known_as, names):
        one = FunctionCounts(name, chosen, copies, seed)
        if shipped and experiment.is_shipped(one):
            whole, said = experiment.obtain(one, recompute, cells=1)
            made[name] = whole.sel(copy=list(one.loads))
        else:
            made[name], said = experiment.compute(one)[0], Checked(name, computed=True)
        checked.append(said)
    return made, checked
