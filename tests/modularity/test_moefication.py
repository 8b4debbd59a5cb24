"""A model's experts: its own, or balanced ones of its weights, stored once found."""

import numpy as np
import pytest

from companion.models import catalogue
from modularity import moefication, partition


def test_t5_is_moefied_layer_by_layer(untrained):
    made = moefication.experts(untrained, 8, seed=1)
    weights = untrained.encoder.block[2].layer[-1].DenseReluDense.wi.weight.numpy()
    np.testing.assert_array_equal(made.sel(layer=2), partition.by_weights(weights, 8, seed=1))
    assert made.dims == ("layer", "neuron")
    assert (np.apply_along_axis(np.bincount, 1, made) == made.sizes["neuron"] // 8).all()


def test_the_result_is_stored(untrained, monkeypatch):
    first = moefication.experts(untrained, 8)
    monkeypatch.setattr(moefication.partition, "by_weights", None)
    np.testing.assert_array_equal(moefication.experts(untrained, 8), first)


def test_switch_has_its_own():
    switch = catalogue.load("switch-mini", untrained=True)
    made = moefication.experts(switch)
    assert made["layer"].to_numpy().tolist() == [1, 3]
    np.testing.assert_array_equal(made.sel(layer=1), partition.by_router(made.sizes["neuron"], 16))
    with pytest.raises(ValueError, match="has 16 experts a layer of its own, not 8"):
        moefication.experts(switch, 8)


def test_random_experts_are_like_the_given_ones(untrained):
    given = moefication.experts(untrained, 8)
    made = moefication.at_random(given, seed=2)
    assert (np.apply_along_axis(np.bincount, 1, made) == made.sizes["neuron"] // 8).all()
    assert made["layer"].equals(given["layer"])
    assert not (made == given).all()
