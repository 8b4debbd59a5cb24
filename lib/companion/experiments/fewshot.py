"""Teach a gap-filling model a task from a few examples, W_O and routers only (Section 5 and Appendix A.2, Switch)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

from companion.experiments import answering, lesions, rerouting
from companion.functions import prompts
from modularity import neurons
from modularity.models import Model

BATCH = 16  # examples a step, as in the paper
BATCH_TOKENS = 2048  # where accuracy is measured


def tune(
    model: Model,
    task: str,
    examples: pd.DataFrame,
    judged: Mapping[str, pd.DataFrame],
    *,
    allowed: Mapping[int, Sequence[int]],
    gates: rerouting.Gates = "original",
    capacity: bool = False,
    layers: Sequence[int],
    steps: int,
    every: int,
    rate: float = 2e-4,
    seed: int = 0,
    mnli: prompts.MnliOrder = "paper",
) -> xr.DataArray:
    """Tune W_O and the routers of the encoder `layers` with Adam, and ask how many rows are right on the way.

    It is asked by the task's cloze template (`answering.asked`). The model is as before when this returns or fails.

    Parameters
    ----------
    examples : rows of `tracks.task_table` to learn from, in fixed batches of 16 that come in a new order each epoch.
    judged : name → rows whose accuracy is measured before the first step and after every `every` steps.
    allowed, gates, capacity : as `rerouting.routing` takes them, while learning and while answering.
    rate : of Adam; 2e-4 in the paper.

    Returns
    -------
    Accuracy, dims ``(rows, step)``.

    Raises
    ------
    ValueError
        A task without cloze words; no examples; label words that begin alike; what `rerouting.routing` raises.
    """
    options: dict[str, Any] = {"style": "cloze", "mnli": mnli}
    if not len(examples):
        raise ValueError(f"got no examples of {task!r} to learn from, expected at least one")
    learned = answering.asked(model, task, examples, **options)
    asked = {name: (answering.asked(model, task, t, **options), t["label"].to_numpy()) for name, t in judged.items()}
    rng = np.random.default_rng(seed)
    labels = torch.tensor(examples["label"].tolist(), device=model.device)
    batches = np.array_split(rng.permutation(len(labels)), -(-len(labels) // BATCH))
    order = np.concatenate([rng.permutation(len(batches)) for _ in range(-(-steps // len(batches)))])
    found = []

    def judge() -> None:
        said = ((answering.likeliest(model, question, BATCH_TOKENS), right) for question, right in asked.values())
        found.append([float(np.mean(labels == right)) for labels, right in said])

    untouched = range(min(layers))
    with (
        rerouting.routing(model, allowed, gates=gates, capacity=capacity),
        learning(model, layers) as tuned,
        lesions.remembered(model, untouched),
    ):
        optimizer = torch.optim.Adam(tuned, lr=rate)
        judge()
        for step in range(1, steps + 1):
            batch = batches[order[step - 1]]
            said = answering.log_likelihoods(model, learned, batch)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(said, labels[batch]).backward()
            optimizer.step()
            if step % every == 0:
                judge()
    coordinates = {"rows": list(judged), "step": np.arange(0, steps + 1, every)}
    return xr.DataArray(np.array(found).T, coordinates, ("rows", "step"), name="accuracy")


@contextmanager
def learning(model: Model, layers: Sequence[int]) -> Iterator[list[torch.Tensor]]:
    """W_O and routers of the layers, ready to learn; as they were when the block is left."""
    parts = neurons.feed_forward(model)
    if missing := [layer for layer in layers if layer not in parts]:
        raise ValueError(f"{model.name} has no encoder layer {missing[0]}; its layers are 0 to {max(parts)}")
    tuned: list[torch.Tensor] = [w.weight for layer in layers for w in parts[layer].w_out]
    tuned += [part.sparse.router.classifier.weight for part in (parts[i] for i in layers) if part.sparse]  # type: ignore[union-attr,misc]
    before = [weight.detach().clone() for weight in tuned]
    try:
        for weight in tuned:
            weight.requires_grad_(True)
        yield tuned
    finally:
        with torch.no_grad():
            for weight, value in zip(tuned, before, strict=True):
                weight.requires_grad_(False)
                weight.copy_(value)
                weight.grad = None
