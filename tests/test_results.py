"""Grids are whole, resume where they were stopped, and a slice that disagrees stops the notebook."""

import numpy as np
import pytest
import xarray as xr

from modularity import cost, fewshot_grid, lesion_grid, results
from modularity.results import Grid


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULARITY_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("kind", ["t5", "switch"])
def test_what_is_shipped_is_whole(kind):
    grid, shipped = Grid(kind), results.load(kind)["accuracy"]
    for seed, setting, task in grid.pieces():
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
        shipped = results.load(kind)
        key = results.stored_file.provenance(shipped)["key"]
        seeds = shipped["seed"].to_numpy().tolist()
        files = [f"models/{grid.model}/seed-{seed}/model.safetensors" for seed in seeds]
        assert key["models"] == [results.sources.registry()[file].sha256 for file in files]
        assert key["plan"] == str(grid.plan)


def test_a_shipped_slice_is_computed_again():
    grid = Grid("t5")
    shipped = results.load("t5")
    found = grid.piece((1, "code", "sst2"), [("MoE (4)", 8)], results.experts_of(shipped, 1))
    expected = shipped["accuracy"].sel(seed=1, setting="code", task="sst2", order="MoE (4)", number=8)
    assert float(np.abs(found.sel(order="MoE (4)", number=8) - expected).mean()) < 0.02


class Tiny(Grid):
    """Two settings of one run and two tasks, counted instead of computed."""

    made = []  # noqa: RUF012
    stop = None

    def pieces(self):
        return [(0, setting, task) for setting in ("text", "code") for task in ("qqp", "sst2")]

    def piece(self, which, only=None, groups=None):
        if which == self.stop:
            raise KeyboardInterrupt
        self.made.append(which)
        value = float(self.pieces().index(which))
        return xr.DataArray([[value]], {"order": ["random"], "number": [1]}, ("order", "number"), name="accuracy")


def test_a_stopped_grid_goes_on_where_it_was(store, monkeypatch):
    monkeypatch.setattr(Tiny, "made", [])
    monkeypatch.setattr(Tiny, "stop", (0, "code", "qqp"))
    with pytest.raises(KeyboardInterrupt):
        results.compute(Tiny("t5"), workers=1)
    assert Tiny.made == [(0, "text", "qqp"), (0, "text", "sst2")]
    monkeypatch.setattr(Tiny, "stop", None)
    found = results.compute(Tiny("t5"), workers=1)
    assert len(Tiny.made) == 4  # nothing twice
    assert found.dims == ("seed", "setting", "task", "order", "number")
    assert found.sel(seed=0, setting="code", task="sst2").item() == 3


class Small(Grid):
    """A grid that two processes make in seconds."""

    @property
    def plan(self):
        return lesion_grid.Plan(80, 2, draws=1, rows=2, ranked=3)

    def pieces(self):
        return [(seed, "code", "qqp") for seed in (0, 1)]


def test_processes_give_the_same(store):
    two = results.compute(Small("t5"), workers=2)
    assert two.sizes["seed"] == 2
    alone = Small("t5").piece((1, "code", "qqp"))
    np.testing.assert_array_equal(two.sel(seed=1, setting="code", task="qqp"), alone.astype(np.float32))


class One(Small):
    """Only one piece of it."""

    def pieces(self):
        return [(0, "code", "qqp")]


@pytest.mark.filterwarnings("ignore:results are computed but not stored in")
def test_what_processes_made_counts_where_nothing_can_be_stored(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MODULARITY_CACHE", str(tmp_path / "file"))

    def again(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr(One, "piece", again)  # in this process only
    assert results.compute(One("t5"), workers=2).notnull().any()
    with pytest.raises(AssertionError, match="computed again"):
        One("t5").stored((0, "code", "qqp"))


def test_a_slice_that_disagrees_stops(monkeypatch):
    grid, shipped = Grid("switch"), results.load("switch")
    exact = lambda self, which, only=None, groups=None: (  # noqa: E731
        shipped["accuracy"].sel(seed=which[0], setting=which[1], task=which[2]).drop_vars(["seed", "setting", "task"])
    )
    monkeypatch.setattr(Grid, "piece", exact)
    row = results.check(grid, shipped, tolerance=0.01, rng=np.random.default_rng(0))
    assert row["mean difference"].item() == 0
    assert row["chosen"].item().startswith("draw ")
    with pytest.raises(ValueError, match=r"the shipped accuracies of switch-mini, run \d, setting .* are 0\.\d+ off"):
        results.check(grid, shipped.assign(accuracy=shipped["accuracy"] + 0.2), tolerance=0.01)
    with pytest.raises(ValueError, match="are nan off"):  # something was never made
        results.check(grid, shipped.assign(accuracy=shipped["accuracy"].where(shipped["seed"] > 9)), tolerance=0.01)


@pytest.mark.parametrize(
    ("grid", "recompute", "message"),
    [
        (("t5",), "some", "unknown recompute 'some'; known: slice, full, none"),
        (("t5", "google-t5/t5-base", "paper"), "slice", "nothing is shipped for google-t5/t5-base on track 'paper'"),
    ],
)
def test_bad_wishes_are_named(grid, recompute, message):
    with pytest.raises(ValueError, match=message):
        results.obtain(Grid(*grid), recompute)


def test_an_unknown_grid_is_named():
    with pytest.raises(ValueError, match="unknown grid 'bert'; known: t5, switch"):
        Grid("bert")


def test_the_cost_counts_every_row_that_is_read():
    t5, switch = Grid("t5"), Grid("switch")
    plan = t5.plan
    masks = sum(1 + len(lesion_grid.wanted(plan, setting)) for _, setting, _ in t5.pieces())
    assert cost.passes(t5) == masks * 20 * 16
    expected = 0
    for _, name, _ in switch.pieces():
        s = fewshot_grid.SETTINGS["mini"][name]
        expected += 3 * 8 * (3 * 16 * s.steps + 9 * 400)
    assert cost.passes(switch) == expected


def test_reading_counts_the_weights_that_a_token_meets():
    attention, feed_forward = 4 * 768**2, 2 * 768 * 3072
    rest = 25 * 768 + 32 * 12  # norms, and the biases of distances
    dense = 12 * (attention + feed_forward) + rest
    assert cost._read("google-t5/t5-base") == dense
    more = 15 * 768 * 3072 + 16 * 768  # W_I of the other experts, and the router
    assert cost._read("google/switch-base-16") == dense + 6 * more
