"""The best neurons are the best, ties are decided, and overlaps are those of a loop."""

import numpy as np
import pytest
from conftest import scores_of

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
    means = specialists.between_functions(overlaps, members["function"])
    within = [overlaps.to_numpy()[0, a, b] for a, b in ((0, 1), (0, 2), (1, 2))]
    across = overlaps.to_numpy()[0, :3, 3:]
    assert means.sel(layer=0, function="semantic", other_function="semantic").item() == pytest.approx(np.mean(within))
    assert means.sel(layer=0, function="semantic", other_function="task").item() == pytest.approx(across.mean())


def test_a_function_of_one_subfunction_has_no_overlap_with_itself(scores):
    members = specialists.top_neurons(scores.isel(subfunction=[0, 1, 3]), 0.2)
    means = specialists.between_functions(specialists.overlap(members), members["function"])
    assert np.isnan(means.sel(function="task", other_function="task")).all()


def test_random_neurons_overlap_by_chance(rng):
    members = specialists.top_neurons(scores_of(rng.random((40, 1, 1000)), ["semantic"] * 40), 0.05)
    means = specialists.between_functions(specialists.overlap(members), members["function"])
    assert means.item() == pytest.approx(0.05, abs=0.005)


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
