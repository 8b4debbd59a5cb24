"""The best neurons are the best, ties are decided, and overlaps are those of a loop."""

import numpy as np
import pytest
from toys import scores_of

from modularity import specialists


@pytest.fixture
def scores(rng):
    return scores_of(rng.integers(50, 60, size=(5, 2, 40)) / 100, ["semantic"] * 3 + ["task"] * 2)  # many ties


def test_the_best_are_taken_and_the_first_of_equals(scores):
    members = specialists.top_neurons(scores, 0.1)
    for s, layer in np.ndindex(5, 2):
        expected = np.argsort(-scores.to_numpy()[s, layer], kind="stable")[:4]
        assert set(np.flatnonzero(members.to_numpy()[s, layer])) == set(expected)


def test_all_neurons_may_be_taken(scores):
    assert specialists.top_neurons(scores, 1.0).all()


@pytest.mark.parametrize(("neurons", "top"), [(3072, 30), (49152, 491), (1280, 12), (100, 1)])
def test_one_percent_is_rounded_down(neurons, top):
    assert specialists.number(neurons) == top


def test_overlaps_are_those_of_a_loop(scores):
    members = specialists.top_neurons(scores, 0.2)
    overlaps = specialists.overlap(members)
    sets = [[set(np.flatnonzero(members.to_numpy()[s, layer])) for s in range(5)] for layer in range(2)]
    for layer, a, b in np.ndindex(2, 5, 5):
        assert overlaps.to_numpy()[layer, a, b] == pytest.approx(len(sets[layer][a] & sets[layer][b]) / 8)


@pytest.mark.parametrize(
    ("share", "message"), [(0, "is 0, expected more than 0"), (1.5, "is 1.5"), (0.01, "less than one")]
)
def test_bad_shares_are_named(scores, share, message):
    with pytest.raises(ValueError, match=message):
        specialists.top_neurons(scores, share)


def test_missing_predictivities_are_named(scores):
    scores[2, 1, 7] = np.nan
    with pytest.raises(ValueError, match="neuron 7 in layer 1 is not a number"):
        specialists.top_neurons(scores, 0.1)
    with pytest.raises(ValueError, match="have the dims"):
        specialists.top_neurons(scores.isel(layer=0), 0.1)
