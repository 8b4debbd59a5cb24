"""How the authors' predictivities lie in experts, and whether one of their partitions refines another."""

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from companion.sections.intervals import DRAWS
from modularity import effect_sizes


def variance_explained(
    predictivity: xr.DataArray, groups: xr.DataArray, *, draws: int = DRAWS, seed: int = 0
) -> pd.DataFrame:
    """How much of the variance of neurons' predictivity lies between experts, layer by layer.

    Parameters
    ----------
    predictivity, groups : dims ``(layer, neuron)``; experts of equal size.
    draws : permutations of the neurons of a layer.

    Returns
    -------
    ``layer, experts, F, p`` (of F by permutation, the data counted) ``, icc, low, high``: ICC(1) with the interval of
    normal theory (Shrout and Fleiss, 1979); ``share`` of the variance between experts and ``share by chance``.
    """
    number = int(groups.max()) + 1
    neurons = predictivity.sizes["neuron"]
    size, within = neurons // number, neurons - number
    table = predictivity.expand_dims(subfunction=["all"]).assign_coords(function=("subfunction", ["task"]))
    means = effect_sizes.expert_predictivity(table, groups)
    icc = effect_sizes.intraclass_correlation(means, table.var("neuron"), table.sizes["neuron"])
    icc = icc.isel(subfunction=0).to_numpy()
    found = (1 + (size - 1) * icc) / (1 - icc)
    shuffled = np.random.default_rng(seed).permuted(np.tile(np.arange(neurons), (draws, 1)), axis=1)
    p = []
    for values, row in zip(predictivity.to_numpy(), groups.to_numpy(), strict=True):
        own = values[np.argsort(row, kind="stable")].reshape(number, size).mean(1).var()
        drawn = values[shuffled].reshape(draws, number, size).mean(2).var(1)
        p.append((1 + (drawn >= own).sum()) / (1 + draws))  # F rises with the variance of the means
    ends = found / stats.f.ppf(0.975, number - 1, within), found * stats.f.ppf(0.975, within, number - 1)
    low, high = ((f - 1) / (f + size - 1) for f in ends)
    share = (number - 1) * found / ((number - 1) * found + within)
    columns = {"experts": number, "F": found, "p": p, "icc": icc, "low": low, "high": high, "share": share}
    made = pd.DataFrame({"layer": predictivity["layer"].to_numpy(), **columns})
    return made.assign(**{"share by chance": (number - 1) / (neurons - 1)})


def refinement(fine: xr.DataArray, coarse: xr.DataArray, *, draws: int = 200, seed: int = 0) -> pd.DataFrame:
    """Do fine experts lie inside coarse ones? 1 if one partition refines the other.

    Returns
    -------
    ``layer``; ``whole``, fine experts inside one coarse expert; ``purity``, the mean share of a fine expert that its
    most frequent coarse expert holds, ``purity by chance`` and ``p`` over partitions with neurons randomly assigned;
    ``adjusted Rand`` index.
    """
    rng = np.random.default_rng(seed)
    made = []
    for layer, a, b in zip(fine["layer"].to_numpy(), fine.to_numpy(), coarse.to_numpy(), strict=True):
        order = np.argsort(a, kind="stable")
        most = _most(b[order][None], int(a.max()) + 1)[0]
        shuffled = _most(rng.permuted(np.tile(b, (draws, 1)), axis=1), int(a.max()) + 1).mean(1)
        p = (1 + (shuffled >= most.mean()).sum()) / (1 + draws)
        row = (int((most == 1).sum()), most.mean(), shuffled.mean(), p, adjusted_rand_score(a, b))
        made.append((int(layer), *row))
    return pd.DataFrame(made, columns=["layer", "whole", "purity", "purity by chance", "p", "adjusted Rand"])


def _most(groups: np.ndarray, number: int) -> np.ndarray:
    """Largest share of one coarse group in each of `number` equal runs of neurons; ``(draw, neuron)`` to ``(draw,
    number)``."""
    parts = groups.reshape(len(groups), number, -1)
    counts = np.stack([(parts == g).sum(2) for g in range(int(groups.max()) + 1)])
    return counts.max(0) / parts.shape[2]
