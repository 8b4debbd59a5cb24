"""Memory of a reading of Switch-base-16's shape: 6 layers of 49,152 neurons, the paper's 576 sub-functions.

Claim: beside the model itself a reading takes less than 2 GiB, since each sub-function is reduced to what is kept of it
before the next is read. The model is an untrained copy, and sub-functions have two sentences of a class, but for one
that has 1,000 of each as the paper's largest tasks do. One sub-function in `PART` is read, and what is kept of the
others is added, twice, since joining them copies it once. Takes some minutes and 7 GiB in all; PART = 1 reads all.
"""

import resource
import time
from pathlib import Path

import numpy as np
import xarray as xr

from companion.functions import tracks
from companion.models import catalogue
from modularity import moefication, readings
from modularity.subfunction import SubFunction

TARGET = 2.0  # GiB
PAPER = {"semantic": 529, "knowledge": 39, "task": 8}
LARGE = 1000  # sentences of a class
PART = 16


def resident() -> float:
    """GiB that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**30


def sentences(number: int) -> list[str]:
    texts = list(dict.fromkeys(text for s in tracks.load("task") for text in s.sentences))
    return [texts[i % len(texts)] for i in range(number)]


def main() -> None:
    labels, few = np.array([0, 0, 1, 1]), sentences(4)
    asked = [SubFunction(f"{f}-{i}", f, tuple(few), labels) for f, n in PAPER.items() for i in range(-(-n // PART))]
    many = np.repeat([0, 1], LARGE)
    asked[-1] = SubFunction(asked[-1].name, "task", tuple(sentences(len(many))), many)
    model = catalogue.load("google/switch-base-16", untrained=True)
    own = moefication.experts(model, 16)
    groups = xr.concat([own, moefication.at_random(own)], "partition").assign_coords(partition=["own", "random"])
    before, began = resident(), time.perf_counter()
    made = readings.read(model, asked, groups)
    taken = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    each = made[["top", "score", "half_top", "expert_mean", "half_expert_mean"]].nbytes / len(asked)
    rest = 2 * each * (sum(PAPER.values()) - len(asked)) / 2**30
    print(
        f"Switch-base-16's shape: {peak - before + rest:.2f} GiB beside {before:.2f} GiB of the model "
        f"(target {TARGET:g}), {rest:.2f} of them computed; {len(asked)} sub-functions in {taken:.0f} s"
    )


if __name__ == "__main__":
    main()
