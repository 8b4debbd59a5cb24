"""p-values count useless neurons, q-values are Benjamini and Hochberg's, and the best of many is a mean of maxima."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from companion.functions import shipped_chance, sources, tracks
from companion.sections import specialization_tables
from modularity import chance, predictivity


def test_p_counts_the_draws_that_score_as_high():
    null = np.array([0.5, 0.6, 0.6, 0.7])
    # 4, 3, 3, 1 and 0 draws reach it; the neuron itself is one more, of five.
    np.testing.assert_allclose(chance.p_values(np.array([0.4, 0.55, 0.6, 0.65, 0.8]), null), [1, 0.8, 0.8, 0.4, 0.2])


def test_useless_neurons_have_uniform_p_values(rng):
    null = shipped_chance.chance_level(20, 20, draws=20_000)
    activations = rng.normal(size=(40, 2000))
    p = chance.p_values(predictivity.predictivity(activations, np.arange(40) % 2), null)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert stats.kstest(p / 2, "uniform").pvalue < 1e-6  # the test can fail


def test_ties_make_p_larger(rng):
    null = shipped_chance.chance_level(20, 20, draws=20_000)
    tied = np.maximum(rng.normal(size=(40, 2000)) - 1, 0)  # 0 on five sentences of six
    p = chance.p_values(predictivity.predictivity(tied, np.arange(40) % 2), null)
    for level in (0.01, 0.05, 0.2):
        assert (p <= level).mean() <= level


def test_useless_neurons_are_stored(monkeypatch):
    first = shipped_chance.chance_level(5, 7, draws=50)
    monkeypatch.setattr(chance.predictivity, "best_of_null", None)
    np.testing.assert_array_equal(shipped_chance.chance_level(5, 7, draws=50), first)
    assert (np.diff(first) >= 0).all()


def test_q_is_that_of_scipy_and_rises_with_p(rng):
    p = np.sort(rng.uniform(size=(3, 50)) ** 3)
    q = chance.q_values(p)
    for row, of_row in zip(q, p, strict=True):
        np.testing.assert_allclose(row, stats.false_discovery_control(of_row))
    assert (np.diff(q) >= 0).all()
    assert (q >= p).all()


def test_the_best_of_many_is_the_mean_of_maxima(rng):
    null = np.sort(rng.uniform(size=5000))
    assert chance.best_of(null, 1) == pytest.approx(null.mean())
    assert chance.best_of(null, 20) == pytest.approx(rng.choice(null, (20_000, 20)).max(1).mean(), abs=0.002)


def test_mean_and_variance_of_the_best_are_those_of_drawing_it_again(rng):
    """The best of 300 chance-level neurons by brute force, and from one sample of single ones."""
    drawn = predictivity.best_of_null(30, 50, 300, draws=400, rng=rng)
    mean, variance = chance.moments_of_best(shipped_chance.chance_level(30, 50, draws=60_000), 300)
    error = drawn.std() / np.sqrt(len(drawn)) + np.sqrt(variance / (60_000 / 300))
    assert abs(drawn.mean() - mean) < 3 * error
    assert variance == pytest.approx(drawn.var(), rel=0.35)


def test_what_is_kept_begins_with_the_best_and_reaches_the_lowest():
    kept = shipped_chance.kept(50_000)
    assert (np.diff(kept) > 0).all()
    assert kept[0] == 0
    assert (kept[-shipped_chance.BEST :] == np.arange(50_000 - shipped_chance.BEST, 50_000)).all()
    assert len(kept) < 600


def test_thinned_draws_stand_for_all(rng):
    drawn = np.sort(predictivity.best_of_null(20, 20, 1, draws=50_000, rng=rng))
    kept = shipped_chance.kept(len(drawn))
    restored = np.interp(np.arange(len(drawn)), kept, drawn[kept])
    for neurons in (1, 100, 5000):
        assert chance.best_of(restored, neurons) == pytest.approx(chance.best_of(drawn, neurons), abs=2e-4)
    for level in (0.01, 0.5):
        assert np.quantile(restored, 1 - level) == pytest.approx(np.quantile(drawn, 1 - level), abs=2e-4)


@pytest.fixture(scope="module")
def sizes() -> set[shipped_chance.Size]:
    table = pd.read_parquet(sources.path("results/null.parquet"))
    return set(zip(table["few"].tolist(), table["many"].tolist(), strict=True))


def agrees(few: int, many: int, against: np.ndarray) -> bool:
    """Whether fresh draws for these class sizes have the distribution of `against`."""
    fresh = predictivity.best_of_null(few, many, 1, draws=3000, rng=np.random.default_rng(few * 7919 + many))
    return bool(stats.ks_2samp(fresh, against).pvalue > 1e-3)


def test_shipped_draws_are_those_of_chance_level_neurons(sizes):
    for few, many in sizes:
        shipped = shipped_chance.chance_level(many, few)
        assert len(shipped) in (chance.DRAWS, chance.DRAWS // 4)
        assert (np.diff(shipped) >= 0).all()
        assert agrees(few, many, shipped), (few, many)


def test_the_test_above_can_fail():
    assert not agrees(100, 100, shipped_chance.chance_level(90, 90))


def test_every_size_of_the_shipped_subfunctions_and_of_the_paper_is_shipped(sizes):
    asked = {shipped_chance.size(*s.sizes) for s in tracks.load_all(controls=True)}
    asked |= {shipped_chance.size(*s) for counted in shipped_chance.PAPER.values() for s, _ in counted}
    assert asked == sizes
    assert sources.path("results/null.parquet").stat().st_size < 60_000
    assert [sum(n for _, n in shipped_chance.PAPER[f]) for f in ("semantic", "knowledge", "task")] == [529, 39, 8]


def test_the_floor_of_shipped_sizes_is_that_of_drawing_them(rng):
    """100 chance-level neurons for 100 and 100 sentences, and for 60 and 60."""
    whole = [s for f in ("semantic", "topics") for s in tracks.load(f)]
    chosen = [next(s for s in whole if s.sizes == (n, n)) for n in (100, 60)]
    made = specialization_tables.floor([replace(s, function="x") for s in chosen], 100).iloc[0]
    drawn = [predictivity.best_of_null(n, n, 100, draws=400, rng=rng).mean() for n in (100, 60)]
    assert made["value"] == pytest.approx(np.mean(drawn), abs=0.002)
    assert made["low"] < made["value"] < made["high"]


def test_the_floor_of_the_paper_is_that_of_its_sizes():
    """Drawn by brute force, 300 times 3,072 neurons and 30 times 49,152, for 200 and 200 sentences: .6108 (standard
    error .0005) and .6272 (.0014)."""
    for neurons, value, error in ((3072, 0.6108, 0.0005), (49_152, 0.6272, 0.0014)):
        floors = specialization_tables.floor_of_paper(neurons).set_index("function")
        spread = np.sqrt(chance.moments_of_best(shipped_chance.chance_level(200, 200), neurons)[1])
        own_error = spread / np.sqrt(chance.DRAWS / neurons)
        assert floors.loc["knowledge", "value"] == pytest.approx(value, abs=3 * np.hypot(error, own_error))
        assert floors["value"].idxmin() == "knowledge"
        assert (floors["low"] < floors["value"]).all()


def test_unequal_classes_have_a_floor_of_their_own():
    """With twice as many of one class as of the other even one chance-level neuron scores two thirds."""
    counted = pd.Series({s: chance.best_of(shipped_chance.chance_level(*s), 1) for s in ((1000, 1000), (1000, 2000))})
    assert counted[1000, 1000] == pytest.approx(0.51, abs=0.002)
    assert counted[1000, 2000] == pytest.approx(2 / 3, abs=0.002)
