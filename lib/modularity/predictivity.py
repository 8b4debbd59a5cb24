"""Predictivity: how well one neuron's activation alone tells the two classes of a sub-function apart."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, get_args

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from modularity.functions import SubFunction, check_labels

Score = Literal["labels", "signs", "auroc"]
CHUNK = 1 << 17  # activations sorted at a time by one thread: about 3 MB with their keys, which fits the cache


def predictivity(
    activations: Float[np.ndarray, "sentence neuron"],
    labels: Int[np.ndarray, "sentence"],
    *,
    score: Score = "labels",
) -> Float[np.ndarray, "neuron"]:
    """The predictivity of every neuron for one sub-function (Section 3 and Appendix A.2), in [0, 1].

    Parameters
    ----------
    activations : pooled activations, one row a sentence; any float type, compared without rounding.
    labels : 0 or 1 for each sentence, both present.
    score : how a neuron that fires *less* for class 1 is credited.
        ``labels``: max of AP(y, a) and AP(1 − y, a), as the authors' code;
        ``signs``: max of AP(y, a) and AP(y, −a), as the text of A.2;
        ``auroc``: max of AUROC and 1 − AUROC.

    Notes
    -----
    AP is the step-wise sum of scikit-learn: sentences of equal activation share one threshold. One sort a
    neuron serves both directions.

    Raises
    ------
    ValueError
        Activations that are not a finite matrix, labels of another length, other labels than 0 and 1, one
        class only, or an unknown score.

    Examples
    --------
    >>> predictivity(np.array([[3.0, 0.0], [2.0, 1.0], [1.0, 2.0], [0.0, 3.0]]), np.array([1, 1, 0, 0]))
    array([1., 1.])
    """
    activations = np.asarray(activations)
    if activations.ndim != 2 or not np.issubdtype(activations.dtype, np.floating):
        raise ValueError(
            f"activations are {activations.dtype} of shape {activations.shape}, "
            "expected floats of shape (sentence, neuron)"
        )
    if score not in get_args(Score):
        raise ValueError(f"unknown score {score!r}; known: {', '.join(get_args(Score))}")
    labels = check_labels(labels, len(activations))
    neurons = activations.shape[1]
    width = max(1, CHUNK // len(labels))
    result = np.empty(neurons)

    def fill(start: int) -> None:
        block = activations[:, start : start + width]
        if not np.isfinite(block).all():
            row, column = np.argwhere(~np.isfinite(block))[0]
            raise ValueError(
                f"the activation of neuron {start + column} in sentence {row} is {block[row, column]}, "
                "expected a finite number; look for an overflow in the model (a wider float type helps)"
            )
        result[start : start + width] = _score(*_ranked(block, labels), score)

    with ThreadPoolExecutor(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    ) as pool:
        list(pool.map(fill, range(0, neurons, width)))
    return result


def _ranked(
    block: Float[np.ndarray, "sentence neuron"], labels: Int[np.ndarray, "sentence"]
) -> tuple[Bool[np.ndarray, "neuron sentence"], Bool[np.ndarray, "neuron sentence-1"]]:
    """Labels from the highest activation down, and whether each is tied with the next.

    A float32 and a label are sorted as one integer: its bits are ordered like the numbers once negative
    ones are flipped. Non-negative numbers (ReLU) leave the sign bit free, so 32 bits hold both.
    """
    if block.dtype == np.float64 or block.dtype.itemsize > 4:
        order = np.argsort(-block.T, axis=1)
        values = np.take_along_axis(block.T, order, axis=1)
        return labels[order].astype(bool), values[:, 1:] == values[:, :-1]
    values = np.add(block.T, np.float32(0), dtype=np.float32, order="C")  # −0 becomes 0
    bits = values.view(np.uint32)
    if values.min() >= 0:
        keys = bits ^ np.uint32(0x7FFFFFFF)  # complement: the highest first
        keys <<= np.uint32(1)
    else:
        flip = np.where(bits >> np.uint32(31), np.uint32(0), np.uint32(0x7FFFFFFF))
        keys = (bits ^ flip).astype(np.uint64) << np.uint64(1)
    keys |= labels.astype(keys.dtype)
    keys.sort(axis=1)
    return (keys & keys.dtype.type(1)).astype(bool), (keys[:, 1:] ^ keys[:, :-1]) < 2


def _tied_groups(tied: Bool[np.ndarray, "neuron sentence-1"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flat indices of the members of every tied group, and each member's first and last fellow."""
    gaps = tied.shape[1]
    joined = np.flatnonzero(tied)
    joined += joined // gaps  # flat index among sentences rather than gaps
    breaks = np.flatnonzero(np.diff(joined) != 1)
    first = joined[np.r_[0, breaks + 1]] if len(joined) else joined
    last = joined[np.r_[breaks, -1]] + 1 if len(joined) else joined
    size = last - first + 1
    members = np.repeat(first - np.r_[0, size.cumsum()[:-1]] if len(first) else first, size) + np.arange(size.sum())
    return members, np.repeat(first, size), np.repeat(last, size)


def _average_precision(y: Float[np.ndarray, "n s"], groups: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """AP for the labels as they are, and for the labels exchanged, from one cumulative count."""
    sentences = y.shape[1]
    precision = y.cumsum(axis=1)
    positives = precision[:, -1].copy()
    precision *= 1 / np.arange(1, sentences + 1)
    members, _, last = groups
    if len(members):
        precision.flat[members] = precision.flat[last]  # one threshold for the whole group
    hits = np.einsum("ns,ns->n", y, precision)
    # Exchanged, precision is 1 − p, so the sum over the other class needs the plain sum of p only.
    negatives = sentences - positives
    return hits / positives, (negatives - precision.sum(axis=1) + hits) / negatives


def _score(labels: Bool[np.ndarray, "n s"], tied: Bool[np.ndarray, "n gap"], score: Score) -> Float[np.ndarray, "n"]:
    y = labels.astype(np.float64)
    if score == "labels":
        return np.maximum(*_average_precision(y, _tied_groups(tied)))
    if score == "signs":
        down, _ = _average_precision(y, _tied_groups(tied))
        up, _ = _average_precision(y[:, ::-1].copy(), _tied_groups(tied[:, ::-1]))
        return np.maximum(down, up)
    sentences = y.shape[1]
    rank = np.tile(np.arange(sentences, dtype=np.float64), (len(y), 1))
    members, first, last = _tied_groups(tied)
    if len(members):
        rank.flat[members] = (first + last) / 2 % sentences
    positives = y.sum(axis=1)
    above = np.einsum("ns,ns->n", y, rank) - positives * (positives - 1) / 2  # negatives ranked above, summed
    auroc = 1 - above / (positives * (sentences - positives))
    return np.maximum(auroc, 1 - auroc)


def best_of_null(
    positives: int,
    negatives: int,
    neurons: int,
    *,
    score: Score = "labels",
    draws: int = 1000,
    rng: np.random.Generator,
) -> Float[np.ndarray, "draw"]:
    """Draws of the best predictivity among `neurons` useless, independent neurons.

    A useless neuron ranks the sentences at random, so only the class sizes and the number of neurons matter.
    The best of many is well above 0.5: this is the floor that a layer's best predictivity has to be read
    against. Neurons of a real layer are correlated, which makes their best smaller; `relabelled_null` keeps
    that correlation.

    Raises
    ------
    ValueError
        A class without sentences, no neurons, or no draws.
    """
    if min(positives, negatives, neurons, draws) < 1:
        raise ValueError(
            f"got positives={positives}, negatives={negatives}, neurons={neurons}, draws={draws}; "
            "each has to be at least 1"
        )
    sentences = positives + negatives
    template = np.arange(sentences) < positives
    untied = np.zeros((0, sentences - 1), dtype=bool)
    best = np.full(draws, -np.inf)
    width = max(1, CHUNK // sentences)
    for start in range(0, draws * neurons, width):
        flat = np.arange(start, min(start + width, draws * neurons))
        shuffled = rng.permuted(np.tile(template, (len(flat), 1)), axis=1)
        np.maximum.at(best, flat // neurons, _score(shuffled, untied, score))
    return best


def relabelled_null(
    activations: Float[np.ndarray, "sentence neuron"],
    labels: Int[np.ndarray, "sentence"],
    *,
    score: Score = "labels",
    draws: int = 100,
    rng: np.random.Generator,
) -> Float[np.ndarray, "draw"]:
    """Draws of the best predictivity when the labels are permuted and the activations are kept."""
    labels = check_labels(labels, len(activations))
    return np.array([predictivity(activations, rng.permutation(labels), score=score).max() for _ in range(draws)])


def scores(activations: Iterable[tuple[SubFunction, xr.DataArray]], *, score: Score = "labels") -> xr.DataArray:
    """Predictivity of every neuron for every sub-function, from a stream as `capture.stream` gives it.

    Returns
    -------
    float64 of dims ``(subfunction, layer, neuron)`` with the coordinate ``function`` along ``subfunction``.

    Raises
    ------
    ValueError
        An empty stream, or what `predictivity` raises.
    """
    names, functions, tables = [], [], []
    for subfunction, pooled in activations:
        names.append(subfunction.name)
        functions.append(subfunction.function)
        tables.append([predictivity(layer.to_numpy(), subfunction.labels, score=score) for layer in pooled])
        layers = pooled["layer"].to_numpy()
    if not names:
        raise ValueError("got no sub-functions, expected at least one")
    return xr.DataArray(
        np.array(tables),
        dims=("subfunction", "layer", "neuron"),
        coords={"subfunction": names, "function": ("subfunction", functions), "layer": layers},
        name="predictivity",
    )
