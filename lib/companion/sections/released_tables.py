"""Questions that the paper does not ask of its own numbers, answered from the authors' result files."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from companion.experiments.lesion_orders import of_tasks
from companion.functions.prompts import SEEN, UNSEEN
from companion.released import published
from companion.released.recomputed import by_panel, means
from companion.released.release_files import Release
from companion.sections import intervals, perturbing_switch_tables
from modularity import effect_sizes, emergence

ANSWERS = {"mnli": 3, "cb": 3}  # all others have two
SINGLE = tuple(map(str, of_tasks("neurons", SEEN)))
DRAWS = 2000
LEVEL = 0.95
SAME = "neuron, expert layers"


def variance_explained(
    predictivity: xr.DataArray, groups: xr.DataArray, *, draws: int = DRAWS, seed: int = 0
) -> pd.DataFrame:
    """How much of the variance of neurons' predictivity lies between experts, layer by layer.

    Parameters
    ----------
    predictivity, groups : dims ``(layer, neuron)``; experts of equal size.
    draws : permutations of the neurons of a layer.

    Returns
    -------
    ``layer, experts, F, p`` (of F by permutation, the data counted) ``, icc, low, high``: ICC(1) with the interval of
    normal theory (Shrout and Fleiss, 1979); ``share`` of the variance between experts and ``share by chance``.
    """
    number = int(groups.max()) + 1
    neurons = predictivity.sizes["neuron"]
    size, within = neurons // number, neurons - number
    table = predictivity.expand_dims(subfunction=["all"]).assign_coords(function=("subfunction", ["task"]))
    means = effect_sizes.expert_predictivity(table, groups)
    icc = effect_sizes.intraclass_correlation(means, table.var("neuron"), table.sizes["neuron"])
    icc = icc.isel(subfunction=0).to_numpy()
    found = (1 + (size - 1) * icc) / (1 - icc)
    dealt = np.random.default_rng(seed).permuted(np.tile(np.arange(neurons), (draws, 1)), axis=1)
    p = []
    for values, row in zip(predictivity.to_numpy(), groups.to_numpy(), strict=True):
        own = values[np.argsort(row, kind="stable")].reshape(number, size).mean(1).var()
        drawn = values[dealt].reshape(draws, number, size).mean(2).var(1)
        p.append((1 + (drawn >= own).sum()) / (1 + draws))  # F rises with the variance of the means
    ends = found / stats.f.ppf(0.975, number - 1, within), found * stats.f.ppf(0.975, within, number - 1)
    low, high = ((f - 1) / (f + size - 1) for f in ends)
    share = (number - 1) * found / ((number - 1) * found + within)
    columns = {"experts": number, "F": found, "p": p, "icc": icc, "low": low, "high": high, "share": share}
    made = pd.DataFrame({"layer": predictivity["layer"].to_numpy(), **columns})
    return made.assign(**{"share by chance": (number - 1) / (neurons - 1)})


def refinement(fine: xr.DataArray, coarse: xr.DataArray, *, draws: int = 200, seed: int = 0) -> pd.DataFrame:
    """Do fine experts lie inside coarse ones? 1 if one partition refines the other.

    Returns
    -------
    ``layer``; ``whole``, fine experts inside one coarse expert; ``purity``, the mean share of a fine expert that its
    most frequent coarse expert holds, ``purity by chance`` and ``p`` over partitions with neurons dealt at random;
    ``adjusted Rand`` index.
    """
    rng = np.random.default_rng(seed)
    made = []
    for layer, a, b in zip(fine["layer"].to_numpy(), fine.to_numpy(), coarse.to_numpy(), strict=True):
        order = np.argsort(a, kind="stable")
        most = _most(b[order][None], int(a.max()) + 1)[0]
        dealt = _most(rng.permuted(np.tile(b, (draws, 1)), axis=1), int(a.max()) + 1).mean(1)
        p = (1 + (dealt >= most.mean()).sum()) / (1 + draws)
        row = (int((most == 1).sum()), most.mean(), dealt.mean(), p, adjusted_rand_score(a, b))
        made.append((int(layer), *row))
    return pd.DataFrame(made, columns=["layer", "whole", "purity", "purity by chance", "p", "adjusted Rand"])


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
        SINGLE[-1]: lambda t: t[t["order"] == SINGLE[-1]],
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


def curves(release: Release) -> pd.DataFrame:
    """Figure 4 recomputed, with neurons in the layers with experts beside all: ``model, function, level, share,
    value``, means over layers."""
    rows = release.stabilization
    places = rows.loc[rows["level"] == "expert", ["model", "layer"]].drop_duplicates()
    same = rows[rows["level"] == "neuron"].merge(places, on=["model", "layer"])
    both = pd.concat([rows, same.assign(level=SAME)])
    return means(both, ["model", "function", "level", "share"], "value")


def stabilised(release: Release, level: float = emergence.LEVEL, *, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """Where the curves of Figure 4 first stay above `level`, with neurons in the layers with experts beside all.

    Returns
    -------
    ``model, function, level, first, low, high``: shares of the run, 95 % of bootstrap draws of layers; level
    ``neuron − expert`` is the difference of ``neuron, expert layers`` and ``expert``, the same layers drawn.
    """
    rng = np.random.default_rng(seed)
    made = []
    rows: Any
    key: Any
    for key, rows in release.stabilization.groupby(["model", "function"]):
        curves = {
            name: part.pivot(index="layer", columns="share", values="value") for name, part in rows.groupby("level")
        }
        curves[SAME] = curves["neuron"].loc[curves["expert"].index]
        share = curves["expert"].columns.to_numpy()
        drawn = {n: rng.integers(n, size=(draws, n)) for n in {len(c) for c in curves.values()}}
        firsts = {}
        for name, curve in curves.items():
            values = curve.to_numpy()
            means_of = values[drawn[len(values)]].mean(1)
            firsts[name] = emergence.first_above(np.concatenate([values.mean(0)[None], means_of]), share, level)
        firsts["neuron − expert"] = firsts[SAME] - firsts["expert"]
        for name, (first, *others) in firsts.items():
            ends = np.sort(others)[[round(q * (draws - 1)) for q in (0.025, 0.975)]]
            made.append((*key, name, first, *ends))
    return pd.DataFrame(made, columns=["model", "function", "level", "first", "low", "high"])


def _most(groups: np.ndarray, number: int) -> np.ndarray:
    """Largest share of one coarse group in each of `number` equal runs of neurons; ``(draw, neuron)`` to ``(draw,
    number)``."""
    parts = groups.reshape(len(groups), number, -1)
    counts = np.stack([(parts == g).sum(2) for g in range(int(groups.max()) + 1)])
    return counts.max(0) / parts.shape[2]


def _repeats(rows: pd.DataFrame) -> np.ndarray:
    """Mean over orders and tasks in each repeat that has all tasks; a task that was run twice with its mean."""
    means_of: Any = rows.groupby(["repeat", "order", "task"])["accuracy"].mean()
    return means_of.unstack(["order", "task"]).dropna().mean(axis=1).to_numpy()


def _lower(here: pd.DataFrame, there: pd.DataFrame) -> tuple[float, ...]:
    a, b = _repeats(here), _repeats(there)
    difference = a.mean() - b.mean()
    if len(b) > 1:
        test = stats.ttest_ind(a, b, equal_var=False).confidence_interval(LEVEL)
        ends = (test.low, test.high)
    else:
        ends = (np.nan, np.nan)
    both: Any = [part.groupby("task")["accuracy"].mean() for part in (here, there)]
    tasks = (both[0] - both[1]).dropna().to_numpy()
    of_tasks = intervals.student(tasks)[1:] if len(tasks) > 1 else (np.nan, np.nan)
    return difference, *ends, *of_tasks, int((tasks < 0).sum()), len(tasks)
