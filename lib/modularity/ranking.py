"""Average precision and AUROC of many rankings of the same sentences, exact under ties, without a loop."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int, Num

Score = Literal["labels", "signs", "auroc"]


def check(score: str) -> None:
    """Refuse an unknown score by name."""
    if score not in get_args(Score):
        raise ValueError(f"unknown score {score!r}; known: {', '.join(get_args(Score))}")


def ranked(
    block: Float[np.ndarray, "sentence neuron"], labels: Int[np.ndarray, "sentence"]
) -> tuple[Bool[np.ndarray, "neuron sentence"], Bool[np.ndarray, "neuron gap"]]:
    """Labels from the highest activation down, zeros before ones where activations are equal, and whether
    each activation equals the next.

    A float32 and a label are sorted as one integer: its bits are ordered like the numbers once negative
    ones are flipped. Non-negative numbers (ReLU) leave the sign bit free, so 32 bits hold both.
    """
    if block.dtype.itemsize > 4:
        zeros_first = np.argsort(labels, kind="stable")
        columns, labels = -block[zeros_first].T, labels[zeros_first]
        order = np.argsort(columns, axis=1, kind="stable")
        columns = np.take_along_axis(columns, order, axis=1)
        return labels[order].astype(bool), columns[:, 1:] == columns[:, :-1]
    values = np.add(block.T, np.float32(0), dtype=np.float32, order="C")  # −0 becomes 0
    bits = values.view(np.uint32)
    if values.min() >= 0:
        keys = np.bitwise_xor(bits, np.uint32(0x7FFFFFFF), out=bits)  # complement: the highest first
        keys <<= np.uint32(1)
    else:
        flip = np.where(bits >> np.uint32(31), np.uint32(0), np.uint32(0x7FFFFFFF))
        keys = (bits ^ flip).astype(np.uint64) << np.uint64(1)
    keys |= labels.astype(keys.dtype)
    keys.sort(axis=1)
    return (keys & keys.dtype.type(1)).astype(bool), (keys[:, 1:] ^ keys[:, :-1]) < 2


def scored(
    labels: Bool[np.ndarray, "neuron sentence"], tied: Bool[np.ndarray, "neuron gap"], score: Score
) -> Float[np.ndarray, "neuron"]:
    """The score of every row of labels, as `ranked` orders them.

    Only the positions of the ones are looked at. With k ones among the first r sentences, the k-th one adds
    k / r to the sum of AP(y). Exchanging the labels turns each precision p into 1 − p, so AP(1 − y) needs the sum
    of all p as well, to which a one at position r adds 1/r + 1/(r + 1) + … + 1/n. Tied groups are put right after.
    """
    neurons, sentences = labels.shape
    flat = np.flatnonzero(labels)
    ones = len(flat) // neurons
    rank = flat.reshape(neurons, ones) - np.arange(0, neurons * sentences, sentences)[:, None]  # 0-based
    groups = _groups(tied, flat, ones)
    if score == "auroc":
        zeros_above = rank.sum(axis=1) - ones * (ones - 1) / 2 + groups.add(groups.rank_error())
        auroc = 1 - zeros_above / (ones * (sentences - ones))
        return np.maximum(auroc, 1 - auroc)
    inverse = 1 / np.arange(1, sentences + 1)
    count = np.arange(1.0, ones + 1)
    hits = inverse[rank] @ count + groups.add(groups.hits_error())
    if score == "signs":  # from the other end, where ones come before zeros in a tied group
        upwards = inverse[sentences - 1 - rank] @ count[::-1] + groups.add(groups.reversed(sentences).hits_error())
        return np.maximum(hits, upwards) / ones
    precisions = inverse[::-1].cumsum()[::-1][rank].sum(axis=1) + groups.add(groups.precision_error())
    zeros = sentences - ones
    return np.maximum(hits / ones, (zeros - precisions + hits) / zeros)


def average_precision(labels: Bool[np.ndarray, "item"], scores: Float[np.ndarray, "item"]) -> float:
    """Of one ranking: precision at each threshold, weighted by the positives found there; equal scores share one."""
    place = np.unique(-scores, return_inverse=True)[1]
    found, seen = np.bincount(place, labels), np.bincount(place)
    return float(found @ (found.cumsum() / seen.cumsum()) / found.sum())


@dataclass(frozen=True)
class _Groups:
    """Groups of equal activations, and what is wrong with the sums that took their order for real."""

    neuron: Int[np.ndarray, "group"]
    first: Int[np.ndarray, "group"]  # 0-based positions of the first and last member, and of the first one in it
    last: Int[np.ndarray, "group"]
    first_one: Int[np.ndarray, "group"]
    before: Int[np.ndarray, "group"]  # ones before the group
    inside: Int[np.ndarray, "group"]  # ones in it
    ones: int  # of every neuron
    neurons: int
    harmonic: Float[np.ndarray, "number"]  # 1 + 1/2 + … + 1/j at index j

    def add(self, error: Float[np.ndarray, "group"]) -> Num[np.ndarray, "neuron"]:  # integers where there is no group
        return np.bincount(self.neuron, error, minlength=self.neurons)

    def _hits(self) -> Float[np.ndarray, "group"]:
        """What the ones inside have added to the sum of AP(y): (before + m) / (first_one + m) for m = 1, 2, …"""
        reciprocals = self.harmonic[self.first_one + self.inside] - self.harmonic[self.first_one]
        return self.inside + (self.before - self.first_one) * reciprocals

    def _precision(self) -> Float[np.ndarray, "group"]:
        """The one precision that all members share."""
        return (self.before + self.inside) / (self.last + 1)

    def hits_error(self) -> Float[np.ndarray, "group"]:
        return self.inside * self._precision() - self._hits()

    def precision_error(self) -> Float[np.ndarray, "group"]:
        """As `hits_error`, for the sum of the precisions at all members, zeros first."""
        at_zeros = self.before * (self.harmonic[self.first_one] - self.harmonic[self.first])
        return (self.last - self.first + 1) * self._precision() - at_zeros - self._hits()

    def rank_error(self) -> Float[np.ndarray, "group"]:
        """As `hits_error`, for the sum of the ones' positions."""
        middle = (self.first + self.last) / 2
        return self.inside * (middle - self.first_one - (self.inside - 1) / 2)

    def reversed(self, sentences: int) -> "_Groups":
        """The same groups with the lowest activation first."""
        first, last = sentences - 1 - self.last, sentences - 1 - self.first
        before = self.ones - self.before - self.inside
        return replace(self, first=first, last=last, first_one=first, before=before)


def _groups(tied: Bool[np.ndarray, "neuron gap"], flat: Int[np.ndarray, "one"], ones: int) -> _Groups:
    """Every run of tied activations; `flat` are the flat positions of the ones, `ones` in each row."""
    neurons, sentences = len(tied), tied.shape[1] + 1
    padded = np.zeros((neurons, sentences + 1), dtype=bool)
    padded[:, 1:-1] = tied
    with_next, with_last = padded[:, 1:], padded[:, :-1]
    first, last = np.flatnonzero(with_next & ~with_last), np.flatnonzero(with_last & ~with_next)
    neuron = first // sentences
    before = np.searchsorted(flat, first)
    inside = np.searchsorted(flat, last, side="right") - before
    start = neuron * sentences
    return _Groups(
        neuron=neuron,
        first=first - start,
        last=last - start,
        first_one=last - start - inside + 1,
        before=before - neuron * ones,
        inside=inside,
        ones=ones,
        neurons=neurons,
        harmonic=np.concatenate([[0.0], (1 / np.arange(1, sentences + 1)).cumsum()]),
    )
