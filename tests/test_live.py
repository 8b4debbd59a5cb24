"""Section 6 draws from shipped histories, from a run's folder, or from a model trained on the spot; all look alike."""

import tempfile
from dataclasses import replace

import numpy as np
import pytest
from test_pretrain import DOCS, NANO, SWITCH, train

from modularity import emergence, functions, history, live, models, pretrain, record

TINY = {"steps": 3, "warmup": 1, "decay": 0.5, "batch": 4, "length": 24, "d_model": 16, "heads": 2, "lr": 0.03}


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """What takes minutes in seconds: a smaller model, less text, fewer sub-functions."""
    monkeypatch.setenv("MODULARITY_CACHE", str(tmp_path))
    monkeypatch.setattr(live, "SMALL", live.SMALL | TINY)
    monkeypatch.setattr(
        live, "WIDTHS", {"t5-mini": {"d_ff": 32}, "switch-mini": {"d_ff": 16, "experts": 4, "capacity": 8}}
    )
    monkeypatch.setattr(live, "PER_CLASS", 4)
    monkeypatch.setattr(live, "LIMIT", 3)
    monkeypatch.setattr(record, "EXPERTS", 4)
    monkeypatch.setattr(record, "TOP", 1 / 16)
    whole = pretrain.pretrain
    monkeypatch.setattr(pretrain, "pretrain", lambda recipe, folder: whole(recipe, folder, DOCS))
    return tmp_path


@pytest.mark.parametrize("name", models.MINI)
def test_a_fresh_history_has_what_a_shipped_one_has(tiny, name, monkeypatch):
    (made,) = live.histories(name, "fresh")
    shipped = history.load(name)
    assert set(made.data_vars) == set(shipped.data_vars)
    for variable in made.data_vars:
        assert set(made[variable].dims) == set(shipped[variable].dims)
    assert set(made["function"].to_numpy()) == {"semantic", "knowledge", "task"}
    assert made["step"].to_numpy().tolist() == [0, 1, 2, 3]
    assert emergence.together([made]).sizes["run"] == 1

    def again(*_arguments, **_options):
        raise AssertionError("trained again")

    monkeypatch.setattr(pretrain, "pretrain", again)
    live.histories(name, "fresh")
    with pytest.raises(AssertionError, match="trained again"):
        live.histories(name, "fresh", seed=1)


def test_a_model_is_trained_where_nothing_can_be_stored(tiny, monkeypatch):
    (tiny / "file").touch()
    monkeypatch.setenv("MODULARITY_CACHE", str(tiny / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tiny))
    with pytest.warns(UserWarning, match="results are computed but not stored in"):
        run = live.train("t5-mini")
    assert (run / "final").is_dir()
    assert tiny in run.parents


@pytest.mark.parametrize("recipe", [NANO, SWITCH])
def test_a_runs_folder_is_a_source(tmp_path, monkeypatch, recipe):
    recipe = replace(recipe, steps=3)
    train(recipe, tmp_path, stop_after=2)
    monkeypatch.setattr(record, "EXPERTS", 4)
    monkeypatch.setattr(record, "TOP", 1 / 16)
    monkeypatch.setattr(record, "followed", lambda: functions.load_all(per_class=4, limit=3))
    with pytest.raises(ValueError, match="the history lacks step 3"):  # it is not at its end
        live.histories("any", str(tmp_path))
    train(recipe, tmp_path)
    (made,) = live.histories("any", str(tmp_path))
    assert made["step"].to_numpy().tolist() == recipe.checkpoints()


def test_shipped_histories_are_those_of_all_runs():
    runs = live.histories("switch-mini")
    assert len(runs) == 3
    assert len(live.histories("switch-mini", seeds=2)) == 2
    np.testing.assert_array_equal(runs[1]["best"], history.load("switch-mini", seed=1)["best"])


def test_unknown_sources_are_named():
    with pytest.raises(ValueError, match="history is 'nowhere', expected 'shipped', 'fresh' or the folder of a run"):
        live.histories("t5-mini", "nowhere")
    with pytest.raises(ValueError, match="'bert' has no small version to be trained on the spot; known: t5-mini"):
        live.histories("bert", "fresh")
    with pytest.raises(ValueError, match="no shipped history of bert"):
        live.histories("bert")


@pytest.mark.parametrize("name", models.MINI)
@pytest.mark.parametrize(("seed", "step"), [(2, 0), (0, 7000)])  # they draw the checkpoints that can be read here
def test_a_slice_of_the_shipped_histories_is_what_the_models_give(name, seed, step):
    row = live.check(live.histories(name), name, rng=np.random.default_rng(seed)).iloc[0]
    assert row["step"] == step
    assert row["greatest difference"] < 0.005


def test_a_slice_that_disagrees_stops():
    runs = [run.assign(experts=run["experts"] + 0.01) for run in live.histories("switch-mini")]
    with pytest.raises(ValueError, match=r"run \d, is 0.01\d off at step .* record it again with `make pretrain`"):
        live.check(runs, "switch-mini", rng=np.random.default_rng(0))
