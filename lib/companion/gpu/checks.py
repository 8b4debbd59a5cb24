"""What has to hold on a GPU before its numbers are taken: it reads and trains as the CPU does, and frees its memory."""

from dataclasses import replace

import numpy as np
import torch

from companion.functions import tracks
from companion.gpu import batches as gpu_batches
from companion.gpu import expert_products, training_step
from companion.models import catalogue
from companion.models.recipe import Recipe
from companion.models.training_batches import Text
from modularity import capture, predictivity, readings
from modularity.models import Model

# Largest differences from the CPU: of activations and of weights as a share of their norm and of how far they moved (a
# token near two experts may go to the other), of mean predictivities. Float32 sums are added up in another order;
# bfloat16 keeps 8 bits.
READING = {"float32": 1e-3, "bfloat16": 0.03}
SCORE = {"float32": 1e-3, "bfloat16": 0.01}
LOSS, MOVED = 1e-3, 0.05
STEPS = 3
SMALL = Recipe(steps=STEPS, batch=4, facts=4, tasks=4, length=32, warmup=1, d_model=32, d_ff=64, layers=2, heads=2)
SWITCH = replace(SMALL, tasks=0, experts=4, capacity=8, decoder_layers=2)


def reading(device: torch.device, name: str, dtype: catalogue.Dtype, per_class: int = 50) -> dict[str, float]:
    """How far activations and scores of a shipped model on `device` are from those of float32 on the CPU."""
    one = tracks.first(tracks.load("semantic")[0], per_class)
    model, other = catalogue.load(name, dtype=dtype), catalogue.load(name)
    model.module.to(device)
    with torch.inference_mode(), expert_products.routed(model.module):  # both: transformers 5.17 routes otherwise
        then, now = (capture.pooled_activations(m, one.sentences).to_numpy() for m in (other, model))
    scores = [np.array([predictivity.predictivity(layer, one.labels) for layer in a]) for a in (then, now)]
    return {
        "activation": float(np.linalg.norm(now - then) / np.linalg.norm(then)),
        "score": float(np.abs(scores[0] - scores[1]).mean()),
    }


def training(device: torch.device, recipe: Recipe, text: Text) -> dict[str, float]:
    """How far a few steps of float32 on `device` end from the same steps on the CPU."""
    batches = [gpu_batches.one(recipe, text, step) for step in range(STEPS)]
    ends, losses = [], []
    for where in (torch.device("cpu"), device):
        model = recipe.build(len(catalogue.tokenizer())).to(where).train()
        optimizer = training_step.DeviceAdamW(model.parameters(), fused=True)
        with expert_products.routed(model) as sparse:
            for batch in batches:
                placed = {k: torch.as_tensor(v).long().to(where) for k, v in batch.items()}
                sparse_ = sparse if recipe.experts else []
                made = training_step.step(model, optimizer, placed, recipe, recipe.lr, sparse_, half=False)
        losses.append(made.total.item())
        ends.append(torch.cat([p.detach().cpu().flatten() for p in model.parameters()]))
    begun = torch.cat([p.detach().flatten() for p in recipe.build(len(catalogue.tokenizer())).parameters()])
    moved = (ends[0] - begun).norm()
    return {"loss": abs(losses[1] / losses[0] - 1), "moved": float((ends[1] - ends[0]).norm() / moved)}


def memory(device: torch.device) -> dict[str, float]:
    """Bytes that a reading leaves on the device, once the model is where it was."""
    if device.type != "cuda":
        return {"left": 0.0}
    model: Model = catalogue.load("t5-mini")
    before = torch.cuda.memory_allocated()
    one = tracks.first(tracks.load("semantic")[0], 10)
    with readings.placed(model):
        capture.pooled_activations(model, one.sentences)
    return {"left": float(torch.cuda.memory_allocated() - before)}


def every(device: torch.device, found: dict[str, dict[str, float]], per_class: int = 50) -> None:
    """All checks, into `found` as they are made, on so many sentences of each class.

    Raises
    ------
    AssertionError
        Something differs by more than the tolerance; named after all have been made.
    """
    for name in catalogue.MINI:
        for dtype in READING:
            found[f"{name} {dtype}"] = reading(device, name, dtype, per_class)  # type: ignore[arg-type]
    text = gpu_batches.read(catalogue.tokenizer(), SMALL.length, documents=40)
    for name, recipe in (("t5", SMALL), ("switch", SWITCH)):
        found[f"{name} steps"] = training(device, recipe, text)
    found["memory"] = memory(device)
    wrong = [f"{name}: {what} {value:.2g}" for name, row in found.items() for what, value in too_far(name, row).items()]
    if wrong:
        raise AssertionError("; ".join(wrong))


def too_far(name: str, row: dict[str, float]) -> dict[str, float]:
    """Those of a check's numbers that are beyond their tolerance."""
    dtype = name.split()[-1]
    limits = {"activation": READING.get(dtype), "score": SCORE.get(dtype), "loss": LOSS, "moved": MOVED, "left": 0.0}
    return {what: value for what, value in row.items() if not value <= (limits[what] or 0.0)}
