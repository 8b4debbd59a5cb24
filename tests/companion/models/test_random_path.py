"""A random path has the ends of its run and the size of its steps."""

import numpy as np
import pytest
import torch

from companion.models import random_path
from companion.models.recipe import Recipe

RECIPE = Recipe(steps=100, warmup=10, decay=0.9, lr=0.02)


def ends(size=100_000):
    generator = torch.Generator().manual_seed(0)
    return [{"w": torch.randn(size, generator=generator), "b": torch.zeros(3)} for _ in range(2)]


def test_the_clock_runs_with_the_square_of_the_rate():
    clock = random_path.clock(RECIPE)
    assert (clock[0], clock[-1], len(clock)) == (0, 1, 101)
    rates = np.array([RECIPE.learning_rate(i) for i in range(100)])
    assert np.diff(clock)[20] / np.diff(clock)[90] == pytest.approx((rates[20] / rates[90]) ** 2)
    assert random_path.clock(Recipe(steps=100, warmup=1, decay=0))[50] == pytest.approx(0.5)


def test_its_ends_are_those_of_the_run():
    start, end = ends()
    for moment, wanted in ((0.0, start), (1.0, end)):
        made = random_path.at(start, end, moment, RECIPE)
        torch.testing.assert_close(made["w"], wanted["w"])


def test_steps_are_as_large_as_those_of_simulated_training():
    """Steps of the rate times the matrix's size, one after another, spread as the bridge says before it is tied."""
    rng = np.random.default_rng(0)
    motion = sum(RECIPE.learning_rate(i) ** 2 for i in range(100))
    walked = np.sum([RECIPE.learning_rate(i) * rng.standard_normal(20_000) for i in range(100)], axis=0)
    assert walked.std() == pytest.approx(np.sqrt(motion), rel=0.02)
    start, end = ends()
    middle = random_path.at(start, end, 0.5, RECIPE, seed=3)["w"] - (start["w"] + end["w"]) / 2
    assert middle.std().item() == pytest.approx(np.sqrt(motion) / 2, rel=0.02)


def test_seeds_draw_other_steps_and_equal_seeds_the_same():
    start, end = ends(50)
    made = [random_path.at(start, end, 0.5, RECIPE, seed=s)["w"] for s in ((0, 1), (0, 1), (1, 1))]
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"moment": 1.5}, "moment is 1.5, expected"),
        ({"end": {"w": torch.zeros(4)}}, "b is of shape .* missing at the end"),
    ],
)
def test_what_is_no_path_is_refused(change, said):
    start, end = ends(5)
    given = {"start": start, "end": end, "moment": 0.5} | change
    with pytest.raises(ValueError, match=said):
        random_path.at(**given, recipe=RECIPE)
