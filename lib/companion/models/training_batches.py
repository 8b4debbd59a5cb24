"""What a step of training reads: windows of text, stated facts, and tasks with their answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Int

from companion.models import corruption, mixture

if TYPE_CHECKING:
    from companion.models.recipe import Recipe


@dataclass(frozen=True)
class Text:
    """All that a run is trained on, as token ids."""

    stream: Int[np.ndarray, "token"]
    facts: Sequence[mixture.Example]
    tasks: Sequence[mixture.Example]
    sentinel: int  # of the first hidden span

    @cached_property
    def longest(self) -> int:
        """Tokens of the longest answer of a fact or a task."""
        return max(len(example.targets) for example in (*self.facts, *self.tasks))


class Sizes(NamedTuple):
    """What of a recipe decides a batch, for processes that never load torch."""

    batch: int
    facts: int
    tasks: int
    length: int
    noise: float
    span: float
    seed: int

    @classmethod
    def of(cls, recipe: "Recipe") -> "Sizes":
        return cls(*(getattr(recipe, field) for field in cls._fields))


class Parts(NamedTuple):
    """Inputs and targets of one step. Facts and tasks are empty where a recipe has none."""

    windows: tuple[Int[np.ndarray, "window length"], Int[np.ndarray, "window target"]]
    facts: mixture.Batch
    tasks: mixture.Batch


def parts(recipe: "Recipe | Sizes", text: Text, steps: range) -> Iterator[Parts]:
    """The batches of each of `steps`, which depend on the step and the recipe's seed only.

    Raises
    ------
    ValueError
        There is too little text, or there are too few facts or tasks, for one step.
    """
    windows = corruption.batches(
        text.stream,
        steps=steps,
        batch=recipe.batch,
        length=recipe.length,
        noise=recipe.noise,
        span=recipe.span,
        sentinel=text.sentinel,
        seed=recipe.seed,
    )
    stated = mixture.batches(text.facts, steps=steps, batch=recipe.facts, seed=recipe.seed, stream=1)
    answered = mixture.batches(text.tasks, steps=steps, batch=recipe.tasks, seed=recipe.seed)
    yield from map(Parts._make, zip(windows, stated, answered, strict=True))
