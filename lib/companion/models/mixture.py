"""The parts of the pre-training mixture that are single sentences: stated facts, and tasks with their answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from jaxtyping import Int

from companion.functions import prompts, sources, tracks
from modularity.subfunction import SENTINEL

if TYPE_CHECKING:
    import transformers

IGNORED = -100  # a target that has no loss
PARTS = 2  # a batch is padded in so many parts, the short inputs and the long ones

Batch = list[tuple[Int[np.ndarray, "part length"], Int[np.ndarray, "part target"]]]


@dataclass(frozen=True)
class Example:
    """One row of a task as token ids, each closed by the end mark."""

    inputs: tuple[int, ...]
    targets: tuple[int, ...]


def examples(
    tokenizer: "transformers.PreTrainedTokenizerFast", length: int, tasks: Sequence[str] = prompts.FUNCTION_TASKS
) -> list[Example]:
    """Every training row of the mini tasks; inputs beyond `length` tokens lose what comes before the end mark.

    None of these rows, nor any text they were made from, is among those that a task sub-function evaluates.
    """
    made = []
    for name in tasks:
        table = tracks.task_table(name, "train")
        rows = table.to_dict("records")
        ids = tokenizer([prompts.prompt(name, {str(k): v for k, v in row.items()}) for row in rows])["input_ids"]
        answers = [tokenizer(word)["input_ids"] for word in prompts.task(name).words]
        for row, label in zip(ids, table["label"], strict=True):
            kept = row if len(row) <= length else [*row[: length - 1], row[-1]]
            made.append(Example(tuple(kept), tuple(answers[label])))
    return made


def statements(tokenizer: "transformers.PreTrainedTokenizerFast", table: pd.DataFrame | None = None) -> list[Example]:
    """Every stated fact of the corpus twice, once with its head hidden and once with its tail.

    Hiding what a sentence is about, rather than random tokens of it, is how T5 was taught facts by Roberts et al.
    (2020), after Guu et al. (2020).

    Parameters
    ----------
    table : ``wording`` with the fields ``{head}`` and ``{tail}``, ``head``, ``tail``; the shipped one if not given.
    """
    table = pd.read_parquet(sources.path("corpus/facts.parquet")) if table is None else table
    texts, hidden = [], []
    for wording, head, tail in zip(table["wording"].astype(str), table["head"], table["tail"], strict=True):
        for shown, answer in (({"head": SENTINEL, "tail": tail}, head), ({"head": head, "tail": SENTINEL}, tail)):
            texts.append(_upper(wording.format(**shown)))
            hidden.append(f"{SENTINEL} {answer}")
    inputs, targets = (tokenizer(column)["input_ids"] for column in (texts, hidden))
    return [Example(tuple(i), tuple(t)) for i, t in zip(inputs, targets, strict=True)]


def _upper(sentence: str) -> str:
    return sentence if sentence.startswith(SENTINEL) else sentence[0].upper() + sentence[1:]


def batches(examples: Sequence[Example], *, steps: range, batch: int, seed: int, stream: int = 0) -> Iterator[Batch]:
    """Inputs (padded with 0) and targets (padded with −100) for each of `steps`, which depend on step and seed only.

    Every example comes once an epoch, all tasks mixed. A batch comes in two parts by length, as one would be half
    padding; without any `batch` it is empty. `stream` tells the draws of two mixtures of one run apart.

    Raises
    ------
    ValueError
        There are fewer examples than one batch takes.
    """
    if not batch:
        yield from ([] for _ in steps)
        return
    per_epoch = len(examples) // batch
    if per_epoch < 1:
        raise ValueError(f"there are {len(examples)} examples, one batch takes {batch}; add some or lower the batch")
    for step in steps:
        epoch, index = divmod(step, per_epoch)
        order = np.random.default_rng([seed, 3 + stream, epoch]).permutation(len(examples))
        chosen = [examples[i] for i in order[index * batch : (index + 1) * batch]]
        chosen.sort(key=lambda e: len(e.inputs))
        cuts = [round(i * batch / PARTS) for i in range(PARTS + 1)]
        parts = [chosen[a:b] for a, b in pairwise(cuts) if b > a]
        yield [(padded([e.inputs for e in p], 0), padded([e.targets for e in p], IGNORED)) for p in parts]


def padded(
    rows: Sequence[Sequence[int]] | Int[np.ndarray, "batch short"], filler: int, width: int | None = None
) -> Int[np.ndarray, "batch length"]:
    """Rows of token ids filled up at their ends to `width`, or to the longest of them."""
    full = np.full((len(rows), max(map(len, rows)) if width is None else width), filler, dtype=np.int32)
    for line, row in zip(full, rows, strict=True):
        line[: len(row)] = row
    return full
