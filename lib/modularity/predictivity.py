"""Predictivity: how well one neuron's activation alone tells the two classes of a sub-function apart."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from modularity import ranking
from modularity.ranking import Score, ranked, scored
from modularity.subfunction import SubFunction, check_labels

CHUNK = 1 << 17  # activations scored at a time by one thread: about 3 MB in all, which fits the cache
PANEL = 8  # chunks read at a time


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
    ranking.check(score)
    labels = check_labels(labels, len(activations))
    neurons = activations.shape[1]
    width = max(1, CHUNK // len(labels))
    result = np.empty(neurons)

    def fill(start: int) -> None:
        # Rows of a wide matrix lie far apart: several chunks are fetched at once.
        panel = np.ascontiguousarray(activations[:, start : start + PANEL * width])
        if not np.isfinite(panel).all():
            row, column = np.argwhere(~np.isfinite(panel))[0]
            raise ValueError(
                f"the activation of neuron {start + column} in sentence {row} is {panel[row, column]}, "
                "expected a finite number; look for an overflow in the model (a wider float type helps)"
            )
        for offset in range(0, panel.shape[1], width):
            chunk = panel[:, offset : offset + width]
            score_of_chunk = scored(*ranked(chunk, labels), score)
            result[start + offset : start + offset + width] = np.minimum(score_of_chunk, 1.0)  # rounding may exceed it

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(0, neurons, PANEL * width)))
    return result


def best_of_null(
    positives: int,
    negatives: int,
    neurons: int,
    *,
    score: Score = "labels",
    draws: int = 1000,
    rng: np.random.Generator,
) -> Float[np.ndarray, "draw"]:
    """Draws of the best predictivity among `neurons` chance-level, independent neurons.

    A chance-level neuron ranks the sentences at random, so only the class sizes and the number of neurons matter.
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
    best = np.full(draws, -np.inf)
    width = max(1, CHUNK // sentences)
    untied = np.zeros((width, sentences - 1), dtype=bool)
    for start in range(0, draws * neurons, width):
        flat = np.arange(start, min(start + width, draws * neurons))
        shuffled = rng.permuted(np.tile(template, (len(flat), 1)), axis=1)
        np.maximum.at(best, flat // neurons, scored(shuffled, untied[: len(flat)], score))
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
    coordinates = {"subfunction": names, "function": ("subfunction", functions), "layer": layers}
    return xr.DataArray(np.array(tables), coordinates, ("subfunction", "layer", "neuron"), name="predictivity")
