"""Orders are permutations that put first what they say."""

import numpy as np
import pytest
from toys import groups_of, scores_of

from companion.experiments import orders


@pytest.fixture
def scores(rng):
    return scores_of(rng.random((3, 2, 24)), ["task"] * 3)


@pytest.fixture
def groups(rng):
    return groups_of([rng.permutation(np.repeat(np.arange(6), 4)) for _ in range(2)])


def is_permutation(order):
    return (np.sort(order, axis=1) == np.arange(order.shape[1])).all()


def test_the_highest_sums_come_first(scores):
    order = orders.by_predictivity(scores, ["s0", "s2"])
    assert is_permutation(order)
    sums = scores.to_numpy()[[0, 2]].sum(0)
    assert (np.diff(np.take_along_axis(sums, order, axis=1)) <= 0).all()


@pytest.mark.parametrize("ascending", [False, True])
def test_experts_come_whole_and_ranked(scores, groups, ascending):
    order = orders.by_expert(scores, ["s1"], groups, ascending=ascending)
    assert is_permutation(order)
    for layer in range(2):
        of_expert = groups.to_numpy()[layer][order[layer]].reshape(6, 4)
        assert (of_expert == of_expert[:, :1]).all()
        values = [scores.to_numpy()[1, layer][groups.to_numpy()[layer] == e].sum() for e in of_expert[:, 0]]
        assert (np.diff(values) >= 0).all() if ascending else (np.diff(values) <= 0).all()


def test_random_orders_differ_by_layer(rng):
    order = orders.at_random(2, 24, rng=rng)
    assert is_permutation(order)
    assert (order[0] != order[1]).any()


def test_a_prefix_is_taken_from_each_layer(scores):
    order = orders.by_predictivity(scores, ["s0"])
    chosen = orders.first(order, [2, 3], 5)
    assert list(chosen) == [2, 3]
    np.testing.assert_array_equal(chosen[3], order[1, :5])
    assert len(orders.first(order, [2, 3], 0)[2]) == 0
    with pytest.raises(ValueError, match="cannot perturb 25 of 24"):
        orders.first(order, [2, 3], 25)


def test_masks_of_equal_mass_weigh_alike(scores, rng):
    order = orders.by_predictivity(scores, ["s0"])
    mass = rng.random((2, 24))
    like = orders.first(orders.at_random(2, 24, rng=rng), [0, 1], 8)
    made = orders.of_equal_mass(order, [0, 1], like, mass)
    for layer in range(2):
        np.testing.assert_array_equal(made[layer], order[layer, : len(made[layer])])
        reached, wanted = mass[layer, made[layer]].sum(), mass[layer, like[layer]].sum()
        assert abs(reached - wanted) <= mass[layer].max() / 2


def test_bad_names_are_named(scores):
    with pytest.raises(ValueError, match="no predictivities of 'cola'; there are: s0, s1, s2"):
        orders.by_predictivity(scores, ["cola"])
    with pytest.raises(ValueError, match="no sub-functions to rank by"):
        orders.by_predictivity(scores, [])
