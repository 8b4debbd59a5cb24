"""The paper's models at their full sizes, with fresh weights: seconds and peak memory of loading and reading them.

A process for each model. Reads two sub-functions of word meanings, as Section 4 does. The peak is that of the whole
process; the floor beside it is the size of the weights.
"""

import json
import resource
import subprocess
import sys
import time

from companion.functions import tracks
from companion.models import catalogue
from modularity import neurons, readings

MODELS = ("google-t5/t5-base", "google/switch-base-16")
SUBFUNCTIONS = 2


def read(name: str) -> dict[str, float]:
    begun = time.perf_counter()
    model = catalogue.load(name, untrained=True)
    loaded = time.perf_counter()
    asked = tracks.load("semantic")[:SUBFUNCTIONS]
    readings.read(model, asked)
    ended = time.perf_counter()
    return {
        "neurons": sum(part.neurons for part in neurons.layers(model).values()),
        "weights": sum(p.numel() * p.element_size() for p in model.module.parameters()) / 2**30,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "load": loaded - begun,
        "sentence": (ended - loaded) / sum(len(one.sentences) for one in asked),
    }


def main() -> None:
    for name in sys.argv[1:] or MODELS:
        command = [sys.executable, __file__, "--one", name]
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"{name}: {said['neurons']:,} neurons, loaded in {said['load']:.0f} s, {said['sentence']:.2f} s a "
            f"sentence; peak {said['peak']:.1f} GiB, {said['peak'] / said['weights']:.2f} times its weights"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(read(sys.argv[2])))
    else:
        main()
