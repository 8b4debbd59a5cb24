"""In which order the neurons of a layer are perturbed: the rankings of Figure 2, and fair ones beside them."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from companion.functions import prompts
from modularity import experts

SEEN = tuple(sorted(prompts.SEEN))  # the data sets that the text ranks by
Order = Int[np.ndarray, "layer neuron"]  # the neurons of each layer, the first to be perturbed first


def by_predictivity(scores: xr.DataArray, subfunctions: Sequence[str]) -> Order:
    """Neurons with the highest summed predictivity for the `subfunctions` first, equals by their number.

    One sub-function is a single-data-set ranking; those of `SEEN` are the "Avg" of the text; all eight task
    sub-functions are what the authors' code sums.
    """
    return np.argsort(-_summed(scores, subfunctions), axis=1, kind="stable")


def by_expert(
    scores: xr.DataArray, subfunctions: Sequence[str], groups: xr.DataArray, *, ascending: bool = False
) -> Order:
    """Whole experts, those with the highest summed predictivity of their neurons first ("MoE").

    Parameters
    ----------
    ascending : the least predictive experts first, for comparison.
    """
    experts.check(groups, scores)
    totals = _summed(scores, subfunctions)
    made = []
    for row, group in zip(totals, groups.to_numpy().astype(np.intp), strict=True):
        value = np.bincount(group, weights=row)
        place = np.empty(len(value), dtype=np.intp)
        place[np.argsort(value if ascending else -value, kind="stable")] = np.arange(len(value))
        made.append(np.argsort(place[group], kind="stable"))
    return np.array(made)


def at_random(layers: int, neurons: int, *, rng: np.random.Generator) -> Order:
    """Any neuron as soon as any other."""
    return np.array([rng.permutation(neurons) for _ in range(layers)])


def first(order: Order, layers: Sequence[int], number: int) -> dict[int, Int[np.ndarray, "number"]]:
    """Layer → the first `number` neurons of the order, as `perturb.neurons` takes them.

    Raises
    ------
    ValueError
        More neurons than the layer has, or less than none.
    """
    if not 0 <= number <= order.shape[1]:
        raise ValueError(f"cannot perturb {number} of {order.shape[1]} neurons; give a number between them")
    return {layer: row[:number] for layer, row in zip(layers, order, strict=True)}


def of_equal_mass(
    order: Order, layers: Sequence[int], like: dict[int, np.ndarray], mass: Float[np.ndarray, "layer neuron"]
) -> dict[int, np.ndarray]:
    """The first neurons of the order whose activations together weigh as much as those of the neurons in `like`.

    Masks of equal number need not be of equal weight: top neurons may be those that fire most.

    Parameters
    ----------
    mass : mean absolute activation of every neuron.
    """
    made = {}
    for i, layer in enumerate(layers):
        wanted = mass[i, like[layer]].sum()
        reached = np.cumsum(mass[i, order[i]])
        number = int(np.argmin(np.abs(np.concatenate([[0.0], reached]) - wanted)))
        made[layer] = order[i, :number]
    return made


def _summed(scores: xr.DataArray, subfunctions: Sequence[str]) -> Float[np.ndarray, "layer neuron"]:
    known = set(scores["subfunction"].to_numpy().tolist())
    if missing := [name for name in subfunctions if name not in known]:
        raise ValueError(f"there are no predictivities of {missing[0]!r}; there are: {', '.join(sorted(known))}")
    if not subfunctions:
        raise ValueError("got no sub-functions to rank by, expected at least one")
    return scores.sel(subfunction=list(subfunctions)).sum("subfunction").to_numpy()
