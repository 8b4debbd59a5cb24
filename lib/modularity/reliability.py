"""How much of a correlation between checkpoints is noise: halves of sentences, experts, what is inside (Section 6)."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Float, Integer

from modularity import ranks

LEVELS = ("neuron", "between", "within", "expert", "random")
LEAST = 0.05  # reliability that a correction can be made with
WHOLE, FIRST, SECOND = range(3)
# Pair → which half at the checkpoint before, and which at this one.
PAIRS = {
    "whole": [(WHOLE, WHOLE)],
    "same": [(FIRST, FIRST), (SECOND, SECOND)],
    "across": [(FIRST, SECOND), (SECOND, FIRST)],
}


@dataclass(frozen=True)
class Ranked:
    """Ranks of one checkpoint's predictivities, ready to be correlated: rows of length 1, centred."""

    neuron: Float[np.ndarray, "half subfunction layer neuron"]
    between: Float[np.ndarray, "half subfunction layer expert"]  # the part of `neuron` that lies between experts
    expert: Float[np.ndarray, "half subfunction layer expert"]
    random: Float[np.ndarray, "draw half subfunction layer expert"]


def ranked(
    scores: Float[np.ndarray, "half subfunction layer neuron"], groups: Integer[np.ndarray, "partition layer neuron"]
) -> Ranked:
    """Rank neurons and experts of one checkpoint.

    Parameters
    ----------
    scores : on three sets of sentences: from all sentences, from the first half and from the second.
    groups : the expert of each neuron, of equal size: first the model's own partition, then any number of random ones.
    """
    members = groups[..., None] == np.arange(groups.max() + 1)  # partition, layer, neuron, expert
    means = members / members.sum(2, keepdims=True)
    of_experts = np.stack([np.einsum("hmln,lne->hmle", scores, part, optimize=True) for part in means])
    own, *random = (ranks.centred(values) for values in of_experts)
    neuron = ranks.centred(scores)
    size = members[0].sum(1)[None, None]  # layer, expert
    between = np.einsum("hmln,lne->hmle", neuron, means[0], optimize=True) * np.sqrt(size)
    return Ranked(neuron, between, own, np.array(random))


def agreement(before: Ranked, now: Ranked) -> xr.Dataset:
    """Rank correlations of a checkpoint with the one before it, at each level, with and without shared sentences.

    Both checkpoints are read with the same sentences, so what these sentences do by chance is in both and raises their
    correlation. ``across`` correlates one half of the sentences at one checkpoint with the other half at the other:
    nothing is shared but the model. It is lowered by the noise of either half instead, which ``reliability`` measures;
    `corrected` divides it out.

    Returns
    -------
    ``agreement``, dims ``(pair, level, subfunction)``, means over layers. Its pairs: ``whole``, all sentences at both
    checkpoints; ``same``, one half at both, mean of the halves; ``across``, mean of both ways; ``reliability``, one
    half and the other, both at the later checkpoint. Its levels:

    - ``neuron``: Spearman's correlation of a layer's neurons, the sum of
    - ``between``, what the mean ranks of the model's experts add to it, and ``within``, the rest: shares of that
      correlation, not correlations by themselves;
    - ``expert``: Spearman's correlation of the experts' mean predictivities, as in the paper;
    - ``random``: the same of random partitions, mean over them.

    ``between_share`` (subfunction): the part of the variance of ranks at the later checkpoint, all sentences, that
    lies between experts.
    """
    table = {name: np.mean([_levels(before, now, *pair) for pair in pairs], axis=0) for name, pairs in PAIRS.items()}
    table["reliability"] = _levels(now, now, FIRST, SECOND)
    share = _levels(now, now, WHOLE, WHOLE)[LEVELS.index("between")]
    data = {
        "agreement": (("pair", "level", "subfunction"), np.array(list(table.values()))),
        "between_share": ("subfunction", share),
    }
    return xr.Dataset(data, {"pair": list(table), "level": list(LEVELS)})


def _levels(one: Ranked, other: Ranked, half: int, other_half: int) -> Float[np.ndarray, "level subfunction"]:
    neuron, between, expert = (
        np.vecdot(getattr(one, part)[half], getattr(other, part)[other_half])
        for part in ("neuron", "between", "expert")
    )
    random = np.nanmean(np.vecdot(one.random[:, half], other.random[:, other_half]), axis=0)
    return np.nanmean([neuron, between, neuron - between, expert, random], axis=-1)


def corrected(across: xr.DataArray, reliability: xr.DataArray) -> xr.DataArray:
    """The correlation of adjacent checkpoints if sentences were without number (Spearman, 1904): ``across`` over the
    geometric mean of both checkpoints' ``reliability``.

    Parameters
    ----------
    across, reliability : with the dim ``step``, of `agreement`; means over sub-functions and runs are to be taken
        before, as a ratio of small numbers is noise.

    Returns
    -------
    From the second step on; not a number where a reliability is below `LEAST`, which would divide noise by noise.
    Sampling may carry it above 1.
    """
    enough = reliability.where(reliability >= LEAST)
    return (across / (enough * enough.shift(step=1)) ** 0.5).isel(step=slice(1, None)).rename("corrected")
