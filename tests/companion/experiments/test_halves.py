"""Halves are read as the sub-functions of half the sentences would be."""

from dataclasses import replace

import numpy as np
import pytest

from companion.experiments import halves
from modularity import capture, predictivity, subfunction
from modularity.subfunction import SubFunction


@pytest.fixture
def subfunctions():
    texts = tuple(
        f"The {a} {b} sat on the {c}." for a in ("red", "old") for b in ("cat", "dog") for c in ("mat", "log")
    )
    return [SubFunction(w, "semantic", texts, np.array([int(w in t) for t in texts])) for w in ("cat", "red")]


def test_each_part_is_what_its_sentences_give(untrained, subfunctions):
    found = halves.half_scores(capture.stream(untrained, subfunctions))
    assert found.dims == ("half", "subfunction", "layer", "neuron")
    firsts = [subfunction.first_half(s) for s in subfunctions]
    first, second = (
        [s.only(m) for s, m in zip(subfunctions, of, strict=True)] for of in (firsts, [~m for m in firsts])
    )
    for part, chosen in zip(halves.PARTS, (subfunctions, first, second), strict=True):
        expected = predictivity.scores(capture.stream(untrained, chosen))
        # Activations differ in the last bits with the batch, and then may change places.
        assert np.abs(found.sel(half=part).to_numpy() - expected.to_numpy()).mean() < 1e-3
    assert found["function"].to_numpy().tolist() == ["semantic", "semantic"]


def test_a_split_depends_on_the_sub_function_alone(subfunctions):
    one = subfunctions[1]
    first = subfunction.first_half(one)
    assert (subfunction.first_half(replace(one, function="task", provenance="elsewhere")) == first).all()
    for other in (subfunction.first_half(one, seed=1), subfunction.first_half(replace(one, name="another"))):
        assert (other != first).any()


def test_what_has_no_halves_is_named(untrained):
    lone = SubFunction("lone", "task", ("a b", "c d", "e f"), np.array([1, 0, 0]))
    with pytest.raises(ValueError, match="'lone' has a class of one sentence"):
        halves.half_scores(capture.stream(untrained, [lone]))
    with pytest.raises(ValueError, match="got no sub-functions"):
        halves.half_scores([])
