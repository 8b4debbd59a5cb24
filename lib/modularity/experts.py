"""Functional experts: those that hold more of a function's top neurons than chance allows (Section 5)."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr

from modularity import nulls
from modularity.nulls import Null

ALPHA = 0.001  # as in the paper


def null_threshold(
    *, subfunctions: int, top: int, neurons: int, experts: int, null: Null = "binomial", alpha: float = ALPHA
) -> int:
    """The smallest count that an expert exceeds with a chance of at most `alpha`; one above it is functional.

    Parameters
    ----------
    subfunctions, top : M sub-functions with k top neurons each.
    neurons, experts : of a layer.
    null : ``binomial`` or ``exact``; ``permutation`` depends on which neurons are shared, see `functional_experts`.
    """
    nulls.check(null)
    if null == "permutation":
        raise ValueError("the permutation null has no threshold without the neurons; call functional_experts")
    return nulls.threshold(getattr(nulls, null)(subfunctions, top, neurons, neurons // experts), alpha)


def counts(members: xr.DataArray, groups: xr.DataArray) -> xr.DataArray:
    """Top neurons of every sub-function in every expert, dims ``(subfunction, layer, expert)``.

    Parameters
    ----------
    members : bool of dims ``(subfunction, layer, neuron)``, of `specialists.top_neurons`.
    groups : the expert of each neuron, dims ``(layer, neuron)``, experts 0 to E − 1 of equal size.

    Raises
    ------
    ValueError
        A partition of another number of layers or neurons; experts that are empty or of unequal size.
    """
    check(groups, members)
    number = _experts(groups)
    one_hot = groups.to_numpy()[..., None] == np.arange(number)  # layer, neuron, expert
    table = np.stack(
        [m.astype(np.float32) @ g.astype(np.float32) for m, g in zip(_by_layer(members), one_hot, strict=True)], axis=1
    )
    coordinates = {"subfunction": members["subfunction"], "layer": members["layer"].to_numpy()}
    made = xr.DataArray(table.round().astype(np.int32), coordinates, ("subfunction", "layer", "expert"), name="count")
    return made.assign_coords(function=("subfunction", members["function"].to_numpy()))


def check(groups: xr.DataArray, like: xr.DataArray) -> None:
    """Refuse a partition that does not fit the layers and neurons of `like`, or whose experts are not of one size."""
    if groups.dims != ("layer", "neuron"):
        raise ValueError(f"the partition has the dims {groups.dims}, expected ('layer', 'neuron')")
    for what in ("layer", "neuron"):
        if groups.sizes[what] != like.sizes[what]:
            raise ValueError(
                f"the partition has {groups.sizes[what]} entries along {what!r}, the predictivities "
                f"{like.sizes[what]}; make it from the same model"
            )
    for layer, row in zip(groups["layer"].to_numpy(), groups.to_numpy(), strict=True):
        if row.min() < 0:
            raise ValueError(f"the partition of layer {layer} has expert {row.min()}; experts are numbered from 0")
        sizes = np.bincount(row.astype(np.intp), minlength=_experts(groups))
        if len(set(sizes.tolist())) > 1:
            raise ValueError(
                f"the experts of layer {layer} have {sizes.min()} to {sizes.max()} neurons; "
                "the tests need experts of equal size, none of them empty"
            )


def _experts(groups: xr.DataArray) -> int:
    return int(groups.max()) + 1


def _by_layer(members: xr.DataArray) -> np.ndarray:
    return members.transpose("layer", "subfunction", "neuron").to_numpy()


def chances(members: xr.DataArray, experts: int, null: Null) -> dict[tuple[str, int], np.ndarray]:
    """(function, layer) → chance of at least r top neurons in one expert, for r = 0, 1, 2, …"""
    nulls.check(null)
    neurons = members.sizes["neuron"]
    size = neurons // experts
    top = int(members.isel(subfunction=0, layer=0).sum())
    made = {}
    for function, rows in members.groupby("function"):
        layers = members["layer"].to_numpy()
        if null == "permutation":
            hits = rows.sum("subfunction").transpose("layer", "neuron").to_numpy()
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                tails = list(pool.map(lambda of_layer: nulls.permutation(of_layer, size), hits))
        else:
            tails = [getattr(nulls, null)(rows.sizes["subfunction"], top, neurons, size)] * len(layers)
        made |= {(function, layer): tail for layer, tail in zip(layers, tails, strict=True)}
    return made


def functional_experts(
    members: xr.DataArray, groups: xr.DataArray, *, null: Null = "binomial", alpha: float = ALPHA
) -> xr.Dataset:
    """Test every expert for every function: does it hold more top neurons than chance allows?

    Parameters
    ----------
    members, groups : as in `counts`.
    null : what chance is. ``binomial`` is the paper's (footnote 3), ``exact`` the same without its approximation;
        both take the sub-functions of a function for independent. ``permutation`` deals neurons to experts at random
        with all they are good at, so that sub-functions may share neurons as they do.
    alpha : an expert is functional if the chance of its count or a higher one is at most this.

    Returns
    -------
    With dims ``(function, layer, expert)``: ``count`` r_i, ``p``, ``functional``, and ``degree``, Equation 2's degree
    of one expert: count / ``expected``, dims ``(function, layer)``. And ``places`` (function), the neurons of an
    expert times the sub-functions, the most that a count could be.

    Raises
    ------
    ValueError
        What `counts` raises; an unknown null; an alpha outside (0, 1).
    """
    check_alpha(alpha)
    table = counts(members, groups).groupby("function").sum("subfunction")
    table = table.sel(function=list(dict.fromkeys(members["function"].to_numpy())))  # in their own order
    tails = chances(members, table.sizes["expert"], null)
    p = xr.zeros_like(table, dtype=float)
    for function, layer in tails:
        where = {"function": function, "layer": layer}
        p.loc[where] = tails[function, layer][table.loc[where].to_numpy()]
    expected = table.mean("expert")  # M k n_E / N
    names = members["function"].to_numpy()
    sizes = np.array([(names == function).sum() for function in table["function"].to_numpy()])
    made = {"count": table, "expected": expected, "p": p, "functional": p <= alpha, "degree": table / expected}
    return xr.Dataset(made | {"places": ("function", sizes * (members.sizes["neuron"] // table.sizes["expert"]))})


def subfunctional_experts(
    members: xr.DataArray, groups: xr.DataArray, *, null: Null = "exact", alpha: float = ALPHA
) -> xr.Dataset:
    """The same for every sub-function by itself (Appendix A.5), dims ``(subfunction, layer, expert)``.

    For one sub-function dealing its neurons and permuting all of them is the same, so ``permutation`` is ``exact``.
    """
    check_alpha(alpha)
    nulls.check(null)
    table = counts(members, groups)
    number = table.sizes["expert"]
    top, size = int(members.isel(subfunction=0, layer=0).sum()), members.sizes["neuron"] // number
    distribution = nulls.binomial if null == "binomial" else nulls.exact
    p = xr.zeros_like(table, dtype=float)
    p[:] = distribution(1, top, members.sizes["neuron"], size)[table.to_numpy()]
    return xr.Dataset({"count": table, "p": p, "functional": p <= alpha, "degree": table * (number / top)})


def check_alpha(alpha: float) -> None:
    """Refuse what is no chance."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}, expected a chance between 0 and 1")


def summary(tested: xr.Dataset) -> xr.Dataset:
    """Proportion of functional experts and modularization degree (Equation 2) of each function.

    Parameters
    ----------
    tested : of `functional_experts`, or of `subfunctional_experts`, of which the mean over sub-functions is taken.

    Returns
    -------
    ``proportion``; ``degree``, the mean over the functional experts of a layer, 0 for a layer without, averaged over
    layers as in the authors' code; ``pooled_degree``, the mean over the functional experts of all layers, 0 if there
    are none, as in the text.
    """
    functional = tested["functional"]
    made = xr.Dataset(
        {
            "proportion": functional.mean(["layer", "expert"]),
            "degree": _mean_where(tested["degree"], functional, ["expert"]).mean("layer"),
            "pooled_degree": _mean_where(tested["degree"], functional, ["layer", "expert"]),
        }
    )
    if "subfunction" in made.dims:
        order = list(dict.fromkeys(tested["function"].to_numpy()))
        made = made.groupby("function").mean("subfunction").sel(function=order)
    return made


def _mean_where(values: xr.DataArray, chosen: xr.DataArray, dims: list[str]) -> xr.DataArray:
    return (values * chosen).sum(dims) / chosen.sum(dims).clip(min=1)
