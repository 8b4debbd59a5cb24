"""Teach a gap-filling model a task from a few examples, W_O and routers only (Section 5 and Appendix A.2, Switch)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd
import torch
import xarray as xr
from jaxtyping import Float, Int
from transformers.modeling_outputs import MoEModelOutput

from companion.experiments import lesions
from companion.functions import prompts
from modularity import capture, neurons, perturb
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
    gates: perturb.Gates = "original",
    capacity: bool = False,
    layers: Sequence[int],
    steps: int,
    every: int,
    rate: float = 2e-4,
    seed: int = 0,
    mnli: prompts.MnliOrder = "paper",
) -> xr.DataArray:
    """Tune W_O and the routers of the encoder `layers` with Adam, and ask how many rows are right on the way.

    Which word fills the gap of the task's cloze template is decided, as in Gao et al. (2021), among the first tokens of
    its label words. The model is as before when this returns or fails.

    Parameters
    ----------
    examples : rows of `tracks.task_table` to learn from, in fixed batches of 16 that come in a new order each epoch.
    judged : name → rows whose accuracy is measured before the first step and after every `every` steps.
    allowed, gates, capacity : as `perturb.routing` takes them, while learning and while answering.
    rate : of Adam; 2e-4 in the paper.

    Returns
    -------
    Accuracy, dims ``(rows, step)``.

    Raises
    ------
    ValueError
        A task without cloze words; no examples; label words that begin alike; what `perturb.routing` raises.
    """
    words = label_tokens(model, task)
    if not len(examples):
        raise ValueError(f"got no examples of {task!r} to learn from, expected at least one")
    ids = {name: _ids(model, task, table, mnli) for name, table in judged.items()}
    rng = np.random.default_rng(seed)
    texts = _ids(model, task, examples, mnli)
    labels = torch.tensor(examples["label"].tolist(), device=model.device)
    batches = np.array_split(rng.permutation(len(texts)), -(-len(texts) // BATCH))
    order = np.concatenate([rng.permutation(len(batches)) for _ in range(-(-steps // len(batches)))])
    found = []

    def judge() -> None:
        with torch.no_grad():
            found.append([_accuracy(model, ids[n], judged[n]["label"].to_numpy(), words) for n in judged])

    untouched = range(min(layers))
    with (
        perturb.routing(model, allowed, gates=gates, capacity=capacity),
        learning(model, layers) as tuned,
        lesions.remembered(model, untouched),
    ):
        optimizer = torch.optim.Adam(tuned, lr=rate)
        judge()
        for step in range(1, steps + 1):
            batch = batches[order[step - 1]]
            logits = _label_logits(model, texts, batch, words)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(logits, labels[batch]).backward()
            optimizer.step()
            if step % every == 0:
                judge()
    coordinates = {"rows": list(judged), "step": np.arange(0, steps + 1, every)}
    return xr.DataArray(np.array(found).T, coordinates, ("rows", "step"), name="accuracy")


def label_tokens(model: Model, task: str) -> Int[torch.Tensor, "label"]:
    """The first token of each of the task's cloze words; `ValueError` if there are none, or two begin alike."""
    words = [prompts.answer(task, i, style="cloze") for i in range(len(prompts.task(task).words))]
    made = [model.tokenizer(word)["input_ids"][0] for word in words]
    if len(set(made)) < len(made):
        raise ValueError(f"the label words {', '.join(words)} of {task!r} begin with the same token for {model.name}")
    return torch.tensor(made, device=model.device)


def _ids(model: Model, task: str, table: pd.DataFrame, mnli: prompts.MnliOrder) -> list[list[int]]:
    rows = table.to_dict("records")
    texts = [prompts.prompt(task, {str(k): v for k, v in r.items()}, style="cloze", mnli=mnli) for r in rows]
    return capture.tokenize(model, texts)


def _label_logits(
    model: Model, ids: Sequence[Sequence[int]], chosen: Sequence[int] | np.ndarray, words: Int[torch.Tensor, "label"]
) -> Float[torch.Tensor, "row label"]:
    """Of each label word as what follows the sentinel of the gap."""
    states, mask = capture.encoded(model, ids, chosen)  # type: ignore[arg-type]
    start = model.module.config.decoder_start_token_id  # type: ignore[union-attr]
    begun = torch.tensor([[start, model.tokenizer.convert_tokens_to_ids(model.gap)]], device=model.device)
    options = {"attention_mask": mask, "decoder_input_ids": begun.expand(len(chosen), -1)}
    return (
        model.module(encoder_outputs=MoEModelOutput(last_hidden_state=states), **options).logits[:, -1, words].float()
    )


def _accuracy(model: Model, ids: Sequence[Sequence[int]], labels: np.ndarray, words: torch.Tensor) -> float:
    right = 0
    for chosen in capture.batches([len(i) for i in ids], BATCH_TOKENS):
        said = _label_logits(model, ids, chosen, words).argmax(1).cpu().numpy()
        right += int((said == labels[chosen]).sum())
    return right / len(ids)


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
