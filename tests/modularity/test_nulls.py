"""The three nulls are the distributions they say: against enumeration, simulation and SciPy."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from modularity import nulls


@given(st.lists(st.integers(0, 5), min_size=2, max_size=9), st.data())
@settings(max_examples=40, deadline=None)
def test_permutation_equals_enumeration(hits, data):
    size = data.draw(st.integers(1, len(hits)))
    hits = np.array(hits)
    sums = [hits[list(chosen)].sum() for chosen in itertools.combinations(range(len(hits)), size)]
    expected = [np.mean(np.array(sums) >= r) for r in range(int(hits.sum()) + 1)]
    np.testing.assert_allclose(nulls.permutation(hits, size), np.maximum(expected, nulls.ROUNDING), atol=1e-12)


def test_permutation_of_many_neurons_equals_simulation(rng):
    hits = rng.binomial(100, rng.gamma(0.5, 0.02, size=1280).clip(0, 1))
    chances = nulls.permutation(hits, 80)
    sums = np.array([rng.permutation(hits)[:80].sum() for _ in range(20_000)])
    for r in np.quantile(sums, [0.1, 0.5, 0.9, 0.99]).astype(int):
        assert abs((sums >= r).mean() - chances[r]) < 4 * np.sqrt(chances[r] / len(sums))


@pytest.mark.parametrize("step", [2, 7])
def test_permutation_of_sums_with_gaps(step, rng):
    """Only multiples of `step` occur, but for one neuron: the transform comes back to almost one far from zero."""
    hits = step * rng.integers(0, 3, size=300)
    hits[0] += 1
    chances = nulls.permutation(hits, 20)
    sums = np.array([rng.permutation(hits)[:20].sum() for _ in range(20_000)])
    for r in range(int(sums.mean()), int(sums.mean()) + 2 * step):
        assert abs((sums >= r).mean() - chances[r]) < 0.015


def test_one_subfunction_is_hypergeometric_however_it_is_dealt():
    hits = np.arange(512) < 5
    expected = stats.hypergeom.sf(np.arange(6) - 1, 512, 5, 32)
    np.testing.assert_allclose(nulls.exact(1, 5, 512, 32), expected, rtol=1e-12)
    np.testing.assert_allclose(nulls.permutation(hits.astype(int), 32), expected, rtol=1e-6, atol=1e-12)


def test_exact_is_the_sum_of_hypergeometrics(rng):
    chances = nulls.exact(39, 30, 3072, 192)
    sums = stats.hypergeom.rvs(3072, 30, 192, size=(20_000, 39), random_state=rng).sum(1)
    for r in (73, 80, 90):
        assert abs((sums >= r).mean() - chances[r]) < 4 * np.sqrt(chances[r] / len(sums))
    assert chances[0] == 1
    assert len(chances) == 39 * 30 + 1
    assert (np.diff(chances) <= 0).all()


def test_binomial_is_wider_than_exact():
    """Drawing without replacement varies less, so the paper's approximation is on the safe side of the two."""
    binomial, exact = nulls.binomial(100, 30, 3072, 192), nulls.exact(100, 30, 3072, 192)
    far = slice(int(100 * 30 / 16) + 30, int(100 * 30 / 16) + 90)
    assert (binomial[far] > exact[far]).all()


def test_threshold_is_the_least_that_holds():
    chances = nulls.exact(8, 12, 1280, 80)
    t = nulls.threshold(chances, 0.001)
    assert chances[t + 1] <= 0.001 < chances[t]
    assert nulls.threshold(np.array([1.0, 0.5]), 0.001) == 1  # never reached: nothing exceeds it


def test_an_unknown_null_is_named():
    with pytest.raises(ValueError, match="unknown null 'normal'; known: binomial, exact, permutation"):
        nulls.check("normal")
