"""A sub-function: sentences of two classes that a neuron may tell apart (Section 3)."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

SENTINEL = "<extra_id_0>"  # what stands for a hidden word: T5's first sentinel
MINE = "mine"  # the function, or sub-function, of a table that names none


@dataclass(frozen=True)
class SubFunction:
    """One binary classification (Section 3): `labels[i]` says which class `sentences[i]` belongs to."""

    name: str
    function: str  # semantic, knowledge or task
    sentences: tuple[str, ...] = field(repr=False)
    labels: Int[np.ndarray, "sentence"] = field(repr=False)
    provenance: str = ""

    def __post_init__(self) -> None:
        where = f"sub-function {self.name!r}"
        if len(self.sentences) == 0:
            raise ValueError(f"{where} has no sentences; give at least one of each class")
        check_sentences(self.sentences, f"{where}: ")
        check_labels(self.labels, len(self.sentences), where)
        object.__setattr__(self, "sentences", tuple(self.sentences))  # of a column of a table, for instance
        object.__setattr__(self, "labels", np.asarray(self.labels))

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> "list[SubFunction]":
        """Sub-functions from a table with a row a sentence, in the order in which they first occur.

        Parameters
        ----------
        table : with the columns ``sentence`` and ``label`` (0 or 1); ``subfunction``, if there are several; and
            ``function``, which they are grouped by. Others are ignored.

        Raises
        ------
        TypeError
            It is no table, as the path of one.
        ValueError
            A column or a value is missing, a label is neither 0 nor 1, a class or sentence is empty, or a sub-function
            is of two functions; with the row where there is one.
        """
        if not isinstance(table, pd.DataFrame):
            raise TypeError(f"expected a table, got {type(table).__name__}; read a file with pandas.read_csv first")
        if missing := [c for c in ("sentence", "label") if c not in table]:
            raise ValueError(f"the table has no column {missing[0]!r}, only {', '.join(map(str, table))}; rename it")
        named = table.assign(**{c: MINE for c in ("subfunction", "function") if c not in table}).reset_index(drop=True)
        for column in ("sentence", "label", "subfunction", "function"):
            if (empty := np.flatnonzero(named[column].isna())).size:
                raise ValueError(f"row {empty[0]} of the table has no {column}; fill it in, or leave the row out")
        made = []
        for name, rows in named.groupby("subfunction", sort=False):
            if len(functions := rows["function"].unique()) > 1:
                raise ValueError(f"the sub-function {name!r} is of the functions {functions.tolist()}, expected one")
            labels = check_labels(rows["label"].to_numpy(), len(rows), f"sub-function {name!r}")
            made.append(cls(str(name), str(functions[0]), tuple(rows["sentence"]), labels))
        return made

    @property
    def sizes(self) -> tuple[int, int]:
        """Sentences of class 1 and of class 0."""
        positives = int(np.sum(self.labels))
        return positives, len(self.labels) - positives

    def only(self, chosen: Bool[np.ndarray, "sentence"]) -> "SubFunction":
        """The same with some of its sentences."""
        kept = tuple(s for s, k in zip(self.sentences, chosen, strict=True) if k)
        return replace(self, sentences=kept, labels=self.labels[chosen])


def check_sentences(sentences: Sequence[str], where: str = "") -> None:
    """A ValueError that names the first of `sentences` that is no text to read."""
    for i, sentence in enumerate(sentences):
        # What is lost on the way to bytes and back is half of a character, which no tokenizer takes.
        kept = sentence.encode(errors="ignore").decode() if isinstance(sentence, str) else ""
        if kept != sentence or not kept.strip():
            raise ValueError(f"{where}sentence {i} is {sentence!r}, expected text with at least one character")


def check_labels(labels: Sequence[int] | np.ndarray, sentences: int, where: str = "labels") -> Int[np.ndarray, "s"]:
    """`labels` as an integer array, or a ValueError that says what is wrong with them."""
    array = np.asarray(labels)
    if array.ndim != 1 or len(array) != sentences:
        raise ValueError(f"{where}: labels have shape {array.shape}, expected ({sentences},), one for each sentence")
    if sentences == 0:
        raise ValueError(f"{where}: labels have no entries, expected at least one 0 and one 1")
    if other := sorted(set(np.unique(array).tolist()) - {0, 1}, key=str):
        raise ValueError(f"{where}: labels contain {other[:5]}, expected only 0 and 1")
    array = array.astype(np.int8)
    if array.min() == array.max():
        raise ValueError(f"{where}: all {sentences} labels are {array[0]}, expected both 0 and 1")
    return array


def first_half(whole: SubFunction, *, seed: int = 0) -> Bool[np.ndarray, "sentence"]:
    """Which sentences are in a random half of each class; of an odd number it has the lesser part.

    The same whichever other sub-functions there are.
    """
    rng = np.random.default_rng([seed, zlib.crc32(whole.name.encode())])
    first = np.zeros(len(whole.labels), dtype=bool)
    for label in (0, 1):
        rows = rng.permutation(np.flatnonzero(whole.labels == label))
        first[rows[: len(rows) // 2]] = True
    return first


def find(subfunctions: Sequence[SubFunction], name: str) -> SubFunction:
    """The one called `name`.

    Raises
    ------
    ValueError
        There is none; the closest names are listed.
    """
    known = {s.name: s for s in subfunctions}
    if name not in known:
        close = get_close_matches(name, known, n=3, cutoff=0.3) or sorted(known)[:3]
        raise ValueError(f"no sub-function is called {name!r} among {len(known)}; for instance: {', '.join(close)}")
    return known[name]
