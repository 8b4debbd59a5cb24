"""Masks are as large as they say and made of what they say; a piece asks what it is asked for."""

import numpy as np
import pytest
import xarray as xr

from companion.experiments import lesion_grid, lesions, orders
from companion.experiments.lesion_grid import Plan
from companion.experiments.lesion_orders import ORDERS
from modularity import moefication

PLAN = Plan(80, 2, draws=2, rows=4, ranked=5)
PAIRS = [(order, 2) for order in ORDERS]


@pytest.fixture(scope="module")
def groups(trained):
    return moefication.experts(trained, PLAN.fine)


@pytest.fixture(scope="module")
def masks(trained, groups):
    return lesion_grid.masks(trained, [2, 3], PAIRS, PLAN, groups)


@pytest.mark.parametrize("order", ORDERS)
def test_masks_have_as_many_neurons_as_two_experts(masks, order):
    for mask in masks[order, 2]:
        assert list(mask) == [2, 3]
        for chosen in mask.values():
            assert len(np.unique(chosen)) == len(chosen)
            assert len(chosen) == 32 or order.endswith("equal mass")


@pytest.mark.parametrize("order", ["MoE (4)", "MoE (8)", "MoE, least", *(o for o in ORDERS if "experts:" in o)])
def test_experts_are_taken_whole(masks, groups, order):
    for layer, chosen in masks[order, 2][0].items():
        assert len(set(groups.sel(layer=layer).to_numpy()[chosen].tolist())) == 2


def test_random_masks_differ_from_draw_to_draw(masks):
    for order in ("random", "MoE, permuted", "random, equal mass"):
        one, other = masks[order, 2]
        assert set(one[2].tolist()) != set(other[2].tolist())


def test_masks_of_equal_mass_weigh_as_much_as_the_experts(trained, masks):
    ranked = [s for s in lesion_grid.tracks.load("task", part="train")]
    texts = [s for r in ranked for s in lesion_grid.tracks.first(r, PLAN.ranked).sentences[::10]]
    mass = lesion_grid.mass(trained, texts, [2, 3])
    for i, layer in enumerate([2, 3]):
        wanted = mass[i, masks["MoE (4)", 2][0][layer]].sum()
        for mask in [*masks["Avg (4), equal mass", 2], *masks["random, equal mass", 2]]:
            assert abs(mass[i, mask[layer]].sum() - wanted) <= mass[i].max()


def test_the_same_pairs_give_the_same_masks(trained, masks, groups):
    alone = lesion_grid.masks(trained, [2, 3], [("random", 2), ("MoE (4)", 2)], PLAN, groups)
    np.testing.assert_array_equal(alone["random", 2][1][3], masks["random", 2][1][3])
    np.testing.assert_array_equal(alone["MoE (4)", 2][0][2], masks["MoE (4)", 2][0][2])


def test_a_setting_has_all_proportions_or_some():
    plan = lesion_grid.PLANS["mini"]
    text = lesion_grid.wanted(plan, "text")
    assert {n for o, n in text if o == "MoE (4)"} == set(range(1, 17))
    assert {n for o, n in text if o == "MoE, permuted"} == {4, 8, 12, 16}
    assert {n for o, n in lesion_grid.wanted(plan, "strong") if o == "random"} == {4, 8, 12, 16}
    assert {n for o, n in lesion_grid.wanted(plan, "code") if o == "random"} == {8, 16}
    assert plan.reach / plan.fine == 0.2
    assert len(text) == len(set(text))


@pytest.mark.parametrize(
    ("limit", "text", "strong", "code"),
    [
        (2, {8, 16}, {8, 16}, {8, 16}),
        (5, {4, 8, 12, 16}, {4, 8, 12, 16}, {8, 16}),
        (40, set(range(1, 17)), {4, 8, 12, 16}, {8, 16}),
    ],
)
def test_a_limit_keeps_a_tenth_and_a_fifth(limit, text, strong, code):
    plan = lesion_grid.PLANS["mini"]
    for setting, numbers in (("text", text), ("strong", strong), ("code", code)):
        assert {n for o, n in lesion_grid.wanted(plan, setting, limit) if o == "MoE (4)"} == numbers


def test_a_piece_of_a_limited_grid_asks_only_for_its_numbers(trained, groups, monkeypatch):
    asked = []

    def accuracies(model, masks, tasks, *, draws, **options):
        asked.extend(masks)
        coordinates = {"mask": list(masks), "task": list(tasks), "draw": range(draws)}
        return xr.DataArray(np.zeros((len(masks), 1, draws)), coordinates, ("mask", "task", "draw"))

    monkeypatch.setattr(lesions, "accuracies", accuracies)
    plan = PLAN._replace(reach=4)
    found = lesion_grid.piece(trained, "text", "qqp", plan, groups, limit=2)
    assert len(asked) == 1 + len(lesion_grid.wanted(plan, "text", 2)) < 1 + len(lesion_grid.wanted(plan, "text"))
    assert found.sel(order="MoE (4)").dropna("number")["number"].to_numpy().tolist() == [0, 2, 4]


def test_a_piece_is_what_accuracies_say(trained, masks, groups):
    found = lesion_grid.piece(trained, "strong", "qqp", PLAN, groups, only=[("random", 2)])
    expected = lesions.accuracies(
        trained, {"plain": {}, "random": masks["random", 2]}, ["qqp"], variance=64.0, draws=2, rows=4
    )
    np.testing.assert_array_equal(found.sel(order="random", number=2), expected.sel(mask="random", task="qqp"))
    np.testing.assert_array_equal(found.sel(order="MoE (4)", number=0), expected.sel(mask="plain", task="qqp"))
    assert np.isnan(found.sel(order="MoE (4)", number=2)).all()


def test_the_settings_are_those_of_text_and_code(trained):
    assert lesion_grid.SETTINGS["text"][:2] == ("gaussian", 4.0)
    assert lesion_grid.SETTINGS["code"].how == "shuffle"
    assert lesion_grid.perturbed_layers(trained, "text") == [2, 3]
    assert lesion_grid.perturbed_layers(trained, "all layers") == [0, 1, 2, 3]


def test_seen_are_the_four_that_rank(trained, groups, masks):
    from companion.experiments import stored_scores
    from companion.functions import tracks

    ranked = [tracks.first(s, PLAN.ranked) for s in tracks.load("task", part="train")]
    scores = stored_scores.of_model(trained, ranked).sel(layer=[2, 3])
    assert isinstance(scores, xr.DataArray)
    expected = orders.first(orders.by_predictivity(scores, ["cola", "mrpc", "qqp", "sst2"]), [2, 3], 32)
    np.testing.assert_array_equal(masks["Avg (4)", 2][0][3], expected[3])


@pytest.mark.parametrize(
    ("setting", "task", "only", "message"),
    [
        ("loud", "qqp", None, "unknown setting 'loud'; known: text, strong, code, all layers"),
        ("text", "boolq", [("random", 1)], "no mini task 'boolq'"),
        ("text", "qqp", [("best", 1)], "unknown order 'best'; known: random"),
        ("text", "qqp", [("random", 90)], "cannot perturb 1440 of 1280 neurons"),
    ],
)
def test_bad_pieces_are_named(trained, groups, setting, task, only, message):
    with pytest.raises(ValueError, match=message):
        lesion_grid.piece(trained, setting, task, PLAN, groups, only=only)


def test_the_papers_tasks_go_the_same_way(trained, groups, glue_folder):
    plan = PLAN._replace(tasks=lesion_grid.PLANS["paper"].tasks)
    assert {"cb", "multirc", "boolq"} < set(plan.tasks)
    for task in ("boolq", "cb"):
        only = [("MoE (4)", 2), ("experts: mnli", 2)]
        found = lesion_grid.piece(trained, "text", task, plan, groups, track="paper", only=only)
        assert found.sel(number=0).notnull().all()
        assert int(found.sel(number=2).notnull().sum()) == 2 * plan.draws


@pytest.mark.parametrize(
    ("track", "neurons", "fine", "reach"),
    [
        ("mini", 1280, 80, 16),
        ("paper", 3072, 96, 20),
        ("mini", 3072, 64, 12),
        ("mini", 2048, 64, 12),
        ("mini", 100, 100, 20),
    ],
)
def test_a_grid_of_a_model_has_a_number_of_experts_that_divides_its_neurons(track, neurons, fine, reach):
    plan = lesion_grid.of_width(lesion_grid.PLANS[track], neurons)
    assert (plan.fine, plan.reach) == (fine, reach)
    for setting in lesion_grid.SETTINGS:
        for limit in (0, 2, 3):
            numbers = {number for _, number in lesion_grid.wanted(plan, setting, limit)}
            assert {round(plan.fine / 10), plan.reach} <= numbers  # a tenth, which the claims are about, and a fifth


def test_neurons_that_no_such_number_divides_are_named():
    with pytest.raises(ValueError, match="1,021 neurons a layer do not divide into 40 to 160 experts of equal size"):
        lesion_grid.of_width(lesion_grid.PLANS["mini"], 1021)
