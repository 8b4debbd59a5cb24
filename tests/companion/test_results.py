"""``python -m companion.results`` makes what is shipped, and leaves what it has no files for."""

import pytest
from toys import Squares

from companion import results
from companion.experiments import experiment
from companion.experiments.experiment import UnavailableError
from companion.functions import sources


def results_of(capsys, known, *arguments):
    return results.main([*arguments, "--workers", "1"], known), capsys.readouterr()


@pytest.fixture
def squares(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "data_folder", lambda: tmp_path)
    return Squares(str(tmp_path / "log"))


class Absent(Squares):
    def cells(self):
        raise UnavailableError("the numbers are not here")


def test_what_has_no_files_here_is_left_as_it_is_unless_it_is_asked_for(squares, capsys, tmp_path):
    known = {"cubes": Absent(squares.log), "squares": squares, "roots": Absent(squares.log)}
    code, said = results_of(capsys, known)
    assert code == 0
    assert f"{tmp_path}/results/squares.zarr.zip: 0.0" in said.out
    assert "left as shipped, because what they are made from is not here: cubes, roots" in said.out
    assert len(list((tmp_path / "results").iterdir())) == 1
    code, said = results_of(capsys, known, "squares", "cubes")
    assert code == 2
    assert "error: the numbers are not here" in said.err


def test_everything_that_is_shipped_can_be_made():
    """But the simulation of chance, which has a builder of its own."""
    files = {name for name in sources.registry() if name.startswith(("results/", "history/"))}
    assert files - {"results/null.parquet"} <= {experiment.file(e) for e in results.EXPERIMENTS.values()}


def test_unknown_experiments_are_named(capsys):
    with pytest.raises(SystemExit):
        results.main(["cubes"])
    assert "unknown experiment 'cubes'; known: readings_t5-mini" in capsys.readouterr().err
