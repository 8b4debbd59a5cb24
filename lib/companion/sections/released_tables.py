"""What perturbing and tuning the authors' models did, at all that was run, from their result files."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from companion.experiments.lesion_orders import SINGLE, Order
from companion.functions.prompts import SEEN, UNSEEN
from companion.released import published
from companion.released.recomputed import by_panel
from companion.released.release_files import Release
from companion.sections import intervals, perturbing_switch_tables

QQP = str(Order("neurons", "qqp"))
ANSWERS = {"mnli": 3, "cb": 3}  # all others have two


def all_numbers(release: Release) -> pd.DataFrame:
    """Figure 2 at every number of experts that was run, with 95 % intervals over repeats of the noise.

    A key that was run twice counts with its mean. ``panel`` is seen, unseen, or rte, which is not in the figure.

    Returns
    -------
    ``panel, order, number, tasks, accuracy, low, high, printed`` (whether the figure shows it).
    """
    made = []
    key: Any
    for key, rows in by_panel(release.perturbed).groupby(["panel", "order", "number"]):
        runs, tasks = _repeats(rows), rows["task"].nunique()
        ends = intervals.student(runs) if len(runs) > 1 else (runs.mean(), np.nan, np.nan)
        made.append((*key, tasks, *ends))
    table = pd.DataFrame(made, columns=["panel", "order", "number", "tasks", "accuracy", "low", "high"])
    shown = set(
        published.figure2()
        .eval("number = share * 96")
        .round({"number": 0})[["panel", "order", "number"]]
        .itertuples(index=False, name=None)
    )
    keys = table[["panel", "order", "number"]].itertuples(index=False, name=None)
    return table.assign(printed=[key in shown for key in keys])


def against(release: Release, ours: str = "MoE (4)") -> pd.DataFrame:
    """How much lower the accuracy is under `ours` than under other orders, at each number that both have.

    Repeats of two orders are different draws of noise, so they are compared as independent. ``single`` is the mean of
    the four orders by one data set, and QQP, which costs the most of them, stands alone too; ``plain`` is the
    unperturbed model, run once.

    Returns
    -------
    ``panel, against, number, difference``, ``low, high``: 95 % over repeats (Welch; of the four single orders the
    repeats are averaged first); ``low tasks, high tasks``: over the tasks of the panel (Student's t); ``worse``:
    tasks in which `ours` is lower, of ``tasks``.
    """
    kinds: dict[str, Callable[[Any], Any]] = {
        "random": lambda t: t[t["order"] == "random"],
        "single": lambda t: t[t["order"].isin(SINGLE)],
        QQP: lambda t: t[t["order"] == QQP],
        "Avg (4)": lambda t: t[t["order"] == "Avg (4)"],
        "plain": lambda t: t[t["number"] == 0],
    }
    made = []
    rows: Any
    for panel, rows in by_panel(release.perturbed).groupby("panel"):
        for name, pick in kinds.items():
            others = pick(rows)
            for number, here in rows[rows["order"] == ours].groupby("number"):
                there = others if name == "plain" else others[others["number"] == number]
                if len(there):
                    made.append((panel, name, number, *_lower(here, there)))
    columns = ["difference", "low", "high", "low tasks", "high tasks", "worse", "tasks"]
    return pd.DataFrame(made, columns=["panel", "against", "number", *columns])


def guessing() -> pd.DataFrame:
    """One over the number of answers, mean over the tasks of a panel: ``panel, chance``."""
    rows = [
        (name, np.mean([1 / ANSWERS.get(t, 2) for t in tasks])) for name, tasks in (("seen", SEEN), ("unseen", UNSEEN))
    ]
    return pd.DataFrame(rows, columns=["panel", "chance"])


def accuracies(release: Release, part: float = 1.0) -> xr.DataArray:
    """The highest accuracy in the first `part` of each curve of tuning, dims ``(seed, task, strategy, draw)`` as
    `perturbing_switch_tables` takes them; the paper's with all of it.

    The stored curves are highest values so far, so the accuracy at a step cannot be had from them.
    """
    by = ["task", "strategy", "seed"]
    curves = release.tuned.sort_values([*by, "evaluation"]).groupby(by)["accuracy"]
    values = curves.agg(lambda c: c.iloc[: max(1, round(part * len(c)))].max())
    return values.rename_axis(["task", "strategy", "draw"]).to_xarray().expand_dims(seed=[0])


def paired(release: Release, parts: Sequence[float] = (1.0, 0.5, 0.1)) -> pd.DataFrame:
    """Strategies of tuning compared with seeds paired, with all or only the first part of the evaluations.

    Returns
    -------
    ``evaluations`` (their share) and the columns of `perturbing_switch_tables.paired`, in percentage points; task
    ``avg`` has the interval over seeds of the mean over tasks, ``other tasks`` the one over tasks of the mean over
    seeds; ``p (Holm)`` corrects the seven tasks of a pair for their number.
    """
    made = []
    for part in parts:
        values = accuracies(release, part)
        table = perturbing_switch_tables.paired(values)
        for pair in perturbing_switch_tables.PAIRS:
            one, other = (100 * values.sel(strategy=name) for name in pair)
            tasks = (one - other).mean(["seed", "draw"]).to_numpy()
            row = (
                "other tasks",
                " − ".join(pair),
                *intervals.student(tasks),
                intervals.sign_flip(tasks),
            )
            table.loc[len(table)] = row
        of_task = ~table["task"].isin(["avg", "other tasks"])
        table["p (Holm)"] = table.loc[of_task].groupby("pair")["p"].transform(holm)
        made.append(table.assign(evaluations=part))
    return pd.concat(made, ignore_index=True)


def holm(p: pd.Series) -> pd.Series:
    """p-values corrected for their number (Holm, 1979)."""
    order = np.argsort(p.to_numpy(), kind="stable")
    steps = np.maximum.accumulate(p.to_numpy()[order] * np.arange(len(p), 0, -1))
    made = np.empty(len(p))
    made[order] = np.minimum(steps, 1)
    return pd.Series(made, p.index)


def _repeats(rows: pd.DataFrame) -> np.ndarray:
    """Mean over orders and tasks in each repeat that has all tasks; a task that was run twice with its mean."""
    means_of: Any = rows.groupby(["repeat", "order", "task"])["accuracy"].mean()
    return means_of.unstack(["order", "task"]).dropna().mean(axis=1).to_numpy()


def _lower(here: pd.DataFrame, there: pd.DataFrame) -> tuple[float, ...]:
    a, b = _repeats(here), _repeats(there)
    both: Any = [part.groupby("task")["accuracy"].mean() for part in (here, there)]
    tasks = (both[0] - both[1]).dropna().to_numpy()
    of_tasks = intervals.student(tasks)[1:] if len(tasks) > 1 else (np.nan, np.nan)
    return *intervals.welch(a, b), *of_tasks, int((tasks < 0).sum()), len(tasks)
