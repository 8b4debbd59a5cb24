"""Choices about what is perturbed in T5, and how it is judged (Section 5, Figure 2): rows D8 to D13 and D21."""

from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np
from jaxtyping import Float

from companion.choices.choice_setup import Effect, Setup, paired
from companion.experiments import answering, lesion_grid, lesions, orders, stored_scores
from companion.experiments.lesion_orders import Order, Unit
from companion.experiments.lesions import Mask
from companion.functions import prompts, tracks

PLAN = lesion_grid.PLANS["mini"]
STRONG = lesion_grid.SETTINGS["strong"].variance
PAPER = 96  # fine experts of a layer of T5-base
OF = "accuracy that can be lost"
REPEATS = 5


def _curve(setup: Setup, setting: str, order: str) -> Float[np.ndarray, "d n"]:
    """Accuracy by draw and number of perturbed experts, mean over runs and tasks; NaN where none was computed."""
    return (
        setup.lesions.sel(setting=setting, order=order)
        .mean(["seed", "task"])
        .transpose("draw", "number")
        .to_numpy()
        .astype(float)
    )


def _loss(setup: Setup) -> float:
    """Accuracy of the untouched model minus that of guessing the most frequent label, mean over the grid's tasks."""
    shares = [tracks.task_table(t)["label"].value_counts(normalize=True).max() for t in prompts.FUNCTION_TASKS]
    return float(_curve(setup, "text", "random")[:, 0].mean() - np.mean(shares))


def noise(setup: Setup) -> Effect:
    """D8: Gaussian noise is added, or activations are shuffled and multiplied by four. By draw, shipped grid.

    Are the experts with the highest predictivities those that the answers need? Accuracy without the lowest, minus that
    without the highest.
    """
    sides = []
    for setting in ("text", "code"):
        least, most = (_curve(setup, setting, order)[:, PLAN.reach] for order in ("MoE, least", "MoE (4)"))
        sides.append(least - most)
    return paired("accuracy, least minus most predictive experts perturbed", *sides, scale=_loss(setup), of=OF)


def summed_datasets(setup: Setup) -> Effect:
    """D9: predictivities are summed over four data sets, or over eight sub-functions. By draw, shipped grid."""
    numbers = range(PLAN.reach // 4, PLAN.reach + 1, PLAN.reach // 4)
    sides = [
        np.mean([_curve(setup, "strong", str(Order(unit, by)))[:, numbers].mean(1) for unit in get_args(Unit)], axis=0)
        for by in ("seen", "all")
    ]
    return paired("accuracy, strong noise, Avg and MoE", *sides, scale=_loss(setup), of=OF)


def _perturbed(setup: Setup, masks: Mapping[str, Mask], tasks: Sequence[str]) -> dict[str, Float[np.ndarray, "draw"]]:
    """Accuracy under strong noise, mean over tasks; ``none`` is the untouched model."""
    every = {"none": {}, **masks}
    draws, rows, seed = setup.draws, setup.rows, setup.seed
    found = lesions.accuracies(setup.loaded, every, tasks, variance=STRONG, draws=draws, rows=rows, seed=seed)
    return {str(mask): found.sel(mask=mask).mean("task").to_numpy() for mask in found["mask"].to_numpy()}


def _ranked(setup: Setup, part: tracks.Part, by: Sequence[str]) -> Mask:
    """The fifth of the neurons of each layer of the last third that is best at the sub-functions `by`."""
    chosen = lesions.last_third(setup.loaded)
    scores = stored_scores.of_model(setup.loaded, setup.task(part)).sel(layer=chosen)
    return orders.first(orders.by_predictivity(scores, by), chosen, scores.sizes["neuron"] // 5)


def first_question(setup: Setup) -> Effect:
    """D10: a data set of two questions (MNLI) ranks neurons by both, or by the first only."""
    names = [name for name, *_ in prompts.classes("mnli")]
    masks = {"both": _ranked(setup, "train", names), "first": _ranked(setup, "train", names[:1])}
    found = _perturbed(setup, masks, ["mnli"])
    scale = found["none"].mean() - 1 / 3
    return paired("accuracy, MNLI's own neurons perturbed", found["both"], found["first"], scale=scale, of=OF)


def part_of_the_rows(setup: Setup) -> Effect:
    """D11: all validation rows at hand, or a quarter of them. By task."""
    made = []
    for task in prompts.FUNCTION_TASKS:
        table = tracks.task_table(task)
        table = table.sample(min(8 * setup.rows, len(table)), random_state=np.random.default_rng(setup.seed))
        right = answering.predictions(setup.loaded, task, table) == table["label"].to_numpy()
        made.append((right.mean(), right[: max(1, len(right) // 4)].mean()))
    sides = np.array(made).T
    return paired("accuracy, untouched model", *sides, scale=_loss(setup), of=OF)


def axis(setup: Setup) -> Effect:
    """D12: 12 % of the neurons, or what the axis calls 12: 12 of 96 experts. By draw, between computed numbers."""
    numbers = np.arange(0, PLAN.reach + 1, PLAN.reach // 4)
    curve = _curve(setup, "strong", "MoE (4)")[:, numbers]
    at = [0.12 * PLAN.fine, 12 / PAPER * PLAN.fine]
    text, other = np.array([np.interp(at, numbers, of_draw) for of_draw in curve]).T
    return paired("accuracy, strong noise, MoE (4)", text, other, scale=_loss(setup), of=OF)


def repeats(setup: Setup) -> Effect:
    """D13: five repeats, or five others: a key that was run twice has both. By repeat, shipped grid."""
    values = _curve(setup, "strong", "MoE (4)")[:, 3 * PLAN.reach // 4]
    text, other = values[:REPEATS], values[REPEATS : 2 * REPEATS]
    return paired("accuracy, strong noise, MoE (4)", text, other, scale=_loss(setup), of=OF)


def ranking_part(setup: Setup) -> Effect:
    """D21: neurons are ranked by a task's training rows, or by the rows that judge. By draw, seen tasks."""
    masks = {part: _ranked(setup, part, orders.SEEN) for part in ("train", "validation")}
    found = _perturbed(setup, masks, orders.SEEN)
    return paired(
        "accuracy, Avg (4) perturbed, seen tasks",
        found["train"],
        found["validation"],
        scale=found["none"].mean() - 0.5,
        of=OF,
    )
