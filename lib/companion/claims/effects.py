"""What a run says of the paper's claims, as effect sizes with intervals: the helpers, and Section 4.

Every effect is positive where the paper is right and 0 where there is nothing of what it says; intervals are 95 %.
A table of evidence has the columns ``claim, model, estimate, low, high``; `companion.claims.ledger` judges it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from companion.experiments.function_counts import NONE
from companion.experiments.obtain import Scored
from companion.sections import one_function as single
from companion.sections.intervals import NAN, bootstrap, jackknife
from modularity import specialists

COLUMNS = ["claim", "model", "estimate", "low", "high"]
Row = tuple[str, str, float, float, float]


def as_table(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows of (claim, model, estimate, low, high)."""
    return pd.DataFrame(list(rows), columns=COLUMNS)


def gains(found: pd.DataFrame) -> pd.DataFrame:
    """Section 4, first observation, of `specialization_tables.gain` with ``model``: claims ``FUNCTION-gain``."""
    rows = found[["function", "model", "gain", "low", "high"]].itertuples(index=False, name=None)
    made = as_table((f"{function}-gain", *rest) for function, *rest in rows)
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
    return as_table(made)


def shared(scored: Scored, share: float = specialists.SHARE) -> pd.DataFrame:
    """Section 4, distribution: overlaps of top neurons, mean over layers, runs and, with equal weights, functions.

    - ``within-over-across``: of two sub-functions of a function less of two of different functions, trained.
    - ``groups-emerge``: the same less what untrained copies have of it.
    - ``within-over-untrained``: within a function, trained minus untrained.
    - ``knowledge-task-shared``: between knowledge and task, trained minus untrained.

    A jackknife over sub-functions, left out of trained and untrained tables at once.
    """
    made = []
    for name, pair in scored.items():
        functions = pair[0][0]["function"].to_numpy()
        found = jackknife(functions, _contrasts([_overlap(runs, share) for runs in pair], functions))
        claims = ("within-over-across", "groups-emerge", "within-over-untrained", "knowledge-task-shared")
        made += [(claim, name, *row) for claim, row in zip(claims, found, strict=True)]
    return as_table(made)


def one_function(found: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """The abstract's first sentence, of counts of `function_counts`: claim ``one-function``, `one_function.excess`.

    A jackknife over sub-functions.
    """
    made = []
    for name, counts in found.items():
        functions = counts["function"].to_numpy()

        def statistic(kept: np.ndarray, counts: xr.Dataset = counts) -> np.ndarray:
            out = np.flatnonzero(~kept)
            return np.array([single.excess(counts, int(out[0]) if len(out) else NONE)])

        made.append(("one-function", name, *jackknife(functions, statistic)[0]))
    return as_table(made)


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
