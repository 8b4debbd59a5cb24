"""Intervals of 95 %: by a standard error, Student's t, bootstrap and jackknife; and the exact test of paired signs."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

CONFIDENCE = 0.95
ENDS = (0.025, 0.975)
REACH = float(stats.norm.ppf(ENDS[1]))  # standard errors on each side
DRAWS = 2000  # of a bootstrap
LEFT_IN = 0.8  # share of the units that the delete-d jackknife keeps
NAN = float("nan")
Interval = tuple[float, float, float]  # estimate, low, high


def of_error(estimate: float, error: float) -> Interval:
    """An estimate with the interval of its standard error."""
    return float(estimate), float(estimate - REACH * error), float(estimate + REACH * error)


def student(values: Sequence[float] | np.ndarray, *, lone: bool = False) -> Interval:
    """Mean of independent draws and its interval by Student's t.

    Parameters
    ----------
    lone : whether fewer than two draws are taken too, whose mean has no interval.

    Raises
    ------
    ValueError
        Not a row of at least two draws, unless `lone`.
    """
    values = np.asarray(values, dtype=float)
    if lone and len(values) < 2:
        return float(values.mean()) if len(values) else NAN, NAN, NAN
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"got draws of shape {values.shape}, expected a row of at least two")
    reach = stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1) * stats.sem(values)
    return float(values.mean()), float(values.mean() - reach), float(values.mean() + reach)


def welch(one: np.ndarray, other: np.ndarray) -> Interval:
    """Difference of the means of independent draws of unlike spread (Welch, 1947); no interval of a single draw."""
    if min(len(one), len(other)) < 2:
        return (float(one.mean() - other.mean()) if len(one) and len(other) else NAN), NAN, NAN
    made = stats.ttest_ind(one, other, equal_var=False).confidence_interval(CONFIDENCE)
    return float(one.mean() - other.mean()), float(made.low), float(made.high)


def mean(values: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the bootstrap interval of the mean over the first axis; the mean itself where there is one value."""
    if len(values) < 2:
        return values[0], values[0]
    made = stats.bootstrap((values,), np.mean, axis=0, confidence_level=CONFIDENCE, method="percentile", rng=seed)
    return made.confidence_interval.low, made.confidence_interval.high


def bootstrap(parts: Sequence[tuple[float, np.ndarray]], *, seed: int = 0) -> Interval:
    """A weighted sum of means of independent samples, each drawn again by itself.

    Parameters
    ----------
    parts : (weight, values); a sample of fewer than two values has no interval.
    """
    rng = np.random.default_rng(seed)
    estimate = sum(weight * values.mean() for weight, values in parts)
    if min(len(values) for _, values in parts) < 2:
        return float(estimate), NAN, NAN
    drawn = sum(w * v[rng.integers(len(v), size=(DRAWS, len(v)))].mean(1) for w, v in parts)
    low, high = np.quantile(drawn, ENDS)
    return float(estimate), float(low), float(high)


def redrawn(number: int, draws: int, *, rng: np.random.Generator) -> Float[np.ndarray, "draw unit"]:
    """Weights of so many units in the mean of each bootstrap draw: the same for all that is drawn together."""
    return rng.multinomial(number, np.full(number, 1 / number), size=draws) / number


def jackknife(groups: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]) -> list[Interval]:
    """Statistics of units, each left out once; those of different groups are independent samples (Efron, 1982).

    Parameters
    ----------
    groups : of each unit, as the function of a sub-function.
    statistic : of a mask of units, a row of numbers.

    Returns
    -------
    Estimate and interval of each number; no interval where a group has fewer than three units.
    """
    every = np.ones(len(groups), dtype=bool)
    estimates, variance = statistic(every), 0.0
    for group in dict.fromkeys(groups.tolist()):
        places = np.flatnonzero(groups == group)
        if len(places) < 3:
            return [(float(e), NAN, NAN) for e in estimates]
        left = np.array([statistic(every & (np.arange(len(every)) != i)) for i in places])
        variance = variance + (len(left) - 1) / len(left) * ((left - left.mean(0)) ** 2).sum(0)
    return [of_error(e, error) for e, error in zip(estimates, np.sqrt(variance), strict=True)]


def delete_d(
    units: Int[np.ndarray, "unit"], statistic: Callable[[np.ndarray], np.ndarray], draws: int, *, seed: int = 0
) -> Float[np.ndarray, "number effect"]:
    """Statistics with their standard errors, a fifth of the units left out at a time (Shao and Wu, 1989).

    Where a statistic looks for agreement of units a bootstrap would count one that is drawn twice as two that agree.
    The variance over draws is scaled by n_kept / n_left_out. There is no error of fewer than five units, nor where
    half of the draws have no number.
    """
    estimate, kept = statistic(units), round(LEFT_IN * len(units))
    if len(units) < 5:
        return np.stack([estimate, np.full(len(estimate), NAN)])
    rng = np.random.default_rng(seed)
    drawn = np.array([statistic(np.sort(rng.permutation(units)[:kept])) for _ in range(draws)])
    there = np.isfinite(drawn)
    number = there.sum(0)
    middle = np.where(there, drawn, 0).sum(0) / np.maximum(number, 1)
    variance = np.where(there, (drawn - middle) ** 2, 0).sum(0) / np.maximum(number, 1)
    error = np.sqrt(variance * kept / (len(units) - kept))
    return np.stack([estimate, np.where(number > draws / 2, error, NAN)])


def sign_flip(differences: np.ndarray) -> float:
    """Two-sided p of the mean of paired differences over all of their possible signs."""
    count = 2 ** len(differences)
    tested = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=count)
    return float(tested.pvalue)
