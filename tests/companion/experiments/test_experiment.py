"""One mechanism for what takes long: computed once, goes on where it was stopped, and found out when it is wrong."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
from toys import NUMBERS, Squares

from companion.experiments import experiment
from companion.experiments.experiment import Checked
from companion.functions import sources
from modularity import measure, store, stored_file


@pytest.fixture
def squares(tmp_path):
    return Squares(str(tmp_path / "log"))


def computed(squares):
    with open(squares.log) as log:
        return sorted(int(line) for line in log)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_cell_is_computed_once_and_kept(squares, workers):
    for number in (workers, 1):  # and then read
        whole, _ = experiment.compute(squares, workers=number)
        assert whole["square"].to_numpy().tolist() == [1, 4, 9, 16]
    assert computed(squares) == [1, 2, 3, 4]


def test_what_was_stopped_goes_on_where_it_was(squares):
    with pytest.raises(RuntimeError, match="stopped"):
        experiment.compute(Squares(squares.log, broken=3), workers=1)
    experiment.compute(squares, workers=1)
    assert computed(squares) == [1, 2, 3, 4]


def test_an_error_is_not_told_behind_all_other_cells(squares):
    with pytest.raises(RuntimeError, match="stopped"):
        experiment.compute(Squares(squares.log, broken=1, numbers=tuple(range(60)), pause=0.3), workers=2)
    assert len(computed(squares)) < 50


@pytest.fixture
def shipped(squares, tmp_path, monkeypatch):
    """The experiment with its file in place of this repository's data."""
    monkeypatch.setattr(sources, "data_folder", lambda: tmp_path)
    monkeypatch.setattr(sources, "path", lambda name: tmp_path / name)
    path = experiment.write(squares, workers=1)
    entry = SimpleNamespace(sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(sources, "registry", lambda: {"results/squares.zarr.zip": entry})
    return experiment.load(squares)


def test_what_is_shipped_is_what_was_computed_and_says_from_what(squares, shipped):
    assert shipped["square"].to_numpy().tolist() == [1, 4, 9, 16]
    key = stored_file.provenance(shipped)["key"]
    assert (key["experiment"], key["of"], key["measure"]) == ("squares", "numbers", measure.VERSION)


def test_a_wrong_number_is_found_and_its_cell_is_named(squares, shipped):
    wrong = shipped.copy(deep=True)
    wrong["square"].loc[3] = 10.0
    with pytest.raises(ValueError, match=r"squares for 3 is 1 off.*make results ONLY=squares"):
        experiment.recheck(squares, wrong, squares.probes(wrong), cells=4)
    assert experiment.recheck(squares, shipped, squares.probes(shipped), cells=4) == Checked("squares", 4, 0.0)


def test_a_number_that_is_absent_is_not_within_the_tolerance(squares, shipped):
    with pytest.raises(ValueError, match="nan off"):
        experiment.recheck(squares, shipped * np.nan, squares.probes(shipped), cells=1)


def test_cells_are_drawn_at_random_and_a_seed_draws_the_same(squares, shipped, monkeypatch):
    drawn = []
    monkeypatch.setattr(Squares, "again", lambda self, shipped, probe: drawn.append(probe) or 0.0)
    for seed in (*range(20), 0):
        experiment.recheck(squares, shipped, squares.probes(shipped), cells=1, seed=seed)
    assert len(set(drawn)) == len(NUMBERS)
    assert drawn[0] == drawn[-1]


def test_what_cannot_be_checked_here_is_said(shipped, squares):
    some = Squares(squares.log, missing=(1, 2, 3))
    said = experiment.recheck(some, shipped, some.probes(shipped), cells=4)
    assert (said.cells, len(said.missing)) == (1, 3)
    assert "rechecked (1 cell," in str(said)
    assert "not rechecked here: the number 2 is not installed" in str(said)
    none = Squares(squares.log, missing=NUMBERS)
    assert "shipped, not rechecked" in str(experiment.recheck(none, shipped, none.probes(shipped)))


def test_full_computes_none_reads_and_slice_rechecks(squares, shipped, monkeypatch):
    def never(*_):
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(Squares, "again", never)
        patch.setattr(Squares, "compute", never)
        found, said = experiment.obtain(squares, "none")
        assert (found["square"] == shipped["square"]).all()
        assert said.cells == 0
    assert experiment.obtain(squares, "slice")[1].cells == 3
    store.folder().rename(store.folder().with_name("elsewhere"))
    found, said = experiment.obtain(squares, "full", workers=1)
    assert said.computed
    assert (found["square"] == shipped["square"]).all()
    with pytest.raises(ValueError, match="unknown recompute 'some'; known: slice, full, none"):
        experiment.obtain(squares, "some")
