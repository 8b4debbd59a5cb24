"""p-values count useless neurons, q-values are Benjamini and Hochberg's, and the best of many is a mean of maxima."""

import numpy as np
import pytest
from scipy import stats

from modularity import luck, predictivity


def test_p_counts_the_draws_that_score_as_high():
    null = np.array([0.5, 0.6, 0.6, 0.7])
    # 4, 3, 3, 1 and 0 draws reach it; the neuron itself is one more, of five.
    np.testing.assert_allclose(luck.p_values(np.array([0.4, 0.55, 0.6, 0.65, 0.8]), null), [1, 0.8, 0.8, 0.4, 0.2])


def test_useless_neurons_have_uniform_p_values(rng):
    null = luck.useless(20, 20, draws=20_000)
    activations = rng.normal(size=(40, 2000))
    p = luck.p_values(predictivity.predictivity(activations, np.arange(40) % 2), null)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert stats.kstest(p / 2, "uniform").pvalue < 1e-6  # the test can fail


def test_ties_make_p_larger(rng):
    null = luck.useless(20, 20, draws=20_000)
    tied = np.maximum(rng.normal(size=(40, 2000)) - 1, 0)  # 0 on five sentences of six
    p = luck.p_values(predictivity.predictivity(tied, np.arange(40) % 2), null)
    for level in (0.01, 0.05, 0.2):
        assert (p <= level).mean() <= level


def test_useless_neurons_are_stored(monkeypatch):
    first = luck.useless(5, 7, draws=50)
    monkeypatch.setattr(luck.predictivity, "best_of_null", None)
    np.testing.assert_array_equal(luck.useless(5, 7, draws=50), first)
    assert (np.diff(first) >= 0).all()


def test_q_is_that_of_scipy_and_rises_with_p(rng):
    p = np.sort(rng.uniform(size=(3, 50)) ** 3)
    q = luck.q_values(p)
    for row, of_row in zip(q, p, strict=True):
        np.testing.assert_allclose(row, stats.false_discovery_control(of_row))
    assert (np.diff(q) >= 0).all()
    assert (q >= p).all()


def test_the_best_of_many_is_the_mean_of_maxima(rng):
    null = np.sort(rng.uniform(size=5000))
    assert luck.best_of(null, 1) == pytest.approx(null.mean())
    assert luck.best_of(null, 20) == pytest.approx(rng.choice(null, (20_000, 20)).max(1).mean(), abs=0.002)
