"""The tables of Section 6: curves over pre-training with their runs, where they stabilise, and what of it is noise."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from modularity import emergence
from modularity.experts import ALPHA
from modularity.nulls import Null

LEVELS = ("expert", "random", "neuron")
DRAWS = 1000  # of the bootstrap


def share(steps: xr.DataArray) -> np.ndarray:
    """Steps as a share of the run."""
    return steps.to_numpy() / steps.to_numpy().max()


def stabilization(runs: xr.Dataset) -> xr.DataArray:
    """Figure 4's curves, dims ``(level, run, subfunction, step)``, means over layers; the first step is left out.

    Parameters
    ----------
    runs : of `emergence.together`.
    """
    of_experts = emergence.expert_stabilization(runs).mean("layer")
    parts = [of_experts.sel(partition=name, drop=True) for name in ("model", "random")]
    parts += [runs["stability"].mean("layer")]
    made = xr.concat(parts, xr.IndexVariable("level", list(LEVELS)), coords="minimal", compat="override")
    return made.transpose("level", "run", "subfunction", "step").isel(step=slice(1, None)).rename("value")


def by_run(curves: xr.DataArray) -> pd.DataFrame:
    """Means of each function's sub-functions in long form, with ``share`` of the run beside ``step``."""
    means = curves.groupby("function").mean("subfunction") if "subfunction" in curves.dims else curves
    table = means.rename("value").to_dataframe().reset_index()
    return table.assign(share=table["step"] / table["step"].max())


def loss(runs: xr.Dataset) -> pd.DataFrame:
    """``run, step, share, value`` of the loss in nats a token, where the log has it."""
    table = runs["loss"].rename("value").to_dataframe().reset_index().dropna()
    return table.assign(share=table["step"] / runs["step"].to_numpy().max())


def stabilised(
    curves: xr.DataArray, level: float = emergence.LEVEL, *, draws: int = DRAWS, seed: int = 0
) -> pd.DataFrame:
    """Where each curve first stays above `level`, as a share of the run, with a 95 % interval.

    The interval is that of the middle 95 % of bootstrap draws of runs and, within each function, of sub-functions.

    Returns
    -------
    ``function, level, first, low, high`` (infinite where the curve, or a draw's, ends below), and ``never``, the share
    of draws that end below.
    """
    rng = np.random.default_rng(seed)
    steps = share(curves["step"])
    made = []
    for function, part in curves.groupby("function"):
        for name in curves["level"].to_numpy():
            values = part.sel(level=name).transpose("run", "subfunction", "step").to_numpy()
            found = emergence.first_above(values.mean((0, 1)), steps, level)
            n, m, _ = values.shape
            drawn = (values[np.ix_(rng.integers(n, size=n), rng.integers(m, size=m))] for _ in range(draws))
            firsts = np.sort([emergence.first_above(one.mean((0, 1)), steps, level) for one in drawn])
            low, high = (firsts[round(q * (draws - 1))] for q in (0.025, 0.975))
            made.append((function, name, float(found), low, high, np.isinf(firsts).mean()))
    return pd.DataFrame(made, columns=["function", "level", "first", "low", "high", "never"])


def printed(figure4: pd.DataFrame, level: float = emergence.LEVEL) -> pd.DataFrame:
    """The same of the paper's curves, without intervals: ``model, function, level, first``."""
    made = []
    columns = ["model", "function", "level"]
    for key in figure4[columns].drop_duplicates().itertuples(index=False, name=None):
        curve = figure4.set_index(columns).sort_index().loc[key].set_index("share")["value"].sort_index()
        made.append((*key, float(emergence.first_above(curve.to_numpy(), curve.index.to_numpy(), level))))
    return pd.DataFrame(made, columns=[*columns, "first"])


def all_layers(runs: xr.Dataset) -> xr.DataArray:
    """Stabilisation of neurons in the layers with experts and in all layers, dims ``(level, run, subfunction, step)``.

    The authors' figure takes the neurons of all layers of Switch, its experts being in every other one. Levels
    ``neuron`` (layers with experts) and ``neuron, all layers``; only the former where all layers have experts.
    """
    names = runs["halved"].to_numpy()
    with_experts = runs["stability"].sel(subfunction=names)
    levels = {"neuron": with_experts}
    if "stability_rest" in runs:
        rest = runs["stability_rest"].rename(halved="subfunction", rest="layer").drop_vars("function_halved")
        levels["neuron, all layers"] = xr.concat([with_experts, rest], "layer", coords="minimal", compat="override")
    made = [table.mean("layer") for table in levels.values()]
    joined = xr.concat(made, xr.IndexVariable("level", list(levels)), coords="minimal", compat="override")
    return joined.transpose("level", "run", "subfunction", "step").isel(step=slice(1, None)).rename("value")


def functional(
    runs: Sequence[xr.Dataset], *, random: int = 0, null: Null = "binomial", alpha: float = ALPHA, seed: int = 0
) -> pd.DataFrame:
    """Figures 3 and 6 of several runs in long form: `emergence.functional_experts` by ``run``.

    Parameters
    ----------
    random : of so many random partitions the mean; the model's own if 0.

    Returns
    -------
    ``kind, function, step, share, run, partition`` (model or random) ``, proportion, degree, pooled_degree``.
    """
    made = []
    for run, history in enumerate(runs):
        own = history["partition_of"].sel(partition="model", drop=True)
        rng = np.random.default_rng([seed, run])
        dealt = [own.copy(data=rng.permuted(own.to_numpy(), axis=1)) for _ in range(random)] or [own]
        tables = [emergence.functional_experts(history, groups, null=null, alpha=alpha) for groups in dealt]
        table = xr.concat(tables, "draw").mean("draw").to_dataframe().reset_index()
        made.append(table.assign(run=run, partition="random" if random else "model"))
    joined = pd.concat(made, ignore_index=True)
    return joined.assign(share=joined["step"] / joined["step"].max())


def half_way(table: pd.DataFrame) -> pd.DataFrame:
    """When functional experts appear: the share of the run at which the mean of the runs first reaches half of its
    highest proportion (not a number if that is 0), and the proportion at the end, by ``model`` and ``function``."""
    rows: pd.DataFrame = table.loc[table["kind"] == "functional"]
    by = ["model", "function"]
    means = rows.pivot_table("proportion", by, "share")
    made = {}
    for key in rows[by].drop_duplicates().itertuples(index=False, name=None):
        curve = means.loc[key].dropna()  # runs of other models have other steps
        values, at = curve.to_numpy(), curve.index.to_numpy()
        reached = at[np.argmax(values >= values.max() / 2)] if values.max() > 0 else np.nan
        made[key] = {"half of the highest at": reached, "at the end": values[-1]}
    return pd.DataFrame(made).T.rename_axis(by)


def stacked(tables: Mapping[str, pd.DataFrame], column: str = "model") -> pd.DataFrame:
    """Name → table as one table with the names in `column`."""
    return pd.concat([table.assign(**{column: name}) for name, table in tables.items()], ignore_index=True)


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
    """Between which values 95 % of the scores of a layer lie, mean over runs, when words are dealt at random:
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


def organisation(
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
    draws : of words dealt at random to the sub-functions.

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
