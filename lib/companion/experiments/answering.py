"""How well a model answers the mini tasks: the likeliest of a task's answers, and its accuracy."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int

from companion.functions import prompts, tracks
from modularity import capture
from modularity.models import Model

BATCH_TOKENS = 1024  # fits the caches of a CPU; the models that answer here are small


@torch.inference_mode()
def log_likelihoods(
    model: Model, name: str, table: pd.DataFrame, *, style: prompts.Style = "t5"
) -> Float[np.ndarray, "row answer"]:
    """Of each answer of the task `name` given each row of `table`, in nats, summed over the answer's tokens.

    Raises
    ------
    ValueError
        The model has no decoder to answer with.
    """
    if not model.module.config.is_encoder_decoder:  # type: ignore[union-attr]
        raise ValueError(f"{model.name} has no decoder and answers nothing; use a T5 or a Switch")
    rows = table.to_dict("records")
    texts = [prompts.prompt(name, {str(k): v for k, v in row.items()}, style=style) for row in rows]
    ids = capture.tokenize(model, texts)
    words = [prompts.answer(name, label, style=style) for label in range(len(prompts.task(name).words))]
    answers = [torch.tensor(model.tokenizer(word)["input_ids"], device=model.device) for word in words]
    result = np.empty((len(ids), len(answers)))
    for chosen in capture.batches([len(i) for i in ids], BATCH_TOKENS):
        states, mask = capture.encoded(model, ids, chosen)
        for column, answer in enumerate(answers):
            labels = answer.repeat(len(chosen), 1)
            logits = model.module(encoder_outputs=(states,), attention_mask=mask, labels=labels).logits
            tokens = logits.float().log_softmax(-1).gather(2, labels[..., None])[..., 0]
            result[chosen, column] = tokens.sum(1).cpu().numpy()
    return result


def predictions(model: Model, name: str, table: pd.DataFrame, *, style: prompts.Style = "t5") -> Int[np.ndarray, "row"]:
    """The label of the likeliest answer for each row."""
    return log_likelihoods(model, name, table, style=style).argmax(1)


def accuracy(model: Model, name: str, *, part: tracks.Part = "validation", rows: int | None = None) -> float:
    """Share of a mini task's rows that are answered right; of the first `rows` of a fixed order if given."""
    table = tracks.task_table(name, part)
    if rows is not None:
        table = table.sample(min(rows, len(table)), random_state=0)
    return float(np.mean(predictions(model, name, table) == table["label"].to_numpy()))
