"""A run's first and last weights, and between them random steps as large as its learning rate makes them.

It is what a decaying rate alone gives: nothing is learned on the way, and both ends are those of the run.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float

from companion.models.optimizer import EPS_RMS
from companion.models.recipe import Recipe

Weights = Mapping[str, torch.Tensor]


def clock(recipe: Recipe) -> Float[np.ndarray, "step"]:
    """How much of all its random motion a run has made before each step, from 0 to 1 at its end: the sum of the
    squared rates so far, as a share of that of all steps."""
    so_far = np.cumsum([recipe.learning_rate(step) ** 2 for step in range(recipe.steps)])
    return np.concatenate([[0.0], so_far]) / so_far[-1]


def at(
    start: Weights, end: Weights, moment: float, recipe: Recipe, *, seed: int | tuple[int, ...] = 0
) -> dict[str, torch.Tensor]:
    """Weights at a moment of a Brownian bridge from `start` to `end`.

    A step of Adam along gradients that are noise has, summed over many steps, the variance of independent steps of the
    rate. So each weight's variance grows by the squared rate times the square of its matrix's size
    (`optimizer.RMSScaledAdamW`), for which the geometric mean of that at both ends is taken.

    Parameters
    ----------
    moment : of `clock`, from 0 (`start`) to 1 (`end`).
    seed : of the steps.

    Raises
    ------
    ValueError
        A moment outside this range; ends with other names or shapes.
    """
    if not 0 <= moment <= 1:
        raise ValueError(f"moment is {moment}, expected a number from 0, the start of the run, to 1, its end")
    shapes = [{name: tuple(w.shape) for name, w in weights.items()} for weights in (start, end)]
    if different := sorted(n for n in shapes[0].keys() | shapes[1].keys() if shapes[0].get(n) != shapes[1].get(n)):
        found = [of.get(different[0], "missing") for of in shapes]
        raise ValueError(
            f"{different[0]} is of shape {found[0]} at the start and {found[1]} at the end; expected equal"
        )
    rng = np.random.default_rng(seed)
    motion = sum(recipe.learning_rate(step) ** 2 for step in range(recipe.steps))
    made = {}
    for name in sorted(start):
        ends = [w.detach().double().cpu().numpy() for w in (start[name], end[name])]
        size = np.prod([max(np.sqrt((w**2).mean()), EPS_RMS) for w in ends]) ** 0.5
        spread = size * np.sqrt(motion * moment * (1 - moment))
        path = (1 - moment) * ends[0] + moment * ends[1] + spread * rng.standard_normal(ends[0].shape)
        made[name] = torch.as_tensor(path, dtype=end[name].dtype)
    return made
