"""How many top neurons an expert has by chance, under three readings of "by chance" (Section 5).

Each reading gives the chance of at least r top neurons, for r = 0, 1, 2, … — all that a one-sided test needs.
"""

from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

Null = Literal["binomial", "exact", "permutation"]
NEGLIGIBLE = 1e-30  # probability that is cut off the ends of a distribution
REACH = 12  # standard deviations on each side within which a permuted sum is computed; the rest is below 1e-15
DECAY = 45  # a factor of exp(-45) is nothing beside 1
ROUNDING = 1e-13  # smaller chances of a permuted sum are lost in rounding, and given as this


def check(null: str) -> None:
    """Refuse an unknown null by name."""
    if null not in get_args(Null):
        raise ValueError(f"unknown null {null!r}; known: {', '.join(get_args(Null))}")


@lru_cache(maxsize=256)
def binomial(subfunctions: int, top: int, neurons: int, size: int) -> Float[np.ndarray, "count"]:
    """Top neurons of `subfunctions` sub-functions, each dealt to an expert of `size` with chance size / neurons: the
    approximation of the paper's footnote 3."""
    draws = subfunctions * top
    return stats.binom.sf(np.arange(draws + 1) - 1, draws, size / neurons)


@lru_cache(maxsize=256)
def exact(subfunctions: int, top: int, neurons: int, size: int) -> Float[np.ndarray, "count"]:
    """The same without approximation: sub-functions are independent, and each has `top` different neurons, so that
    its part is hypergeometric. The distribution of a sum of equal parts is their repeated convolution."""
    part = stats.hypergeom.pmf(np.arange(min(top, size) + 1), neurons, top, size)
    start, total, power, offset = 0, np.ones(1), part, 0
    remaining = subfunctions
    while remaining:  # the binary digits of the number of sub-functions
        if remaining & 1:
            total, start = _trimmed(np.convolve(total, power), start + offset)
        remaining >>= 1
        if remaining:
            power, offset = _trimmed(np.convolve(power, power), 2 * offset)
    tail = np.cumsum(total[::-1])[::-1]
    most = subfunctions * min(top, size)
    chances = np.concatenate([np.full(start, 1.0), tail, np.zeros(max(0, most + 1 - start - len(tail)))])
    return np.minimum(chances, 1.0)


def _trimmed(pmf: np.ndarray, start: int) -> tuple[np.ndarray, int]:
    """Without the negligible ends; `start` is the value of the first entry."""
    kept = np.flatnonzero(pmf > NEGLIGIBLE)
    return pmf[kept[0] : kept[-1] + 1], start + int(kept[0])


def permutation(hits: Int[np.ndarray, "neuron"], size: int) -> Float[np.ndarray, "count"]:
    """Neurons dealt to experts of `size` at random with all they are good at.

    The other two nulls deal each sub-function's neurons anew, as if sub-functions shared no neurons. Here a neuron
    that is among the best of many sub-functions brings them all to its expert. The sum of `hits` over a random set
    of neurons is found from its generating function, Π_j (1 + z w^hits[j]), of which the coefficient of z^size is
    wanted: by Cauchy's integral over z, and by a discrete Fourier transform over w. Sound to about 1e-13.

    Parameters
    ----------
    hits : of how many sub-functions each neuron of a layer is among the top.
    """
    return _permuted(tuple(np.bincount(hits).tolist()), size)  # which neuron has how many makes no difference


@lru_cache(maxsize=256)
def _permuted(histogram: tuple[int, ...], size: int) -> Float[np.ndarray, "count"]:
    hits = np.repeat(np.arange(len(histogram)), histogram)
    neurons = len(hits)
    share = size / neurons
    if size == neurons:
        return np.ones(int(hits.sum()) + 1)
    mean = share * hits.sum()
    spread = np.sqrt(size * (1 - share) * hits.var())
    first = max(0, int(mean - REACH * spread - hits.max()))
    last = int(min(np.sort(hits)[-size:].sum(), mean + REACH * spread + hits.max()))
    width = 1 << int(last - first + 1).bit_length()
    points = min(neurons + 1, int(8 * np.sqrt(neurons * share * (1 - share))) + 16)
    values, times = np.unique(hits, return_counts=True)
    spectrum = np.fft.rfft(np.bincount(values % width, times, minlength=width))
    turns = np.exp(2j * np.pi / points * np.arange(points))
    # No product exceeds exp(-share (1 - share) (N - Re z C)), where C is the spectrum of the histogram.
    bound = share * (1 - share) * (neurons - np.real(np.outer(turns, spectrum)))  # (point, frequency)
    kept = np.flatnonzero((bound < DECAY).any(0))
    angles, place = np.unique(values[:, None] * kept % width, return_inverse=True)
    root = np.exp(-2j * np.pi / width * angles)
    transform = np.zeros(len(spectrum), dtype=complex)
    for z in turns[(bound < DECAY).any(1)]:
        factor = (1 - share) + share * z * root
        logarithm = np.log(np.abs(factor)) + 1j * np.angle(factor)  # a seventh of the time of a complex logarithm
        transform[kept] += np.exp(times @ logarithm[place]) * z ** (-size)  # place: (value, frequency)
    pmf = np.roll(np.fft.irfft(transform / points, width), -(first % width)).clip(0)
    tail = np.cumsum(pmf[::-1])[::-1]
    tail = np.concatenate([np.ones(first), tail / tail[0]])[: last + 1]
    chances = np.full(int(hits.sum()) + 1, ROUNDING)
    chances[: len(tail)] = np.maximum(tail[: len(chances)], ROUNDING)
    return chances


def threshold(chances: Float[np.ndarray, "count"], alpha: float) -> int:
    """The smallest count that is exceeded with a chance of at most `alpha`."""
    return int(np.argmax(np.append(chances, 0.0) <= alpha)) - 1
