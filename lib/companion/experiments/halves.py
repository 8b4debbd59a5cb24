"""Predictivities from all sentences of a sub-function and from either half of them, in one pass through the model."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from modularity import predictivity, subfunction
from modularity.predictivity import Score
from modularity.subfunction import SubFunction

PARTS = ("whole", "first", "second")


def half_scores(
    activations: Iterable[tuple[SubFunction, xr.DataArray]], *, score: Score = "labels", seed: int = 0
) -> xr.DataArray:
    """As `predictivity.scores`, with the dims ``(half, subfunction, layer, neuron)``.

    Parameters
    ----------
    seed : of the split, that of `subfunction.first_half`.

    Returns
    -------
    ``half`` is ``whole``, what `predictivity.scores` returns, then ``first`` and ``second``: with the activations of
    only these sentences.

    Raises
    ------
    ValueError
        A class of one sentence, which has no halves, and what `predictivity.scores` raises.
    """
    names, functions, tables = [], [], []
    for whole, pooled in activations:
        if min(np.bincount(whole.labels, minlength=2)) < 2:
            raise ValueError(f"{whole.name!r} has a class of one sentence; a half of it would have none")
        first = subfunction.first_half(whole, seed=seed)
        pairs = [(whole, pooled), *((whole.only(half), pooled.isel(sentence=half)) for half in (first, ~first))]
        tables.append(predictivity.scores(pairs, score=score).to_numpy())
        names.append(whole.name)
        functions.append(whole.function)
        layers = pooled["layer"].to_numpy()
    if not names:
        raise ValueError("got no sub-functions, expected at least one")
    coordinates = {"half": list(PARTS), "subfunction": names, "layer": layers}
    dims = ("half", "subfunction", "layer", "neuron")
    made = xr.DataArray(np.stack(tables, axis=1), coordinates, dims, name="predictivity")
    return made.assign_coords(function=("subfunction", functions))
