"""How a model answers: the likeliest of some answers, by what its decoder says of them. Tasks, gaps and nouns alike."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from transformers.modeling_outputs import MoEModelOutput

from companion.functions import prompts, tracks
from modularity import capture
from modularity.models import Model

BATCH_TOKENS = 1024  # fits the caches of a CPU; the models that answer here are small


class Question(NamedTuple):
    """Texts, and what may be answered to each of them, as token ids."""

    texts: Sequence[Sequence[int]]
    answers: Sequence[Sequence[int]]
    begun: Sequence[int] = ()  # what the decoder has said before an answer, as the sentinel of a gap


def asked(
    model: Model,
    name: str,
    table: pd.DataFrame,
    *,
    style: prompts.Style = "t5",
    mnli: prompts.MnliOrder = "paper",
) -> Question:
    """The rows of `table` as questions of the task `name`.

    T5 answers with a whole label word. What fills the gap of a cloze template is decided, as in Gao et al. (2021),
    among the first tokens of the label words.

    Raises
    ------
    ValueError
        The model has no decoder to answer with; a task without words of this style, or whose words begin alike.
    """
    if not model.module.config.is_encoder_decoder:  # type: ignore[union-attr]
        raise ValueError(f"{model.name} has no decoder and answers nothing; use a T5 or a Switch")
    words = [prompts.answer(name, label, style=style) for label in range(len(prompts.task(name).words))]
    rows = table.to_dict("records")
    texts = [prompts.prompt(name, {str(k): v for k, v in row.items()}, style=style, mnli=mnli) for row in rows]
    ids, answers = capture.tokenize(model, texts), [model.tokenizer(word)["input_ids"] for word in words]
    if style == "t5":
        return Question(ids, answers)
    firsts = [answer[:1] for answer in answers]
    if len({first for (first,) in firsts}) < len(firsts):
        raise ValueError(f"the label words {', '.join(words)} of {name!r} begin with the same token for {model.name}")
    return Question(ids, firsts, [int(model.tokenizer.convert_tokens_to_ids(model.gap))])  # type: ignore[arg-type]


def log_likelihoods(
    model: Model, question: Question, chosen: Sequence[int] | np.ndarray
) -> Float[torch.Tensor, "row answer"]:
    """Of each answer given each of the `chosen` texts, in nats, summed over the answer's tokens."""
    states, mask = capture.encoded(model, question.texts, chosen)  # type: ignore[arg-type]
    read = {"encoder_outputs": MoEModelOutput(last_hidden_state=states), "attention_mask": mask, "use_cache": False}
    start: int = model.module.config.decoder_start_token_id  # type: ignore[union-attr,assignment]
    said: dict[tuple[int, ...], torch.Tensor] = {}  # answers that begin alike share the decoder's work
    columns = []
    for answer in question.answers:
        given = (start, *question.begun, *answer[:-1])
        if given not in said:
            ids = torch.tensor(given, device=model.device).expand(len(chosen), -1)
            logits = model.module(decoder_input_ids=ids, **read).logits[:, len(question.begun) :]
            said[given] = logits.float().log_softmax(-1)
        tokens = torch.tensor(answer, device=model.device).expand(len(chosen), -1)
        columns.append(said[given].gather(2, tokens[..., None])[..., 0].sum(1))
    return torch.stack(columns, 1)


@torch.no_grad()  # not inference: what is remembered meanwhile may be learned from
def likeliest(model: Model, question: Question, batch_tokens: int = BATCH_TOKENS) -> Int[np.ndarray, "row"]:
    """Which answer is the likeliest for each text; the first of equals."""
    made = np.empty(len(question.texts), dtype=int)
    for chosen in capture.batches([len(ids) for ids in question.texts], batch_tokens):
        made[chosen] = log_likelihoods(model, question, chosen).argmax(1).cpu().numpy()
    return made


def predictions(model: Model, name: str, table: pd.DataFrame) -> Int[np.ndarray, "row"]:
    """The label of the likeliest answer to each row, asked with T5's prompts."""
    return likeliest(model, asked(model, name, table))


def accuracy(model: Model, name: str, *, rows: int | None = None) -> float:
    """Share of a mini task's validation rows that are answered right; of the first `rows` of a fixed order if given."""
    table = tracks.task_table(name)
    if rows is not None:
        table = table.sample(min(rows, len(table)), random_state=0)
    return float(np.mean(predictions(model, name, table) == table["label"].to_numpy()))
