"""Rows of centred ranks have SciPy's rank correlations as their inner products, whatever the values and their shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from modularity import ranks


@given(
    arrays(
        st.sampled_from([np.float16, np.float32, np.float64]),
        st.tuples(st.just(2), st.integers(1, 4), st.integers(2, 9)),
        elements=st.sampled_from([0.0, -0.0, 0.5, 0.5004883, 1.0, 30000.0]),
    )
)
@pytest.mark.filterwarnings("ignore::scipy.stats.ConstantInputWarning")
def test_the_inner_product_is_that_of_scipy(pair):
    found = np.vecdot(*map(ranks.centred, pair))
    expected = [spearmanr(*rows).statistic for rows in zip(*pair, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(2,), (300,), (4, 3072), (2, 3, 1000), (1, 49152), (0, 7)])
def test_rows_have_length_one_and_mean_zero(shape, rng):
    made = ranks.centred(rng.normal(size=shape).round(2))
    assert made.shape == shape
    np.testing.assert_allclose(made.sum(-1), 0, atol=1e-9)
    np.testing.assert_allclose(np.vecdot(made, made), 1)


def test_a_constant_row_is_not_a_number(rng):
    values = rng.normal(size=(3, 50))
    values[1] = 0.5
    assert np.isnan(ranks.centred(values)).all(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named(bad, rng):
    values = rng.random((4, 5, 6, 30))
    values[2, 3, 4, 7] = bad
    with pytest.raises(ValueError, match=rf"the value of unit 7 in row \(2, 3, 4\) is {bad}, expected a finite"):
        ranks.centred(values)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("values", [np.zeros((3, 1)), np.zeros((3, 0)), np.float64(1)])
def test_what_cannot_be_ranked_is_refused(values):
    with pytest.raises(ValueError, match="at least two units along the last dimension"):
        ranks.centred(values)
