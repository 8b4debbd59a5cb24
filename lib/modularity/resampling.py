"""What else could have come out: other partitions, fewer sub-functions, other sub-functions (Section 5)."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int
from tqdm import tqdm

from modularity import experts, nulls
from modularity.experts import ALPHA
from modularity.nulls import Null

MEASURES = ("proportion", "degree", "pooled_degree")  # as `experts.summary` has them
KEPT = 0.8  # share of the sub-functions that a jackknife keeps


class _Layout(NamedTuple):
    """How the sub-functions of a table lie: sorted by function, each function's first row, and its number."""

    names: list[str]
    order: Int[np.ndarray, "subfunction"]
    starts: Int[np.ndarray, "function"]
    sizes: Int[np.ndarray, "function"]


def _layout(functions: np.ndarray) -> _Layout:
    names = list(dict.fromkeys(functions.tolist()))
    ranks = np.array([names.index(f) for f in functions.tolist()])
    sizes = np.bincount(ranks)
    return _Layout(names, np.argsort(ranks, kind="stable"), np.cumsum(sizes) - sizes, sizes)


def measures(
    degree: Float[np.ndarray, "*row layer expert"], functional: Bool[np.ndarray, "*row layer expert"]
) -> Float[np.ndarray, "measure *row"]:
    """`MEASURES` of each row, from the degree of every expert (Equation 2) and whether it is functional."""
    credited = np.where(functional, degree, 0.0)
    number, total = functional.sum(-1), credited.sum(-1)
    return np.stack(
        [
            functional.mean((-2, -1)),
            (total / np.maximum(number, 1)).mean(-1),
            total.sum(-1) / np.maximum(number.sum(-1), 1),
        ]
    )


def random_partitions(
    members: xr.DataArray,
    number: int,
    *,
    draws: int = 1000,
    null: Sequence[Null] = ("binomial", "exact", "permutation"),
    alpha: float = ALPHA,
    seed: int = 0,
) -> xr.Dataset:
    """Functional and sub-functional experts among the experts of random partitions.

    A proportion above `alpha` says how often a null rejects where there is nothing to find.

    Parameters
    ----------
    members : bool of dims ``(subfunction, layer, neuron)``.
    number : of experts, of equal size.

    Returns
    -------
    The measures of `experts.summary`: of functional experts with dims ``(null, function, draw)``, and of
    sub-functional ones (exact null), named ``sub_…``, with dims ``(function, draw)``.
    """
    rng = np.random.default_rng(seed)
    layers, neurons = members.sizes["layer"], members.sizes["neuron"]
    groups = np.repeat(np.arange(number, dtype=np.uint16), neurons // number)
    if len(groups) != neurons:
        raise ValueError(f"{neurons} neurons do not divide into {number} experts of equal size; choose a divisor")
    layout = _layout(members["function"].to_numpy())
    flags = members.to_numpy()[layout.order]
    top = int(flags[0, 0].sum())
    best = [np.nonzero(flags[:, i])[1].reshape(len(flags), top) for i in range(layers)]
    limits = np.stack([_limits(members, layout.names, number, n, alpha) for n in null])[..., None]
    alone = experts.null_threshold(subfunctions=1, top=top, neurons=neurons, experts=number, null="exact", alpha=alpha)
    expected = layout.sizes[:, None, None] * top / number
    offsets = np.arange(len(flags), dtype=np.intp)[:, None] * number
    found = np.empty((len(MEASURES), len(null), len(layout.names), draws))
    alone_found = np.empty((len(MEASURES), len(layout.names), draws))
    table = np.empty((len(flags), layers, number), dtype=np.intp)
    cells = [np.empty((len(flags), top), dtype=np.intp) for _ in best]  # sub-function and expert, as one number

    def count(layer: int, dealt: np.ndarray) -> None:
        np.add(np.take(dealt, best[layer], out=cells[layer], mode="clip"), offsets, out=cells[layer])
        table[:, layer] = np.bincount(cells[layer].ravel(), minlength=len(flags) * number).reshape(-1, number)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # NumPy lets go of Python's lock in what takes long
        for draw in tqdm(range(draws), desc="random partitions", unit="partition", disable=draws < 100):
            list(pool.map(count, range(layers), [rng.permutation(groups).astype(np.intp) for _ in best]))
            sums = np.add.reduceat(table, layout.starts)
            found[..., draw] = measures(np.broadcast_to(sums / expected, (len(null), *sums.shape)), sums > limits)
            each = measures(table * (number / top), table > alone)
            alone_found[..., draw] = np.add.reduceat(each, layout.starts, axis=-1) / layout.sizes
    coordinates = {"null": list(null), "function": layout.names}
    made = {m: (("null", "function", "draw"), x) for m, x in zip(MEASURES, found, strict=True)}
    made |= {f"sub_{m}": (("function", "draw"), x) for m, x in zip(MEASURES, alone_found, strict=True)}
    return xr.Dataset(made, coordinates)


def _limits(
    members: xr.DataArray, names: list[str], number: int, null: Null, alpha: float
) -> Int[np.ndarray, "function layer"]:
    tails = experts.chances(members, number, null)
    layers = members["layer"].to_numpy()
    return np.array([[nulls.threshold(tails[name, layer], alpha) for layer in layers] for name in names])


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
        kept = round(KEPT * size)
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
