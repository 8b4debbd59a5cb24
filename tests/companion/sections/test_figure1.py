"""What the left and the right of Figure 1 show, against the tables that they are made of."""

import numpy as np
import pandas as pd
import pytest
from drawn import where
from toys import reading_of, scores_of

from companion.released import published
from companion.sections import figure1, specialization_tables
from modularity.subfunction import SubFunction

FUNCTIONS = ["semantic"] * 3 + ["task"] * 2
NEURONS = 200
MODELS = ("t5-like", "other")  # the first stands for a model of the paper


@pytest.fixture
def scored(rng):
    def reading(above):
        made = reading_of(scores_of(rng.uniform(above, 0.9, size=(5, 2, NEURONS)), FUNCTIONS), kept=2)
        return made.assign_attrs(neurons=NEURONS)

    return {name: ([reading(0.6), reading(0.6)], [reading(0.5)]) for name in MODELS}


@pytest.fixture
def subfunctions():
    sentences, labels = tuple(f"sentence {i}" for i in range(20)), np.repeat([1, 0], 10)
    return [SubFunction(str(i), function, sentences, labels) for i, function in enumerate(FUNCTIONS)]


def test_the_left_has_every_model_with_its_copies_and_what_chance_gives(scored, subfunctions):
    made = figure1.left(scored, subfunctions, seed=1)
    for name, pair in scored.items():
        for kind, runs in zip(("trained", "untrained"), pair, strict=True):
            own = where(made, model=name, kind=kind).reset_index(drop=True)
            expected = specialization_tables.best_by_layer(runs, seed=1)
            columns = ["function", "layer", "value", "low", "high"]
            pd.testing.assert_frame_equal(own[columns], expected[columns])
        null = where(made, model=name, kind="null").set_index(["function", "layer"])
        floor = specialization_tables.floor(subfunctions, NEURONS, seed=1).set_index("function")
        for function, layer in null.index:
            assert null.loc[(function, layer), ["value", "low", "high"]].tolist() == floor.loc[function].tolist()
        assert len(null) == 2 * 2  # function, layer


def test_the_printed_curve_is_of_the_model_that_one_stands_for(scored, subfunctions):
    printed = figure1.left(scored, subfunctions).query("kind == 'paper'")
    expected = published.figure1_left().query("model == 't5' and init == 'pretrained'")
    assert set(printed["model"]) == {"t5-like"}
    assert printed["value"].tolist() == expected["mean_best_ap"].tolist()
    assert printed["layer"].tolist() == expected["layer"].tolist()
    right = figure1.right(scored).query("init == 'paper'")
    assert right["value"].tolist() == published.figure1_right().query("model == 't5'")["value"].tolist()


def test_the_right_has_the_overlaps_of_every_model_and_copy(scored):
    made = figure1.right(scored)
    for name, pair in scored.items():
        for kind, runs in zip(("trained", "untrained"), pair, strict=True):
            own = where(made, model=name, init=kind).reset_index(drop=True)
            expected = specialization_tables.overlaps(runs)
            pd.testing.assert_frame_equal(own[[*expected]], expected)


def test_gains_have_the_chance_level_beside_them(scored, subfunctions):
    made = figure1.gains(scored, subfunctions, seed=1)
    floor = specialization_tables.floor(subfunctions, NEURONS, seed=1)["value"].tolist()
    for name, pair in scored.items():
        own = where(made, model=name).reset_index(drop=True)
        expected = specialization_tables.gain(*pair, seed=1)
        pd.testing.assert_frame_equal(own[[*expected]], expected)
        assert own["chance level"].tolist() == floor


def test_printed_gains_are_means_over_layers():
    made = figure1.printed_gains([*MODELS, "mpnet-base", "switch-like"]).set_index(["model", "function"])
    assert list(made.index.unique("model")) == ["T5-base, printed", "Switch-base-16, printed"]
    curves = published.figure1_left().query("model == 'switch' and function == 'task'")
    ends = {init: rows["mean_best_ap"].mean() for init, rows in curves.groupby("init")}
    row = made.loc["Switch-base-16, printed", "task"]
    assert (row["trained"], row["untrained"]) == pytest.approx((ends["pretrained"], ends["random_init"]))
    assert row["gain"] == pytest.approx(ends["pretrained"] - ends["random_init"])
    floor = specialization_tables.floor_of_paper(16 * 3072).set_index("function")
    assert row["chance level"] == pytest.approx(floor.loc["task", "value"])
    assert figure1.printed_gains(["other"]).empty
