"""What a run says of the paper's claims on functional experts (Section 5, Appendices A.4 and A.5)."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float, Int

from companion.claims import effects
from companion.claims.counted_experts import Counted, above_chance, count, measured
from companion.experiments.obtain import Scored
from companion.sections import intervals
from companion.sections.intervals import NAN
from modularity import nulls, ranking, specialists
from modularity.experts import ALPHA


def functional_effects(
    scored: Scored,
    *,
    share: float = specialists.SHARE,
    alpha: float = ALPHA,
    partitions: int = 100,
    draws: int = 50,
    seed: int = 0,
) -> pd.DataFrame:
    """Table 1 as effects, under the paper's binomial null.

    - ``FUNCTION-experts``: proportion of functional experts minus that of random partitions.
    - ``degree-over-random``: modularization degree minus that of random partitions; this and all below are means over
      the functions that have an error.
    - ``experts-over-untrained``: proportion minus that of untrained copies with their own experts.
    - ``random-over-untrained``: proportion among random partitions minus that of untrained copies.

    The errors have two parts. Other sub-functions might have been chosen: a delete-d jackknife of the difference as in
    `resampling.standard_errors`, which leaves the same ones out of every run and of the same random partitions (none
    for a function of fewer than five). And the experts might have been others: the variance between random partitions.

    Parameters
    ----------
    partitions : random ones of each run.
    draws : of the jackknife.
    """
    made: list[effects.Row] = []
    for name, pair in scored.items():
        trained, untrained = ([count(run, share, partitions, [seed, i]) for i, run in enumerate(runs)] for runs in pair)
        found = {}
        for function, rows in _rows(pair[0][0]).items():
            statistic = partial(_effects, trained=trained, untrained=untrained, alpha=alpha)
            one, error = intervals.delete_d(rows, statistic, draws, seed=seed)
            found[function] = np.stack([one, np.sqrt(error**2 + _between_partitions(rows, trained, untrained, alpha))])
            made.append((f"{function}-experts", name, *intervals.of_error(*found[function][:, 0])))
        for i, claim in enumerate(("degree-over-random", "experts-over-untrained", "random-over-untrained"), 1):
            made.append((claim, name, *_mean([one[:, i] for one in found.values()])))
    return effects.as_table(made)


def appendix_effects(
    scored: Scored,
    *,
    share: float = specialists.SHARE,
    alpha: float = ALPHA,
    partitions: int = 100,
    draws: int = 50,
    seed: int = 0,
) -> pd.DataFrame:
    """Tables 5 and 4 as effects, means over the functions that have an error.

    - ``experts-predictive``: average precision of A.4 minus what experts in random order reach, under the binomial
      null. The error has a jackknife as in `functional_effects`, and the variance between layers and runs.
    - ``subfunctional-experts``: proportion of experts that are functional for one sub-function minus that of random
      partitions. The error has that of the mean over sub-functions, and the variance between random partitions.

    Parameters
    ----------
    partitions, draws : as in `functional_effects`.
    """
    made: list[effects.Row] = []
    for name, (runs, _) in scored.items():
        trained = [count(run, share, partitions, [seed, i]) for i, run in enumerate(runs)]
        precise, lone = [], []
        for rows in _rows(runs[0]).values():
            one, error = intervals.delete_d(rows, partial(_agreement, trained=trained, alpha=alpha), draws, seed=seed)
            precise.append((one[0], np.sqrt(error[0] ** 2 + _between_layers(rows, trained, alpha))))
            lone.append(_alone(rows, trained, alpha))
        made.append(("experts-predictive", name, *_mean(precise)))
        made.append(("subfunctional-experts", name, *_mean(lone)))
    return effects.as_table(made)


def _rows(run: xr.Dataset) -> dict[str, Int[np.ndarray, "subfunction"]]:
    functions = run["function"].to_numpy()
    return {name: np.flatnonzero(functions == name) for name in dict.fromkeys(functions.tolist())}


def expected_precision(positives: float, number: int) -> float:
    """Average precision that random order reaches with so many positives among `number`, at least one and fewer than
    all: a positive in place k has (k − 1) (positives − 1) / (number − 1) others before it on average."""
    places = np.arange(1, number + 1)
    return float(((1 + (places - 1) * (positives - 1) / (number - 1)) / places).mean())


def _effects(
    rows: Int[np.ndarray, "kept"], trained: Sequence[Counted], untrained: Sequence[Counted], alpha: float
) -> Float[np.ndarray, "effect"]:
    """The effects of one function with only some of its sub-functions, means over runs."""
    own, random, before, dealt = (
        np.mean([measured(part, rows, run, alpha).mean(1) for run in runs], axis=0)
        for runs in (trained, untrained)
        for part in ("own", "random")
    )
    return np.array([own[0] - random[0], own[1] - random[1], own[0] - before[0], random[0] - dealt[0]])


def _between_partitions(
    rows: np.ndarray, trained: Sequence[Counted], untrained: Sequence[Counted], alpha: float
) -> Float[np.ndarray, "effect"]:
    """Variance of each of `_effects` between partitions that mean nothing."""
    of_trained, of_untrained = (
        np.sum([measured("random", rows, run, alpha).var(1) for run in runs], axis=0) / len(runs) ** 2
        for runs in (trained, untrained)
    )
    return np.array([of_trained[0], of_trained[1], of_trained[0] + of_untrained[0], 0.0])


def _agreement(rows: np.ndarray, trained: Sequence[Counted], alpha: float) -> Float[np.ndarray, "1"]:
    found = _consistency(rows, trained, alpha)
    return np.array([np.mean(found) if found else NAN])


def _between_layers(rows: np.ndarray, trained: Sequence[Counted], alpha: float) -> float:
    """Variance of the mean of `_consistency` over layers and runs."""
    found = _consistency(rows, trained, alpha)
    return float(np.var(found, ddof=1)) / len(found) if len(found) > 1 else NAN


def _consistency(rows: np.ndarray, runs: Sequence[Counted], alpha: float) -> list[float]:
    """Average precision above that of random order, of each layer and run with functional and other experts."""
    made = []
    for run in runs:
        called, means = above_chance(run.own[rows].sum(0), len(rows), run, alpha), run.means[rows].mean(0)
        for labels, values in zip(called, means, strict=True):
            if labels.any() and not labels.all():
                expected = expected_precision(labels.sum(), len(labels))
                made.append(ranking.average_precision(labels, values) - expected)
    return made


def _alone(rows: np.ndarray, runs: Sequence[Counted], alpha: float) -> tuple[float, float]:
    """Proportion of experts functional for a sub-function by itself (exact null), own minus random, and its error."""
    made, variance = [], 0.0
    for run in runs:
        limit = nulls.threshold(nulls.exact(1, run.top, run.neurons, run.neurons // run.own.shape[-1]), alpha)
        dealt = (run.random[:, rows] > limit).mean((2, 3))  # partition, subfunction
        made.append((run.own[rows] > limit).mean((1, 2)) - dealt.mean(0))
        variance += dealt.mean(1).var() / len(runs) ** 2
    values = np.mean(made, axis=0)
    variance += values.var(ddof=1) / len(values) if len(values) > 1 else NAN
    return float(values.mean()), float(variance**0.5)


def _mean(parts: Sequence[Sequence[float] | np.ndarray]) -> tuple[float, float, float]:
    """Mean over functions of independent estimates, each with its error; those that have no error are left out."""
    there = np.array([part for part in parts if np.isfinite(part).all()])
    if not len(there):
        return NAN, NAN, NAN
    return intervals.of_error(there[:, 0].mean(), float(np.sqrt((there[:, 1] ** 2).sum()) / len(there)))
