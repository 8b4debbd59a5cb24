"""The tables of word meanings and experts (Section 6, Appendix A.6): clustering scores, and two kinds of chance."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from modularity import emergence

DRAWS = 1000  # random assignments of words


def clustering(runs: xr.Dataset, alike: xr.DataArray) -> pd.DataFrame:
    """Figures 7 and 8: clustering scores over pre-training, ``partition, layer, run, step, share, value``, mean over
    the semantic sub-functions.

    Parameters
    ----------
    alike : of `similarity.between`.
    """
    score = emergence.clustering_score(alike, semantic_experts(runs)).mean("subfunction")
    table = score.rename("value").to_dataframe().reset_index()
    return table.assign(share=table["step"] / table["step"].max())


def clustering_chance(runs: xr.Dataset, alike: xr.DataArray, *, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """Between which values 95 % of the scores of a layer lie, mean over runs, when words are randomly assigned:
    ``partition, step, share, low, high``."""
    drawn = emergence.clustering_by_chance(alike, semantic_experts(runs), draws=draws, seed=seed).mean("run")
    ends = drawn.quantile([0.025, 0.975], ["draw", "layer"])
    table = ends.rename("value").to_dataframe()["value"].unstack("quantile").set_axis(["low", "high"], axis=1)
    table = table.reset_index()
    return table.assign(share=table["step"] / table["step"].max())


def semantic_experts(runs: xr.Dataset) -> xr.DataArray:
    """Predictivities of experts for the semantic sub-functions."""
    return runs["experts"].isel(subfunction=np.flatnonzero(runs["function"].to_numpy() == "semantic"))


def experts_of(runs: Sequence[xr.Dataset]) -> tuple[list[xr.DataArray], list[xr.DataArray]]:
    """Of readings of the semantic function: predictivities of each run's own experts, and of random ones (``draw``)."""
    own = [run["expert_mean"].sel(partition="own", drop=True) for run in runs]
    return own, [run["shuffled"].rename(alike="subfunction") for run in runs]


def organization(
    own: Sequence[xr.DataArray],
    random: Sequence[xr.DataArray],
    alike: xr.DataArray,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """Clustering scores of finished models, mean over runs, beside two kinds of chance.

    Parameters
    ----------
    own : predictivities of each run's experts for semantic sub-functions, dims ``(subfunction, layer, expert)``.
    random : the same of random partitions, with the dim ``draw``.
    draws : random assignments of words to the sub-functions.

    Returns
    -------
    A row a layer: ``own``, the score of the model's experts; ``p (words)``, the share of draws that reach it, the
    score itself counted; ``random``, mean over random partitions, and ``p (partition)``, the share of those that
    reach it.
    """
    found = np.mean([emergence.clustering_score(alike, table).mean("subfunction") for table in own], axis=0)
    by_words = np.mean(
        [emergence.clustering_by_chance(alike, table, draws=draws, seed=seed + i) for i, table in enumerate(own)],
        axis=0,
    )
    drawn = np.array(
        [
            np.mean([emergence.clustering_score(alike, run.sel(draw=i)).mean("subfunction") for run in random], axis=0)
            for i in random[0]["draw"].to_numpy()
        ]
    )
    made = {
        "own": found,
        "p (words)": (1 + (by_words >= found).sum(0)) / (1 + draws),
        "random": drawn.mean(0),
        "p (partition)": (1 + (drawn >= found).sum(0)) / (1 + len(drawn)),
    }
    return pd.DataFrame(made, index=pd.Index(own[0]["layer"].to_numpy(), name="layer"))
