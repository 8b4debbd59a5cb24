"""Memory of a reading of Switch-base-16's shape: 6 layers of 49,152 neurons, the paper's 576 sub-functions.

Claim: beside the model itself a reading takes less than 2 GiB, since each sub-function is reduced to what is kept of it
before the next is read. The model is an untrained copy, and sub-functions have two sentences of a class, but for one
that has 1,000 of each as the paper's largest tasks do. Takes some minutes and 7 GiB in all.
"""

import resource
import time
from pathlib import Path

import numpy as np
import xarray as xr

from modularity import functions, models, moefication, readings
from modularity.subfunction import SubFunction

TARGET = 2.0  # GiB
PAPER = {"semantic": 529, "knowledge": 39, "task": 8}
LARGE = 1000  # sentences of a class


def resident() -> float:
    """GiB that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**30


def sentences(number: int) -> list[str]:
    texts = list(dict.fromkeys(text for s in functions.load("task") for text in s.sentences))
    return [texts[i % len(texts)] for i in range(number)]


def main() -> None:
    labels, few = np.array([0, 0, 1, 1]), sentences(4)
    asked = [SubFunction(f"{f}-{i}", f, tuple(few), labels) for f, n in PAPER.items() for i in range(n)]
    many = np.repeat([0, 1], LARGE)
    asked[-1] = SubFunction(asked[-1].name, "task", tuple(sentences(len(many))), many)
    model = models.load("google/switch-base-16", untrained=True)
    own = moefication.experts(model, 16)
    groups = xr.concat([own, moefication.at_random(own)], "partition").assign_coords(partition=["own", "random"])
    before, began = resident(), time.perf_counter()
    made = readings.read(model, asked, groups)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"Switch-base-16's shape: {peak - before:.2f} GiB beside {before:.2f} GiB of the model (target {TARGET:g}); "
        f"{made.sizes['subfunction']} sub-functions in {time.perf_counter() - began:.0f} s, "
        f"the reading itself {made.nbytes / 2**30:.2f} GiB"
    )


if __name__ == "__main__":
    main()
