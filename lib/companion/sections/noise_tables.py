"""What of stabilisation is noise, and what lies between and within experts: the tables for it (Section 6)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from companion.sections import intervals
from companion.sections.emergence_tables import DRAWS, by_run, expert_stabilization, share
from modularity import ranks, reliability

INSIDE = ["between", "within"]  # the levels that are parts of another
LATE = 0.1  # fraction of training from which on checkpoints are equally far apart


def by_group_size(runs: xr.Dataset, *, draws: int = 5, seed: int = 0) -> pd.DataFrame:
    """Does averaging neurons raise a stabilisation score by itself? Groups of several sizes, dealt at random.

    For the sub-functions of which every neuron is kept, means over runs, layers, `draws` partitions and the steps
    after `LATE`.

    Returns
    -------
    A row a function; columns ``neurons``; ``neurons, linear``, their correlation without ranks, which is what that of
    random groups tends to; random groups of several sizes; ``experts``, the model's own.
    """
    values = runs["neurons"].transpose("run", "kept", "layer", "step", "neuron")
    size = runs.sizes["neuron"] // runs.sizes["expert"]
    groups = {"neurons": 1} | {f"1/{k} of an expert, random": size // k for k in (16, 4)} | {"an expert, random": size}
    rng = np.random.default_rng(seed)
    after = share(runs["step"])[1:] > LATE
    made = {}
    for name, number in groups.items():
        orders = [rng.permutation(values.sizes["neuron"]) for _ in range(draws)]
        rows = []
        for order in orders if number > 1 else orders[:1]:  # single neurons have one score, in whatever order
            means = values.to_numpy()[..., order].reshape(*values.shape[:-1], -1, number).mean(-1)
            rows.append(_adjacent(ranks.centred(np.asarray(means)), after))
        made[name] = np.mean(rows, axis=0)
        if number == 1:
            centred = values - values.mean("neuron")
            made["neurons, linear"] = _adjacent((centred / (centred**2).sum("neuron") ** 0.5).to_numpy(), after)
    own = expert_stabilization(runs).sel(partition="model", subfunction=values["kept"].to_numpy())
    made["experts"] = own.isel(step=1 + np.flatnonzero(after)).mean(["run", "layer", "step"]).to_numpy()
    table = pd.DataFrame(made, index=pd.Index(own["function"].to_numpy(), name="function"))
    means: pd.DataFrame = table.groupby(level=0, sort=False).mean()  # type: ignore[assignment]
    return means


def _adjacent(rows: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Correlation of each step with the one before it, by sub-function, of rows of length 1."""
    return np.nanmean(np.vecdot(rows[..., :-1, :], rows[..., 1:, :])[..., after], axis=(0, 2, 3))


def noise(runs: xr.Dataset) -> pd.DataFrame:
    """What of a stabilisation score is the sentences: the pairs of `reliability.agreement` over steps, means over runs
    and sub-functions, and ``corrected``.

    Returns
    -------
    ``function, level, pair, step, share, value``; the first step is left out.
    """
    table = _by_function(runs["agreement"])
    fixed = reliability.corrected(table.sel(pair="across"), table.sel(pair="reliability"))
    every = [table.isel(step=slice(1, None)), fixed.expand_dims(pair=["corrected"])]
    return by_run(xr.concat(every, "pair", coords="minimal", compat="override", join="outer"))


def _by_function(values: xr.DataArray) -> xr.DataArray:
    """Means over runs and sub-functions of a variable of halves."""
    return values.mean("run").groupby("function_halved").mean("halved").rename(function_halved="function")


def parts(runs: xr.Dataset) -> pd.DataFrame:
    """Correlations of what lies between the model's experts and of what lies within them.

    Neurons' ranks are the sum of the mean rank of their expert and the rest, and so is their covariance at two
    checkpoints; each part is divided by its own spread.

    Returns
    -------
    ``function, level`` (between, within) ``, pair`` (whole; corrected, as in `noise`) ``, step, share, value``, and
    the rows ``level = share``: how much of the variance of ranks lies between experts.
    """
    of_between = _by_function(runs["between_share"])
    table = _by_themselves(_by_function(runs["agreement"]), of_between).sel(level=INSIDE)
    whole = table.sel(pair="whole", drop=True).isel(step=slice(1, None))
    fixed = reliability.corrected(table.sel(pair="across", drop=True), table.sel(pair="reliability", drop=True))
    both = xr.concat([whole, fixed], xr.IndexVariable("pair", ["whole", "corrected"]), coords="minimal")
    rows = [by_run(both), by_run(of_between.expand_dims(level=["share"], pair=["whole"]).isel(step=slice(1, None)))]
    return pd.concat(rows, ignore_index=True)


def last(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The values at the last step, one column for each of `columns`' combinations."""
    rows = table[table["step"] == table["step"].max()]
    return rows.pivot_table("value", "function", list(columns))


def leads(runs: xr.Dataset, *, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """How much more experts are correlated with the checkpoint before than neurons, and what lies between them than
    what lies within, mean over the checkpoints after `LATE`.

    Returns
    -------
    ``function, comparison, pair`` (whole; corrected, as in `noise`) ``, difference``, and ``low, high``, its 95 %
    interval from a bootstrap of runs and, within each function, of sub-functions; not a number where halves agree too
    little for a correction (`reliability.corrected`).
    """
    rng = np.random.default_rng(seed)
    after = np.flatnonzero(share(runs["step"])[1:] > LATE)
    made = []
    for function, part in runs[["agreement", "between_share"]].groupby("function_halved"):
        n, m = part.sizes["run"], part.sizes["halved"]
        weights = [intervals.redrawn(k, draws, rng=rng) for k in (n, m)]
        drawn = xr.DataArray(np.einsum("di,dj->dij", *weights), dims=("draw", "run", "halved"))
        plain = _leads(part.mean(["run", "halved"]), after)
        redrawn = _leads(part.map(lambda values, drawn=drawn: xr.dot(values, drawn, dim=["run", "halved"])), after)
        for key, value in plain.items():
            low, high = np.nanquantile(redrawn[key], intervals.ENDS) if np.isfinite(value) else (np.nan, np.nan)
            made.append((function, *key, float(value), low, high))
    return pd.DataFrame(made, columns=["function", "comparison", "pair", "difference", "low", "high"])


def _leads(means: xr.Dataset, after: np.ndarray) -> dict[tuple[str, str], xr.DataArray]:
    table = _by_themselves(means["agreement"], means["between_share"])
    fixed = reliability.corrected(table.sel(pair="across", drop=True), table.sel(pair="reliability", drop=True))
    plain = table.sel(pair="whole", drop=True).isel(step=slice(1, None))
    made = {}
    for pair, source in (("whole", plain), ("corrected", fixed)):
        for high, low in (("expert", "neuron"), ("between", "within")):
            difference = (source.sel(level=high) - source.sel(level=low)).isel(step=after)
            made[f"{high} − {low}", pair] = difference.mean("step")
    return made


def _by_themselves(table: xr.DataArray, between: xr.DataArray) -> xr.DataArray:
    """Correlations with the parts between and within experts divided by their own spread, at one or two checkpoints."""
    share = xr.concat([between, 1 - between], xr.IndexVariable("level", INSIDE))
    parts = table.sel(level=INSIDE)
    divided = xr.where(parts["pair"] == "reliability", parts / share, parts / (share * share.shift(step=1)) ** 0.5)
    return xr.concat([table.drop_sel(level=INSIDE), divided], "level", join="outer", coords="minimal")
