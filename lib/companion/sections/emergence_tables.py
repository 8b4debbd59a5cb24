"""The tables of Section 6: curves over pre-training with their runs, where they stabilise, and what of it is noise."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from companion.experiments import history_file
from modularity import emergence, experts
from modularity.experts import ALPHA
from modularity.nulls import Null

LEVELS = ("expert", "random", "neuron")
DRAWS = 1000  # of the bootstrap


def share(steps: xr.DataArray) -> np.ndarray:
    """Steps as a fraction of training."""
    return steps.to_numpy() / steps.to_numpy().max()


def stabilization(runs: xr.Dataset) -> xr.DataArray:
    """Figure 4's curves, dims ``(level, run, subfunction, step)``, means over layers; the first step is left out.

    Parameters
    ----------
    runs : of `history_file.together`.
    """
    of_experts = expert_stabilization(runs).mean("layer")
    parts = [of_experts.sel(partition=name, drop=True) for name in ("model", "random")]
    parts += [runs["stability"].mean("layer")]
    made = xr.concat(parts, xr.IndexVariable("level", list(LEVELS)), coords="minimal", compat="override")
    return made.transpose("level", "run", "subfunction", "step").isel(step=slice(1, None)).rename("value")


def expert_stabilization(history: xr.Dataset) -> xr.DataArray:
    """Stabilisation of experts, from their predictivities in a history, by partition, sub-function, layer and
    step; 1 at the first step, as ``stability``, that of neurons, has it."""
    values = history["experts"].transpose(..., "expert")
    before = values.shift(step=1).where(values["step"] > values["step"][0], values)
    score = emergence.stabilization_score(before.to_numpy(), values.to_numpy())
    return values.isel(expert=0, drop=True).copy(data=score).rename("stabilization")


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
    """Where each curve first stays above `level`, as a fraction of training, with a 95 % interval.

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


def functional_experts(
    history: xr.Dataset, groups: xr.DataArray, *, null: Null = "binomial", alpha: float = ALPHA
) -> xr.Dataset:
    """Figures 3 and 6 of one run: proportion and degree of its functional and sub-functional experts at each step.

    Parameters
    ----------
    groups : the expert of each neuron, dims ``(layer, neuron)``: the same at all steps, as in the paper.

    Returns
    -------
    `experts.summary` with dims ``(kind, function, step)``; ``kind`` is ``functional`` or ``sub-functional``, which are
    tested by the exact null, as permuting gives the same.
    """
    members = history_file.top_neurons(history).transpose("subfunction", "step", "layer", "neuron")
    steps, layers = (members[dim].to_numpy() for dim in ("step", "layer"))
    # Tests are made layer by layer, so the layers of all steps are tested as those of one tall model.
    tall = members.stack(floor=("step", "layer")).reset_index("floor", drop=True)
    tall = tall.rename(floor="layer").transpose("subfunction", "layer", "neuron")
    tall = tall.assign_coords(layer=np.arange(tall.sizes["layer"]))
    repeated = xr.DataArray(np.tile(groups.to_numpy(), (len(steps), 1)), {"layer": tall["layer"]}, ("layer", "neuron"))
    tested = [
        experts.functional_experts(tall, repeated, null=null, alpha=alpha),
        experts.subfunctional_experts(tall, repeated, null="binomial" if null == "binomial" else "exact", alpha=alpha),
    ]
    by_step = [
        experts.summary(
            one.coarsen(layer=len(layers)).construct(layer=("step", "layer")).drop_vars("layer", errors="ignore")
        )
        for one in tested
    ]
    made = xr.concat(by_step, xr.IndexVariable("kind", ["functional", "sub-functional"]))
    return made.assign_coords(step=steps)


def functional_by_step(
    runs: Sequence[xr.Dataset], *, random: int = 0, null: Null = "binomial", alpha: float = ALPHA, seed: int = 0
) -> pd.DataFrame:
    """Figures 3 and 6 of several runs in long form: `functional_experts` by ``run``.

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
        tables = [functional_experts(history, groups, null=null, alpha=alpha) for groups in dealt]
        table = xr.concat(tables, "draw").mean("draw").to_dataframe().reset_index()
        made.append(table.assign(run=run, partition="random" if random else "model"))
    joined = pd.concat(made, ignore_index=True)
    return joined.assign(share=joined["step"] / joined["step"].max())


def half_reached(curve: pd.Series) -> float:
    """Where a curve first reaches half of its highest value; not a number if that is 0."""
    values, share = curve.to_numpy(), curve.index.to_numpy()
    return float(share[np.argmax(values >= values.max() / 2)]) if values.max() > 0 else np.nan


def half_way(table: pd.DataFrame) -> pd.DataFrame:
    """When functional experts appear: the fraction of training at which the mean of the runs first reaches half of its
    highest proportion (not a number if that is 0), and the proportion at the end, by ``model`` and ``function``."""
    rows: pd.DataFrame = table.loc[table["kind"] == "functional"]
    by = ["model", "function"]
    means = rows.pivot_table("proportion", by, "share")
    made = {}
    for key in rows[by].drop_duplicates().itertuples(index=False, name=None):
        curve = means.loc[key].dropna()  # runs of other models have other steps
        made[key] = {"half of the highest at": half_reached(curve), "at the end": curve.iloc[-1]}
    return pd.DataFrame(made).T.rename_axis(by)


def stacked(tables: Mapping[str, pd.DataFrame], column: str = "model") -> pd.DataFrame:
    """Name → table as one table with the names in `column`."""
    return pd.concat([table.assign(**{column: name}) for name, table in tables.items()], ignore_index=True)
