"""Functions on equal footing: equally many sub-functions of each, and equally many sentences of each of these."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from companion.functions import tracks
from modularity.subfunction import SubFunction

FUNCTIONS = ("semantic", "knowledge", "task")
SUBFUNCTIONS = 8  # of each function: as many as there are tasks
PER_CLASS = 100  # sentences, half of them to choose and half to judge


@cache
def asked() -> tuple[SubFunction, ...]:
    """The sub-functions of what is shipped."""
    return equally_many([s for function in FUNCTIONS for s in tracks.load(function)])  # type: ignore[arg-type]


def equally_many(subfunctions: Sequence[SubFunction]) -> tuple[SubFunction, ...]:
    """Of each function `SUBFUNCTIONS`, spread evenly over its list, with the first `PER_CLASS` sentences of a class.

    There are fewer where a function has fewer, or one of the chosen. Sentences are of an even number, so that halves
    are equal.

    Raises
    ------
    ValueError
        One of `FUNCTIONS` has no sub-function.
    """
    every = {function: [s for s in subfunctions if s.function == function] for function in FUNCTIONS}
    if without := [function for function, found in every.items() if not found]:
        raise ValueError(f"got no sub-function of {', '.join(without)}; expected some of {', '.join(FUNCTIONS)}")
    number = min(SUBFUNCTIONS, *map(len, every.values()))
    places = {f: np.linspace(0, len(found) - 1, number).round().astype(int) for f, found in every.items()}
    chosen = [every[function][i] for function in FUNCTIONS for i in places[function]]
    few = min(PER_CLASS, *(size for one in chosen for size in one.sizes))
    return tuple(tracks.first(one, few // 2 * 2) for one in chosen)
