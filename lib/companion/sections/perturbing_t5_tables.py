"""What the grid of perturbations says: curves, comparisons on equal terms, and the double dissociation (Section 5)."""

import math
from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np
import pandas as pd
import xarray as xr

from companion.experiments import orders
from companion.experiments.lesion_orders import Order, Unit
from companion.sections import intervals

DEALT = math.factorial(7)


def panels(tasks: Sequence[str]) -> dict[str, list[str]]:
    """Seen tasks, by which neurons were ranked in the text, and the others."""
    return {
        "seen": [task for task in tasks if task in orders.SEEN],
        "unseen": [task for task in tasks if task not in orders.SEEN],
    }


def curves(grid: xr.DataArray, fine: int) -> pd.DataFrame:
    """Accuracy by order and share of perturbed neurons, mean over runs and the tasks of a panel.

    Parameters
    ----------
    grid : of one setting, dims ``(seed, task, order, number, draw)``.
    fine : experts a layer, so that ``number`` of them are a share of the neurons.

    Returns
    -------
    ``panel, order, share, accuracy, low, high``; the intervals are over draws of rows, noise and random orders, for
    these runs.
    """
    made = []
    for panel, tasks in panels(grid["task"].to_numpy().tolist()).items():
        means = grid.sel(task=tasks).mean(["seed", "task"])
        for order, number in _computed(means):
            row = intervals.student(means.sel(order=order, number=number).to_numpy())
            made.append((panel, order, number / fine, *row))
    return pd.DataFrame(made, columns=["panel", "order", "share", "accuracy", "low", "high"])


def guessing(labels: Mapping[str, pd.Series]) -> pd.DataFrame:
    """What guessing reaches in the tasks of each panel: ``panel, chance`` (one over the answers) ``, majority``.

    Parameters
    ----------
    labels : task → labels of its validation rows.
    """
    made = []
    for panel, tasks in panels(list(labels)).items():
        shares = [labels[task].value_counts(normalize=True) for task in tasks]
        made.append((panel, np.mean([1 / len(s) for s in shares]), np.mean([s.max() for s in shares])))
    return pd.DataFrame(made, columns=["panel", "chance", "majority"])


def at_most(grid: xr.DataArray, number: int, chosen: Sequence[str]) -> pd.DataFrame:
    """Accuracy with `number` experts' neurons perturbed, by setting and `chosen` order, mean over tasks and runs.

    Returns
    -------
    ``setting, order, accuracy, low, high``; order ``none`` is the plain model.
    """
    made = []
    for setting in grid["setting"].to_numpy().tolist():
        means = grid.sel(setting=setting).mean(["seed", "task"])
        made.append((setting, "none", *intervals.student(means.isel(order=0).sel(number=0).to_numpy())))
        for order, n in _computed(means):
            if n == number and order in chosen:
                made.append((setting, order, *intervals.student(means.sel(order=order, number=n).to_numpy())))
    return pd.DataFrame(made, columns=["setting", "order", "accuracy", "low", "high"])


def compared(grid: xr.DataArray, ours: str, others: Sequence[str]) -> pd.DataFrame:
    """How much lower the accuracy is under `ours` than under each of the other orders, at each number that both have.

    Mean over tasks and runs, paired draw by draw; ``lowest`` and ``highest`` are of single runs.

    Returns
    -------
    ``against, number, difference, low, high, lowest, highest``; negative where `ours` costs more.
    """
    made = []
    means = grid.mean("task")
    for other in others:
        for order, number in _computed(means.mean("seed")):
            pair = means.sel(number=number).sel(order=[ours, other])
            if order != other or number == 0 or bool(pair.isnull().any()):
                continue
            difference = pair.sel(order=ours) - pair.sel(order=other)
            runs = difference.mean("draw").to_numpy()
            row = intervals.student(difference.mean("seed").to_numpy())
            made.append((other, number, *row, runs.min(), runs.max()))
    return pd.DataFrame(made, columns=["against", "number", "difference", "low", "high", "lowest", "highest"])


def drops(grid: xr.DataArray, kind: Unit, number: int) -> xr.DataArray:
    """Accuracy lost in each task when the neurons or experts of each task are perturbed.

    Parameters
    ----------
    kind : ``neurons`` or ``experts``.

    Returns
    -------
    dims ``(perturbed, task, seed, draw)``; ``perturbed`` are the tasks in the order of ``task``.
    """
    names = {task: str(Order(kind, task)) for task in grid["task"].to_numpy().tolist()}
    tasks = [task for task, name in names.items() if name in grid["order"]]
    if len(tasks) < 2:
        raise ValueError(f"the grid has no {kind!r} of single tasks; known: {', '.join(grid['order'].to_numpy())}")
    part = grid.sel(task=tasks)
    lost = part.isel(order=0).sel(number=0, drop=True) - part.sel(number=number, order=[names[t] for t in tasks])
    lost = lost.drop_vars("order", errors="ignore").rename(order="perturbed").assign_coords(perturbed=tasks)
    return lost.transpose("perturbed", "task", "seed", "draw")


def dissociation(lost: xr.DataArray) -> dict[str, float]:
    """How much more a task loses when its own part is perturbed than when another's is: diagonal minus off-diagonal.

    Parameters
    ----------
    lost : of `drops`.

    Returns
    -------
    ``difference``, its interval ``low`` and ``high`` over draws, and ``p``: the share of all ways to assign the rows to
    the tasks whose diagonal is as high; all of them up to seven tasks, 5,040 drawn ones with more.
    """
    table = lost.transpose("perturbed", "task", ...)
    number = table.sizes["task"]
    if table.sizes["perturbed"] != number or number < 2:
        raise ValueError(f"the table has shape {table.shape[:2]}, expected as many rows as columns, at least 2")
    of_draw = [_contrast(table.isel(draw=i).mean("seed").to_numpy()) for i in range(table.sizes["draw"])]
    middle, low, high = intervals.student(np.array(of_draw))
    means = table.mean(["seed", "draw"]).to_numpy()
    rng = np.random.default_rng(0)
    drawn = (rng.permutation(number) for _ in range(DEALT - 1))
    dealt = permutations(range(number)) if math.factorial(number) <= DEALT else [range(number), *drawn]
    diagonals = means[np.array(list(dealt)), np.arange(number)].mean(1)
    p = float(np.mean(diagonals >= means.diagonal().mean() - 1e-12))
    return {"difference": middle, "low": low, "high": high, "p": p}


def _contrast(table: np.ndarray) -> float:
    own = np.eye(len(table), dtype=bool)
    return float(table[own].mean() - table[~own].mean())


def _computed(means: xr.DataArray) -> list[tuple[str, int]]:
    """The (order, number) of dims ``(order, number, draw)`` that are there."""
    there = means.notnull().all("draw").transpose("order", "number")
    names, numbers = means["order"].to_numpy(), means["number"].to_numpy()
    return [(str(names[i]), int(numbers[j])) for i, j in np.argwhere(there.to_numpy())]
