"""What Section 4 reports of predictivities: means over sub-functions and runs, with their intervals."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from companion.functions import shipped_chance
from companion.sections import intervals
from companion.sections.intervals import REACH
from modularity import chance as luck
from modularity import predictivity, specialists
from modularity.ranking import Score
from modularity.subfunction import SubFunction


def best_by_layer(runs: Sequence[xr.Dataset], *, seed: int = 0) -> pd.DataFrame:
    """Best predictivity of a layer, averaged over runs and over the sub-functions of a function (Figure 1, left).

    Parameters
    ----------
    runs : readings of the same model from several seeds.

    Returns
    -------
    ``function, layer, value``, ``low`` and ``high`` (95 %, bootstrap over sub-functions, of which others might have
    been chosen), ``least`` and ``most`` (the lowest and highest run).
    """
    return _by_layer(np.stack([specialists.best(run).to_numpy() for run in runs]), runs[0], seed)


def _by_layer(best: Float[np.ndarray, "run subfunction layer"], like: xr.Dataset, seed: int) -> pd.DataFrame:
    made = []
    for function, chosen in _functions(like):
        rows = best[:, chosen]
        low, high = intervals.mean(rows.mean(0), seed=seed)
        of_runs = rows.mean(1)
        columns = (like["layer"].to_numpy(), rows.mean((0, 1)), low, high, of_runs.min(0), of_runs.max(0))
        names = ("layer", "value", "low", "high", "least", "most")
        made.append(pd.DataFrame({"function": function} | dict(zip(names, columns, strict=True))))
    return pd.concat(made, ignore_index=True)


def mean_best(runs: Sequence[xr.Dataset], *, seed: int = 0) -> pd.DataFrame:
    """The same averaged over layers too: ``function, value, low, high``."""
    best = np.mean([specialists.best(run).mean("layer").to_numpy() for run in runs], axis=0)
    made = []
    for function, chosen in _functions(runs[0]):
        values = best[chosen]
        low, high = intervals.mean(values, seed=seed)
        made.append((function, values.mean(), float(low), float(high)))
    return pd.DataFrame(made, columns=["function", "value", "low", "high"])


def gain(trained: Sequence[xr.Dataset], untrained: Sequence[xr.Dataset], *, seed: int = 0) -> pd.DataFrame:
    """Best predictivity of trained minus untrained runs, paired by sub-function, averaged over layers.

    Returns
    -------
    ``function, trained, untrained, gain, low, high``; the interval is a bootstrap over sub-functions.
    """
    sides = ([specialists.best(run) for run in runs] for runs in (trained, untrained))
    return _gain(*sides, like=trained[0], seed=seed)


def gain_over_start(histories: Sequence[xr.Dataset], *, seed: int = 0) -> pd.DataFrame:
    """`gain` of the end of runs over their own first step, of the sub-functions that shipped histories follow."""
    sides = ([run["best"].isel(step=step) for run in histories] for step in (-1, 0))
    return _gain(*sides, like=histories[0], seed=seed)


def _gain(
    trained: Sequence[xr.DataArray], untrained: Sequence[xr.DataArray], *, like: xr.Dataset, seed: int
) -> pd.DataFrame:
    one, other = (np.mean([run.mean("layer").to_numpy() for run in runs], 0) for runs in (trained, untrained))
    made = []
    for function, rows in _functions(like):
        difference = (one - other)[rows]
        low, high = intervals.mean(difference, seed=seed)
        made.append((function, one[rows].mean(), other[rows].mean(), difference.mean(), low.item(), high.item()))
    return pd.DataFrame(made, columns=["function", "trained", "untrained", "gain", "low", "high"])


def _functions(scores: xr.Dataset) -> list[tuple[str, np.ndarray]]:
    """Each function with a mask of its sub-functions."""
    functions = scores["function"].to_numpy()
    return [(function, functions == function) for function in dict.fromkeys(functions.tolist())]


def floor(
    subfunctions: Sequence[SubFunction], neurons: int, *, score: Score = "labels", draws: int = 200, seed: int = 0
) -> pd.DataFrame:
    """The best of `neurons` chance-level neurons, averaged over the sub-functions of a function, each of its own size.

    Class sizes whose draws are shipped (`shipped_chance.is_shipped`) are looked up; for others, and other scores than
    ``labels``, the best of `neurons` is drawn `draws` times.

    Returns
    -------
    ``function, value``, and ``low`` and ``high``, between which 95 % of such means lie.
    """
    counted = {
        function: list(Counter(shipped_chance.size(*s.sizes) for s in subfunctions if s.function == function).items())
        for function in dict.fromkeys(s.function for s in subfunctions)
    }
    return _floor(counted, neurons, score, draws, seed)


def floor_of_paper(neurons: int) -> pd.DataFrame:
    """As `floor`, for the class sizes and numbers of the paper's sub-functions (`shipped_chance.PAPER`).

    Parameters
    ----------
    neurons : of a layer: 3,072 of T5-base, 49,152 of Switch-base-16.
    """
    return _floor(shipped_chance.PAPER, neurons, "labels", 200, 0)


def _floor(
    counted: Mapping[str, Sequence[tuple[shipped_chance.Size, int]]], neurons: int, score: Score, draws: int, seed: int
) -> pd.DataFrame:
    """Function → class sizes and how many sub-functions have them."""
    rng = np.random.default_rng(seed)
    moments: dict[shipped_chance.Size, tuple[float, float]] = {}
    made = []
    for function, sizes in counted.items():
        for size, _ in sizes:
            if size in moments:
                continue
            if score == "labels" and shipped_chance.is_shipped(*size):
                moments[size] = _shipped_moments(size, neurons)
            else:
                drawn = predictivity.best_of_null(*size, neurons, score=score, draws=draws, rng=rng)
                moments[size] = float(drawn.mean()), float(drawn.var())
        number = sum(n for _, n in sizes)
        mean = sum(n * moments[size][0] for size, n in sizes) / number
        spread = np.sqrt(sum(n * moments[size][1] for size, n in sizes)) / number
        made.append((function, mean, mean - REACH * spread, mean + REACH * spread))
    return pd.DataFrame(made, columns=["function", "value", "low", "high"])


@cache
def _shipped_moments(size: shipped_chance.Size, neurons: int) -> tuple[float, float]:
    return luck.moments_of_best(shipped_chance.chance_level(*size), neurons)


def held_out(reading: xr.Dataset, *, seed: int = 0) -> pd.DataFrame:
    """The neuron that is best on one half of the sentences, scored on the other half; both ways, averaged.

    Without selection on the sentences that score it there is no floor but one neuron's own.
    """
    return _by_layer(reading["held_out"].mean("half").to_numpy()[None], reading, seed)


def overlaps(runs: Sequence[xr.Dataset], share: float = specialists.SHARE) -> pd.DataFrame:
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
