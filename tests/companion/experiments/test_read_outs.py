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


def test_what_is_there_is_read_and_noise_is_not(labels, rng):
    strong, none = (states_of(labels, rng, strength) for strength in (8, 0))
    assert read_outs.fit(strong, labels).accuracy(strong) == 1
    assert read_outs.fit(none, labels).accuracy(none) < 0.7  # it would be 1 on sentences that were fitted


def test_states_that_lost_the_label_are_judged_at_chance(labels, rng):
    states = states_of(labels, rng, 8)
    probe = read_outs.fit(states, labels)
    states[:, 0] = states[:, 0].mean()
    assert abs(probe.accuracy(states) - 0.5) < 0.2


def test_every_sentence_is_judged_by_what_did_not_see_it(labels, rng):
    states = states_of(labels, rng, 8)
    probe = read_outs.fit(states, labels)
    flipped = labels.copy()
    flipped[7] = 1 - flipped[7]
    again = read_outs.fit(states, flipped)
    assert set(np.unique(probe.fold)) == set(range(read_outs.FOLDS))
    assert again.accuracy(states) == 79 / 80  # the flipped label did not teach its own judge


def test_too_few_sentences_are_named():
    with pytest.raises(ValueError, match="a class has 4 sentences, expected 5 or more"):
        read_outs.fit(np.zeros((9, 2), np.float32), np.array([0, 1] * 4 + [1]))
    probe = read_outs.fit(np.eye(20, dtype=np.float32), np.arange(20) % 2)
    with pytest.raises(ValueError, match="got states of 3 sentences, expected those of the 20 fitted"):
        probe.accuracy(np.eye(20, dtype=np.float32)[:3])


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
