"""A probe reads what is in the states, judges no sentence that it was fitted on, and finds nothing in noise."""

import numpy as np
import pytest

from companion.experiments import read_outs
from companion.models import catalogue


@pytest.fixture
def labels():
    return np.arange(80) % 2


def states_of(labels, rng, strength):
    """Noise of sixteen dimensions, of which the first says the label."""
    made = rng.normal(size=(len(labels), 16)).astype(np.float32)
    made[:, 0] += strength * labels
    return made


ROWS = np.arange(80)
ALONE = [str(i) for i in ROWS]  # each a group of its own


def test_what_is_there_is_read_and_noise_is_not(labels, rng):
    strong, none = (states_of(labels, rng, strength) for strength in (8, 0))
    assert min(read_outs.fit(strong, labels, ALONE).judge(strong, ROWS)) > 0.95
    accuracy, area = read_outs.fit(none, labels, ALONE).judge(none, ROWS)
    assert accuracy < 0.7 > area  # it would be 1 on sentences that were fitted


def test_states_that_lost_the_label_are_judged_at_chance(labels, rng):
    states = states_of(labels, rng, 8)
    probe = read_outs.fit(states, labels, ALONE)
    states[:, 0] = states[:, 0].mean()
    assert abs(probe.judge(states, ROWS)[0] - 0.5) < 0.2


def test_a_moved_border_costs_accuracy_and_no_area(labels, rng):
    states = states_of(labels, rng, 8)
    probe = read_outs.fit(states, labels, ALONE)
    states[:, 0] += 20
    accuracy, area = probe.judge(states, ROWS)
    assert abs(accuracy - 0.5) < 0.05
    assert area > 0.95


def test_every_item_is_judged_by_what_did_not_see_it(labels, rng):
    states = states_of(labels, rng, 8)
    probe = read_outs.fit(states, labels, ALONE)
    flipped = labels.copy()
    flipped[7] = 1 - flipped[7]
    again = read_outs.fit(states, flipped, ALONE)
    assert set(np.unique(probe.fold)) == set(range(read_outs.FOLDS))
    assert 0.9 < again.judge(states, ROWS)[0] < 1  # the flipped label did not teach its own judge


def test_twins_with_unlike_labels_do_not_teach_each_other(rng):
    """Of forty sources each stands once under each label: without groups a twin teaches the wrong answer."""
    source = np.repeat(np.arange(40), 2)
    labels = np.arange(80) % 2
    states = 3 * rng.normal(size=(40, 30)).astype(np.float32)[source] + 0.1 * rng.normal(size=(80, 30)).astype(
        np.float32
    )
    torn = read_outs.fit(states, labels, ALONE).judge(states, ROWS)[0]
    kept = read_outs.fit(states, labels, [str(s) for s in source])
    assert all(len(set(kept.fold[source == s])) == 1 for s in range(40))
    assert torn < 0.4 < kept.judge(states, ROWS)[0]


def test_some_are_judged_as_among_all(labels, rng):
    states = states_of(labels, rng, 2)
    probe = read_outs.fit(states, labels, ALONE)
    halves = [probe.judge(states[rows], rows)[0] for rows in (ROWS[:40], ROWS[40:])]
    assert np.mean(halves) == pytest.approx(probe.judge(states, ROWS)[0])


def test_too_few_items_are_named():
    with pytest.raises(ValueError, match="a class has items of 4 groups, expected 5 or more"):
        read_outs.fit(np.zeros((9, 2), np.float32), np.array([0, 1] * 4 + [1]), list("abcdefghi"))


def test_a_pair_may_be_exchanged(rng):
    first, second = rng.normal(size=(2, 5, 3))
    both = read_outs.features([first, second])
    assert both.shape == (5, 6)
    np.testing.assert_array_equal(both, read_outs.features([second, first]))
    np.testing.assert_array_equal(read_outs.features([first]), first)


def test_similarity_is_the_chance_that_a_pair_is_closer():
    first = np.array([[1.0, 0], [1, 0], [1, 0], [1, 0]])
    second = np.array([[2.0, 0], [1, 1], [0, 1], [1, 0.5]])  # cosines 1, .71, 0, .89
    assert read_outs.similarity(first, second, np.array([1, 0, 0, 1])) == 1
    assert read_outs.similarity(first, second, np.array([1, 1, 0, 0])) == 0.75  # 3 of 4 pairs of pairs


def test_states_are_means_over_real_tokens(sentences):
    model = catalogue.load("all-MiniLM-L6-v2")
    together = read_outs.states(model, sentences)
    alone = np.concatenate([read_outs.states(model, [s]) for s in sentences])
    np.testing.assert_allclose(together, alone, atol=1e-5)
