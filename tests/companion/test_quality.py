"""The bars measure what they say, and a model that fails one is said to."""

import numpy as np
import pandas as pd
import pytest
from toys import reading_of, scores_of

from companion import quality
from companion.experiments import answering
from companion.models import catalogue


@pytest.fixture
def parts(rng):
    functions = ["semantic"] * 6 + ["knowledge"] * 5 + ["task"] * 4

    def runs(best):
        values = np.full((15, 2, 9), 0.5)
        values[:, :, 4] = np.array(best) + rng.normal(0, 1e-3, size=(15, 2))
        return [reading_of(scores_of(values, functions), kept=1)] * 2

    scored = {name: (runs(0.85), runs(0.7)) for name in catalogue.MINI}
    answered = pd.DataFrame({"task": ["cola", "mnli"], "seed": 0, "accuracy": [0.8, 0.72], "chance": 0.5, "low": 0.7})
    log = pd.DataFrame(
        {"step": [1, 2], "load_entropy": [[0.5, 0.6], [0.99, 0.97]], "dropped": [[0.3, 0.3], [0.0, 0.01]]}
    )
    log["load"] = [[[0.5, 0.5]] * 2] * 2
    return scored, answered, {0: log}


def test_good_models_meet_every_bar(parts):
    table = quality.bars(*parts)
    assert table["met"].all()
    measured = table.set_index("bar")["measured"]
    assert measured["switch-mini: entropy of the load, lowest layer and run"] == 0.97
    assert measured["t5-mini: accuracy on its tasks, mean"] == pytest.approx(0.76)
    assert measured["t5-mini: semantic best predictivity, mean over layers"] == pytest.approx(0.85, abs=2e-3)


def test_bad_ones_do_not(parts):
    scored, answered, logs = parts
    swapped = {name: (own, own) for name, (own, _) in scored.items()}
    answered = answered.assign(accuracy=0.6, low=[0.7, 0.49])
    logs = {0: logs[0].iloc[:1]}
    table = quality.bars(swapped, answered, logs).set_index("bar")["met"]
    assert table.to_dict() == {bar: "semantic best" in bar or "the same, lowest" in bar for bar in table.index}


def test_answers_are_counted_for_every_run(monkeypatch):
    monkeypatch.setattr(catalogue, "seeds", lambda _name: [0, 1])
    monkeypatch.setattr(catalogue, "load", lambda name, seed: (name, seed))
    monkeypatch.setattr(answering, "accuracy", lambda model, _task, rows: 0.5 + 0.1 * model[1])
    table = quality.answers(rows=200)
    assert len(table) == 14
    assert table.groupby("seed")["accuracy"].mean().tolist() == pytest.approx([0.5, 0.6])
    assert table.set_index("task").loc["mnli", "chance"].tolist() == [1 / 3] * 2
    assert (table["low"] < table["accuracy"]).all()
