"""Spearman's rank correlation of very many rows, exact under ties, without a loop over rows."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from timeit import repeat

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

CHUNK = 3 << 15  # values ranked at a time by one thread: about 3 MB in all, and NumPy's calls cost little
BLOCK = 512  # the longest row of 32-bit numbers that np.sort sorts by a network, without branches
WIDEST = 4096  # units whose position fits in 12 bits, which leaves 20 of 32 for a value


def doubled(values: Float[np.ndarray, "*row unit"]) -> Int[np.ndarray, "*row unit"]:
    """Twice the average rank of every unit in its row, less n + 1: whole numbers from 1 − n to n − 1 that sum to zero.

    Parameters
    ----------
    values : float16, float32 or float64, compared without rounding; any number of leading dimensions.

    Returns
    -------
    int16 for rows of fewer than 16,384 units, else int32. SciPy's ranks are ``(doubled(x) + n + 1) / 2``.

    Raises
    ------
    ValueError
        Other types, rows of fewer than two units, or a value that is not finite.

    Examples
    --------
    >>> doubled(np.array([0.7, 0.5, 0.5, 0.9]))
    array([ 1, -2, -2,  3], dtype=int16)
    """
    values = np.asarray(values)
    if values.dtype not in (np.float16, np.float32, np.float64) or values.ndim == 0 or values.shape[-1] < 2:
        raise ValueError(
            f"values are {values.dtype} of shape {values.shape}, "
            "expected float16, float32 or float64 of at least two units along the last dimension"
        )
    rows = values.reshape(-1, values.shape[-1])
    ranks = np.empty(rows.shape, np.int16 if rows.shape[1] < 1 << 14 else np.int32)
    width = max(1, CHUNK // rows.shape[1])
    by_columns = BLOCK < rows.shape[1] <= WIDEST and _columns_pay()

    def rank(chunks: Iterator[slice]) -> None:
        space = _Space(rows[:width], ranks.dtype, by_columns)
        for chunk in chunks:
            block = rows[chunk]
            low, high = block.min(axis=1, keepdims=True).astype(float), block.max(axis=1, keepdims=True).astype(float)
            if not np.isfinite([low, high]).all():
                row, unit = np.argwhere(~np.isfinite(block))[0]
                place = tuple(map(int, np.unravel_index(chunk.start + row, values.shape[:-1])))
                raise ValueError(
                    f"the value of unit {unit} in row {place} is {block[row, unit]}, "
                    "expected a finite number; score that row again or leave it out"
                )
            order, near = space.sorted(block, low, high)
            ranks[chunk].reshape(-1)[order] = space.placed(block.reshape(-1), order, near)

    _in_threads(rank, len(rows), width)
    return ranks.reshape(values.shape)


def correlation(a: Int[np.ndarray, "*row unit"], b: Int[np.ndarray, "*row unit"]) -> Float[np.ndarray, "*row"]:
    """Spearman's rank correlation of each row of `a` with the same row of `b`, both as `doubled` gives them.

    Returns
    -------
    float64 in [−1, 1], NaN where a row is constant. The sums of whole numbers are exact up to 200,000 units.

    Raises
    ------
    ValueError
        Arrays of different shapes, or of other numbers than integers.
    """
    if a.shape != b.shape or a.ndim == 0 or (a.dtype.kind, b.dtype.kind) != ("i", "i"):
        raise ValueError(
            f"ranks are {a.dtype} of shape {a.shape} and {b.dtype} of shape {b.shape}, "
            "expected integers of one shape; rank both with `doubled`"
        )
    left, right = a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1])
    sums = np.empty((3, len(left)))

    def multiply(chunks: Iterator[slice]) -> None:
        for chunk in chunks:
            x, y = left[chunk].astype(float), right[chunk].astype(float)
            for total, pair in zip(sums, ((x, y), (x, x), (y, y)), strict=True):
                np.vecdot(*pair, out=total[chunk])

    _in_threads(multiply, len(left), max(1, CHUNK // a.shape[-1]))
    with np.errstate(invalid="ignore"):
        return (sums[0] / np.sqrt(sums[1] * sums[2])).reshape(a.shape[:-1])


def _in_threads(work: Callable[[Iterator[slice]], None], rows: int, width: int) -> None:
    """Every thread does `work` once; all take their chunks of rows from one iterator."""
    chunks = [slice(start, start + width) for start in range(0, rows, width)]
    threads = max(1, min(os.cpu_count() or 1, len(chunks)))
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [iter(chunks)] * threads))


class _Space:
    """One thread's arrays, used for chunk after chunk: pages of fresh ones would cost as much as the sorting."""

    def __init__(self, block: Float[np.ndarray, "row unit"], ranks: np.dtype, by_columns: bool) -> None:
        rows, units = block.shape
        self.units = units
        self.scaled = np.empty(block.shape)
        self.along = np.empty(rows * units, block.dtype)
        self.near = np.ones(rows * units, bool)
        self.untied = np.tile(np.arange(1 - units, units, 2, dtype=ranks), rows)
        self.unit = np.tile(np.arange(units, dtype=np.uint32), (rows, 1))  # whole tables: broadcasting is slower
        self.start = np.repeat(np.arange(0, rows * units, units, dtype=np.uint32), units).reshape(rows, units)
        self.columns = -(-units // BLOCK) if by_columns else 0
        self.keys = np.empty((rows, self.columns * BLOCK or units), np.uint32)
        self.dealt = np.empty_like(self.keys)

    def sorted(
        self, block: Float[np.ndarray, "row unit"], low: Float[np.ndarray, "row 1"], high: Float[np.ndarray, "row 1"]
    ) -> tuple[Int[np.ndarray, "place"], Bool[np.ndarray, "place"]]:
        """Flat positions of the values in ascending order, and where that of two neighbours is still unknown.

        A value is rounded down to 20 bits of its range and sorted together with its position as one integer.
        Rounding keeps the order of all values but those of equal keys.
        """
        rows = len(block)
        scaled, keys, dealt, near = self.scaled[:rows], self.keys[:rows], self.dealt[:rows], self.near[: block.size]
        order = scaled.view(np.intp)  # the same memory: the scaled values are not needed any more by then
        near[self.units - 1 :: self.units] = False
        if self.units > WIDEST:
            np.add(block.argsort(axis=1), self.start[:rows], out=order)
            return order.reshape(-1), near
        with np.errstate(over="ignore"):
            if high.max() - low.min() < 8 * (high - low).min():  # one scale for all rows takes half the time
                low, high = low.min(), high.max()
            scale = (2**20 - 2) / np.maximum(high - low, 1e-290)
            if np.max(np.maximum(high, -low) * scale) > 2**30:  # nearly equal values
                block, low = block - low, np.zeros_like(low)
            np.multiply(block, scale, out=scaled)
        used = keys[:, : self.units]
        np.copyto(used.view(np.int32), scaled, casting="unsafe")
        used -= (low * scale).astype(np.int32).view(np.uint32)
        used <<= 12
        used |= self.unit[:rows]
        if self.columns:
            keys[:, self.units :] = 2**32 - 1
            _column_sort(keys, dealt)
        else:
            keys.sort(axis=1)
        flat = used.reshape(-1)
        differ = np.bitwise_xor(flat[1:], flat[:-1], out=dealt.reshape(-1)[: len(flat) - 1])
        np.less(differ, 1 << 12, out=near[:-1])
        near[self.units - 1 :: self.units] = False
        used &= 2**12 - 1
        used += self.start[:rows]
        np.copyto(order, used)
        return order.reshape(-1), near

    def placed(
        self, values: Float[np.ndarray, "value"], order: Int[np.ndarray, "place"], near: Bool[np.ndarray, "place"]
    ) -> Int[np.ndarray, "place"]:
        """The doubled ranks along `order`, once it is put right where equal keys hide different values."""
        tied = near.copy()
        if 8 * np.count_nonzero(near) < len(near):
            pair = np.flatnonzero(near)
            left, right = values[order[pair]], values[order[pair + 1]]
            tied[pair[left != right]] = False
            wrong = pair[left > right]
        else:
            pair = None
            along = np.take(values, order, out=self.along[: len(order)], mode="clip")
            tied[:-1] &= along[:-1] == along[1:]
            wrong = np.flatnonzero(near[:-1] & (along[:-1] > along[1:]))
        if len(wrong):
            first, last = _runs(near, pair)
            chosen = np.zeros(len(first), bool)
            chosen[np.searchsorted(first, wrong, side="right") - 1] = True
            first, size = first[chosen], (last - first)[chosen] + 1
            run = np.repeat(np.arange(len(size)), size)
            places = np.arange(len(run)) + (first - size.cumsum() + size)[run]
            members = order[places]
            members = members[np.lexsort((values[members], run))]
            order[places] = members
            tied[places[:-1]] = (values[members[:-1]] == values[members[1:]]) & (run[:-1] == run[1:])
        if not tied.any():
            return self.untied[: len(order)]
        first, last = _runs(tied)
        middle = (first + last - 2 * self.units * (first // self.units) + 1 - self.units).astype(self.untied.dtype)
        place = self.untied[: len(order)].copy()
        place[tied] = np.repeat(middle, last - first)
        place[last] = middle
        return place


def _runs(
    marked: Bool[np.ndarray, "place"], places: Int[np.ndarray, "marked"] | None = None
) -> tuple[Int[np.ndarray, "run"], Int[np.ndarray, "run"]]:
    """First and last members of the runs of which all but the last are marked; faster with a few known places."""
    if places is not None:
        return places[~marked[places - 1]], places[~marked[places + 1]] + 1
    before = np.concatenate([[False], marked[:-1]])
    return np.flatnonzero(marked > before), np.flatnonzero(marked < before)


def _column_sort(keys: UInt[np.ndarray, "row key"], dealt: UInt[np.ndarray, "row key"]) -> None:
    """Sort rows of s blocks by sorting blocks only (Leighton's columnsort); `dealt` is memory to work in.

    The sorted blocks are dealt out four keys at a time, so that s new ones get nearly the same share of each.
    Sorted and collected as they were dealt, no more than s (s − 1) fours in one stretch are still out of place,
    and the stretch lies within a block or near one border.
    """
    rows, columns = len(keys), keys.shape[1] // BLOCK
    edge = 4 * columns * (columns - 1)
    flat = keys.view(np.complex128).reshape(rows, -1, columns)  # four keys are as long as one complex number
    blocks = dealt.view(np.complex128).reshape(rows, columns, -1)
    keys.reshape(-1, BLOCK).sort(axis=1)
    np.copyto(blocks, flat.transpose(0, 2, 1))
    dealt.reshape(-1, BLOCK).sort(axis=1)
    np.copyto(flat, blocks.transpose(0, 2, 1))
    keys.reshape(-1, BLOCK).sort(axis=1)
    keys[:, BLOCK - edge : -edge].reshape(rows, columns - 1, BLOCK)[:, :, : 2 * edge].sort(axis=2)


@cache
def _columns_pay() -> bool:
    """Whether `_column_sort` is the faster one here: Zen 4 partitions long rows slowly, other processors do not."""
    keys = np.random.default_rng(0).integers(0, 1 << 32, (16, 3072), dtype=np.uint32)
    dealt = np.empty_like(keys)
    columns = min(repeat(lambda: _column_sort(keys.copy(), dealt), number=1, repeat=5))
    return columns < min(repeat(lambda: keys.copy().sort(axis=1), number=1, repeat=5))
