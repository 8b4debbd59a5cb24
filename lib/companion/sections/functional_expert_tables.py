"""The tables of Section 5: what every test says of a model's experts, with what chance gives beside it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from companion.sections import resampling
from companion.sections.intervals import REACH
from modularity import effect_sizes, experts, partition_null, specialists
from modularity.experts import ALPHA
from modularity.nulls import Null

NULLS: tuple[Null, ...] = ("binomial", "exact", "permutation")


def functional(
    runs: Sequence[xr.Dataset],
    *,
    share: float = specialists.SHARE,
    null: Sequence[Null] = NULLS,
    alpha: float = ALPHA,
    draws: int = 50,
    seed: int = 0,
) -> pd.DataFrame:
    """Functional experts of a model (Table 1), the mean over its runs.

    Parameters
    ----------
    runs : a reading of each, with the run's own experts (`shipped_readings.read`).
    draws : of the jackknife over sub-functions; 0 for no intervals.

    Returns
    -------
    ``null, function, proportion, degree, pooled_degree`` as `experts.summary` has them; ``low`` and ``high``, the 95 %
    interval of the proportion over sub-functions; ``least`` and ``most``, its lowest and highest run; ``odds``,
    `effect_sizes.odds_ratio`; ``consistency`` (Table 5), `effect_sizes.consistency`, the mean over layers.
    """
    made = []
    for run in runs:
        members, partition = specialists.top_neurons(run, share), run["own"]
        means = run["expert_mean"].sel(partition="own")
        for which in null:
            tested = experts.functional_experts(members, partition, null=which, alpha=alpha)
            table = experts.summary(tested)
            table["odds"] = effect_sizes.odds_ratio(tested)
            table["consistency"] = effect_sizes.consistency(means, tested["functional"]).mean("layer")
            if draws:
                options = {"null": which, "alpha": alpha, "draws": draws, "seed": seed}
                table["error"] = resampling.standard_errors(members, partition, **options)["proportion"]  # type: ignore[arg-type]
            else:
                table["error"] = xr.full_like(table["proportion"], np.nan)
            made.append(table.expand_dims(null=[which]).to_dataframe())
    table = _over_runs(made, ["null", "function"])
    table["low"] = (table["proportion"] - REACH * table["error"]).clip(0, 1)
    table["high"] = (table["proportion"] + REACH * table["error"]).clip(0, 1)
    of_runs = np.stack([rows["proportion"].to_numpy() for rows in made]).reshape(len(runs), -1)
    table["least"], table["most"] = of_runs.min(0), of_runs.max(0)
    return table.drop(columns="error")


def _over_runs(tables: Sequence[pd.DataFrame], by: list[str]) -> pd.DataFrame:
    mean: pd.DataFrame = pd.concat(tables).groupby(level=by, sort=False).mean()  # type: ignore[assignment]
    return mean.reset_index()


def by_chance(
    runs: Sequence[xr.Dataset],
    *,
    share: float = specialists.SHARE,
    null: Sequence[Null] = NULLS,
    alpha: float = ALPHA,
    draws: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """The same measures of random partitions into as many experts as each run has.

    Returns
    -------
    ``null, function, proportion, degree, pooled_degree``; ``low`` and ``high``, between which 95 % of the partitions'
    proportions lie; ``sub_proportion, sub_degree`` of sub-functional experts (Table 4).
    """
    made = []
    for run in runs:
        members, number = specialists.top_neurons(run, share), run.sizes["expert"]
        drawn = partition_null.random_partitions(members, number, draws=draws, null=null, alpha=alpha, seed=seed)
        table = drawn.mean("draw")
        for column, at in (("low", 0.025), ("high", 0.975)):
            table[column] = drawn["proportion"].quantile(at, "draw").drop_vars("quantile")
        made.append(table.to_dataframe())
    return _over_runs(made, ["null", "function"])


def subfunctional_by_chance(table: pd.DataFrame) -> pd.DataFrame:
    """The part of what `by_chance` returns that belongs beside `subfunctional`."""
    rows = table.drop_duplicates("function")
    columns = {"proportion": "sub_proportion", "degree": "sub_degree"}
    return pd.DataFrame({"function": rows["function"]} | {name: rows[column] for name, column in columns.items()})


def stacked(kinds: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    """Kind → model → table as one table, with the columns ``partition`` (the kind) and ``model``."""
    return pd.concat(
        [table.assign(partition=kind, model=m) for kind, tables in kinds.items() for m, table in tables.items()],
        ignore_index=True,
    )


def subfunctional(
    runs: Sequence[xr.Dataset],
    *,
    share: float = specialists.SHARE,
    alpha: float = ALPHA,
) -> pd.DataFrame:
    """Sub-functional experts of a model (Table 4), the mean over its runs: ``function, proportion, degree,
    pooled_degree``."""
    made = [
        experts.summary(
            experts.subfunctional_experts(specialists.top_neurons(run, share), run["own"], alpha=alpha)
        ).to_dataframe()
        for run in runs
    ]
    return _over_runs(made, ["function"])


def cross_fitted(run: xr.Dataset, *, null: Null = "permutation", alpha: float = ALPHA) -> pd.DataFrame:
    """Are experts that are functional on one half of the sentences so on the other? Both ways, averaged.

    Of the top 1 % of a layer's neurons, which readings keep of either half.

    Returns
    -------
    ``function, functional``, the share of experts that one half calls functional; ``again``, the share of them that
    the other half calls so too; ``consistency``, that of Table 5 with the experts of one half and the predictivities of
    the other.
    """
    members = [specialists.top_neurons(run, half=half) for half in specialists.HALVES]
    called = [experts.functional_experts(m, run["own"], null=null, alpha=alpha)["functional"] for m in members]
    means = [run["half_expert_mean"].sel(half=half) for half in specialists.HALVES]
    made = []
    for here, there in ((0, 1), (1, 0)):
        both = (called[here] & called[there]).sum(["layer", "expert"])
        table = xr.Dataset(
            {
                "functional": called[here].mean(["layer", "expert"]),
                "again": both / called[here].sum(["layer", "expert"]).where(lambda n: n > 0),
                "consistency": effect_sizes.consistency(means[there], called[here]).mean("layer"),
            }
        )
        made.append(table.to_dataframe())
    return _over_runs(made, ["function"])


def sizes(runs: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Share of the variance of predictivity between experts (`effect_sizes.intraclass_correlation`), the mean over
    runs, layers and sub-functions: ``function, own, random``, of the runs' own experts and of random ones."""
    made = {}
    for kind in ("own", "random"):
        tables = [
            effect_sizes.intraclass_correlation(
                run["expert_mean"].sel(partition=kind), run["variance"], run.attrs["neurons"]
            )
            for run in runs
        ]
        made[kind] = pd.concat([t.groupby("function").mean(...).to_series() for t in tables]).groupby(level=0).mean()
    order = list(dict.fromkeys(runs[0]["function"].to_numpy()))
    return pd.DataFrame(made).loc[order].rename_axis("function").reset_index()


def beside(tables: Mapping[str, Mapping[str, pd.DataFrame]], measures: Sequence[str]) -> pd.DataFrame:
    """Tables side by side: a row a model and function, a column a measure and source.

    Parameters
    ----------
    tables : source → model → a table with the column ``function`` and the `measures`.
    """
    columns = {
        source: pd.concat({m: t.set_index("function")[list(measures)] for m, t in of_models.items()}, names=["model"])
        for source, of_models in tables.items()
    }
    joined = pd.concat(columns, axis=1).swaplevel(axis=1)
    order = [(m, f) for m in next(iter(tables.values())) for f in dict.fromkeys(joined.index.get_level_values(1))]
    return joined.loc[[o for o in order if o in joined.index], list(measures)]
