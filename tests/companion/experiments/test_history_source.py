"""Section 6 draws from shipped histories, from a run's folder, or from a model trained on the spot; all look alike."""

import tempfile
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from tiny_runs import DOCS, NANO, SWITCH, train

from companion.experiments import histories, history_file, history_source
from companion.functions import followed, tracks
from companion.models import catalogue, pretrain

# What takes minutes in seconds: a smaller model, fewer sub-functions.
FEW = history_source.FEW | {"steps": 3, "warmup": 1, "batch": 4, "length": 24, "d_model": 16, "heads": 2, "lr": 0.03}
TINY = history_source.Fresh(
    {"t5-mini": FEW | {"d_ff": 32}, "switch-mini": FEW | {"d_ff": 16, "experts": 4, "capacity": 8}}, 4, 3
)


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A store of its own, less text, and fewer experts."""
    monkeypatch.setenv("MODULARITY_CACHE", str(tmp_path))
    monkeypatch.setattr(histories, "compute", partial(histories.compute, experts=4, top=1 / 16))
    whole = pretrain.pretrain
    monkeypatch.setattr(pretrain, "pretrain", lambda recipe, folder: whole(recipe, folder, DOCS))
    return tmp_path


@pytest.mark.parametrize("name", catalogue.MINI)
def test_a_fresh_history_has_what_a_shipped_one_has(tiny, name, monkeypatch):
    (made,) = history_source.histories(name, "fresh", small=TINY)
    shipped = history_file.load(name)
    assert set(made.data_vars) == set(shipped.data_vars)
    for variable in made.data_vars:
        assert set(made[variable].dims) == set(shipped[variable].dims)
    assert set(made["function"].to_numpy()) == {"semantic", "knowledge", "task"}
    assert made["step"].to_numpy().tolist() == [0, 1, 2, 3]
    assert history_file.together([made]).sizes["run"] == 1

    def again(*_arguments, **_options):
        raise AssertionError("trained again")

    monkeypatch.setattr(pretrain, "pretrain", again)
    history_source.histories(name, "fresh", small=TINY)
    with pytest.raises(AssertionError, match="trained again"):
        history_source.histories(name, "fresh", seed=1, small=TINY)


def test_a_model_is_trained_where_nothing_can_be_stored(tiny, monkeypatch):
    (tiny / "file").touch()
    monkeypatch.setenv("MODULARITY_CACHE", str(tiny / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tiny))
    with pytest.warns(UserWarning, match="results are computed but not stored in"):
        run = history_source.train("t5-mini", small=TINY)
    assert (run / "final").is_dir()
    assert tiny in run.parents


@pytest.mark.parametrize("recipe", [NANO, SWITCH])
def test_a_runs_folder_is_a_source(tmp_path, monkeypatch, recipe):
    recipe = replace(recipe, steps=3)
    train(recipe, tmp_path, stop_after=2)
    monkeypatch.setattr(histories, "compute", partial(histories.compute, experts=4, top=1 / 16))
    monkeypatch.setattr(followed, "subfunctions", lambda: tracks.load_all(per_class=4, limit=3))
    with pytest.raises(ValueError, match="the history lacks step 3"):  # it is not at its end
        history_source.histories("any", str(tmp_path))
    train(recipe, tmp_path)
    (made,) = history_source.histories("any", str(tmp_path))
    assert made["step"].to_numpy().tolist() == recipe.checkpoints()


def test_shipped_histories_are_those_of_all_runs():
    runs = history_source.histories("switch-mini")
    assert len(runs) == 3
    assert len(history_source.histories("switch-mini", seeds=2)) == 2
    np.testing.assert_array_equal(runs[1]["best"], history_file.load("switch-mini", seed=1)["best"])


def test_unknown_sources_are_named():
    with pytest.raises(ValueError, match="history is 'nowhere', expected 'shipped', 'fresh' or the folder of a run"):
        history_source.histories("t5-mini", "nowhere")
    with pytest.raises(ValueError, match="'bert' has no small version to be trained on the spot; known: t5-mini"):
        history_source.histories("bert", "fresh")
    with pytest.raises(ValueError, match="no shipped history of 'bert'; there are those of t5-mini"):
        history_source.histories("bert")


def test_a_cell_of_each_shipped_run_is_computed_again(monkeypatch):
    made, checked = history_source.obtain("switch-mini", seeds=2)
    assert len(made) == len(checked) == 2
    assert [str(said).split(" (")[0] for said in checked] == [
        f"switch-mini-{i}: shipped and rechecked" for i in range(2)
    ]
    monkeypatch.setattr(histories.History, "again", lambda *_: pytest.fail("computed again"))
    made, checked = history_source.obtain("t5-mini-constant", recompute="none")
    assert [str(said) for said in checked] == ["t5-mini-constant-0: shipped, not rechecked"]


def test_a_slice_that_disagrees_stops(monkeypatch):
    monkeypatch.setattr(histories.History, "again", lambda *_: 0.012)
    with pytest.raises(
        ValueError, match=r"shipped in t5-mini-0 for \d+, .* is 0.012 off .*make results ONLY=t5-mini-0"
    ):
        history_source.obtain("t5-mini")


def test_what_full_needs_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("MODULARITY_RUNS", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match=f"{tmp_path}/t5-mini/seed-0 has no checkpoints; `make pretrain-t5-mini-0`"
    ):
        history_source.obtain("t5-mini", recompute="full")
    with pytest.raises(ValueError, match="unknown recompute 'some'"):
        history_source.obtain("t5-mini", recompute="some")


def test_a_run_of_ones_own_is_said_to_be_computed_now(tiny):
    _, checked = history_source.obtain("t5-mini", "fresh", small=TINY)
    assert [str(said) for said in checked] == ["t5-mini, fresh: computed now"]
