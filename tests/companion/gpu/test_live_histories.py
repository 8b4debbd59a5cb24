"""A history that is taken while training is the one that is taken from the checkpoints."""

import json

import numpy as np
import pytest
import torch
from tiny_runs import NANO, SWITCH, train

from companion.experiments import histories
from companion.functions import followed
from companion.gpu import collect, live_histories, scoring
from companion.models import catalogue
from modularity import moefication, neurons

CPU = torch.device("cpu")


@pytest.mark.parametrize("recipe", [NANO, SWITCH], ids=["t5", "switch"])
def test_a_history_is_that_of_record(recipe, tmp_path, monkeypatch):
    chosen = [s for f in ("semantic", "task") for s in followed.first_set(6) if s.function == f]
    chosen = chosen[:3] + chosen[-2:]
    train(recipe, tmp_path / "run")
    steps = [0, 3, 12]
    options = {"workers": 1, "seconds": 60, "device": CPU, "share": 1 / 32, "experts": 4}
    (tmp_path / "scratch").mkdir()
    with live_histories.Follower(recipe, catalogue.tokenizer(), chosen, tmp_path / "scratch", **options) as follower:
        for step in steps:
            state = catalogue.load(str(tmp_path / "run"), step=step).module.state_dict()
            follower.read(step, state, coming=len(steps))
        names, arrays = follower.coordinates(), follower.history()
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    found = collect.dataset(arrays, names, log)
    monkeypatch.setattr(moefication.partition, "by_weights", lambda w, n, **_: scoring.by_assignment(w, n))
    expected = histories.compute(tmp_path / "run", chosen, steps=steps, experts=4, top=1 / 32)
    assert set(found.variables) == set(expected.variables)
    for name, values in expected.variables.items():
        assert found[name].dims == values.dims, name
        if values.dtype.kind in "fc":
            # Batches of another size round otherwise, which moves ranks in rows of few neurons that are nearly equal.
            of_ranks = {"stability", "stability_rest", "agreement", "between_share"}
            np.testing.assert_allclose(found[name], values, atol=0.01 if name in of_ranks else 1e-3)
        elif name != "top":  # equal scores may be taken in another order
            assert (found[name].to_numpy() == values.to_numpy()).all(), name
    assert len(neurons.layers(follower.model)) == found.sizes["layer"]
