"""What a sub-function could be told apart by without its function: length, word frequency, and chance by word."""

import re
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from typing import Literal, get_args

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from companion.functions import sources
from modularity.subfunction import SENTINEL, SubFunction

Nuisance = Literal["length", "frequency"]
_WORD = re.compile(r"[^\W\d_]+")
_TYPE = re.compile(r"[^\W_]+")  # numbers too: many facts end in one


def words(sentence: str) -> list[str]:
    """The words of a sentence in lower case, as data/corpus/frequency.parquet counts them."""
    return _WORD.findall(sentence.replace(SENTINEL, " ").lower())


@cache
def _frequency() -> dict[str, int]:
    table = pd.read_parquet(sources.path("corpus/frequency.parquet"))
    return dict(zip(table["word"], table["count"], strict=True))


def length(sentences: Sequence[str]) -> Int[np.ndarray, "sentence"]:
    """Words of each sentence."""
    return np.array([len(words(s)) for s in sentences])


def frequency(sentences: Sequence[str]) -> Float[np.ndarray, "sentence"]:
    """Mean over the words of a sentence of the decadic logarithm of a word's count in the corpus (1 if unseen)."""
    counts = _frequency()
    return np.array([np.mean([np.log10(counts.get(w, 1)) for w in words(s)] or [0.0]) for s in sentences])


def nuisance(subfunction: SubFunction, of: Nuisance) -> SubFunction:
    """The same sentences with a label that has nothing to do with the function.

    As many sentences as were in class 1 before are in it now: the longest ones (``length``; equal lengths go by
    characters), or those of the most frequent words (``frequency``). What a neuron scores here, and how much the true
    labels agree with these, says how far the function could be explained by the nuisance.

    Raises
    ------
    ValueError
        An unknown nuisance.
    """
    if of not in get_args(Nuisance):
        raise ValueError(f"unknown nuisance {of!r}; known: {', '.join(get_args(Nuisance))}")
    sentences = subfunction.sentences
    if of == "length":
        order = np.lexsort(np.stack([[len(s) for s in sentences], length(sentences)]))
    else:
        order = np.argsort(frequency(sentences), kind="stable")
    labels = np.zeros(len(sentences), dtype=np.int8)
    labels[order[len(sentences) - int(subfunction.labels.sum()) :]] = 1
    return SubFunction(f"{subfunction.name} ({of})", subfunction.function, sentences, labels, subfunction.provenance)


def control_task(subfunction: SubFunction, seed: int = 0) -> SubFunction:
    """The same sentences, labelled by chance, but alike wherever they end in the same word.

    Hewitt and Liang (2019) give each word type a random label, which only memory of words can predict; here the word
    is a sentence's last, words that stand in all sentences aside. Word types join class 1 in the order of a keyed hash
    until it is about as large as it was.

    Raises
    ------
    ValueError
        All sentences have the same words.
    """
    found = [_TYPE.findall(s.lower()) for s in subfunction.sentences]
    everywhere = set.intersection(*map(set, found))
    last = [next((word for word in reversed(words) if word not in everywhere), "") for words in found]
    types, index, counts = np.unique(last, return_inverse=True, return_counts=True)
    if len(types) < 2:
        raise ValueError(f"all sentences of {subfunction.name!r} have the same words; a control task needs others")
    hashed = [blake2b(f"{seed}:{word}".encode(), digest_size=8).digest() for word in types]
    order = sorted(range(len(types)), key=hashed.__getitem__)
    # The nearest sum of whole types to the size of class 1, but neither none nor all.
    reached = np.cumsum(counts[order])[:-1]
    taken = 1 + int(np.abs(reached - subfunction.labels.sum()).argmin())
    labels = np.isin(index, order[:taken]).astype(np.int8)
    name = f"{subfunction.name} (control)"
    return SubFunction(name, subfunction.function, subfunction.sentences, labels, subfunction.provenance)


def by_label(subfunctions: Sequence[SubFunction]) -> pd.DataFrame:
    """Mean length and word frequency of each class: columns ``subfunction, function, label, length, frequency``."""
    rows = []
    for s in subfunctions:
        measured = length(s.sentences), frequency(s.sentences)
        for label in (0, 1):
            means = [float(m[np.asarray(s.labels) == label].mean()) for m in measured]
            rows.append((s.name, s.function, label, *means))
    return pd.DataFrame(rows, columns=["subfunction", "function", "label", "length", "frequency"])


def card(subfunctions: Sequence[SubFunction]) -> dict[str, object]:
    """What a reader should know of one function's data at a glance."""

    def span(values: list, form: str) -> str:
        low, high = f"{min(values):{form}}", f"{max(values):{form}}"
        return low if low == high else f"{low} to {high}"

    return {
        "sub-functions": len(subfunctions),
        "sentences": sum(len(s.sentences) for s in subfunctions),
        "sentences each": span([len(s.sentences) for s in subfunctions], ",d"),
        "share of class 1": span([float(np.mean(s.labels)) for s in subfunctions], ".2f"),
        "words a sentence": round(float(np.mean(np.concatenate([length(s.sentences) for s in subfunctions]))), 1),
    }
