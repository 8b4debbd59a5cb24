"""How the modular structure appears during pre-training: stabilisation, organisation, and when (Section 6, A.6)."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float

from modularity import ranks

LEVEL = 0.9  # a curve that stays above it is called stabilised, as in the paper


def stabilization_score(
    before: Float[np.ndarray, "... unit"], after: Float[np.ndarray, "... unit"]
) -> Float[np.ndarray, "..."]:
    """Spearman's rank correlation of the predictivities of neurons, or of experts, at two checkpoints (Section 6).

    1 if their order has not changed; not a number where all of a row are equal.

    Raises
    ------
    ValueError
        Checkpoints of different shapes, fewer than two units, a predictivity that is no number.
    """
    if np.shape(before) != np.shape(after):
        raise ValueError(f"checkpoints of shape {np.shape(before)} and {np.shape(after)}; both have to be of one model")
    return np.asarray(np.vecdot(ranks.centred(before), ranks.centred(after)))


def first_above(
    curve: Float[np.ndarray, "... step"], steps: Sequence[float] | np.ndarray, level: float = LEVEL
) -> np.ndarray:
    """The step from which on a curve stays above `level`; infinity where it ends below."""
    above = np.asarray(curve) > level
    stays = np.flip(np.logical_and.accumulate(np.flip(above, -1), axis=-1), -1)
    return np.where(stays[..., -1], np.asarray(steps, float)[stays.argmax(-1)], np.inf)


def clustering_score(alike: xr.DataArray, predictivities: xr.DataArray) -> xr.DataArray:
    """Do sub-functions that are alike share experts? Appendix A.6, averaged over the number k of top experts.

    For a sub-function i and the k experts with the highest predictivities, the rank correlation over all j ≠ i of how
    alike i and j are with how many of their top k experts they share.

    Parameters
    ----------
    alike : dims ``(subfunction, other)``, of at least these sub-functions.
    predictivities : of experts, dims ``(…, subfunction, …, expert)``.

    Returns
    -------
    The dims of `predictivities` but for ``expert``: a score for each sub-function, averaged over k = 1 … E − 1 (with
    all E every pair shares all; among equal experts those of lower number come first). A k at which a sub-function
    shares equally many with all others has no correlation and is left out.

    Raises
    ------
    ValueError
        A sub-function of which `alike` says nothing; fewer than three sub-functions, or than two experts.
    """
    wanted, shared, values = _to_correlate(alike, predictivities)
    return values.isel(expert=0, drop=True).copy(data=np.vecdot(wanted, shared)).rename("clustering")


def clustering_by_chance(
    alike: xr.DataArray, predictivities: xr.DataArray, *, draws: int = 1000, seed: int = 0
) -> xr.DataArray:
    """`clustering_score`, mean over sub-functions, when the words are dealt to the sub-functions at random (Mantel,
    1967): dim ``draw`` in front. It leaves everything as it is but for who is like whom."""
    wanted, shared, values = _to_correlate(alike, predictivities)
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(wanted)) for _ in range(draws)]
    made = np.array([np.nanmean(np.vecdot(wanted[np.ix_(order, order)], shared), axis=-1) for order in orders])
    like = values.isel(expert=0, subfunction=0, drop=True).expand_dims(draw=draws)
    return like.copy(data=made).rename("clustering")


def _to_correlate(alike: xr.DataArray, predictivities: xr.DataArray) -> tuple[np.ndarray, np.ndarray, xr.DataArray]:
    """Two tables ``(…, subfunction, other)`` whose rows' products are the scores, zero on the diagonal: ranks of how
    alike others are, and of how many experts they share, mean over k, each of unit length; and the values in order."""
    names = predictivities["subfunction"].to_numpy().tolist()
    if unknown := sorted(set(names) - set(alike["subfunction"].to_numpy().tolist())):
        raise ValueError(f"nothing says what {unknown[0]!r} is like; give a matrix of all the sub-functions")
    number = predictivities.sizes["expert"]
    if len(names) < 3 or number < 2:
        raise ValueError(f"{len(names)} sub-functions and {number} experts; expected at least 3 and 2")
    others = ~np.eye(len(names), dtype=bool)

    def ranked(matrix: np.ndarray) -> np.ndarray:
        rows = ranks.centred(matrix[..., others].reshape(*matrix.shape[:-1], len(names) - 1))
        table = np.zeros(matrix.shape)
        table[..., others] = np.nan_to_num(rows).reshape(*matrix.shape[:-2], -1)  # equals have no ranks: nothing
        return table

    values = predictivities.transpose(..., "subfunction", "expert")
    place = np.argsort(np.argsort(-values.to_numpy(), axis=-1, kind="stable"), axis=-1)  # of each expert, 0 first
    shared, defined = 0, 0
    for k in range(1, number):
        top = (place < k).astype(np.float32)
        rows = ranked(top @ top.mT)
        shared, defined = shared + rows, defined + rows.any(-1, keepdims=True)
    wanted = ranked(alike.sel(subfunction=names, other=names).to_numpy())
    return wanted, shared / np.where(defined, defined, np.nan), values
