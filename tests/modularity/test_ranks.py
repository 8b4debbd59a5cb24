"""Ranks and rank correlations are SciPy's, whatever the values, their type and the number of dimensions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ConstantInputWarning, rankdata, spearmanr

from modularity import ranks

UNITS = (2, 3, 48, 512, 513, 1000, 3072, 4096, 4097)


def assert_ranks_are_those_of_scipy(values: np.ndarray) -> None:
    np.testing.assert_array_equal(ranks.doubled(values), 2 * rankdata(values, axis=-1) - values.shape[-1] - 1)


def assert_correlation_is_that_of_scipy(a: np.ndarray, b: np.ndarray) -> None:
    made = ranks.correlation(ranks.doubled(a), ranks.doubled(b))
    assert made.shape == a.shape[:-1]
    rows = zip(a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]), strict=True)
    np.testing.assert_allclose(made.ravel(), [spearmanr(*pair)[0] for pair in rows], rtol=0, atol=1e-12)


@pytest.fixture(params=[False, True], ids=["whole rows", "by columns"])
def either_sort(request, monkeypatch):
    """Both ways to sort, whichever is the faster one on this machine."""
    monkeypatch.setattr(ranks, "_columns_pay", lambda: request.param)


@pytest.mark.usefixtures("either_sort")
@pytest.mark.parametrize("units", UNITS)
def test_ranks_are_those_of_scipy(units, rng):
    assert_ranks_are_those_of_scipy(rng.normal(size=(7, units)))


@pytest.mark.usefixtures("either_sort")
@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("share", [0.02, 0.2, 0.9])
def test_ranks_are_those_of_scipy_with_ties(units, share, rng):
    values = rng.random((7, units))
    values[rng.random(values.shape) < share] = 0.55
    assert_ranks_are_those_of_scipy(values)
    assert_ranks_are_those_of_scipy(values.round(2))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_values_of_any_float_type_are_compared_without_rounding(dtype, rng):
    values = rng.normal(size=(5, 700)).astype(dtype)
    assert_ranks_are_those_of_scipy(values)
    assert_ranks_are_those_of_scipy(np.nextafter(values.round(1), dtype(np.inf) * rng.choice([-1, 1], values.shape)))


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x * 3e307,  # a range that overflows
        lambda x: x * 1e-310,  # denormal
        lambda x: 1 + np.round(10 * x) * 2**-52,  # differences far below 20 bits of the largest value
        lambda x: 1e6 + x * 1e-6,
        lambda x: np.exp(20 * x),  # nearly all values far below 20 bits of the range
        lambda x: np.where(np.arange(x.shape[1]) == 3, 1e9, x),
        lambda x: np.where(x > 0, 1.7e308, -1.7e308),
        lambda x: np.where(x > 0, 0.0, -0.0),
        lambda x: np.maximum(x, 0),
        lambda x: np.sort(x, axis=1)[:, ::-1],
        lambda x: x * 10.0 ** np.arange(-20, 20, 4)[:, None],  # rows of very different scales
        lambda x: np.where(np.arange(len(x))[:, None] % 3 == 0, 0.1, x),  # some rows constant
    ],
    ids=lambda _: "",
)
def test_ranks_are_those_of_scipy_for_awkward_values(change, rng):
    assert_ranks_are_those_of_scipy(change(rng.normal(size=(10, 600))))


@settings(max_examples=100, deadline=None)
@given(
    arrays(
        st.sampled_from([np.float32, np.float64]),
        st.tuples(st.integers(1, 4), st.integers(2, 9)),
        elements=st.one_of(
            st.sampled_from([0.0, -0.0, 1.0]), st.floats(width=32, allow_nan=False, allow_infinity=False)
        ),
    )
)
def test_ranks_are_those_of_scipy_for_any_finite_values(values):
    assert_ranks_are_those_of_scipy(values)


def test_more_rows_than_one_chunk_and_any_layout_in_memory(rng):
    values = rng.normal(size=(3, 20, 600, 11)).transpose(0, 3, 1, 2)  # the units apart from each other
    assert_ranks_are_those_of_scipy(values)
    assert_ranks_are_those_of_scipy(values[0, 0, 0])
    assert ranks.doubled(values[:0]).shape == (0, 11, 20, 600)
    assert ranks.correlation(ranks.doubled(values[:0]), ranks.doubled(values[:0])).shape == (0, 11, 20)


def test_ranks_are_small_integers_that_sum_to_zero(rng):
    for units, dtype in ((16383, np.int16), (16384, np.int32)):
        made = ranks.doubled(rng.normal(size=(2, units)).round(3))
        assert made.dtype == dtype
        assert (made.sum(axis=1, dtype=np.int64) == 0).all()


def test_a_monotone_change_leaves_the_ranks(rng):
    values = rng.normal(size=(6, 900)).round(2)
    np.testing.assert_array_equal(ranks.doubled(np.arctan(values)), ranks.doubled(values))
    np.testing.assert_array_equal(ranks.doubled(-values), -ranks.doubled(values))


@pytest.mark.parametrize("shape", [(2,), (300,), (4, 3072), (2, 3, 1000), (1, 49152)])
@pytest.mark.parametrize("decimals", [None, 1])
def test_correlation_is_that_of_scipy(shape, decimals, rng):
    a = rng.normal(size=shape)
    b = a + rng.normal(size=shape)
    a[..., 0], b[..., 0] = -9, 9  # two units that rounding does not make equal
    if decimals is not None:
        a, b = a.round(decimals), b.round(decimals)
    assert_correlation_is_that_of_scipy(a, b)


def test_correlation_with_itself_is_one_and_with_its_reverse_minus_one(rng):
    made = ranks.doubled(rng.normal(size=(5, 3072)).round(2))
    assert (ranks.correlation(made, made) == 1).all()
    assert (ranks.correlation(made, -made) == -1).all()


def test_correlation_of_a_constant_row_is_not_a_number(rng):
    a, b = rng.normal(size=(2, 3, 50))
    a[1] = 0.5
    with pytest.warns(ConstantInputWarning):
        assert np.isnan(spearmanr(a[1], b[1])[0])
    assert np.isnan(ranks.correlation(ranks.doubled(a), ranks.doubled(b))).tolist() == [False, True, False]


def test_columns_sort_every_order_of_zeros_and_ones(rng):
    # A sort that compares the same places whatever is there sorts all rows if it sorts those of zeros and ones.
    for columns in range(2, 9):
        zeros = np.concatenate(
            [4 * rng.integers(0, columns + 1, (150, columns)), rng.integers(0, ranks.BLOCK + 1, (150, columns))]
        )
        keys = (np.arange(ranks.BLOCK) >= zeros[..., None]).astype(np.uint32).reshape(len(zeros), -1)
        expected = np.sort(keys, axis=1)
        ranks._column_sort(keys, np.empty_like(keys))
        np.testing.assert_array_equal(keys, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named(bad, rng):
    values = rng.random((4, 5, 6, 3000))
    values[2, 3, 4, 77] = bad
    with pytest.raises(ValueError, match=rf"the value of unit 77 in row \(2, 3, 4\) is {bad}, expected a finite"):
        ranks.doubled(values)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("values", [np.zeros((3, 1)), np.zeros((3, 0)), np.float64(1), np.zeros((2, 4), int)])
def test_what_cannot_be_ranked_is_refused(values):
    with pytest.raises(ValueError, match="at least two units along the last dimension"):
        ranks.doubled(values)


@pytest.mark.usefixtures("unchecked")
def test_what_are_no_ranks_of_the_same_rows_is_refused():
    made = ranks.doubled(np.array([[0.1, 0.3, 0.2]]))
    for other in (made[0], made[:, :2], made.astype(float)):
        with pytest.raises(ValueError, match="expected integers of one shape"):
            ranks.correlation(made, other)
