"""What random partitions give: functional experts where there is nothing to find (Section 5)."""

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
