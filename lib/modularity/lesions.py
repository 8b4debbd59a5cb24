"""What a model's answers lose while neurons are perturbed (Section 5, Figure 2)."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from modularity import answering, functions, neurons, perturb
from modularity.models import Model

Mask = Mapping[int, Sequence[int] | np.ndarray]  # layer → neurons


def last_third(model: Model) -> list[int]:
    """The last third of the encoder's layers, rounded up: the last four of twelve, as in the paper."""
    known = sorted(neurons.feed_forward(model))
    return known[-math.ceil(len(known) / 3) :]


def accuracies(
    model: Model,
    masks: Mapping[str, Mask | Sequence[Mask]],
    tasks: Sequence[str],
    *,
    how: perturb.How = "gaussian",
    draws: int = 20,
    rows: int = 50,
    seed: int = 0,
    means: Mapping[int, np.ndarray] | None = None,
) -> xr.DataArray:
    """Share of answers that are right under each mask, dims ``(mask, task, draw)``.

    Every draw takes its own rows of each task and its own noise, the same for every mask, so that masks are compared
    on equal terms.

    Parameters
    ----------
    masks : name → layer → neurons; or one such for each draw, in turn from the first again, where a mask is itself
        drawn.
    rows : validation rows of a task in one draw, drawn without replacement.
    how, means : as `perturb.neurons` takes them.
    """
    tables = {task: functions.task_table(task) for task in tasks}
    found = np.empty((len(masks), len(tasks), draws))
    for draw in range(draws):
        for j, (task, table) in enumerate(tables.items()):
            chosen = table.sample(min(rows, len(table)), random_state=np.random.default_rng([seed, draw, j]))
            for i, given in enumerate(masks.values()):
                mask = given if isinstance(given, Mapping) else given[draw % len(given)]
                rng = np.random.default_rng([seed, draw, j, 1])
                with perturb.neurons(model, mask, how=how, rng=rng, means=means):
                    found[i, j, draw] = np.mean(answering.predictions(model, task, chosen) == chosen["label"])
    coordinates = {"mask": list(masks), "task": list(tasks), "draw": np.arange(draws)}
    return xr.DataArray(found, coordinates, ("mask", "task", "draw"), name="accuracy")


def dissociation(drops: pd.DataFrame) -> float:
    """Mean of the diagonal less mean of the rest of a square table: how much more a perturbation of what is its own
    costs a task than a perturbation of what is another's."""
    table = drops.to_numpy(dtype=float)
    if table.shape[0] != table.shape[1] or len(table) < 2:
        raise ValueError(f"the table of drops has shape {table.shape}, expected as many rows as columns, at least 2")
    own = np.eye(len(table), dtype=bool)
    return float(table[own].mean() - table[~own].mean())
