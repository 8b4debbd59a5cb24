"""Small made-up data of the kinds that the packages pass around, with nothing to train or to load."""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from companion.experiments.experiment import UnavailableError
from companion.functions import prompts
from modularity import partition, readings


def scores_of(values, functions) -> xr.DataArray:
    """As `stored_scores.of_model` returns them."""
    coordinates = {
        "subfunction": [f"s{i}" for i in range(len(values))],
        "function": ("subfunction", functions),
        "layer": np.arange(values.shape[1]),
    }
    return xr.DataArray(values, coordinates, ("subfunction", "layer", "neuron"))


def reading_of(scores, own=None, random=None, *, halves=(), kept=0.1) -> xr.Dataset:
    """As `shipped_readings.read` returns it, from all scores and, where they are asked for, the run's own experts."""
    if own is None:
        return readings.of_scores(scores, halves=halves, kept=kept)
    both = xr.concat([own, own if random is None else random], "partition").assign_coords(partition=["own", "random"])
    return readings.of_scores(scores, both, halves, kept=kept).assign(own=own)


def groups_of(rows) -> xr.DataArray:
    """A partition from the expert of each neuron, layer by layer."""
    return xr.DataArray(np.asarray(rows), {"layer": np.arange(len(rows))}, ("layer", "neuron"))


def history_of(rng, steps=(0, 10, 20), subfunctions=6, layers=2, neurons=64, number=4, top=6):
    """A history with what the functions here read, of random predictivities."""
    names = [f"{'semantic' if i % 2 else 'task'}-{i}" for i in range(subfunctions)]
    scores = rng.random((len(steps), subfunctions, layers, neurons))
    groups = np.stack([partition.at_random(neurons, number, rng=rng) for _ in range(2 * layers)]).reshape(2, layers, -1)
    means = np.stack([scores[..., groups[0, 0] == e].mean(-1) for e in range(number)], -1)
    dims = ("step", "subfunction", "layer")
    data = {
        "top": ((*dims, "rank"), np.sort(np.argsort(-scores, -1)[..., :top], -1).astype(np.uint16)),
        "best": (dims, scores.max(-1)),
        "stability": (dims, rng.random(scores.shape[:-1])),
        "experts": (("partition", *dims, "expert"), np.stack([means, means[..., ::-1]])),
        "partition_of": (("partition", "layer", "neuron"), groups),
        "neurons": (("kept", "layer", "neuron", "step"), scores[:, :2].transpose(1, 2, 3, 0)),
        "loss": ("step", np.linspace(8, 4, len(steps))),
    }
    coordinates = {"step": list(steps), "subfunction": names, "layer": range(layers), "partition": ["model", "random"]}
    functions = [name.split("-")[0] for name in names]
    return xr.Dataset(data, coordinates | {"function": ("subfunction", functions)}), scores


def likeness(rng, number):
    matrix = rng.random((number, number))
    names = [f"s{i}" for i in range(number)]
    return xr.DataArray(matrix + matrix.T, {"subfunction": names, "other": names}, ("subfunction", "other"))


def glue_rows(task: str, labels: list[int]) -> pd.DataFrame:
    fields = prompts.task(task).fields
    return pd.DataFrame([{f: f"{task} {f} {i}" for f in fields} | {"label": y, "idx": i} for i, y in enumerate(labels)])


NUMBERS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Squares:
    """Cells are numbers; what is shipped are their squares."""

    log: str  # file with a line for each cell that is computed
    missing: tuple[int, ...] = ()
    broken: int = 0
    numbers: tuple[int, ...] = NUMBERS
    pause: float = 0.0  # seconds that a cell takes
    name: str = "squares"
    folder: str = "results"
    tolerance: float = 0.5

    def cells(self):
        return [(n,) for n in self.numbers]

    def key(self, cell):
        return {"number": cell[0]}

    def compute(self, cell):
        (number,) = cell
        if number == self.broken:
            raise RuntimeError("stopped")
        time.sleep(self.pause)
        with open(self.log, "a") as log:
            log.write(f"{number}\n")
        return xr.Dataset({"square": ("one", np.array([float(number) ** 2]))})

    def assemble(self, made):
        whole = xr.concat([made(cell) for cell in self.cells()], "one").assign_coords(one=list(NUMBERS))
        return whole, {}

    def provenance(self):
        return {"of": "numbers"}

    def probes(self, shipped):
        return [(int(n),) for n in shipped["one"]]

    def again(self, shipped, probe):
        (number,) = probe
        if number in self.missing:
            raise UnavailableError(f"the number {number} is not installed")
        return abs(shipped["square"].sel(one=number).item() - number**2)
