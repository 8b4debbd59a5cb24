"""What a rehearsal leaves is put in place whole, twice the same, or not at all."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr
from filelock import FileLock
from places import ROOT

from companion.gpu import collect, pieces
from modularity import stored_file

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory):
    """What a rehearsal leaves, of one for all test workers: who comes while it is made waits for it."""
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "rehearsed"
    whole = out.with_suffix(".whole")
    with FileLock(out.with_suffix(".lock")):
        if not whole.exists():
            shutil.rmtree(out, ignore_errors=True)
            variables = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "lib")}
            command = [sys.executable, "-W", "ignore", "-m", "companion.gpu", str(out), "--rehearsal"]
            done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=900, check=False)
            assert done.returncode == 0, done.stdout + done.stderr[-2000:]
            whole.touch()
    return out


def test_a_rehearsal_runs_every_step(rehearsed):
    report = json.loads((rehearsed / pieces.JSON).read_text())
    assert {word["became"] for word in report["steps"].values()} == {"done"}
    assert len(list(rehearsed.iterdir())) <= pieces.FILES
    assert report["models"].keys() == report["histories"].keys() == {"t5-midi", "switch-midi"}


def test_collecting_twice_gives_the_same(rehearsed, tmp_path):
    made = collect.collect(rehearsed, tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.safetensors")}
    history = stored_file.read_dataset(tmp_path / "history/t5-midi-0.zarr.zip")
    assert collect.collect(rehearsed, tmp_path) == made
    assert before == {p: p.read_bytes() for p in tmp_path.rglob("*.safetensors")}
    again = stored_file.read_dataset(tmp_path / "history/t5-midi-0.zarr.zip")
    xr.testing.assert_equal(history, again)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["history", "models", "results"]


def test_a_collecting_that_fails_changes_nothing(rehearsed, tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    (tmp_path / "results/gpu.json").write_text("before")
    replace_, moved = os.replace, []

    def broken(source, target):
        if Path(source).name == "gpu.json" and "results" in str(source) and str(tmp_path / "results") in str(target):
            raise OSError("disk full")
        moved.append(target)
        replace_(source, target)

    monkeypatch.setattr(collect.os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        collect.collect(rehearsed, tmp_path)
    assert moved
    assert [p.read_text() for p in tmp_path.rglob("*") if p.is_file()] == ["before"]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda f: next(f.glob("*.npz")).unlink(), r"the piece \S+npz is missing"),
        (lambda f: next(f.glob("*.npz")).write_bytes(b"x"), r"the piece \S+npz in .* is altered or cut short"),
        (lambda f: (f / "gpu.json").write_text('{"version": 99, "pieces": {}}'), "written in version 99, this reads 2"),
        (lambda f: (f / "gpu.json").write_text("{"), "gpu.json is damaged"),
        (lambda f: (f / "gpu.json").unlink(), "has no gpu.json"),
        (shutil.rmtree, "is not a folder"),
    ],
    ids=["missing", "altered", "version", "damaged", "none", "no-folder"],
)
def test_what_is_wrong_with_a_folder_is_said_once(rehearsed, tmp_path, capsys, harm, said):
    folder = tmp_path / "folder"
    shutil.copytree(rehearsed, folder)
    harm(folder)
    assert collect.main([str(folder), "--data", str(tmp_path / "data")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert re.search(said, line)
    assert not (tmp_path / "data").exists() or not any((tmp_path / "data").iterdir())


def test_a_rehearsal_is_not_shipped(rehearsed, capsys):
    assert collect.main([str(rehearsed)]) == 2
    assert "of a rehearsal" in capsys.readouterr().err
