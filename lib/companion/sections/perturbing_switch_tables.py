"""What tuning with some of the experts says: Tables 2 and 3, the step chosen fairly, and exact paired tests."""

from collections.abc import Mapping, Sequence

import pandas as pd
import xarray as xr

from companion.sections import intervals
from modularity import experts, specialists

PAIRS = (("Function", "Original"), ("Function", "No Function"), ("No Function", "Original"))


def best(grid: xr.DataArray) -> xr.DataArray:
    """The highest validation accuracy on the way, as the paper reports it: the rows that judge choose the step, too.

    Parameters
    ----------
    grid : dims ``(…, rows, evaluation)``.
    """
    return grid.sel(rows="validation", drop=True).max("evaluation", skipna=False)


def fair(grid: xr.DataArray) -> xr.DataArray:
    """Validation accuracy at the step that is best on rows set apart; the first of equals."""
    apart = grid.sel(rows="apart", drop=True)
    step = apart.fillna(-1).argmax("evaluation")
    return grid.sel(rows="validation", drop=True).isel(evaluation=step)


def tested(scored: Mapping[str, xr.DataArray], groups: xr.DataArray) -> pd.DataFrame:
    """How full the experts of each layer are of a task's top neurons (Appendix A.5).

    Parameters
    ----------
    scored : task → its predictivities, of `fewshot_grid.task_scores`.
    groups : the expert of every neuron.

    Returns
    -------
    ``task, layer, most`` top neurons in one expert, ``expected, lowest p, functional``: experts with p ≤ 0.001.
    """
    made = []
    for task, scores in scored.items():
        layers = scores["layer"].to_numpy().tolist()
        found = experts.subfunctional_experts(specialists.top_neurons(scores), groups.sel(layer=layers))
        for layer in layers:
            of_layer = found.isel(subfunction=0).sel(layer=layer)
            count = of_layer["count"]
            row = (int(count.max()), float(count.mean()), float(of_layer["p"].min()), int(of_layer["functional"].sum()))
            made.append((task, layer, *row))
    return pd.DataFrame(made, columns=["task", "layer", "most", "expected", "lowest p", "functional"])


def accuracy_table(accuracy: xr.DataArray) -> pd.DataFrame:
    """``task, strategy, mean, sd`` in percent, over draws of the mean over runs; task ``avg`` is the mean of all.

    Parameters
    ----------
    accuracy : dims ``(seed, task, strategy, draw)``, of `best` or `fair`; tasks that were not computed are left out.
    """
    made = []
    for task, values in _by_task(accuracy).items():
        for strategy in values["strategy"].to_numpy().tolist():
            row = 100 * values.sel(strategy=strategy).to_numpy()
            made.append((task, strategy, row.mean(), row.std(ddof=1)))
    return pd.DataFrame(made, columns=["task", "strategy", "mean", "sd"])


def beside(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of `table` side by side, each cell as the paper prints it: mean ± standard deviation, both in percent."""
    made = {}
    for name, rows in tables.items():
        spread = rows["sd"].map("{:.1f}".format).radd(" ± ").where(rows["sd"].notna(), "")
        cells = rows.assign(cell=rows["mean"].map("{:.1f}".format) + spread)
        made[name] = cells.pivot(index="task", columns="strategy", values="cell")[list(dict.fromkeys(rows["strategy"]))]
    return pd.concat(made, axis=1)


def paired(accuracy: xr.DataArray, pairs: Sequence[tuple[str, str]] = PAIRS) -> pd.DataFrame:
    """Differences of two strategies with the same examples, in percentage points, with exact sign-flip tests.

    Returns
    -------
    ``task, pair, difference, low, high, p``: 95 % intervals by Student's t over draws; p two-sided, from all signs
    that the differences of the draws could have had (2^8 for eight), so that none is below 2 / 2^8.
    """
    made = []
    for task, values in _by_task(accuracy).items():
        for one, other in pairs:
            difference = 100 * (values.sel(strategy=one) - values.sel(strategy=other)).to_numpy()
            row = intervals.student(difference)
            made.append((task, f"{one} − {other}", *row, intervals.sign_flip(difference)))
    return pd.DataFrame(made, columns=["task", "pair", "difference", "low", "high", "p"])


def _by_task(accuracy: xr.DataArray) -> dict[str, xr.DataArray]:
    """Task → dims ``(strategy, draw)``, mean over runs; the mean of all tasks last."""
    means = accuracy.mean("seed").dropna("task", how="all")
    made = {str(task): means.sel(task=task) for task in means["task"].to_numpy()}
    return made | {"avg": means.mean("task")}
