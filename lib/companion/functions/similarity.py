"""How alike the words behind semantic sub-functions are: the matrix S of Appendix A.6."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from companion.functions import sources

Measure = Literal["corpus", "wordnet"]


def of_nouns(measure: Measure = "corpus") -> xr.DataArray:
    """Similarity of any two of the 200 hidden nouns of the mini track, dims ``(word, other)``; 1 on the diagonal.

    ``corpus`` is the cosine of their vectors of co-occurrence in the pre-training text, ``wordnet`` the measure of Wu
    and Palmer over their first senses. `word_vectors.similarity` has others.

    Raises
    ------
    ValueError
        An unknown measure.
    """
    if measure not in get_args(Measure):
        raise ValueError(f"unknown measure {measure!r}; known: {', '.join(get_args(Measure))}")
    table = pd.read_parquet(sources.path("functions/similarity.parquet"))
    names = sorted({*table["word_1"], *table["word_2"]})
    first, second = (np.searchsorted(names, table[column].astype(str)) for column in ("word_1", "word_2"))
    matrix = np.eye(len(names))
    matrix[first, second] = matrix[second, first] = table[measure]
    return xr.DataArray(matrix, {"word": names, "other": names}, ("word", "other"), name=measure)


def words_of(subfunction: str) -> tuple[str, ...]:
    """The words that a semantic sub-function is about: two nouns on the mini track, ``ability/seat``; on the paper's
    the one whose senses it tells apart, ``bank.noun …``."""
    if "/" in subfunction:
        return tuple(subfunction.split("/"))
    return (subfunction.split(".")[0].replace("_", " "),)


def between(subfunctions: Sequence[str], words: xr.DataArray) -> xr.DataArray:
    """Similarity of any two semantic sub-functions, dims ``(subfunction, other)``; 1 on the diagonal.

    In the paper a sub-function is two senses of one word, and S compares words. On the mini track it is two words, and
    which of them is class 1 means nothing: two pairs are as alike as their words are on average when matched in the
    better of the two ways.

    Parameters
    ----------
    words : similarity of words, dims ``(word, other)``.

    Raises
    ------
    ValueError
        A word that `words` lacks, or sub-functions of one word beside others of two.
    """
    pairs = [words_of(name) for name in subfunctions]
    if missing := sorted({word for pair in pairs for word in pair} - set(words["word"].to_numpy().tolist())):
        raise ValueError(f"nothing says what {missing[0]!r} is like; give the similarity of all words in question")
    if len({len(pair) for pair in pairs}) > 1:
        raise ValueError("some sub-functions are about one word and some about two; compare those of one track")
    parts = [list(part) for part in zip(*pairs, strict=True)]

    def of(first: list[str], second: list[str]) -> np.ndarray:
        return words.sel(word=first, other=second).to_numpy()

    if len(parts) == 1:
        alike = of(parts[0], parts[0])
    else:
        a, b = parts
        alike = np.maximum(of(a, a) + of(b, b), of(a, b) + of(b, a)) / 2
    names = list(subfunctions)
    return xr.DataArray(alike, {"subfunction": names, "other": names}, ("subfunction", "other"), name=words.name)
