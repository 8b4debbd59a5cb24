"""Cells are computed once, here or by the workers of a cluster, bit for bit; a worker that would do otherwise stops."""

import os
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import dask
import numpy as np
import pytest
import torch
import xarray as xr
from distributed import Client, LocalCluster
from tiny_runs import NANO, train
from tqdm import tqdm

from companion.experiments import computing, experiment, stored_scores
from companion.experiments.computing import Piece
from companion.functions import sources
from companion.models import catalogue
from modularity import measure, predictivity, store, stored_file
from modularity.subfunction import SubFunction

STEPS = (0, 1, 3)
WORDS = ("cat", "red", "mat", "old")
TEXTS = tuple(f"The {a} {b} sat on the {c}." for a in ("red", "old") for b in ("cat", "dog") for c in ("mat", "log"))
CELLS = len(STEPS) * len(WORDS)


@dataclass(frozen=True)
class Scores:
    """Of a run: cells are checkpoints and words."""

    run: str
    name: str = "words"
    folder: str = "results"
    tolerance: float = 0.0

    def cells(self):
        return [(step, word) for step in STEPS for word in WORDS]

    def key(self, cell):
        step, word = cell
        return {"model": catalogue.load(self.run, step=step).fingerprint, "word": word, **measure.key()}

    def compute(self, cell):
        step, word = cell
        labels = np.array([int(word in text) for text in TEXTS])
        found = stored_scores.compute(catalogue.load(self.run, step=step), [SubFunction(word, "task", TEXTS, labels)])
        return found.to_dataset(name="score")

    def assemble(self, made):
        rows = [xr.concat([made((step, word)) for word in WORDS], "subfunction") for step in STEPS]
        return xr.concat(rows, "step").assign_coords(step=list(STEPS)).drop_attrs(), {}

    def provenance(self):
        return {}

    def probes(self, shipped):
        return self.cells()

    def again(self, shipped, probe):
        return 0.0


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(NANO, folder, stop_after=3)
    return Scores(str(folder))


@pytest.fixture(scope="module")
def expected(words):
    """On one thread, without the store."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found, _ = words.assemble(words.compute)
    torch.set_num_threads(threads)
    return found


def check(made, expected):
    xr.testing.assert_identical(made[0], expected)


def stored(folder=None) -> int:
    return len(list((folder or store.folder()).glob("words-*.zarr.zip")))


def counted(monkeypatch, stop=None):
    """How many cells are computed in this process; at cell `stop` it is interrupted."""
    made = []
    compute = predictivity.scores

    def count(*arguments, **options):
        if len(made) == stop:
            raise KeyboardInterrupt
        made.append(1)
        return compute(*arguments, **options)

    monkeypatch.setattr(predictivity, "scores", count)
    return made


# This process


def test_threads_are_left_as_they_were(words, monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    seen = []
    monkeypatch.setattr(Scores, "compute", lambda *_: seen.append(torch.get_num_threads()) or xr.Dataset())
    computing.keep(words, (0, "cat"))
    assert (seen, torch.get_num_threads()) == ([1], 2)
    torch.set_num_threads(before)


def test_what_is_stopped_computes_nothing_twice(words, expected, monkeypatch):
    with monkeypatch.context() as patch:
        counted(patch, stop=5)
        with pytest.raises(KeyboardInterrupt):
            experiment.compute(words, workers=1)
    made = counted(monkeypatch)
    check(experiment.compute(words, workers=1), expected)
    assert len(made) == CELLS - 5


def test_what_cannot_be_stored_is_computed_once_all_the_same(words, expected, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MODULARITY_CACHE", str(tmp_path / "file"))
    made = counted(monkeypatch)
    with pytest.warns(UserWarning, match="results are computed but not stored in"):
        check(experiment.compute(words, workers=1), expected)
    assert len(made) == CELLS


def test_a_file_that_goes_away_is_computed_again(words):
    read = computing.made(words, [(0, "cat")], workers=1)
    first = read((0, "cat"))
    shutil.rmtree(store.folder())
    np.testing.assert_array_equal(read((0, "cat"))["score"], first["score"])


# A worker


@pytest.fixture
def piece(words):
    return Piece.of(words, (1, "cat"))


def test_a_worker_makes_what_it_is_asked_for(words, piece, expected):
    for _ in range(2):  # computed, then read
        found = computing.make(piece)["score"]
        np.testing.assert_array_equal(found, expected["score"].sel(step=1, subfunction=["cat"]))
    assert stored() == 1


def test_a_worker_with_other_files_or_code_stops(piece, words, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"the worker .* lacks a file: there is no checkpoint of step 1 in "):
        computing.make(replace(piece, experiment=Scores(str(tmp_path))))
    other = Piece.of(words, (3, "cat")).entry
    with pytest.raises(ValueError, match=r"the worker .* would make words-1-cat .*: model \w+ instead of \w+; install"):
        computing.make(replace(piece, entry=other))
    for name, here in measure.key().items():
        asked = replace(piece.entry, key={**piece.entry.key, name: "older"})
        with pytest.raises(ValueError, match=f"than the client: {name} {here} instead of older; install the same"):
            computing.make(replace(piece, entry=asked))
    monkeypatch.setattr(Scores, "key", lambda *_: None)
    with pytest.raises(ValueError, match="model None instead of"):
        computing.make(piece)
    assert stored() == 0


def test_what_has_no_key_is_no_piece(words, monkeypatch):
    monkeypatch.setattr(Scores, "key", lambda *_: None)
    with pytest.raises(ValueError, match="the model of words-1-cat has no fingerprint"):
        Piece.of(words, (1, "cat"))


def test_threads_of_a_worker_take_turns(words, monkeypatch):
    """They share one model, whose activations are read by hooks."""
    at_once = []
    compute = predictivity.scores

    def slow(*arguments, **options):
        at_once.append(inside.locked())
        with inside:
            time.sleep(0.05)
            return compute(*arguments, **options)

    inside = threading.Lock()
    monkeypatch.setattr(predictivity, "scores", slow)
    parts = [Piece.of(words, (1, word)) for word in WORDS]
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(computing.make, parts))
    assert at_once == [False] * len(parts)


# A scheduler and its workers


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://host"])
def test_a_scheduler_that_cannot_be_reached_is_named(words, address):
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "500ms"}),
        pytest.raises(ConnectionError, match=rf"no Dask scheduler answers at {address} .*dask scheduler"),
    ):
        experiment.compute(words, scheduler=address)


def test_a_missing_package_is_named(words, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs the package distributed: pip install distributed"):
        experiment.compute(words, scheduler="tcp://127.0.0.1:9")


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """A cluster of two, whose store is not that of this process."""
    folder = tmp_path_factory.mktemp("workers")
    options = {"dashboard_address": ":0", "memory_limit": 0, "local_directory": str(folder / "scratch")}
    environment = {"MODULARITY_CACHE": str(folder / "cache")}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, env=environment, **options) as cluster:
        yield cluster, folder / "cache"


@pytest.fixture
def cluster(processes):
    """Its address, a client of it and the empty store of its workers."""
    made, folder = processes
    shutil.rmtree(folder, ignore_errors=True)
    with Client(made.scheduler_address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=120)
        yield made.scheduler_address, client, folder


@pytest.fixture
def results():
    """Not imported above: workers import this file too, and this module would bring all others along."""
    from companion import results

    return results


def test_a_cluster_makes_the_same_bits(cluster, words, expected, monkeypatch):
    address, _, folder = cluster
    made = counted(monkeypatch)
    check(experiment.compute(words, scheduler=address), expected)
    assert stored() == stored(folder) == CELLS  # stored where they were made, and here
    assert not made


def test_results_are_made_by_a_cluster(cluster, words, expected, results, monkeypatch, tmp_path, capsys):
    address, _, folder = cluster
    (tmp_path / "registry.txt").touch()  # in which models are looked up
    monkeypatch.setattr(sources, "data_folder", lambda: tmp_path)
    made = counted(monkeypatch)
    assert results.main(["words", "--scheduler", address], {"words": words}) == 0
    assert "words.zarr.zip: 0.0" in capsys.readouterr().out
    found = stored_file.read_dataset(tmp_path / "results/words.zarr.zip")
    xr.testing.assert_identical(found.drop_attrs(), expected)
    assert stored(folder) == CELLS
    assert not made


def test_what_a_cluster_has_made_counts_where_nothing_can_be_stored(cluster, words, expected, monkeypatch, tmp_path):
    address, _, folder = cluster
    (tmp_path / "file").touch()
    monkeypatch.setenv("MODULARITY_CACHE", str(tmp_path / "file"))
    made = counted(monkeypatch)
    with pytest.warns(UserWarning, match="results are computed but not stored in") as given:
        check(experiment.compute(words, scheduler=address), expected)
    assert len(given) == 1
    assert stored(folder) == CELLS
    assert not made


def test_what_a_cluster_has_made_is_not_computed_again(cluster, words, expected, monkeypatch):
    address, _, _ = cluster
    with tqdm(disable=True) as bar:
        stopped = computing.arriving(words, words.cells(), workers=None, scheduler=address, bar=bar)
        next(stopped)
        stopped.close()
    already = stored()
    assert already >= 1
    made = counted(monkeypatch)
    check(experiment.compute(words, workers=1), expected)
    assert len(made) == CELLS - already


def test_what_is_stored_here_is_not_asked_for(cluster, words, expected):
    address, _, folder = cluster
    experiment.compute(words, workers=1)
    check(experiment.compute(words, scheduler=address), expected)
    assert stored(folder) == 0


def test_what_has_no_key_is_computed_here(cluster, words, expected, monkeypatch):
    address, _, folder = cluster
    monkeypatch.setattr(Scores, "key", lambda *_: None)
    check(experiment.compute(words, workers=1, scheduler=address), expected)
    assert stored() == stored(folder) == 0


def test_an_error_of_a_worker_is_raised_here(cluster, words, results, monkeypatch, capsys):
    address, _, _ = cluster
    monkeypatch.setattr(measure, "VERSION", 0)
    with pytest.raises(ValueError, match=r"the worker .* than the client: measure \d+ instead of 0"):
        experiment.compute(words, scheduler=address)
    assert results.main(["words", "--scheduler", address], {"words": words}) == 2
    assert "error: the worker" in capsys.readouterr().err


@pytest.mark.slow
def test_nothing_is_lost_with_a_killed_worker(cluster, words, expected, tmp_path):
    """It is killed while it computes a cell, which would never end, and the other goes on."""
    address, client, folder = cluster
    begun = tmp_path / "begun"
    first, pid = min(client.run(os.getpid).items())

    def stall(mark=str(begun)):
        import time
        from pathlib import Path

        from modularity import predictivity

        def never(*_arguments, **_options):
            Path(mark).touch()
            time.sleep(3600)

        predictivity.scores = never

    client.run(stall, workers=[first])
    left = []

    def kill():
        while not begun.exists():
            if over.wait(0.02):
                return
        left.append(CELLS - stored())
        os.kill(pid, signal.SIGKILL)

    over = threading.Event()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        check(experiment.compute(words, scheduler=address), expected)
    finally:
        over.set()
        killer.join()
    assert left
    assert left[0] > 0
    assert stored() == stored(folder) == CELLS
    assert pid not in client.run(os.getpid).values()
