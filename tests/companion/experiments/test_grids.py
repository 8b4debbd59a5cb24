"""Grids are whole, resume where they were stopped, and a slice that disagrees stops the notebook."""

import numpy as np
import pytest

from companion.experiments import cost, experiment, fewshot_grid, grids, lesion_grid
from companion.experiments.grids import Grid
from companion.functions import sources
from companion.models import catalogue
from modularity import stored_file


@pytest.mark.parametrize("kind", ["t5", "switch"])
def test_what_is_shipped_is_whole(kind):
    grid, shipped = Grid(kind), grids.load(kind)["accuracy"]
    for seed, setting, task in grid.cells():
        part = shipped.sel(seed=seed, setting=setting, task=task)
        if kind == "switch":
            assert part.notnull().all(), (seed, setting, task)
        else:
            for order, number in lesion_grid.wanted(grid.plan, setting):
                assert part.sel(order=order, number=number).notnull().all(), (seed, setting, task, order, number)
            assert part.sel(number=0).notnull().all()
    assert float(shipped.min()) >= 0
    assert float(shipped.max()) <= 1


def test_what_is_shipped_was_made_with_these_models_and_plans():
    for kind in ("t5", "switch"):
        grid = Grid(kind)
        shipped = grids.load(kind)
        key = stored_file.provenance(shipped)["key"]
        seeds = shipped["seed"].to_numpy().tolist()
        files = [f"models/{grid.model}/seed-{seed}/{catalogue.WEIGHTS}" for seed in seeds]
        assert key["models"] == [sources.registry()[file].sha256 for file in files]
        assert key["plan"] == str(grid.plan)


@pytest.mark.slow
def test_a_shipped_slice_is_computed_again():
    grid = Grid("t5")
    shipped = grids.load("t5")
    found = grid.piece((1, "code", "sst2"), [("MoE (4)", 8)], grids.experts_of(shipped, 1))
    expected = shipped["accuracy"].sel(seed=1, setting="code", task="sst2", order="MoE (4)", number=8)
    assert float(np.abs(found.sel(order="MoE (4)", number=8) - expected).mean()) < 0.02


class Small(Grid):
    """A grid that two processes make in seconds."""

    @property
    def plan(self):
        return lesion_grid.Plan(80, 2, draws=1, rows=2, ranked=3)

    def cells(self):
        return [(seed, "code", "qqp") for seed in (0, 1)]


@pytest.mark.slow
def test_processes_give_the_same():
    two, _ = experiment.compute(Small("t5"), workers=2)
    assert two["accuracy"].dims[:3] == ("seed", "setting", "task")
    alone = Small("t5").piece((1, "code", "qqp"))
    found = two["accuracy"].sel(seed=1, setting="code", task="qqp")
    np.testing.assert_array_equal(found, alone.astype(np.float32))
    assert two["experts"].sizes["seed"] == 2


def test_a_part_that_disagrees_stops(monkeypatch):
    grid, shipped = Grid("switch", tolerance=0.01), grids.load("switch")

    def exact(self, cell, only=None, groups=None):
        part = shipped["accuracy"].sel(seed=cell[0], setting=cell[1], task=cell[2])
        return part.drop_vars(["seed", "setting", "task"])

    monkeypatch.setattr(Grid, "piece", exact)
    probes = grid.probes(shipped)
    assert experiment.recheck(grid, shipped, probes, cells=2).difference == 0
    with pytest.raises(ValueError, match=r"perturbing_switch for \d, .* is 0.2 off"):
        experiment.recheck(grid, shipped.assign(accuracy=shipped["accuracy"] + 0.2), probes)
    with pytest.raises(ValueError, match="nan off"):  # something was never made
        experiment.recheck(grid, shipped.assign(accuracy=shipped["accuracy"].where(shipped["seed"] > 9)), probes)


def test_of_another_model_nothing_is_shipped():
    assert experiment.is_shipped(Grid("t5"))
    assert not experiment.is_shipped(Grid("t5", "google-t5/t5-base", "paper"))


def test_an_unknown_grid_is_named():
    with pytest.raises(ValueError, match="unknown grid 'bert'; known: t5, switch"):
        Grid("bert")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 1}, "got limit 1, expected 2 or more, as an interval takes two draws, or 0 for the whole grid"),
        ({"limit": -3}, "got limit -3, expected 2 or more"),
        ({"track": "learnable"}, "unknown track 'learnable' of the grid 't5'; known: mini, paper"),
    ],
)
def test_a_grid_that_cannot_be_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        Grid("t5", **options)


@pytest.mark.parametrize(
    ("kind", "track", "tasks"),
    [
        ("t5", "mini", {"cola", "mrpc", "mnli", "qnli"}),
        ("t5", "paper", {"sst2", "mrpc", "mnli", "qnli"}),
        ("switch", "mini", {"qqp", "sst2"}),  # the two that all settings have
        ("switch", "paper", {"cola", "mnli"}),
    ],
)
def test_a_limit_holds_along_every_axis(kind, track, tasks):
    part, whole = Grid(kind, track=track, limit=2), Grid(kind, track=track)
    assert {cell[2] for cell in part.cells()} == tasks
    assert {cell[:2] for cell in part.cells()} == {cell[:2] for cell in whole.cells()}
    assert part.plan == whole.plan._replace(draws=2, **({"tasks": part.plan.tasks} if kind == "t5" else {}))
    assert cost.passes(part) < cost.passes(whole) / 25
    assert part.name != whole.name
    assert not experiment.is_shipped(part)


def test_a_limit_of_more_than_there_is_takes_all():
    for kind in ("t5", "switch"):
        assert Grid(kind, limit=100).cells() == Grid(kind).cells()
        assert cost.passes(Grid(kind, limit=100)) == cost.passes(Grid(kind))


def test_only_a_part_of_a_grid_has_its_limit_in_the_key():
    key, other = (Grid("t5", limit=limit).key((0, "text", "qqp")) for limit in (0, 2))
    assert other.pop("limit") == 2
    assert list(key) == list(other)
    assert key["plan"] == list(lesion_grid.PLANS["mini"])
    assert key["plan"] != other["plan"]


def test_the_cost_counts_every_row_that_is_read():
    t5, switch = Grid("t5"), Grid("switch")
    plan = t5.plan
    masks = sum(1 + len(lesion_grid.wanted(plan, setting)) for _, setting, _ in t5.cells())
    assert cost.passes(t5) == masks * 20 * 16
    expected = 0
    for _, name, _ in switch.cells():
        s = fewshot_grid.SETTINGS["mini"][name]
        expected += 3 * 8 * (3 * 16 * s.steps + 9 * 400)
    assert cost.passes(switch) == expected


def test_reading_counts_the_weights_that_a_token_meets():
    attention, feed_forward = 4 * 768**2, 2 * 768 * 3072
    rest = 25 * 768 + 32 * 12  # norms, and the biases of distances
    dense = 12 * (attention + feed_forward) + rest
    assert cost.weights_read("google-t5/t5-base") == dense
    more = 15 * 768 * 3072 + 16 * 768  # W_I of the other experts, and the router
    assert cost.weights_read("google/switch-base-16") == dense + 6 * more
