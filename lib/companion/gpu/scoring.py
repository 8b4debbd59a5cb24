"""What the cores do while the GPU goes on: scores of a checkpoint's activations, and the history they make.

Processes of their own, which never load torch; what they are given and give lies in a temporary folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import kmeans_plusplus

from modularity import partition, ranks, reliability, specialists, subfunction
from modularity.predictivity import predictivity
from modularity.subfunction import SubFunction

RANDOM = 20  # random partitions, as in the histories of the minis
SHARE = 16  # sub-functions of a piece of work

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Plan:
    """What is followed in one run."""

    folder: Path
    layers: list[int]
    rest: list[int]  # layers without experts, of a Switch
    subfunctions: list[SubFunction] = field(repr=False)
    halved: list[bool] = field(repr=False)  # which of them are also scored on halves
    rows: list[Int[np.ndarray, "sentence"]] = field(repr=False)  # of each one's sentences among those that are read
    kept: list[int] = field(repr=False)  # of which every neuron's score is kept
    share: float = specialists.SHARE
    experts: int = 16

    def activations(self, slot: int, rest: bool = False) -> Path:
        """One of a few files that are used again and again: fresh ones are slow to fill."""
        return self.folder / f"{'rest' if rest else 'read'}-{slot}.npy"

    def scores(self, step: int, part: int) -> Path:
        return self.folder / f"scores-{step}-{part}.npz"

    @property
    def parts(self) -> list[slice]:
        """Pieces of work of a checkpoint."""
        size = -(-len(self.subfunctions) // SHARE)
        return [slice(i, i + size) for i in range(0, len(self.subfunctions), size)]


def score(plan: Plan, step: int, slot: int, part: int) -> None:
    """Score some sub-functions of the checkpoint in `slot`, whole and where asked for in halves, into a file."""
    read = np.load(plan.activations(slot), mmap_mode="r")
    rest = np.load(plan.activations(slot, rest=True), mmap_mode="r") if plan.rest else None
    made: dict[str, list[np.ndarray]] = {"whole": [], "first": [], "second": [], "rest": []}
    chosen = plan.parts[part]
    for one, rows, halved in zip(plan.subfunctions[chosen], plan.rows[chosen], plan.halved[chosen], strict=True):
        values = [np.ascontiguousarray(layer[rows]) for layer in read]
        made["whole"].append(_scores(values, one, slice(None)))
        if halved:
            first = subfunction.first_half(one)
            made["first"].append(_scores(values, one, first))
            made["second"].append(_scores(values, one, ~first))
            if rest is not None:
                made["rest"].append(_scores([layer[rows] for layer in rest], one, slice(None)))
    np.savez(plan.scores(step, part), **{name: np.array(tables) for name, tables in made.items()})  # type: ignore[arg-type]


def _scores(values: Sequence[np.ndarray], one: SubFunction, chosen: slice | np.ndarray) -> Float[np.ndarray, "l n"]:
    return np.array([predictivity(v[chosen], one.labels[chosen]) for v in values])


def experts(w_in: Float[np.ndarray, "neuron d_model"], number: int) -> Int[np.ndarray, "neuron"]:
    """The experts of one layer of a model that has none of its own."""
    return by_assignment(w_in, number)


def groups(own: Int[np.ndarray, "layer neuron"]) -> Int[np.ndarray, "partition layer neuron"]:
    """A model's experts, then random ones as `moefication.at_random` draws them."""
    number = int(own.max()) + 1
    generators = [np.random.default_rng(seed) for seed in range(RANDOM)]
    random = [[partition.at_random(own.shape[1], number, rng=rng) for _ in own] for rng in generators]
    return np.array([own, *random])


def followed(plan: Plan, steps: Sequence[int], own: Int[np.ndarray, "layer neuron"]) -> list[Arrays]:
    """What a history holds of every checkpoint of `steps` but the first, which is the one before."""
    everyone = groups(own)
    before, made = _checkpoint(plan, steps[0], everyone), []
    for step in steps[1:]:
        now = _checkpoint(plan, step, everyone)
        made.append(now.arrays | _compared(plan, before, now))
        before = now
    return made


@dataclass(frozen=True)
class _Ranked:
    """A checkpoint, ready to be compared with the next."""

    arrays: Arrays
    whole: np.ndarray
    halves: reliability.Ranked
    rest: np.ndarray | None


def _checkpoint(plan: Plan, step: int, everyone: Int[np.ndarray, "partition layer neuron"]) -> _Ranked:
    tables: dict[str, list[np.ndarray]] = {"whole": [], "first": [], "second": [], "rest": []}
    for part in range(len(plan.parts)):
        with np.load(plan.scores(step, part), allow_pickle=False) as file:
            for name, parts in tables.items():
                parts.extend(file[name])
    whole = np.array(tables["whole"])
    split = np.array([whole[plan.halved], tables["first"], tables["second"]])
    rest = ranks.doubled(np.array(tables["rest"])) if plan.rest else None
    return _Ranked(_summary(plan, whole, everyone[:2]), ranks.doubled(whole), reliability.ranked(split, everyone), rest)


def _summary(plan: Plan, whole: Float[np.ndarray, "subfunction layer neuron"], groups: np.ndarray) -> Arrays:
    table = xr.DataArray(whole, dims=("subfunction", "layer", "neuron"))
    members = specialists.top_neurons(table, plan.share).to_numpy()
    member = groups[..., None] == np.arange(int(groups.max()) + 1)  # partition, layer, neuron, expert
    means = np.einsum("mln,plne->pmle", whole, member / member.sum(2, keepdims=True), optimize=True)
    return {
        "top": np.nonzero(members)[2].reshape(*whole.shape[:2], -1).astype(np.uint16),
        "best": whole.max(2).astype(np.float32),
        "experts": means.astype(np.float32),
        "neurons": whole[plan.kept].astype(np.float16),
    }


def _compared(plan: Plan, before: _Ranked, now: _Ranked) -> Arrays:
    noise = reliability.agreement(before.halves, now.halves)
    made = {
        "stability": ranks.correlation(before.whole, now.whole).astype(np.float32),
        "agreement": noise["agreement"].to_numpy().astype(np.float32),
        "between_share": noise["between_share"].to_numpy().astype(np.float32),
    }
    if now.rest is not None and before.rest is not None:
        made["stability_rest"] = ranks.correlation(before.rest, now.rest).astype(np.float32)
    return made


def by_assignment(
    w_in: Float[np.ndarray, "neuron d_model"], n_experts: int, *, seed: int = 0, rounds: int = 100
) -> Int[np.ndarray, "neuron"]:
    """As `partition.by_weights` where k-means-constrained is not installed: other experts, about as tight (to 1 %).

    Each round gives every expert as many places as it has neurons and fills them at the least cost in all (Kuhn, 1955),
    then moves the experts' means, until nothing changes or for so many `rounds`.

    Raises
    ------
    ValueError
        What `partition.by_weights` raises.
    """
    size = partition.expert_size(len(w_in), n_experts)
    rows = partition.directions(w_in)
    means, _ = kmeans_plusplus(rows, n_experts, random_state=seed)
    found = np.full(len(rows), -1)
    for _ in range(rounds):
        far = (means**2).sum(1) - 2 * rows @ means.T  # squared distances, but for the row's own length
        _, place = linear_sum_assignment(np.repeat(far, size, axis=1))
        before, found = found, place // size
        if (found == before).all():
            break
        means = np.stack([rows[found == expert].mean(0) for expert in range(n_experts)])
    return found
