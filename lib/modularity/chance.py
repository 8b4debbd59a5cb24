"""What chance does to predictivity: p-values against chance-level neurons, the best of many of them, and q-values."""

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy import stats

from modularity import measure, predictivity, store

DRAWS = 1_000_000  # the smallest p-value is about one over this
ROUNDING = 1e-7  # sums of the same terms in another order are the same score, and shipped draws have single precision


def chance_level(positives: int, negatives: int, *, draws: int = DRAWS, seed: int = 0) -> Float[np.ndarray, "draw"]:
    """Predictivities of chance-level neurons, which rank the sentences of two classes at random, in ascending order.

    They are drawn once and stored. A neuron that is often 0 ties sentences, which are one threshold then; its score
    strays less than these, so that a p-value from them is rather too large for it.
    """

    def compute() -> xr.DataArray:
        made = predictivity.best_of_null(positives, negatives, 1, draws=draws, rng=np.random.default_rng(seed))
        return xr.DataArray(np.sort(made), dims="draw", name="predictivity")

    key = {"sizes": [positives, negatives], "draws": draws, "seed": seed, **measure.key()}
    return store.cached(f"useless-{positives}-{negatives}", key, compute).to_numpy()


def p_values(scores: Float[np.ndarray, "*any"], null: Float[np.ndarray, "draw"]) -> Float[np.ndarray, "*any"]:
    """How often a chance-level neuron scores as high, the neuron itself counted as one that did, so that none is 0.

    Parameters
    ----------
    null : in ascending order, as `chance_level` gives it.
    """
    reached = len(null) - np.searchsorted(null, scores - ROUNDING, side="left")
    return (1 + reached) / (1 + len(null))


def q_values(p: Float[np.ndarray, "*any neuron"]) -> Float[np.ndarray, "*any neuron"]:
    """The share of chance-level neurons to expect among those of a p-value as small (Benjamini and Hochberg, 1995)."""
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
    null : in ascending order, as `chance_level` gives it.
    """
    weights = np.diff((np.arange(len(null) + 1) / len(null)) ** neurons)
    mean = float(null @ weights)
    return mean, float((null - mean) ** 2 @ weights)
