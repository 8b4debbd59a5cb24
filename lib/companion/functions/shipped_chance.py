"""What chance does to predictivity at the class sizes that this book needs: shipped draws of chance-level neurons."""

from functools import cache

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from companion.functions import sources
from modularity import chance

BEST, RATIO = 200, 1.02  # shipped of the draws: so many of the best, then steps of this ratio away from the top

Size = tuple[int, int]  # sentences of the two classes
# The paper's class sizes and how many of its sub-functions have them; of its tasks those that 1,000 sentences of each
# label of GLUE's validation sets leave, or all there are of a label.
PAPER: dict[str, list[tuple[Size, int]]] = {
    "semantic": [((100, 100), 529)],
    "knowledge": [((200, 200), 39)],
    "task": [
        ((721, 322), 1),  # cola
        ((444, 428), 1),  # sst2
        ((279, 129), 1),  # mrpc
        ((131, 146), 1),  # rte
        ((1000, 1000), 3),  # qqp, qnli, mnli-contradiction
        ((1000, 2000), 1),  # mnli-neutral
    ],
}


def size(positives: int, negatives: int) -> Size:
    """The class sizes, the smaller first: exchanging the classes changes nothing for a chance-level neuron."""
    return min(positives, negatives), max(positives, negatives)


def kept(draws: int) -> Int[np.ndarray, "kept"]:
    """Which of so many draws in ascending order are shipped: all of the best, ever fewer below."""
    steps = int(np.log(draws / BEST) / np.log(RATIO)) + 1
    below = np.round(BEST * RATIO ** np.arange(steps)).astype(int)
    return np.unique(draws - np.concatenate([np.arange(1, BEST), below[below < draws], [draws]]))


@cache
def _shipped() -> dict[Size, pd.DataFrame]:
    table = pd.read_parquet(sources.path("results/null.parquet"))
    return {(int(few), int(many)): rows for (few, many), rows in table.groupby(["few", "many"])}  # type: ignore[misc]


def is_shipped(positives: int, negatives: int) -> bool:
    """Whether `chance_level` has draws for these class sizes without drawing them."""
    return size(positives, negatives) in _shipped()


def chance_level(
    positives: int, negatives: int, *, draws: int = chance.DRAWS, seed: int = 0
) -> Float[np.ndarray, "draw"]:
    """`chance.chance_level` from shipped draws where there are some; otherwise drawn and stored.

    A million are shipped, or a quarter of it where there are more than 600 sentences, thinned out below the best ones
    and here interpolated.
    """
    if (draws, seed) == (chance.DRAWS, 0) and is_shipped(positives, negatives):
        draw, value = (_shipped()[size(positives, negatives)][c].to_numpy() for c in ("draw", "predictivity"))
        return np.interp(np.arange(draw[-1] + 1), draw, value)
    return chance.chance_level(positives, negatives, draws=draws, seed=seed)
