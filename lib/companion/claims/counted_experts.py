"""Top neurons counted once in the experts of a run and in random ones, for whatever sub-functions are asked then."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float, Int

from modularity import experts, nulls, partition, partition_null, specialists


class Counted(NamedTuple):
    """Top neurons in the experts of one run."""

    own: Int[np.ndarray, "subfunction layer expert"]
    random: Int[np.ndarray, "partition subfunction layer expert"]
    means: Float[np.ndarray, "subfunction layer expert"]  # predictivities of the experts
    top: int  # neurons of a sub-function in a layer
    neurons: int  # of a layer


def count(run: xr.Dataset, share: float, partitions: int, seed: list[int]) -> Counted:
    """Of the top neurons of every sub-function, `share` of a layer, with so many random partitions.

    Parameters
    ----------
    run : a reading with the run's own experts, ``own``.
    """
    members = specialists.top_neurons(run, share)
    number, neurons = run.sizes["expert"], run.attrs["neurons"]
    top = int(members.isel(subfunction=0, layer=0).sum())
    places = np.nonzero(members.to_numpy())[2].reshape(*members.shape[:2], top)
    offsets = np.arange(places.shape[0] * places.shape[1]).reshape(*places.shape[:2], 1) * number
    rng = np.random.default_rng(seed)
    random = []
    for _ in range(partitions):
        dealt = np.array([partition.at_random(neurons, number, rng=rng) for _ in range(places.shape[1])])
        cells = dealt[np.arange(places.shape[1])[:, None], places].astype(np.intp) + offsets
        random.append(np.bincount(cells.ravel(), minlength=offsets.size * number).reshape(*places.shape[:2], number))
    own = experts.counts(members, run["own"]).to_numpy()
    means = run["expert_mean"].sel(partition="own").transpose("subfunction", "layer", "expert").to_numpy()
    return Counted(own, np.array(random), means, top, neurons)


def measured(part: str, rows: np.ndarray, run: Counted, alpha: float) -> Float[np.ndarray, "measure partition"]:
    """Proportion and degrees of functional experts, for the sub-functions `rows` alone.

    Parameters
    ----------
    part : ``own`` experts, one partition, or ``random`` ones.
    """
    counts, number = getattr(run, part).take(rows, axis=-3).sum(-3), run.own.shape[-1]
    found = partition_null.measures(
        counts * number / (len(rows) * run.top), above_chance(counts, len(rows), run, alpha)
    )
    return found.reshape(len(found), -1)


def above_chance(counts: np.ndarray, subfunctions: int, run: Counted, alpha: float) -> Bool[np.ndarray, "... expert"]:
    """Which experts have more top neurons of so many sub-functions than the binomial null allows."""
    size = run.neurons // run.own.shape[-1]
    return counts > nulls.threshold(nulls.binomial(subfunctions, run.top, run.neurons, size), alpha)
