"""Questions have two balanced classes, groups that no fold may tear, and are judged on a part of what is fitted."""

import numpy as np
import pytest

from companion.experiments import judged, read_outs
from companion.experiments.judged import Judged
from companion.functions import tracks
from companion.models import catalogue

EVERY = judged.judged()


def test_there_are_six_of_each_function():
    assert [one.function for one in EVERY] == ["semantic"] * 6 + ["knowledge"] * 6 + ["task"] * 6
    assert {one.name for one in EVERY if one.function == "task"} == set(judged.TASKS)
    assert {one.name for one in EVERY} - set(judged.TASKS) <= {s.name for s in tracks.load_all()}


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_as_many_of_each_class_are_fitted_and_judged(one):
    assert len(one.texts) == len(one.labels) == len(one.groups)
    assert len(set(np.bincount(one.labels).tolist())) == 1
    assert np.bincount(one.labels[one.rows]).tolist() == [judged.JUDGED[one.function]] * 2
    assert {len(texts) for texts in one.texts} in ({1}, {2})


def test_a_source_stands_under_both_labels():
    """Which is why folds keep groups together."""
    one = {o.name: o for o in EVERY}["mrpc"]
    labels = {}
    for group, label in zip(one.groups, one.labels.tolist(), strict=True):
        labels.setdefault(group, set()).add(label)
    assert sum(len(of) == 2 for of in labels.values()) > 10


def test_everything_that_decides_is_in_the_digest():
    one = EVERY[0]
    others = [
        Judged("x", one.function, one.texts, one.labels, one.groups, one.rows),
        Judged(one.name, one.function, one.texts[::-1], one.labels, one.groups, one.rows),
        Judged(one.name, one.function, one.texts, 1 - one.labels, one.groups, one.rows),
        Judged(one.name, one.function, one.texts, one.labels, one.groups[::-1], one.rows),
        Judged(one.name, one.function, one.texts, one.labels, one.groups, one.rows[1:]),
    ]
    assert len({one.content, *(other.content for other in others)}) == 6


def test_a_plain_model_is_judged_as_by_hand():
    model = catalogue.load(catalogue.MINILM)
    one = judged.first({o.name: o for o in EVERY}["qqp"], 30, 10)
    probe = judged.probe(model, one)
    columns = [read_outs.states(model, column) for column in zip(*one.texts, strict=True)]
    features = read_outs.features(columns)
    found = judged.judge(model, one, probe)
    assert tuple(found[:2]) == pytest.approx(probe.judge(features[one.rows], one.rows))
    assert found[2] == pytest.approx(read_outs.similarity(*(c[one.rows] for c in columns), one.labels[one.rows]))
    assert judged.probe(model, one) is probe  # fitted once
