"""Section 3's example: shipped for the large model, computed for any other, and never silently another one's."""

import numpy as np
import pytest

from companion.experiments import example, experiment
from companion.experiments.example import LAYER, SHIPPED, SUBFUNCTION, Example
from companion.functions import tracks
from companion.models import catalogue, mpnet
from modularity import capture, predictivity
from modularity.subfunction import find

ONE = find(tracks.load("semantic"), SUBFUNCTION)


def test_what_is_shipped_is_of_these_sentences_and_has_a_good_neuron():
    shipped, said = example.obtain(SHIPPED.model, ONE, LAYER, "none")
    assert shipped.sizes == {"sentence": 200, "neuron": 3072}
    assert shipped.dtype == np.float32
    assert str(said).endswith("shipped, not rechecked")
    assert predictivity.predictivity(shipped.to_numpy(), ONE.labels).max() > 0.9


def test_without_the_model_the_page_says_so(monkeypatch):
    monkeypatch.setattr(mpnet, "folder", lambda: (_ for _ in ()).throw(FileNotFoundError("run `make base`")))
    _, said = example.obtain(SHIPPED.model, ONE, LAYER)
    assert "not rechecked here: run `make base`" in str(said)
    with pytest.raises(FileNotFoundError, match="make base"):
        example.obtain(SHIPPED.model, ONE, LAYER, "full")
    with pytest.raises(FileNotFoundError, match="make base"):  # another layer is not shipped
        example.obtain(SHIPPED.model, ONE, LAYER - 1)


def test_any_other_example_is_computed():
    one = tracks.first(ONE, 5)
    found, said = example.obtain("t5-mini", one, 2)
    expected = capture.pooled_activations(catalogue.load("t5-mini"), one.sentences, layers=2).isel(layer=0)
    np.testing.assert_array_equal(found, expected)
    assert said.computed


def test_wrong_activations_are_found():
    mine = Example("t5-mini", SUBFUNCTION, 1)
    made, _ = mine.assemble(lambda cell: mine.compute(cell))
    assert experiment.recheck(mine, made, [(30,)], cells=1).cells == 1
    made["activation"][0, 35, 7] += 1
    with pytest.raises(ValueError, match="example_t5-mini for 30 is 1 off"):
        experiment.recheck(mine, made, [(30,)], cells=1)
    with pytest.raises(ValueError, match="nan off"):
        experiment.recheck(mine, made.assign_attrs(weights="x"), [(0,)], cells=1)
