"""How large the effects are, besides whether they are there: agreement, variance and odds (Section 5, A.4)."""

import numpy as np
import xarray as xr

from modularity import experts, ranking


def expert_predictivity(scores: xr.DataArray, groups: xr.DataArray) -> xr.DataArray:
    """Predictivity of every expert: the mean over its neurons (Section 3), dims ``(subfunction, layer, expert)``."""
    experts.check(groups, scores)
    member = groups.to_numpy()[..., None] == np.arange(int(groups.max()) + 1)
    by_layer = scores.transpose("layer", "subfunction", "neuron").to_numpy()
    table = (by_layer @ (member / member.sum(-2, keepdims=True))).swapaxes(0, 1)
    coordinates = {"subfunction": scores["subfunction"], "layer": scores["layer"].to_numpy()}
    made = xr.DataArray(table, coordinates, ("subfunction", "layer", "expert"), name="predictivity")
    return made.assign_coords(function=("subfunction", scores["function"].to_numpy()))


def consistency(predictivities: xr.DataArray, functional: xr.DataArray) -> xr.DataArray:
    """Do functional experts have the higher predictivities? The average precision of Appendix A.4 and Table 5.

    Parameters
    ----------
    predictivities : of `expert_predictivity`.
    functional : bool of dims ``(function, layer, expert)``, of `experts.functional_experts`.

    Returns
    -------
    dims ``(function, layer)``; not a number in a layer without functional experts, or where all are. Experts in
    random order reach at least the share of functional experts, and more where these are few (one of 16: .21).
    """
    means = predictivities.groupby("function").mean("subfunction").sel(function=functional["function"].to_numpy())
    made = np.full(functional.shape[:2], np.nan)
    for place in np.ndindex(made.shape):
        labels = functional.to_numpy()[place]
        if labels.any() and not labels.all():
            made[place] = ranking.average_precision(labels, means.to_numpy()[place])
    coordinates = {"function": functional["function"].to_numpy(), "layer": functional["layer"].to_numpy()}
    return xr.DataArray(made, coordinates, ("function", "layer"), name="consistency")


def intraclass_correlation(means: xr.DataArray, variance: xr.DataArray, neurons: int) -> xr.DataArray:
    """How alike the neurons of one expert are: ICC(1) of predictivity (Shrout and Fleiss, 1979), by sub-function.

    0 if an expert's neurons are no more alike than others; 1 if they are equal; slightly negative by chance.

    Parameters
    ----------
    means : predictivities of experts of equal size, dims ``(subfunction, layer, expert)``.
    variance : of the predictivities of all neurons of a layer, dims ``(subfunction, layer)``.
    neurons : of a layer.

    Returns
    -------
    dims ``(subfunction, layer)``.
    """
    number = means.sizes["expert"]
    size = neurons // number
    between = size * means.var("expert", ddof=1)
    total = variance * neurons
    within = (total - (number - 1) * between) / (number * (size - 1))
    return ((between - within) / (between + (size - 1) * within)).rename("icc")


def odds_ratio(tested: xr.Dataset) -> xr.DataArray:
    """Odds of a functional expert's places to be taken by top neurons, over the odds of all other experts'.

    A layer has a place for each neuron and sub-function. Half a place is added to each cell (Haldane and Anscombe), so
    that no ratio is infinite.

    Parameters
    ----------
    tested : of `experts.functional_experts`.

    Returns
    -------
    dims ``(function,)``, all layers together; not a number without functional experts.
    """
    functional, count, places = tested["functional"], tested["count"], tested["places"]
    dims = ["layer", "expert"]
    inside, outside = ((count * chosen).sum(dims) for chosen in (functional, ~functional))
    number = functional.sum(dims)
    empty_inside = number * places - inside
    empty_outside = (~functional).sum(dims) * places - outside
    ratio = (inside + 0.5) * (empty_outside + 0.5) / ((outside + 0.5) * (empty_inside + 0.5))
    return ratio.where(number > 0).rename("odds_ratio")
