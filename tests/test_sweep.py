"""Scores and experts of the same models, in the same order, stored once computed."""

import numpy as np

from modularity import functions, models, moefication, sweep


def test_runs_are_scored_and_grouped_in_one_order(monkeypatch):
    subfunctions = functions.load_all(per_class=4, limit=1)
    monkeypatch.setattr(models, "seeds", lambda _name: [0])
    trained, fresh = sweep.runs("t5-mini", subfunctions, copies=2, seed=5)
    np.testing.assert_array_equal(trained[0], sweep.scores(models.load("t5-mini", seed=0), subfunctions))
    last = models.load("t5-mini", untrained=True, seed=6)
    np.testing.assert_array_equal(fresh[1], sweep.scores(last, subfunctions))
    own, theirs = moefication.runs("t5-mini", 4, copies=2, seed=5)
    np.testing.assert_array_equal(own[0], moefication.experts(models.load("t5-mini", seed=0), 4, seed=5))
    np.testing.assert_array_equal(theirs[1], moefication.experts(last, 4, seed=5))


def test_a_model_that_is_no_companion_is_one_run(monkeypatch):
    monkeypatch.setattr(models, "load", lambda name, **_options: name)
    assert list(models.load_runs("google-t5/t5-base", 3)) == ["google-t5/t5-base"]
