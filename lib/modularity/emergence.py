"""How the modular structure appears during pre-training: stabilisation, organisation, and when (Section 6, A.6)."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from modularity import experts, ranks
from modularity.nulls import Null

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
    _same(np.shape(before), np.shape(after))
    return ranks.correlation(ranks.doubled(np.asarray(before)), ranks.doubled(np.asarray(after)))


def stabilization(checkpoints: Iterable[tuple[int, Float[np.ndarray, "subfunction layer unit"]]]) -> xr.DataArray:
    """Stabilisation score of every checkpoint with the one before it, from a stream: two are held at a time.

    Parameters
    ----------
    checkpoints : step and predictivities, in the order of the steps.

    Returns
    -------
    dims ``(step, subfunction, layer)``; the step is the later of the two, so the first has none.

    Raises
    ------
    ValueError
        Fewer than two checkpoints, steps that are repeated or out of order, and what `stabilization_score` raises.
    """
    steps: list[int] = []
    made = []
    before = None
    for step, scores in checkpoints:
        check_steps([*steps[-1:], step], least=1)
        now = ranks.doubled(np.asarray(scores))
        if before is not None:
            _same(before.shape, now.shape)
            made.append(ranks.correlation(before, now))
        steps.append(step)
        before = now
    check_steps(steps)
    return xr.DataArray(np.array(made), {"step": steps[1:]}, ("step", "subfunction", "layer"), name="stabilization")


def _same(before: Sequence[int], after: Sequence[int]) -> None:
    if before != after:
        raise ValueError(f"checkpoints of shape {tuple(before)} and {tuple(after)}; both have to be of one model")


def check_steps(steps: Sequence[int], expected: Sequence[int] | None = None, *, least: int = 2) -> None:
    """Refuse the steps of a history that cannot be one.

    Parameters
    ----------
    expected : all the steps that there should be, where that is known.

    Raises
    ------
    ValueError
        A step that is repeated, out of order or missing, or fewer than two of them.
    """
    steps = [int(step) for step in steps]
    if repeated := sorted({step for step in steps if steps.count(step) > 1}):
        raise ValueError(
            f"the history has step {repeated[0]} {steps.count(repeated[0])} times, expected each step once"
        )
    if late := [b for a, b in pairwise(steps) if b < a]:
        raise ValueError(f"step {late[0]} comes after a later one; give the checkpoints in the order of their steps")
    if expected is not None and (missing := sorted({int(step) for step in expected} - set(steps))):
        raise ValueError(
            f"the history lacks step {', '.join(map(str, missing[:5]))} of {len(expected)}; "
            "a correlation of adjacent checkpoints would leap over it: record it, or leave the run out"
        )
    if len(steps) < least:
        raise ValueError(f"the history has {len(steps)} checkpoint(s), expected at least {least} to compare")


def together(histories: Sequence[xr.Dataset]) -> xr.Dataset:
    """Histories of several runs of a model as one, with the dim ``run``.

    Raises
    ------
    ValueError
        No history; steps that are repeated, out of order, too few, or that another run has and this one lacks; runs of
        different shape.
    """
    if not histories:
        raise ValueError("got no histories, expected at least one")
    every = sorted({int(step) for history in histories for step in history["step"]})
    for history in histories:
        check_steps(history["step"].to_numpy().tolist(), every)
        _same(tuple(histories[0]["best"].shape), tuple(history["best"].shape))
    return xr.concat(list(histories), "run", data_vars="all", coords="minimal", join="exact", combine_attrs="drop")


def expert_stabilization(history: xr.Dataset) -> xr.DataArray:
    """Stabilisation of experts, from their predictivities in a history, by partition, sub-function, layer and
    step; 1 at the first step, as ``stability``, that of neurons, has it."""
    values = history["experts"].transpose(..., "expert")
    before = values.shift(step=1).where(values["step"] > values["step"][0], values)
    score = stabilization_score(before.to_numpy(), values.to_numpy())
    return values.isel(expert=0, drop=True).copy(data=score).rename("stabilization")


def first_above(
    curve: Float[np.ndarray, "... step"], steps: Sequence[float] | np.ndarray, level: float = LEVEL
) -> np.ndarray:
    """The step from which on a curve stays above `level`; infinity where it ends below."""
    above = np.asarray(curve) > level
    stays = np.flip(np.logical_and.accumulate(np.flip(above, -1), axis=-1), -1)
    return np.where(stays[..., -1], np.asarray(steps, float)[stays.argmax(-1)], np.inf)


def top_neurons(history: xr.Dataset) -> xr.DataArray:
    """The top neurons of one run at each step as `specialists.top_neurons` gives them: bool of dims ``(step,
    subfunction, layer, neuron)``."""
    table = history["top"].transpose("step", "subfunction", "layer", "rank")
    neurons = history.sizes["neuron"]
    members = np.zeros((*table.shape[:-1], neurons), dtype=bool)
    np.put_along_axis(members, table.to_numpy().astype(np.intp), True, axis=-1)
    made = table.isel(rank=0, drop=True).astype(bool).expand_dims(neuron=neurons, axis=-1)
    return made.copy(data=members).rename("top")


def functional_experts(
    history: xr.Dataset, groups: xr.DataArray, *, null: Null = "binomial", alpha: float = experts.ALPHA
) -> xr.Dataset:
    """Figures 3 and 6 of one run: proportion and degree of its functional and sub-functional experts at each step.

    Parameters
    ----------
    groups : the expert of each neuron, dims ``(layer, neuron)``: the same at all steps, as in the paper.

    Returns
    -------
    `experts.summary` with dims ``(kind, function, step)``; ``kind`` is ``functional`` or ``sub-functional``, which are
    tested by the exact null, as permuting gives the same.
    """
    members = top_neurons(history).transpose("subfunction", "step", "layer", "neuron")
    steps, layers = (members[dim].to_numpy() for dim in ("step", "layer"))
    # Tests are made layer by layer, so the layers of all steps are tested as those of one tall model.
    tall = members.stack(floor=("step", "layer")).reset_index("floor", drop=True)
    tall = tall.rename(floor="layer").transpose("subfunction", "layer", "neuron")
    tall = tall.assign_coords(layer=np.arange(tall.sizes["layer"]))
    repeated = xr.DataArray(np.tile(groups.to_numpy(), (len(steps), 1)), {"layer": tall["layer"]}, ("layer", "neuron"))
    options: dict[str, Any] = {"alpha": alpha}
    tested = [
        experts.functional_experts(tall, repeated, null=null, **options),
        experts.subfunctional_experts(tall, repeated, null="binomial" if null == "binomial" else "exact", **options),
    ]
    by_step = [
        experts.summary(
            one.coarsen(layer=len(layers)).construct(layer=("step", "layer")).drop_vars("layer", errors="ignore")
        )
        for one in tested
    ]
    made = xr.concat(by_step, xr.IndexVariable("kind", ["functional", "sub-functional"]))
    return made.assign_coords(step=steps)


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
        rows = ranks.doubled(matrix[..., others].reshape(*matrix.shape[:-1], len(names) - 1)).astype(float)
        length = np.linalg.norm(rows, axis=-1, keepdims=True)
        table = np.zeros(matrix.shape)
        table[..., others] = np.divide(rows, length, where=length > 0, out=rows).reshape(*matrix.shape[:-2], -1)
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
