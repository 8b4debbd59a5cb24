"""What a run says of the paper's claims, as effect sizes with intervals: the helpers, and Section 4.

Every effect is positive where the paper is right and 0 where there is nothing of what it says; intervals are 95 %.
A table of evidence has the columns ``claim, model, estimate, low, high``; `modularity.ledger` judges it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from modularity import specialists
from modularity.summaries import REACH

COLUMNS = ["claim", "model", "estimate", "low", "high"]
DRAWS = 2000  # of a bootstrap
ENDS = (0.025, 0.975)
NAN = float("nan")
Row = tuple[str, str, float, float, float]
Scored = Mapping[str, tuple[Sequence[xr.Dataset], Sequence[xr.Dataset]]]  # model → readings, trained and untrained


def table(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows of (claim, model, estimate, low, high)."""
    return pd.DataFrame(list(rows), columns=COLUMNS)


def of_error(estimate: float, error: float) -> tuple[float, float, float]:
    """An estimate with the interval of its standard error."""
    return float(estimate), float(estimate - REACH * error), float(estimate + REACH * error)


def bootstrap(parts: Sequence[tuple[float, np.ndarray]], *, seed: int = 0) -> tuple[float, float, float]:
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


def jackknife(functions: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]) -> list[tuple[float, float, float]]:
    """Statistics of sub-functions, each left out once; those of different functions are independent samples.

    Parameters
    ----------
    functions : of each sub-function.
    statistic : of a mask of sub-functions, a row of numbers.

    Returns
    -------
    Estimate and interval of each number; no interval where a function has fewer than three sub-functions.
    """
    every = np.ones(len(functions), dtype=bool)
    estimates, variance = statistic(every), 0.0
    for function in dict.fromkeys(functions.tolist()):
        places = np.flatnonzero(functions == function)
        if len(places) < 3:
            return [(float(e), NAN, NAN) for e in estimates]
        left = np.array([statistic(every & (np.arange(len(every)) != i)) for i in places])
        variance = variance + (len(left) - 1) / len(left) * ((left - left.mean(0)) ** 2).sum(0)
    return [of_error(e, error) for e, error in zip(estimates, np.sqrt(variance), strict=True)]


def gains(found: pd.DataFrame) -> pd.DataFrame:
    """Section 4, first observation, of the tables of `summaries.gain` with ``model``: claims ``FUNCTION-gain``."""
    rows = found[["function", "model", "gain", "low", "high"]].itertuples(index=False, name=None)
    made = table((f"{function}-gain", *rest) for function, *rest in rows)
    point = made["low"] == made["high"]  # one sub-function has no interval
    made.loc[point, ["low", "high"]] = NAN
    return made


def rises(scored: Scored, *, seed: int = 0) -> pd.DataFrame:
    """Section 4, second observation: the best predictivity of the last layer less that of the first.

    ``task-rises``, that of tasks; ``task-over-others``, less the mean of the other two functions'. A bootstrap over
    sub-functions.
    """
    made = []
    for name, (runs, _) in scored.items():
        best = np.mean([specialists.best(run).to_numpy() for run in runs], axis=0)  # subfunction, layer
        functions = runs[0]["function"].to_numpy()
        rise = {f: (best[:, -1] - best[:, 0])[functions == f] for f in dict.fromkeys(functions.tolist())}
        if "task" not in rise:
            continue
        own = [(1.0, rise["task"])]
        made.append(("task-rises", name, *bootstrap(own, seed=seed)))
        if others := [values for function, values in rise.items() if function != "task"]:
            both = own + [(-1 / len(others), values) for values in others]
            made.append(("task-over-others", name, *bootstrap(both, seed=seed)))
    return table(made)


def shared(scored: Scored, share: float = specialists.SHARE) -> pd.DataFrame:
    """Section 4, distribution: overlaps of top neurons, mean over layers, runs and, with equal weights, functions.

    - ``within-over-across``: of two sub-functions of a function less of two of different functions, trained.
    - ``groups-emerge``: the same less what untrained copies have of it.
    - ``within-over-untrained``: within a function, trained less untrained.
    - ``knowledge-task-shared``: between knowledge and task, trained less untrained.

    A jackknife over sub-functions, left out of trained and untrained tables at once.
    """
    made = []
    for name, pair in scored.items():
        functions = pair[0][0]["function"].to_numpy()
        found = jackknife(functions, _contrasts([_overlap(runs, share) for runs in pair], functions))
        claims = ("within-over-across", "groups-emerge", "within-over-untrained", "knowledge-task-shared")
        made += [(claim, name, *row) for claim, row in zip(claims, found, strict=True)]
    return table(made)


def _overlap(runs: Sequence[xr.Dataset], share: float) -> np.ndarray:
    """Overlap of any two sub-functions, mean over layers and runs."""
    tables = [specialists.overlap(specialists.top_neurons(run, share)).mean("layer").to_numpy() for run in runs]
    return np.mean(tables, axis=0)


def _contrasts(tables: Sequence[np.ndarray], functions: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The numbers of `shared` from the tables of trained and untrained runs, of a mask of sub-functions."""
    names = list(dict.fromkeys(functions.tolist()))
    one_hot = (functions[:, None] == names).astype(float)
    own = np.eye(len(names), dtype=bool)
    between = [names.index(f) for f in ("knowledge", "task") if f in names]

    def statistic(kept: np.ndarray) -> np.ndarray:
        of = one_hot * kept[:, None]
        pairs = of.T @ (1 - np.eye(len(of))) @ of
        trained, untrained = (of.T @ (t * (1 - np.eye(len(t)))) @ of / pairs for t in tables)
        contrast = [t[own].mean() - (t[~own].mean() if len(names) > 1 else NAN) for t in (trained, untrained)]
        across = (trained - untrained)[between[0], between[1]] if len(between) == 2 else NAN
        return np.array([contrast[0], contrast[0] - contrast[1], (trained - untrained)[own].mean(), across])

    return statistic
