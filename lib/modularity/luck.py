"""What chance does to predictivity: p-values against chance-level neurons, the best of many of them, and q-values."""

from functools import cache

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float, Int
from scipy import stats

from modularity import measure, predictivity, sources, store

DRAWS = 1_000_000  # the smallest p-value is about one over this
ROUNDING = 1e-7  # sums of the same terms in another order are the same score, and shipped draws have single precision
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
    """Whether `useless` has draws for these class sizes without drawing them."""
    return size(positives, negatives) in _shipped()


def useless(positives: int, negatives: int, *, draws: int = DRAWS, seed: int = 0) -> Float[np.ndarray, "draw"]:
    """Predictivities of chance-level neurons, which rank the sentences of two classes at random, in ascending order.

    For the class sizes that pages need draws are shipped, thinned out below the best ones and here interpolated: a
    million, or a quarter of it where there are more than 600 sentences. For others `draws` are drawn once and stored.
    A neuron that is often 0 ties sentences, which are one threshold then; its score strays less than these, so that a
    p-value from them is rather too large for it.
    """
    if (draws, seed) == (DRAWS, 0) and is_shipped(positives, negatives):
        draw, value = (_shipped()[size(positives, negatives)][c].to_numpy() for c in ("draw", "predictivity"))
        return np.interp(np.arange(draw[-1] + 1), draw, value)

    def compute() -> xr.DataArray:
        made = predictivity.best_of_null(positives, negatives, 1, draws=draws, rng=np.random.default_rng(seed))
        return xr.DataArray(np.sort(made), dims="draw", name="predictivity")

    key = {"sizes": [positives, negatives], "draws": draws, "seed": seed, **measure.key()}
    return store.cached(f"useless-{positives}-{negatives}", key, compute).to_numpy()


def p_values(scores: Float[np.ndarray, "*any"], null: Float[np.ndarray, "draw"]) -> Float[np.ndarray, "*any"]:
    """How often a useless neuron scores as high, the neuron itself counted as one that did, so that none is 0.

    Parameters
    ----------
    null : in ascending order, as `useless` gives it.
    """
    reached = len(null) - np.searchsorted(null, scores - ROUNDING, side="left")
    return (1 + reached) / (1 + len(null))


def q_values(p: Float[np.ndarray, "*any neuron"]) -> Float[np.ndarray, "*any neuron"]:
    """The share of useless neurons to expect among those of a p-value as small (Benjamini and Hochberg, 1995)."""
    return stats.false_discovery_control(p, axis=-1)


def best_of(null: Float[np.ndarray, "draw"], neurons: int) -> float:
    """Mean of the best of `neurons` draws."""
    return moments_of_best(null, neurons)[0]


def moments_of_best(null: Float[np.ndarray, "draw"], neurons: int) -> tuple[float, float]:
    """Mean and variance of the best of `neurons` draws.

    The i-th lowest of n is the best with chance (i / n)^N − ((i − 1) / n)^N. This stands for drawing N neurons again
    and again; n should be ten times N or more.

    Parameters
    ----------
    null : in ascending order, as `useless` gives it.
    """
    weights = np.diff((np.arange(len(null) + 1) / len(null)) ** neurons)
    mean = float(null @ weights)
    return mean, float((null - mean) ** 2 @ weights)
