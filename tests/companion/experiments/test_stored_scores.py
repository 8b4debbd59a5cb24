"""Scores of the same models, in the same order, stored once computed."""

import numpy as np
import pytest
import torch

from companion.experiments import stored_scores
from companion.models import catalogue
from modularity import stored_file
from modularity.subfunction import SubFunction


def test_a_model_that_is_no_companion_is_one_run(monkeypatch):
    monkeypatch.setattr(catalogue, "load", lambda name, **_options: name)
    assert list(catalogue.load_runs("google-t5/t5-base", 3)) == ["google-t5/t5-base"]


@pytest.fixture(scope="module")
def subfunctions():
    texts = tuple(
        f"The {a} {b} sat on the {c}." for a in ("red", "old") for b in ("cat", "dog") for c in ("mat", "log")
    )
    words = ("cat", "red", "mat", "old", "log")
    return [SubFunction(word, "task", texts, np.array([int(word in t) for t in texts])) for word in words]


def test_layers_are_those_of_all(trained, subfunctions):
    for _ in range(2):  # computed, then read
        whole, part = (
            stored_scores.of_model(trained, subfunctions),
            stored_scores.of_model(trained, subfunctions, layers=(1, 3)),
        )
        np.testing.assert_array_equal(part, whole.sel(layer=[1, 3]))
    assert "layers" not in stored_file.provenance(whole)["key"]  # what was stored before there was the option is found
    assert "layers" in stored_file.provenance(part)["key"]


def test_what_is_computed_is_what_is_stored(trained, subfunctions):
    options = {"score": "auroc", "pooling": "mean", "activation": "pre", "layers": [1]}
    found = stored_scores.of_model(trained, subfunctions, **options)
    np.testing.assert_array_equal(found, stored_scores.compute(trained, subfunctions, **options))
    halves = stored_scores.compute(trained, subfunctions, halves=0, **options)
    np.testing.assert_array_equal(found, halves.sel(half="whole"))


def test_a_gpu_is_used_where_there_is_one_and_left_again(monkeypatch, untrained, subfunctions):
    moved = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, where: moved.append(str(where)) or self)
    stored_scores.of_model(untrained, subfunctions)
    assert moved == ["cuda", "cpu"]
    with pytest.raises(ValueError, match="no router"):
        stored_scores.of_model(untrained, subfunctions, routed_only=True)
    assert moved == ["cuda", "cpu"] * 2
