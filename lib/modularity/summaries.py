"""What Section 4 reports of predictivities: means over sub-functions and runs, with their intervals."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from modularity import predictivity, specialists
from modularity.ranking import Score
from modularity.subfunction import SubFunction

LEVEL = 0.95  # of every interval
REACH = float(stats.norm.ppf((1 + LEVEL) / 2))  # standard errors on each side


def best_by_layer(runs: Sequence[xr.DataArray], *, seed: int = 0) -> pd.DataFrame:
    """Best predictivity of a layer, averaged over runs and over the sub-functions of a function (Figure 1, left).

    Parameters
    ----------
    runs : predictivities of the same model from several seeds, dims ``(subfunction, layer, neuron)``.

    Returns
    -------
    ``function, layer, value``, ``low`` and ``high`` (95 %, bootstrap over sub-functions, of which others might have
    been chosen), ``least`` and ``most`` (the lowest and highest run).
    """
    best = np.stack([run.max("neuron").to_numpy() for run in runs])  # run, subfunction, layer
    made = []
    for function, chosen in _functions(runs[0]):
        rows = best[:, chosen]
        low, high = _interval(rows.mean(0), seed)
        of_runs = rows.mean(1)
        columns = (runs[0]["layer"].to_numpy(), rows.mean((0, 1)), low, high, of_runs.min(0), of_runs.max(0))
        names = ("layer", "value", "low", "high", "least", "most")
        made.append(pd.DataFrame({"function": function} | dict(zip(names, columns, strict=True))))
    return pd.concat(made, ignore_index=True)


def mean_best(runs: Sequence[xr.DataArray], *, seed: int = 0) -> pd.DataFrame:
    """The same averaged over layers too: ``function, value, low, high``."""
    best = np.mean([run.max("neuron").mean("layer").to_numpy() for run in runs], axis=0)
    made = []
    for function, chosen in _functions(runs[0]):
        values = best[chosen]
        low, high = _interval(values, seed)
        made.append((function, values.mean(), float(low), float(high)))
    return pd.DataFrame(made, columns=["function", "value", "low", "high"])


def gain(trained: Sequence[xr.DataArray], untrained: Sequence[xr.DataArray], *, seed: int = 0) -> pd.DataFrame:
    """Best predictivity of trained less untrained runs, paired by sub-function, averaged over layers.

    Returns
    -------
    ``function, trained, untrained, gain, low, high``; the interval is a bootstrap over sub-functions.
    """
    one, other = (np.mean([r.max("neuron").mean("layer").to_numpy() for r in runs], 0) for runs in (trained, untrained))
    made = []
    for function, rows in _functions(trained[0]):
        difference = (one - other)[rows]
        low, high = _interval(difference, seed)
        made.append((function, one[rows].mean(), other[rows].mean(), difference.mean(), low.item(), high.item()))
    return pd.DataFrame(made, columns=["function", "trained", "untrained", "gain", "low", "high"])


def _functions(scores: xr.DataArray) -> list[tuple[str, np.ndarray]]:
    """Each function with a mask of its sub-functions."""
    functions = scores["function"].to_numpy()
    return [(function, functions == function) for function in dict.fromkeys(functions.tolist())]


def _interval(values: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Bootstrap over the first axis; the point itself where there is only one."""
    if len(values) < 2:
        return values.mean(0), values.mean(0)
    made = stats.bootstrap((values,), np.mean, axis=0, confidence_level=LEVEL, method="percentile", rng=seed)
    return made.confidence_interval.low, made.confidence_interval.high


def floor(
    subfunctions: Sequence[SubFunction], neurons: int, *, score: Score = "labels", draws: int = 200, seed: int = 0
) -> pd.DataFrame:
    """The best of `neurons` useless neurons, averaged over the sub-functions of a function.

    Returns
    -------
    ``function, value``, and ``low`` and ``high``, between which 95 % of such means lie.
    """
    rng = np.random.default_rng(seed)
    drawn: dict[tuple[int, int], np.ndarray] = {}
    made = []
    for function in dict.fromkeys(s.function for s in subfunctions):
        sizes = [(int(s.labels.sum()), int((1 - s.labels).sum())) for s in subfunctions if s.function == function]
        for size in sizes:
            if size not in drawn:
                drawn[size] = predictivity.best_of_null(*size, neurons, score=score, draws=draws, rng=rng)
        mean = np.mean([drawn[size].mean() for size in sizes])
        spread = np.sqrt(np.sum([drawn[size].var() for size in sizes])) / len(sizes)
        made.append((function, mean, mean - REACH * spread, mean + REACH * spread))
    return pd.DataFrame(made, columns=["function", "value", "low", "high"])


def held_out(first: xr.DataArray, second: xr.DataArray, *, seed: int = 0) -> pd.DataFrame:
    """The neuron that is best on one half of the sentences, scored on the other half; both ways, averaged.

    Without selection on the sentences that score it there is no floor but one neuron's own.

    Parameters
    ----------
    first, second : predictivities on the halves that `subfunction.halves` makes.
    """
    pairs = ((first, second), (second, first))
    both = [judge.isel(neuron=chooser.argmax("neuron")) for chooser, judge in pairs]
    mean = (both[0] + both[1].to_numpy()) / 2
    return best_by_layer([mean.expand_dims(neuron=1, axis=-1)], seed=seed)


def overlaps(runs: Sequence[xr.DataArray], share: float = specialists.SHARE) -> pd.DataFrame:
    """Overlap of the top neurons within and between functions, averaged over layers and runs (Figure 1, right).

    Returns
    -------
    ``function, other, value``, ``low`` and ``high`` (95 %, jackknife over sub-functions) and ``chance``, k / N.
    """
    members = [specialists.top_neurons(run, share) for run in runs]
    tables = np.mean([specialists.overlap(m).mean("layer").to_numpy() for m in members], axis=0)
    masks = _functions(runs[0])
    chance = members[0].to_numpy()[0, 0].mean()
    made = []
    for i, (function, rows) in enumerate(masks):
        for other, columns in masks[i:]:
            block = tables[np.ix_(rows, columns)]
            value, error = _mean_of_pairs(block, same=function == other)
            made.append((function, other, value, value - REACH * error, value + REACH * error, chance))
    return pd.DataFrame(made, columns=["function", "other", "value", "low", "high", "chance"])


def _mean_of_pairs(block: np.ndarray, *, same: bool) -> tuple[float, float]:
    """Mean of a table of pairs and its standard error, by leaving out one sub-function at a time (Efron, 1982)."""
    if same and len(block) < 2:
        return float("nan"), float("nan")
    weight = 1 - np.eye(len(block)) if same else np.ones_like(block)
    total, number = (block * weight).sum(), weight.sum()

    def without(sums: np.ndarray, counts: np.ndarray) -> float:
        left = (total - sums) / np.maximum(number - counts, 1)
        return float((len(left) - 1) / len(left) * ((left - left.mean()) ** 2).sum())

    rows, counts = (block * weight).sum(1), weight.sum(1)
    if same:  # a sub-function is in a row and in a column
        variance = without(2 * rows, 2 * counts)
    else:
        variance = without(rows, counts) + without((block * weight).sum(0), weight.sum(0))
    return float(total / number), float(np.sqrt(variance))
