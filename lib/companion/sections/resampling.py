"""What else could have come out with fewer or with other sub-functions (Section 5)."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr
from jaxtyping import Bool, Int

from companion.sections.intervals import LEFT_IN
from modularity import experts, nulls
from modularity.experts import ALPHA
from modularity.nulls import Null
from modularity.partition_null import MEASURES, measures


def fewer(
    members: xr.DataArray,
    groups: xr.DataArray,
    numbers: Sequence[int],
    *,
    null: Null = "binomial",
    alpha: float = ALPHA,
    draws: int = 20,
    seed: int = 0,
) -> xr.Dataset:
    """The measures of `experts.summary` with only some of each function's sub-functions.

    A test of more sub-functions finds smaller departures from chance, so proportions of functions of unlike size
    cannot be compared as they are.

    Parameters
    ----------
    numbers : of sub-functions, M; a function with fewer has no value there.

    Returns
    -------
    dims ``(function, number, draw)``.
    """
    nulls.check(null)
    experts.check_alpha(alpha)
    rng = np.random.default_rng(seed)
    functions = members["function"].to_numpy()
    names = list(dict.fromkeys(functions.tolist()))
    table = experts.counts(members, groups).transpose("subfunction", "layer", "expert").to_numpy()
    flags = members.transpose("subfunction", "layer", "neuron").to_numpy()
    found = np.full((len(MEASURES), len(names), len(numbers), draws), np.nan)
    for i, name in enumerate(names):
        rows = np.flatnonzero(functions == name)
        for j, number in enumerate(numbers):
            if number <= len(rows):
                parts = [rows[np.sort(rng.permutation(len(rows))[:number])] for _ in range(draws)]
                sums = np.stack([table[part].sum(0) for part in parts])  # draw, layer, expert
                limits = _limits_of_parts(flags, parts, table.shape[-1], null, alpha)
                found[:, i, j] = measures(sums / sums.mean(-1, keepdims=True), sums > limits[..., None])
    coordinates = {"function": names, "number": list(numbers)}
    return xr.Dataset(
        {m: (("function", "number", "draw"), x) for m, x in zip(MEASURES, found, strict=True)}, coordinates
    )


def _limits_of_parts(
    flags: Bool[np.ndarray, "subfunction layer neuron"],
    parts: Sequence[Int[np.ndarray, "kept"]],
    number: int,
    null: Null,
    alpha: float,
) -> Int[np.ndarray, "draw layer"]:
    """What `nulls.threshold` gives for some equally many sub-functions, draw by draw; `number` experts a layer."""
    layers, neurons = flags.shape[1:]
    size = neurons // number
    if null != "permutation":  # which sub-functions they are makes no difference
        tail = getattr(nulls, null)(len(parts[0]), int(flags[0, 0].sum()), neurons, size)
        return np.full((len(parts), layers), nulls.threshold(tail, alpha))
    hits = [flags[part, layer].sum(0) for part in parts for layer in range(layers)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        tails = pool.map(lambda of_layer: nulls.permutation(of_layer, size), hits)
        return np.array([nulls.threshold(tail, alpha) for tail in tails]).reshape(len(parts), layers)


def standard_errors(
    members: xr.DataArray,
    groups: xr.DataArray,
    *,
    null: Null = "binomial",
    alpha: float = ALPHA,
    draws: int = 50,
    seed: int = 0,
) -> xr.Dataset:
    """Standard errors of the measures of `experts.summary`, because other sub-functions might have been chosen.

    A bootstrap would count a sub-function drawn twice as two that agree, which is what the tests look for. The delete-d
    jackknife (Shao and Wu, 1989) draws without replacement: a fifth of the sub-functions is left out, and the
    variance over such draws is scaled by n_kept / n_left_out.

    Returns
    -------
    dims ``(function,)``; not a number for a function of fewer than five sub-functions.
    """
    functions = members["function"].to_numpy()
    made = []
    for name in dict.fromkeys(functions.tolist()):
        size = int((functions == name).sum())
        kept = round(LEFT_IN * size)
        if size < 5:
            made.append(np.full(len(MEASURES), np.nan))
            continue
        rows = members.isel(subfunction=functions == name)
        values = fewer(rows, groups, [kept], null=null, alpha=alpha, draws=draws, seed=seed).to_dataarray()
        made.append(np.sqrt(values.var("draw").to_numpy().ravel() * kept / (size - kept)))
    names = list(dict.fromkeys(functions.tolist()))
    return xr.Dataset(
        {m: ("function", x) for m, x in zip(MEASURES, np.array(made).T, strict=True)}, {"function": names}
    )
