"""What a history holds of each checkpoint, from the scores of it and of the one before; nothing here needs a model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float, Integer

from modularity import partition, ranks, reliability, specialists
from modularity.subfunction import SubFunction

KEPT_EACH = 2  # sub-functions of each function of which every neuron's score is kept
RANDOM = 20  # random partitions of which histories hold the mean correlation; the first is kept
# Dims of every variable at one checkpoint.
DIMS = {
    "top": ("subfunction", "layer", "rank"),
    "best": ("subfunction", "layer"),
    "experts": ("partition", "subfunction", "layer", "expert"),
    "neurons": ("kept", "layer", "neuron"),
    "stability": ("subfunction", "layer"),
    "agreement": ("pair", "level", "halved"),
    "between_share": ("halved",),
    "stability_rest": ("halved", "rest"),
}
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Scored:
    """Predictivities at one checkpoint."""

    whole: Float[np.ndarray, "subfunction layer neuron"]
    halves: Float[np.ndarray, "half halved layer neuron"]  # as `halves.half_scores` returns them
    rest: Float[np.ndarray, "halved rest width"] | None  # of the layers without experts, of a Switch


def groups(own: Integer[np.ndarray, "layer neuron"]) -> Integer[np.ndarray, "partition layer neuron"]:
    """A model's experts, then `RANDOM` partitions as `moefication.at_random` draws them."""
    number = int(own.max()) + 1
    generators = map(np.random.default_rng, range(RANDOM))
    random = ([partition.at_random(own.shape[1], number, rng=rng) for _ in own] for rng in generators)
    return np.array([own, *random], dtype=own.dtype)


def with_every_score(functions: Sequence[str]) -> list[int]:
    """Which sub-functions keep every neuron's score: the first of each function."""
    return [i for f in dict.fromkeys(functions) for i in [i for i, g in enumerate(functions) if g == f][:KEPT_EACH]]


def followed_by_time(
    checkpoints: Iterable[Scored],
    groups: Integer[np.ndarray, "partition layer neuron"],
    kept: Sequence[int],
    share: float,
) -> Iterator[Arrays]:
    """Name → array of the dims in `DIMS` for each checkpoint, the first compared with itself; two are held at a time.

    Parameters
    ----------
    groups : of the function `groups`.
    kept : of the function `with_every_score`.
    share : of a layer's neurons that are its top ones.
    """
    before = None
    for scored in checkpoints:
        now = (
            ranks.centred(scored.whole),
            reliability.ranked(scored.halves, groups),
            None if scored.rest is None else ranks.centred(scored.rest),
        )
        before = before or now
        noise = reliability.agreement(before[1], now[1])
        made = _summary(scored.whole, groups[:2], kept, share)
        made |= {"stability": np.vecdot(before[0], now[0])}
        made |= {name: noise[name].to_numpy() for name in ("agreement", "between_share")}
        if before[2] is not None and now[2] is not None:
            made["stability_rest"] = np.vecdot(before[2], now[2])
        yield made
        before = now


def _summary(
    whole: Float[np.ndarray, "subfunction layer neuron"],
    groups: Integer[np.ndarray, "partition layer neuron"],
    kept: Sequence[int],
    share: float,
) -> Arrays:
    members = specialists.top_neurons(xr.DataArray(whole, dims=("subfunction", "layer", "neuron")), share).to_numpy()
    member = groups[..., None] == np.arange(int(groups.max()) + 1)  # partition, layer, neuron, expert
    return {
        "top": np.nonzero(members)[2].reshape(*whole.shape[:2], -1).astype(np.uint16),
        "best": whole.max(2),
        "experts": np.einsum("mln,plne->pmle", whole, member / member.sum(2, keepdims=True), optimize=True),
        "neurons": whole[list(kept)],
    }


def coordinates(
    subfunctions: Sequence[SubFunction],
    halved: Sequence[SubFunction],
    kept: Sequence[int],
    layers: Sequence[int],
    rest: Sequence[int],
) -> dict[str, list]:
    """Names along the dims of a history, and the functions of ``subfunction`` and ``halved``."""
    return {
        "subfunction": [s.name for s in subfunctions],
        "function": [s.function for s in subfunctions],
        "layer": list(layers),
        "rest": list(rest),
        "kept": [subfunctions[i].name for i in kept],
        "halved": [s.name for s in halved],
        "function_halved": [s.function for s in halved],
        "partition": ["model", "random"],
        "pair": [*reliability.PAIRS, "reliability"],
        "level": list(reliability.LEVELS),
    }


def dataset(
    arrays: Mapping[str, np.ndarray], steps: Sequence[int], names: Mapping[str, Sequence], log: pd.DataFrame
) -> xr.Dataset:
    """A history as `history_file.load` documents it.

    Parameters
    ----------
    arrays : those of `followed_by_time`, stacked, and ``partition_of``, the first two of `groups`.
    names : of `coordinates`.
    log : of training, with ``step`` and ``loss``.
    """
    dims = {name: ("step", *of) for name, of in DIMS.items()} | {"partition_of": ("partition", "layer", "neuron")}
    made = xr.Dataset({name: (dims[name], values) for name, values in arrays.items()})
    along = {"function": "subfunction", "function_halved": "halved"}
    placed = {name: (along.get(name, name), list(values)) for name, values in names.items()}
    made = made.assign_coords({n: v for n, v in placed.items() if v[0] in made.dims} | {"step": list(steps)})
    before = [log.loc[log["step"] <= step, "loss"].to_numpy() for step in steps]
    return made.assign(loss=("step", [float(losses[-1]) if len(losses) else float("nan") for losses in before]))
