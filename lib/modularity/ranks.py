"""Spearman's rank correlation of many rows at once: SciPy's ranks, as vectors whose inner product it is."""

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata


def centred(values: Float[np.ndarray, "*row unit"]) -> Float[np.ndarray, "*row unit"]:
    """Ranks of the units of each row, less their mean and divided by their length, so that a row has length 1.

    The inner product of two such rows (`numpy.vecdot`) is Spearman's correlation: ranking once serves for many
    comparisons. A row of equal values has no ranks to correlate: it is not a number.

    Parameters
    ----------
    values : of any number of leading dimensions; equal values share their average rank.

    Raises
    ------
    ValueError
        Rows of fewer than two units, or a value that is not finite.
    """
    values = np.asarray(values)
    if values.ndim == 0 or values.shape[-1] < 2:
        raise ValueError(f"values are of shape {values.shape}, expected at least two units along the last dimension")
    if not (finite := np.isfinite(values)).all():
        place = tuple(map(int, np.argwhere(~finite)[0]))
        raise ValueError(
            f"the value of unit {place[-1]} in row {place[:-1]} is {values[place]}, expected a finite number; "
            "score that row again or leave it out"
        )
    ranks = rankdata(values, axis=-1) - (values.shape[-1] + 1) / 2
    with np.errstate(invalid="ignore"):
        return ranks / np.linalg.norm(ranks, axis=-1, keepdims=True)
