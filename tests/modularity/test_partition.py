"""Experts of exactly equal size, groups found where there are some, and the seed decides alone."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from companion.gpu import scoring
from modularity import neurons, partition


@pytest.fixture
def grouped(rng):
    """48 rows in 4 groups, of very different lengths."""
    truth = rng.permutation(np.repeat(np.arange(4), 12))
    directions = np.eye(4, 10)[truth] + rng.normal(size=(48, 10)) * 0.05
    return truth, directions * rng.uniform(0.1, 10, size=(48, 1))


def test_groups_of_directions_are_found(grouped):
    truth, rows = grouped
    assert adjusted_rand_score(truth, partition.by_weights(rows, 4, starts=4)) == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_sizes_are_equal_whatever_the_rows(rng, seed):
    rows = np.concatenate([rng.normal(size=(40, 6)) + 5, rng.normal(size=(8, 6))])
    made = partition.by_weights(rows, 4, seed=seed)
    assert np.bincount(made).tolist() == [12] * 4
    np.testing.assert_array_equal(made, partition.by_weights(rows, 4, seed=seed))


def test_the_routers_experts_stand_one_after_another():
    assert partition.by_router(6, 3).tolist() == [0, 0, 1, 1, 2, 2]


def test_random_experts_have_equal_sizes(rng):
    made = partition.at_random(48, 4, rng=rng)
    assert np.bincount(made).tolist() == [12] * 4
    assert (made != partition.by_router(48, 4)).any()


def test_bad_input_is_named(rng):
    with pytest.raises(ValueError, match="48 neurons do not divide into 5 experts"):
        partition.by_weights(np.ones((48, 3)), 5)
    rows = rng.normal(size=(4, 3))
    rows[2] = 0
    with pytest.raises(ValueError, match="neuron 2 has zero input weights"):
        partition.by_weights(rows, 2)


def inertia(rows, groups) -> float:
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return sum(((rows[groups == e] - rows[groups == e].mean(0)) ** 2).sum() for e in np.unique(groups))


def test_assignment_is_as_balanced_and_as_tight_as_k_means_constrained(trained, grouped):
    truth, rows = grouped
    assert adjusted_rand_score(truth, scoring.by_assignment(rows, 4)) == 1
    w_in = neurons.layers(trained)[2].input_weights.numpy()[:320]
    made, other = scoring.by_assignment(w_in, 8), partition.by_weights(w_in, 8)
    assert np.bincount(made).tolist() == np.bincount(other).tolist() == [40] * 8
    assert inertia(w_in, made) <= 1.01 * inertia(w_in, other)
    np.testing.assert_array_equal(made, scoring.by_assignment(w_in, 8))
