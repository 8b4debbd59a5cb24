"""What the cores do while the GPU goes on: scores of a checkpoint's activations, and the history they make.

Processes of their own, which never load torch; what they are given and give lies in a temporary folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Integer
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import kmeans_plusplus

from companion.experiments import history_arrays
from companion.experiments.history_arrays import Arrays
from modularity import partition, specialists, subfunction
from modularity.predictivity import predictivity
from modularity.subfunction import SubFunction

SHARE = 16  # sub-functions of a piece of work


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


def followed(plan: Plan, steps: Sequence[int], own: Integer[np.ndarray, "layer neuron"]) -> list[Arrays]:
    """What a history holds of every checkpoint of `steps` but the first, which is the one before."""
    read = (_checkpoint(plan, step) for step in steps)
    made = history_arrays.followed_by_time(read, history_arrays.groups(own), plan.kept, plan.share)
    return [{name: _short(name, values) for name, values in arrays.items()} for arrays in made][1:]


def _short(name: str, values: np.ndarray) -> np.ndarray:
    """As precise as a history is stored, or more: what is taken home is small."""
    return values if name == "top" else values.astype(np.float16 if name == "neurons" else np.float32)


def _checkpoint(plan: Plan, step: int) -> history_arrays.Scored:
    tables: dict[str, list[np.ndarray]] = {"whole": [], "first": [], "second": [], "rest": []}
    for part in range(len(plan.parts)):
        with np.load(plan.scores(step, part), allow_pickle=False) as file:
            for name, parts in tables.items():
                parts.extend(file[name])
    whole = np.array(tables["whole"])
    halves = np.array([whole[plan.halved], tables["first"], tables["second"]])
    return history_arrays.Scored(whole, halves, np.array(tables["rest"]) if plan.rest else None)


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
