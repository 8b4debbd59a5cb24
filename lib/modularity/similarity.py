"""How alike the words behind two semantic sub-functions are: the matrix S of Appendix A.6."""

from typing import Literal, get_args

import numpy as np
import pandas as pd
import xarray as xr

from modularity import functions, sources

Measure = Literal["corpus", "wordnet"]


def words(measure: Measure = "corpus") -> xr.DataArray:
    """Similarity of any two of the 200 hidden nouns, dims ``(word, other)``; 1 on the diagonal.

    ``corpus`` is the cosine of their vectors of co-occurrence in the pre-training text, ``wordnet`` the measure of Wu
    and Palmer over their first senses. The paper takes spaCy's vectors.

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


def pairs(measure: Measure = "corpus") -> xr.DataArray:
    """Similarity of any two semantic sub-functions, dims ``(subfunction, other)``; 1 on the diagonal.

    In the paper a sub-function is two senses of one word, and S compares words. Here it is two words, and which of
    them is class 1 means nothing: two pairs are as alike as their words are on average when matched in the better of
    the two ways.
    """
    matrix = words(measure)
    names = [s.name for s in functions.load("semantic")]
    a, b = zip(*(name.split("/") for name in names), strict=True)

    def of(first: tuple[str, ...], second: tuple[str, ...]) -> np.ndarray:
        return matrix.sel(word=list(first), other=list(second)).to_numpy()

    alike = np.maximum(of(a, a) + of(b, b), of(a, b) + of(b, a)) / 2
    return xr.DataArray(alike, {"subfunction": names, "other": names}, ("subfunction", "other"), name=measure)
