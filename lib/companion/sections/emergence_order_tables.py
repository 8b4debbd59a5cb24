"""Which comes first in time, experts or neurons: the tables of the section *emergence order*.

What is measured was written down before any result was looked at:

**Measure.** The predictivities of a layer's units at a checkpoint, read with the sentences of the histories, are rank
correlated with those at the last checkpoint, read with other sentences: both readings have only the model in common.
A unit is an expert; a group of neurons of an expert's size put together at random, whose correlation is the linear one
of single neurons and whose noise is averaged as much; or a neuron, where histories keep all. Divided by the value that
the last checkpoint itself has with the other sentences, and corrected for the reliability of the readings at both
checkpoints (halves of the sentences, Spearman-Brown), it is the *fraction of the final order*: 1 at the end without
comparing a reading with itself. Means over layers, runs and sub-functions are taken before any ratio.

**Time.** The fraction of training from which on this is above one half, by interpolation between checkpoints. Where the
halves agree too little for a correction, the order is not there to be found: the half is not reached.

**Effect.** The time of random groups minus the time of experts, for word meanings; both from the same bootstrap draws
of runs and sub-functions. Yes: the interval is above 0. No: it is below 0. Otherwise it is not shown.

**Null.** Random steps of the recipe's size lead from a run's start to its end (`random_path`). Nothing is learned in
any order there, and what averages over many neurons may still be reached earlier. The second effect is the time
between neurons and experts of the run minus the same of the random path.

Other functions, single neurons, the top neurons and the run with a constant rate stand beside this, without a verdict.

Changed afterwards: the random path is read for word meanings only, because computing took too long; and there is no
fraction where the last checkpoint goes with its own other reading by less than `LEAST`. Neither changes an effect.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from companion.experiments.emergence_order import WALKED
from companion.experiments.history_file import together
from companion.models import random_path
from companion.models.recipe import Recipe
from companion.sections import intervals
from modularity import ranks
from modularity.reliability import LEAST

HALF = 0.5
DRAWS = 1000
MISSING = 0.05  # share of the draws without a time that an interval bears
Weights = tuple[Float[np.ndarray, "draw run"], dict[str, Float[np.ndarray, "draw subfunction"]]]


def measured(histories: Sequence[xr.Dataset], shipped: xr.Dataset) -> xr.Dataset:
    """How every checkpoint goes with the last one read with other sentences, and how reliable it is.

    Parameters
    ----------
    histories : of the runs of a model, `history_file.load`.
    shipped : `emergence_order.EmergenceOrder` of the same runs.

    Returns
    -------
    ``with_last`` and ``reliability``, dims ``(level, run, subfunction, step)``; levels ``expert``, ``random`` (groups
    of random neurons) and ``top``: the rank with other sentences of the neurons that are top at a step.

    Raises
    ------
    ValueError
        Other runs or checkpoints than what is shipped was made from.
    """
    runs, shipped = _of_one(histories, shipped)
    names = shipped["subfunction"].to_numpy()
    values = (
        runs["experts"].sel(subfunction=names).transpose("partition", "run", "subfunction", "layer", "step", "expert")
    )
    last = shipped["experts"].transpose("partition", "run", "subfunction", "layer", "expert")
    both = np.vecdot(ranks.centred(values.to_numpy()), ranks.centred(last.to_numpy())[..., None, :]).mean(3)
    own = dict(zip(values["partition"].to_numpy().tolist(), both, strict=True))
    top = shipped["chosen"].transpose("run", "subfunction", "step").to_numpy()
    halves = _halves(runs, names)
    levels = {"expert": own["model"], "random": own["random"], "top": top}
    reliabilities = [halves.sel(level=level).to_numpy() for level in ("expert", "random", "neuron")]
    return _curves(levels, reliabilities, runs["step"], shipped["function"])


def single(histories: Sequence[xr.Dataset], shipped: xr.Dataset) -> xr.Dataset:
    """The same for the few sub-functions of which histories keep every neuron and have halves; levels ``expert``,
    ``random`` and ``neuron``."""
    names = [n for n in shipped["kept"].to_numpy() if n in shipped["subfunction"].to_numpy()]
    table = measured(histories, shipped).sel(subfunction=names).drop_sel(level="top")
    runs, shipped = _of_one(histories, shipped)
    whole = shipped["neurons"].sel(kept=names).transpose("run", "kept", "step").to_numpy()
    levels = {level: table["with_last"].sel(level=level).to_numpy() for level in ("expert", "random")} | {
        "neuron": whole
    }
    reliable = [_halves(runs, names).sel(level=level).to_numpy() for level in levels]
    return _curves(levels, reliable, runs["step"], table["function"])


def on_random_path(shipped: xr.Dataset) -> xr.Dataset:
    """The same of the random path, dims ``(level, run, subfunction, step)``: halves of the sentences are compared, one
    at a moment and the other at the end."""
    table = shipped["with_end"].rename(moment="step", walked="subfunction")
    table = table.transpose("level", "run", "subfunction", "step", "pair")
    made = {"with_last": table.sel(pair="across", drop=True), "reliability": table.sel(pair="reliability", drop=True)}
    function = ("subfunction", [WALKED] * table.sizes["subfunction"])
    return xr.Dataset(made, attrs={"lengthened": 0}).assign_coords(function=function)


def same_sentences(history: xr.Dataset, end: int) -> pd.DataFrame:
    """Of one run, the rank correlation of each checkpoint up to `end` with that of `end`, on the same sentences.

    Returns
    -------
    ``function, level`` (expert, random) ``, step, value``; without `end` itself.

    Raises
    ------
    ValueError
        The history has no checkpoint of this step.
    """
    if end not in (steps := history["step"].to_numpy().tolist()):
        raise ValueError(f"the history has no step {end}; expected one of {', '.join(map(str, steps))}")
    values = history["experts"].sel(step=slice(None, end), subfunction=history["halved"].to_numpy())
    rows = ranks.centred(values.transpose("partition", "subfunction", "layer", "step", "expert").to_numpy())
    table = xr.DataArray(
        np.vecdot(rows, rows[..., -1:, :]).mean(2),
        {"level": ["expert", "random"], "step": values["step"], "function": ("subfunction", values["function"].data)},
        ("level", "subfunction", "step"),
    )
    means = table.groupby("function").mean().isel(step=slice(None, -1))
    return means.rename("value").to_dataframe().reset_index()


def fraction(means: xr.Dataset) -> xr.DataArray:
    """The fraction of the final order: what goes with the last checkpoint, relative to the last one's own value, and
    corrected for the reliability at both.

    Parameters
    ----------
    means : ``with_last`` and ``reliability`` over ``step``, means over runs and sub-functions; where the attribute
        ``lengthened`` is 1, readings are twice as long as the halves that agree so well.

    Returns
    -------
    Not a number where the halves agree by less than `LEAST`, or where the last checkpoint goes with itself by less: a
    ratio to almost nothing is noise.
    """
    half = means["reliability"].where(means["reliability"] >= LEAST)
    reliability = 2 * half / (1 + half) if means.attrs.get("lengthened") else half
    own = means["with_last"].isel(step=-1)
    return means["with_last"] / own.where(own >= LEAST) * (reliability.isel(step=-1) / reliability) ** 0.5


def half_time(
    curve: Float[np.ndarray, "... step"], place: Float[np.ndarray, "step"], part: float = HALF
) -> Float[np.ndarray, "..."]:
    """The place from which on a curve is above `part`, between two checkpoints by interpolation.

    The first place if it always is; not a number if it does not end above. What is no number is not above.
    """
    curve, place = np.asarray(curve, float), np.asarray(place, float)
    above = np.nan_to_num(curve, nan=-np.inf) > part
    stays = np.flip(np.logical_and.accumulate(np.flip(above, -1), axis=-1), -1)
    first = stays.argmax(-1)
    here, before = (np.take_along_axis(curve, i[..., None], -1)[..., 0] for i in (first, np.maximum(first - 1, 0)))
    step = np.where(np.isfinite(before), (part - before) / np.where(here == before, 1, here - before), 1)
    found = place[np.maximum(first - 1, 0)] + step * (place[first] - place[np.maximum(first - 1, 0)])
    return np.where(stays[..., -1], np.where(first == 0, place[0], found), np.nan)


def weights(curves: xr.Dataset, *, draws: int = DRAWS, seed: int = 0) -> Weights:
    """Of a bootstrap of runs, and of the sub-functions of each function; the means themselves come first."""
    rng = np.random.default_rng(seed)
    sizes = curves["function"].to_series().value_counts(sort=False)

    def drawn(number: int) -> np.ndarray:
        return np.vstack([np.full(number, 1 / number), intervals.redrawn(number, draws, rng=rng)])

    return drawn(curves.sizes["run"]), {str(name): drawn(int(n)) for name, n in sizes.items()}


def half_times(
    curves: xr.Dataset, drawn: Weights, place: Callable[[np.ndarray], np.ndarray] | None = None, part: float = HALF
) -> xr.DataArray:
    """When each level has reached `part` of the final order, as a fraction of training.

    Dims ``(function, level, draw)``, the estimate first.

    Parameters
    ----------
    place : steps → where interpolation is linear; the steps' fraction of training if not given.
    """
    steps = curves["step"].to_numpy()
    x = steps / steps.max() if place is None else place(steps)
    of_runs, of_parts = drawn
    made = {}
    for function in dict.fromkeys(curves["function"].to_numpy().tolist()):
        of_subfunctions = of_parts[function]
        rows = curves.isel(subfunction=np.flatnonzero(curves["function"].to_numpy() == function))
        both = xr.DataArray(np.einsum("dr,ds->drs", of_runs, of_subfunctions), dims=("draw", "run", "subfunction"))
        means = rows.map(lambda values, both=both: xr.dot(values, both, dim=["run", "subfunction"])).assign_attrs(
            curves.attrs
        )
        table = fraction(means).transpose("level", "draw", "step")
        made[function] = half_time(table.to_numpy(), x, part)
    coordinates = {"function": list(made), "level": curves["level"].to_numpy().tolist()}
    return xr.DataArray(np.array(list(made.values())), coordinates, ("function", "level", "draw"), name="time")


def path_times(
    curves: xr.Dataset, drawn: Weights, recipe: Recipe, *, along: Recipe | None = None, part: float = HALF
) -> xr.DataArray:
    """`half_times` of the random path: interpolated in the moments of its recipe's clock.

    Parameters
    ----------
    along : a recipe by whose rate the path is walked instead, as one with a constant rate; the path is the same.
    """
    ours, other = random_path.clock(recipe), random_path.clock(along or recipe)
    moments = half_times(curves, drawn, lambda steps: ours[steps], part)
    places = np.interp(moments, other, np.arange(len(other)) / (len(other) - 1))
    return moments.copy(data=np.where(np.isnan(moments), np.nan, places))


def summary(times: xr.DataArray) -> pd.DataFrame:
    """``function, level, time, low, high``: times or their differences, with 95 % intervals; no interval where more
    than `MISSING` of the draws have no time."""
    rows = []
    for (function, level), values in times.stack(row=("function", "level")).groupby("row"):
        estimate, *draws = values.to_numpy().ravel()
        usable = np.isfinite(estimate) and np.isnan(draws).mean() <= MISSING
        low, high = np.nanquantile(draws, intervals.ENDS) if usable else (np.nan, np.nan)
        rows.append((function, level, float(estimate), float(low), float(high)))
    return pd.DataFrame(rows, columns=["function", "level", "time", "low", "high"])


def later(times: xr.DataArray) -> xr.DataArray:
    """By how much the other levels are later than experts, draw by draw."""
    return times.drop_sel(level="expert") - times.sel(level="expert", drop=True)


def lines(curves: xr.Dataset) -> pd.DataFrame:
    """The fraction of the final order over training, ``function, level, step, share, value``; means over runs."""
    means = curves.mean("run").groupby("function").mean("subfunction").assign_attrs(curves.attrs)
    table = fraction(means).rename("value").to_dataframe().reset_index()
    return table.assign(share=table["step"] / table["step"].max())


def loads(logs: Sequence[pd.DataFrame], layers: Sequence[int]) -> pd.DataFrame:
    """How the shares of the tokens that each expert of a Switch gets go with those at the end.

    Parameters
    ----------
    logs : of the runs, `history_file.log`.
    layers : those with experts.

    Returns
    -------
    ``run, layer, step, share, value``: Pearson's correlation over experts with the last line of the log, without that
    line.

    Raises
    ------
    ValueError
        A log without loads, which a T5 has.
    """
    rows = []
    for run, log in enumerate(logs):
        if "load" not in log:
            raise ValueError(f"the log of run {run} has no loads of experts; give that of a Switch")
        lines_ = log.dropna(subset="load")
        table = np.array(lines_["load"].to_list())  # line, layer, expert
        centred = table - table.mean(2, keepdims=True)
        unit = centred / np.linalg.norm(centred, axis=2, keepdims=True)
        values = np.vecdot(unit, unit[-1])
        for i, step in enumerate(lines_["step"].to_list()[:-1]):
            share = step / lines_["step"].max()
            rows += [(run, layer, step, share, float(v)) for layer, v in zip(layers, values[i], strict=True)]
    return pd.DataFrame(rows, columns=["run", "layer", "step", "share", "value"])


def _of_one(histories: Sequence[xr.Dataset], shipped: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    runs = together(histories)
    there, made = runs["step"].to_numpy().tolist(), shipped["step"].to_numpy().tolist()
    if runs.sizes["run"] > shipped.sizes["run"] or there != made:
        raise ValueError(
            f"{runs.sizes['run']} histories of {len(there)} checkpoints, but what is shipped beside them is of "
            f"{shipped.sizes['run']} runs of {len(made)}; make it again with `make results`"
        )
    return runs, shipped.isel(run=slice(runs.sizes["run"]))


def _halves(runs: xr.Dataset, names: Sequence[str] | np.ndarray) -> xr.DataArray:
    table = runs["agreement"].sel(pair="reliability", halved=list(names))
    return table.transpose("level", "run", "halved", "step")


def _curves(
    levels: dict[str, np.ndarray], reliabilities: list[np.ndarray], step: xr.DataArray, function: xr.DataArray
) -> xr.Dataset:
    dims = ("level", "run", "subfunction", "step")
    data = {"with_last": (dims, np.array(list(levels.values()))), "reliability": (dims, np.array(reliabilities))}
    coordinates = {"level": list(levels), "step": step.to_numpy(), "subfunction": function["subfunction"].to_numpy()}
    made = xr.Dataset(data, coordinates, {"lengthened": 1})
    return made.assign_coords(function=("subfunction", function.to_numpy()))
