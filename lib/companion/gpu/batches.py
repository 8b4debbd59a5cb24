"""Batches of one fixed shape, made by processes of their own ahead of the GPU."""

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from jaxtyping import Int

from companion.functions import prompts, sources
from companion.models import corruption, mixture, training_batches
from companion.models.training_batches import Sizes, Text
from modularity.subfunction import SENTINEL

if TYPE_CHECKING:
    import transformers

    from companion.models.recipe import Recipe

AHEAD = 24  # batches that are made before they are asked for
Batch = dict[str, Int[np.ndarray, "row token"]]  # inputs, padded with 0, and targets, padded with −100


def read(tokenizer: "transformers.PreTrainedTokenizerFast", length: int, *, documents: int | None = None) -> Text:
    """The shipped text; with `documents` only so many of one part, and as many facts and rows of one task."""
    sentinel = int(tokenizer.convert_tokens_to_ids(SENTINEL))  # type: ignore[arg-type]
    whole = documents is None
    docs = corruption.documents() if whole else sources.corpus("wikipedia")[:documents]
    stream = corruption.token_stream(docs, tokenizer)
    stated = pd.read_parquet(sources.path("corpus/facts.parquet")).iloc[:documents]
    facts = mixture.statements(tokenizer, stated)
    names = prompts.FUNCTION_TASKS if whole else prompts.FUNCTION_TASKS[:1]
    tasks = mixture.examples(tokenizer, length, names)[:documents]
    return Text(stream, facts, tasks, sentinel)


def one(recipe: "Recipe | Sizes", text: Text, step: int) -> Batch:
    """The batch of a step, which depends on the step and the recipe's seed only: windows, then facts, then tasks."""
    (made,) = training_batches.parts(recipe, text, range(step, step + 1))
    rows = [made.windows, *made.facts, *made.tasks]
    width = max(made.windows[1].shape[1], text.longest)
    inputs = np.concatenate([mixture.padded(shown, 0, recipe.length) for shown, _ in rows])
    targets = np.concatenate([mixture.padded(hidden, mixture.IGNORED, width) for _, hidden in rows])
    return {"inputs": inputs.astype(np.int16), "targets": targets.astype(np.int16)}


@contextmanager
def ahead(recipe: "Recipe", text: Text, folder: Path, *, workers: int) -> Iterator[Iterator[Batch]]:
    """Batches of one step after another without an end, made by `workers` processes, or by this one if 0."""
    if not workers:
        yield (one(recipe, text, step) for step in count())
        return
    np.save(folder / "stream.npy", text.stream)
    given = (Sizes.of(recipe), replace(text, stream=np.empty(0, dtype=text.stream.dtype)), folder / "stream.npy")
    # Not forked: a copy of a process that has used a GPU has none.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start, given)
    try:
        yield _in_order(pool)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _in_order(pool: ProcessPoolExecutor) -> Iterator[Batch]:
    waiting = deque(pool.submit(_make, step) for step in range(AHEAD))
    for step in count(AHEAD):
        yield waiting.popleft().result()
        waiting.append(pool.submit(_make, step))


_GIVEN: dict[str, tuple[Sizes, Text]] = {}


def _start(sizes: Sizes, text: Text, stream: Path) -> None:
    _GIVEN["given"] = (sizes, replace(text, stream=np.load(stream, mmap_mode="r")))


def _make(step: int) -> Batch:
    return one(*_GIVEN["given"], step)
