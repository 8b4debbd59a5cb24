"""Strategies have equal sizes, take what they say, and share their draws."""

import numpy as np
import pytest
import xarray as xr

from companion.experiments import fewshot, fewshot_grid
from companion.experiments.fewshot_grid import Plan, Setting
from companion.models import catalogue
from modularity import moefication

PLAN = Plan(rate=5e-3, least=4, judged=12, ranked=20, draws=2)


@pytest.fixture(scope="module")
def switch():
    return catalogue.load("switch-mini")


def scored(values):
    """Mean predictivities of one layer of 16 experts with 100 neurons each."""
    coordinates = {"subfunction": ["sst2"], "function": ("subfunction", ["task"]), "layer": [3]}
    return xr.DataArray(values[None, None], coordinates, ("subfunction", "layer", "neuron"))


@pytest.fixture
def groups():
    return xr.DataArray(np.repeat(np.arange(16), 100)[None].astype(np.uint8), {"layer": [3]}, ("layer", "neuron"))


def test_the_fullest_experts_are_functional(rng, groups):
    values = rng.uniform(0.5, 0.6, 1600)
    values[700:708] = 0.9  # eight of the sixteen top neurons in expert 7, four in expert 2
    values[200:204] = 0.8
    assert fewshot_grid.experts_of_task(scored(values), groups, 1)[3] == [7]
    assert fewshot_grid.experts_of_task(scored(values), groups, 2)[3] == [7, 2]


def test_equals_are_told_apart_by_their_mean(groups):
    values = np.full(1600, 0.5)
    values[::100] = 0.9  # one top neuron an expert
    values[300:400] += 0.01
    assert fewshot_grid.experts_of_task(scored(values), groups, 1)[3] == [3]


def test_strategies_are_of_equal_size_and_apart():
    own = {1: [3, 4], 3: [0, 1, 2]}
    for seed in range(20):
        others = fewshot_grid.allowed("No Function", own, 8, seed=seed)
        assert {layer: len(e) for layer, e in others.items()} == {1: 2, 3: 3}
        assert all(not set(others[layer]) & set(own[layer]) for layer in own)
    assert fewshot_grid.allowed("Function", own, 8, seed=0) == {1: [3, 4], 3: [0, 1, 2]}
    assert fewshot_grid.allowed("Original", own, 8, seed=0) == {1: list(range(8)), 3: list(range(8))}
    drawn = {tuple(fewshot_grid.allowed("No Function", own, 8, seed=seed)[3]) for seed in range(20)}
    assert len(drawn) > 3


@pytest.mark.parametrize(
    ("strategy", "own", "message"),
    [
        ("Half", {3: [0]}, "unknown strategy 'Half'; known: Original, No Function, Function"),
        ("No Function", {3: [0, 1, 2, 4, 5]}, "layer 3 has 5 functional experts and only 3 others"),
    ],
)
def test_bad_strategies_are_named(strategy, own, message):
    with pytest.raises(ValueError, match=message):
        fewshot_grid.allowed(strategy, own, 8, seed=0)


def test_a_piece_pairs_its_strategies(switch, monkeypatch):
    """All strategies of a draw get the same examples, other rows to choose by, and the same validation rows."""
    calls = []

    def tune(model, task, examples, judged, *, allowed, seed, **options):
        calls.append((seed, examples, judged, allowed, options))
        return np.full((2, 3), 0.5)

    monkeypatch.setattr(fewshot, "tune", lambda *a, **k: xr.DataArray(tune(*a, **k)))
    monkeypatch.setitem(
        fewshot_grid.SETTINGS, "mini", {"tiny": Setting("original", False, examples=10, steps=4, every=2)}
    )
    found = fewshot_grid.piece(switch, "tiny", "sst2", PLAN, moefication.experts(switch))
    assert found.dims == ("strategy", "draw", "rows", "evaluation")
    assert found.shape == (3, 2, 2, 3)
    assert not np.isnan(found).any()
    for seed in (0, 1):
        of_seed = [c for c in calls if c[0] == seed]
        assert len(of_seed) == 3
        for _, examples, judged, _, options in of_seed:
            assert examples.equals(of_seed[0][1])
            assert len(examples) == 10
            assert len(judged["apart"]) == 12
            assert not set(judged["apart"].index) & set(examples.index)
            assert judged["validation"].equals(calls[0][2]["validation"])
            assert options["layers"] == [2, 3]
        assert [len(c[3][3]) for c in of_seed] == [16, 4, 4]
    assert not calls[0][1].equals(calls[-1][1])


def test_a_data_set_with_few_rows_leaves_some_to_choose_the_step_by(switch, monkeypatch):
    """RTE has 2,490 rows, fewer than the 4,096 examples of a setting."""
    sizes = []

    def tune(_model, _task, examples, judged, **_):
        sizes.append((len(examples), len(judged["apart"]), len(set(examples.index) | set(judged["apart"].index))))
        return xr.DataArray(np.full((2, 9), 0.5))

    monkeypatch.setattr(fewshot, "tune", tune)
    train = fewshot_grid.tracks.task_table("sst2", "train").head(30)
    monkeypatch.setattr(fewshot_grid.tracks, "task_table", lambda *_: train)
    groups = moefication.experts(switch)
    for judged, expected in ((12, (18, 12, 30)), (20, (15, 15, 30))):
        plan = PLAN._replace(judged=judged)
        fewshot_grid.piece(switch, "more", "sst2", plan, groups, only=[("Function", 0)])
        assert sizes.pop() == expected


def test_a_limit_shortens_the_learning(switch, monkeypatch):
    steps = []

    def tune(*_, steps: int, every: int, taken=steps, **__):
        taken.append((steps, every))
        return xr.DataArray(np.full((2, 3), 0.5))

    monkeypatch.setattr(fewshot, "tune", tune)
    options = {"only": [("Function", 0)], "limit": 2}
    found = fewshot_grid.piece(switch, "more", "sst2", PLAN, moefication.experts(switch), **options)
    assert steps == [(16, 8)]
    assert found.sizes["evaluation"] == 3


def test_only_what_is_asked_for_is_computed(switch, monkeypatch):
    monkeypatch.setattr(fewshot, "tune", lambda *_, **__: xr.DataArray(np.full((2, 9), 0.5)))
    found = fewshot_grid.piece(switch, "code", "sst2", PLAN, moefication.experts(switch), only=[("Function", 1)])
    assert found.sel(strategy="Function", draw=1).notnull().all()
    assert int(found.notnull().sum()) == 18


def test_unknown_settings_and_tasks_are_named(switch):
    groups = moefication.experts(switch)
    with pytest.raises(ValueError, match="unknown setting 'loud'; known: code, text, more"):
        fewshot_grid.piece(switch, "loud", "sst2", PLAN, groups)
    with pytest.raises(ValueError, match="no sub-function of the task function is of 'boolq'"):
        fewshot_grid.piece(switch, "code", "boolq", PLAN, groups)


def test_the_papers_tasks_go_the_same_way(switch, glue_folder, monkeypatch):
    tiny = Setting("renormalised", True, examples=8, steps=2, every=2)
    monkeypatch.setitem(fewshot_grid.SETTINGS, "paper", {"text": tiny})
    plan = PLAN._replace(judged=4, ranked=3)
    found = fewshot_grid.piece(switch, "text", "mnli", plan, moefication.experts(switch), track="paper")
    assert found.shape == (3, 2, 2, 2)
    assert found.notnull().all()
