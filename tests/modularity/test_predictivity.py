"""The score equals scikit-learn's to rounding, for every float type, with and without ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from modularity.predictivity import CHUNK, PANEL, best_of_null, predictivity, relabelled_null, scores

ORACLES = {
    "labels": lambda y, a: max(average_precision_score(y, a), average_precision_score(1 - y, a)),
    "signs": lambda y, a: max(average_precision_score(y, a), average_precision_score(y, -a)),
    "auroc": lambda y, a: max(roc_auc_score(y, a), 1 - roc_auc_score(y, a)),
}


@pytest.mark.parametrize("score", ORACLES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("levels", [None, 8, 1], ids=["no ties", "ties", "many ties"])
def test_predictivity_equals_scikit_learn(score, dtype, relu, levels, rng):
    a = rng.normal(size=(61, 33))
    a = np.round(a * levels) / levels if levels else a
    a = (np.maximum(a, 0) if relu else a).astype(dtype)
    y = (rng.random(61) < 0.3).astype(int)
    expected = [ORACLES[score](y, column) for column in a.astype(float).T]
    np.testing.assert_allclose(predictivity(a, y, score=score), expected, rtol=0, atol=1e-12)


def test_predictivity_of_four_sentences_by_hand():
    # Ranked 1 0 1 0. AP(y): (1/1 + 2/3) / 2 = 5/6. AP(1 − y): (1/2 + 2/4) / 2 = 1/2.
    a = np.array([[4.0], [3.0], [2.0], [1.0]])
    assert predictivity(a, np.array([1, 0, 1, 0]))[0] == pytest.approx(5 / 6)
    # Ascending: 0 1 0 1, so AP(y, −a) = (1/2 + 2/4) / 2 as well. One of four pairs is discordant: AUROC 3/4.
    assert predictivity(a, np.array([1, 0, 1, 0]), score="auroc")[0] == pytest.approx(3 / 4)


def test_the_two_readings_of_the_paper_differ():
    a = np.array([[3.0], [2.0], [1.0]])
    y = np.array([0, 0, 1])
    # labels: AP(1 − y, a) = 1, the zeros come first. signs: AP(y, −a) = 1, the one comes first. Same here, but for
    y2 = np.array([0, 1, 0])
    # labels: AP(y) = 1/2, AP(1 − y) = (1 + 2/3)/2 = 5/6. signs: 1/2 in both directions.
    assert predictivity(a, y)[0] == predictivity(a, y, score="signs")[0] == 1
    assert predictivity(a, y2)[0] == pytest.approx(5 / 6)
    assert predictivity(a, y2, score="signs")[0] == pytest.approx(1 / 2)


def test_a_silent_neuron_scores_the_share_of_the_larger_class():
    assert predictivity(np.zeros((10, 1)), np.repeat([1, 0], [3, 7]))[0] == pytest.approx(0.7)


def test_minus_zero_ties_with_zero():
    y = np.array([1, 0, 1, 0])
    signed = np.array([[-0.0], [0.0], [-0.0], [1.0]], dtype=np.float32)
    assert predictivity(signed, y)[0] == predictivity(np.abs(signed), y)[0]


matrices = st.integers(2, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n).filter(lambda y: 0 < sum(y) < len(y)),
        st.permutations(range(n)),
    )
)


@settings(max_examples=60, deadline=None)
@given(matrices)
def test_predictivity_ignores_order_relabelling_and_monotone_change(case):
    a, y, order = np.array(case[0], dtype=np.float32), np.array(case[1], dtype=int), list(case[2])
    base = predictivity(a, y)
    np.testing.assert_allclose(predictivity(a[order], y[order]), base, atol=1e-12)
    np.testing.assert_allclose(predictivity(a, 1 - y), base, atol=1e-12)
    np.testing.assert_allclose(predictivity(np.exp(a), y), base, atol=1e-12)
    np.testing.assert_allclose(predictivity(a[:, ::-1], y), base[::-1], atol=1e-12)
    assert ((base > 0) & (base <= 1)).all()


def test_chunks_do_not_show(rng):
    y = np.arange(200) % 2
    width = CHUNK // len(y)  # neurons of a chunk
    a = rng.random((len(y), PANEL * width + width + 7), dtype=np.float32)
    whole = predictivity(a, y)
    for start in (0, width - 3, PANEL * width - 3, a.shape[1] - 9):  # over the edges of chunks and panels
        few = slice(start, start + 9)
        np.testing.assert_allclose(whole[few], predictivity(a[:, few], y), rtol=0, atol=1e-14)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("a", "y", "message"),
    [
        (np.ones((2, 2)), [1, 1], "all 2 labels are 1, expected both 0 and 1"),
        (np.ones((2, 2)), [0, 2], r"labels contain \[2\], expected only 0 and 1"),
        (np.ones((2, 2)), [0, 1, 1], r"labels have shape \(3,\), expected \(2,\)"),
        (np.array([[0.0, np.nan], [1.0, 1.0]]), [0, 1], "activation of neuron 1 in sentence 0 is nan"),
        (np.array([[0.0, 1.0], [np.inf, 1.0]]), [0, 1], "activation of neuron 0 in sentence 1 is inf"),
        (np.ones(2), [0, 1], r"shape \(2,\), expected floats of shape \(sentence, neuron\)"),
        (np.ones((2, 2), dtype=int), [0, 1], "int64 of shape"),
        (np.ones((0, 2)), [], "labels have no entries"),
    ],
)
def test_bad_input_is_named(a, y, message):
    with pytest.raises(ValueError, match=message):
        predictivity(a, np.array(y))


def test_an_unknown_score_is_refused():
    with pytest.raises(ValueError, match="unknown score 'ap'; known: labels, signs, auroc"):
        predictivity(np.ones((2, 1)), np.array([0, 1]), score="ap")  # type: ignore[arg-type]


@pytest.mark.parametrize("score", ORACLES)
@pytest.mark.parametrize(("positives", "negatives"), [(1, 3), (2, 3)])
def test_the_null_of_one_neuron_is_the_mean_over_all_rankings(score, positives, negatives, rng):
    from itertools import combinations

    n = positives + negatives
    a = np.arange(n, 0, -1.0)
    rankings = [np.isin(np.arange(n), c).astype(int) for c in combinations(range(n), positives)]
    exact = np.mean([ORACLES[score](y, a) for y in rankings])
    drawn = best_of_null(positives, negatives, 1, score=score, draws=20_000, rng=rng)
    assert abs(drawn.mean() - exact) < 5 * drawn.std() / np.sqrt(len(drawn))


def test_the_null_of_many_is_the_power_of_the_null_of_one(rng):
    # P(best of N ≤ t) = P(one ≤ t)^N for independent neurons.
    one = best_of_null(20, 30, 1, draws=40_000, rng=rng)
    many = best_of_null(20, 30, 16, draws=2_000, rng=rng)
    for q in (0.25, 0.5, 0.75):
        assert abs((many <= np.quantile(one, q ** (1 / 16))).mean() - q) < 0.05


def test_the_null_covers_what_real_noise_gives(rng):
    y = np.tile([1, 0, 0], 20)
    noise = [predictivity(rng.random((60, 100)), y).max() for _ in range(40)]
    low, high = np.quantile(best_of_null(20, 40, 100, draws=2_000, rng=rng), [0.01, 0.99])
    assert low < np.mean(noise) < high


def test_relabelling_keeps_the_correlation_of_neurons(rng):
    column = rng.random((80, 1))
    copies = relabelled_null(np.repeat(column, 50, axis=1), np.arange(80) % 2, draws=30, rng=rng)
    distinct = relabelled_null(rng.random((80, 50)), np.arange(80) % 2, draws=30, rng=rng)
    assert copies.mean() < distinct.mean()  # fifty copies are one neuron


def test_a_null_without_neurons_is_refused(rng):
    with pytest.raises(ValueError, match="neurons=0"):
        best_of_null(5, 5, 0, rng=rng)


def test_no_subfunctions_is_an_error():
    with pytest.raises(ValueError, match="got no sub-functions"):
        scores([])
