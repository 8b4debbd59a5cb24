"""Accuracies under perturbation are those of the plain model where nothing is perturbed, and comparable elsewhere."""

import numpy as np
import pandas as pd
import pytest

from modularity import answering, functions, lesions, perturb


def test_the_last_third_is_rounded_up(untrained):
    assert lesions.last_third(untrained) == [2, 3]


def test_accuracy_is_that_of_the_plain_loop(trained):
    masks = {"none": {}, "some": {2: range(400), 3: range(400)}}
    made = lesions.accuracies(trained, masks, ["qqp", "mnli"], draws=2, rows=12)
    for (j, task), draw in ((pair, draw) for pair in enumerate(["qqp", "mnli"]) for draw in range(2)):
        rows = functions.task_table(task).sample(12, random_state=np.random.default_rng([0, draw, j]))
        for name, mask in masks.items():
            with perturb.neurons(trained, mask, rng=np.random.default_rng([0, draw, j, 1])):
                right = np.mean(answering.predictions(trained, task, rows) == rows["label"])
            assert made.sel(mask=name, task=task, draw=draw).item() == right


def test_a_mask_for_each_draw_is_taken_in_turn(trained):
    one, other = {3: range(1280)}, {}
    made = lesions.accuracies(trained, {"both": [one, other], "one": one, "other": other}, ["qqp"], draws=4, rows=20)
    for draw in range(4):
        same = "one" if draw % 2 == 0 else "other"
        assert (made.sel(mask="both", draw=draw) == made.sel(mask=same, draw=draw)).all()
    assert not (made.sel(mask="one") == made.sel(mask="other")).all()


def test_the_seed_draws_other_rows(trained):
    made = [lesions.accuracies(trained, {"none": {}}, ["mnli"], draws=3, rows=20, seed=s) for s in (0, 0, 1)]
    assert made[0].equals(made[1])
    assert not made[0].equals(made[2])


def test_dissociation_is_diagonal_less_the_rest():
    assert lesions.dissociation(pd.DataFrame([[3.0, 1.0], [0.0, 2.0]])) == 2.0
    with pytest.raises(ValueError, match=r"shape \(1, 2\)"):
        lesions.dissociation(pd.DataFrame([[3.0, 1.0]]))
