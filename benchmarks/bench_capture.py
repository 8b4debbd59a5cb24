"""Capture against the bare encoder over the same batches, and against reading as the authors' code does.

Claims, in sentences a second: at least 0.95 of the bare forward of Hugging Face, and more than batches of 8 in the
given order, padded to the longest: at least 3 times on t5-mini, and at least 2 times on all-mpnet-base-v2, whose
matrices take more of the time, where it is installed (`make base`). With `--t5-base` also an encoder of T5-base's shape
with fresh weights. The three take turns, and the median ratio of the rounds counts.
"""

import sys
import time

import numpy as np
import torch

from companion.functions import tracks
from companion.models import catalogue
from modularity import capture, models, neurons, pooling

ROUNDS = 5
BATCH_TOKENS = 1024  # what capture takes on a CPU


@torch.inference_mode()
def bare(model: models.Model, sentences: list[str]) -> None:
    ids = capture.tokenize(model, sentences)
    for chosen in capture.batches([len(i) for i in ids], BATCH_TOKENS):
        capture.encoded(model, ids, chosen)


@torch.inference_mode()
def as_the_authors(model: models.Model, sentences: list[str]) -> None:
    with pooling.reading(neurons.layers(model), "max", "post", False) as reader:
        ids = capture.tokenize(model, sentences)
        for start in range(0, len(sentences), 8):
            chosen = list(range(start, min(start + 8, len(sentences))))
            reader.begin([len(ids[i]) for i in chosen], model.device)
            capture.encoded(model, ids, chosen)


def measure(name: str, model: models.Model, sentences: list[str], target: int) -> None:
    times: dict[str, list[float]] = {"bare": [], "ours": [], "authors": []}
    actions = {"bare": bare, "ours": capture.pooled_activations, "authors": as_the_authors}
    capture.pooled_activations(model, sentences[:64])
    for _ in range(ROUNDS):
        for key, action in actions.items():
            start = time.perf_counter()
            action(model, sentences)
            times[key].append(time.perf_counter() - start)
    t = {key: np.array(values) for key, values in times.items()}
    print(
        f"{name}: {np.median(t['bare'] / t['ours']):.2f} of the bare forward (target 0.95), "
        f"{np.median(t['authors'] / t['ours']):.2f} times the authors' way (target {target}); "
        f"{len(sentences) / np.median(t['ours']):.0f} sentences a second"
    )


def main() -> None:
    sentences = [s for f in tracks.load("semantic") for s in f.sentences]
    mixed = [str(s) for s in np.random.default_rng(0).permutation(sentences)]
    measure("t5-mini", catalogue.load("t5-mini"), mixed[:2000], 3)
    try:
        measure(catalogue.MPNET, catalogue.load(catalogue.MPNET), mixed[:200], 2)
    except FileNotFoundError as missing:
        print(f"{catalogue.MPNET}: not measured: {missing}")
    if "--t5-base" in sys.argv:
        base = catalogue.load("google-t5/t5-base", untrained=True)
        measure("t5-base (untrained)", base, mixed[:200], 2)


if __name__ == "__main__":
    main()
