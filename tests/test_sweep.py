"""Scores and experts of the same models, in the same order, stored once computed; here or on a cluster, bit for bit."""

import os
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from distributed import Client, LocalCluster
from test_pretrain import NANO, SWITCH, train

from modularity import measure, models, store, stored_file, sweep
from modularity.subfunction import SubFunction

STEPS = [0, 1, 3]


def test_a_model_that_is_no_companion_is_one_run(monkeypatch):
    monkeypatch.setattr(models, "load", lambda name, **_options: name)
    assert list(models.load_runs("google-t5/t5-base", 3)) == ["google-t5/t5-base"]


@pytest.fixture(scope="module")
def subfunctions():
    texts = tuple(
        f"The {a} {b} sat on the {c}." for a in ("red", "old") for b in ("cat", "dog") for c in ("mat", "log")
    )
    words = ("cat", "red", "mat", "old", "log")
    return [SubFunction(word, "task", texts, np.array([int(word in t) for t in texts])) for word in words]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(NANO, folder, stop_after=3)
    return folder


@pytest.fixture(scope="module")
def expected(run, subfunctions):
    """By `scores` itself, on one thread."""
    return dict(scored(run, subfunctions, STEPS))


def scored(run, subfunctions, steps, **options):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "cached", lambda _name, _key, compute: compute())
        found = [(step, sweep.scores(models.load(str(run), step=step), subfunctions, **options)) for step in steps]
    torch.set_num_threads(threads)
    return found


def check(found, expected):
    found = list(found)
    assert [step for step, _ in found] == list(expected)
    for step, scores in found:
        xr.testing.assert_identical(scores, expected[step])


def pieces(folder=None) -> int:
    return len(list((folder or store.folder()).glob("scores-*.zarr.zip")))


def test_layers_are_those_of_all(trained, subfunctions):
    for _ in range(2):  # computed, then read
        whole, part = sweep.scores(trained, subfunctions), sweep.scores(trained, subfunctions, layers=(1, 3))
        np.testing.assert_array_equal(part, whole.sel(layer=[1, 3]))
    assert "layers" not in stored_file.provenance(whole)["key"]  # what was stored before there was the option is found
    assert "layers" in stored_file.provenance(part)["key"]


@pytest.mark.parametrize("chunk", [2, 100])
def test_pieces_make_what_scores_makes(run, subfunctions, expected, chunk):
    check(sweep.checkpoints(run, subfunctions, steps=reversed(STEPS), chunk=chunk), expected)
    assert pieces() == len(STEPS) * -(-len(subfunctions) // chunk)


def test_options_are_those_of_scores(tmp_path, subfunctions):
    train(SWITCH, tmp_path, stop_after=1)
    options = {"score": "auroc", "pooling": "mean", "activation": "pre", "routed_only": True, "layers": [1]}
    found = sweep.checkpoints(tmp_path, subfunctions, chunk=3, **options)
    check(found, dict(scored(tmp_path, subfunctions, models.steps(tmp_path), **options)))


def test_threads_are_left_as_they_were(run, subfunctions):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    next(sweep.checkpoints(run, subfunctions))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def counted(monkeypatch, stop=None):
    """How many pieces are computed in this process; at piece `stop` it is interrupted."""
    made = []
    compute = sweep.predictivity.scores

    def count(*arguments, **options):
        if len(made) == stop:
            raise KeyboardInterrupt
        made.append(1)
        return compute(*arguments, **options)

    monkeypatch.setattr(sweep.predictivity, "scores", count)
    return made


def test_a_stopped_sweep_computes_nothing_twice(run, subfunctions, expected, monkeypatch):
    with monkeypatch.context() as patch:
        counted(patch, stop=4)
        with pytest.raises(KeyboardInterrupt):
            list(sweep.checkpoints(run, subfunctions, steps=STEPS, chunk=2))
    made = counted(monkeypatch)
    check(sweep.checkpoints(run, subfunctions, steps=STEPS, chunk=2), expected)
    assert len(made) == 3 * len(STEPS) - 4


@pytest.fixture
def piece(run, subfunctions):
    model = models.load(str(run), step=1)
    options = sweep.scores.__kwdefaults__
    return sweep.Piece(str(run), 1, model.fingerprint, "scores-x", tuple(subfunctions), options, measure.key())


def test_a_worker_with_other_files_or_code_stops(piece, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"sees no checkpoint of step 1 in .*; share the run's folder"):
        sweep.make(replace(piece, run=str(tmp_path)))
    with pytest.raises(ValueError, match="sees another model at step 3 of"):
        sweep.make(replace(piece, step=3))
    for name, here in measure.key().items():
        with pytest.raises(
            ValueError, match=f"other versions than the client: {name} {here} instead of older; install"
        ):
            sweep.make(replace(piece, measure=measure.key() | {name: "older"}))
    assert pieces() == 0


def test_threads_of_a_worker_take_turns(piece, monkeypatch):
    """They share one model, whose activations are read by hooks."""
    at_once = []
    compute = sweep.predictivity.scores

    def slow(*arguments, **options):
        at_once.append(inside.locked())
        with inside:
            time.sleep(0.05)
            return compute(*arguments, **options)

    inside = threading.Lock()
    monkeypatch.setattr(sweep.predictivity, "scores", slow)
    parts = [replace(piece, subfunctions=(part,)) for part in piece.subfunctions]
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(sweep.make, parts))
    assert at_once == [False] * len(parts)


@pytest.mark.parametrize(
    ("wish", "error", "message"),
    [
        ({"steps": [3, 999]}, FileNotFoundError, "no checkpoint of step 999 in .*: it has 0, 1, 2, 3"),
        ({"chunk": 0}, ValueError, "got 5 sub-functions in chunks of 0"),
        ({"subfunctions": []}, ValueError, "got 0 sub-functions in chunks of 24"),
        ({"scores": "auroc"}, TypeError, "scores has no option 'scores'; its options are score, pooling,"),
        ({"run": "nowhere"}, FileNotFoundError, "nowhere has no checkpoints; `make pretrain` writes them"),
    ],
)
def test_bad_wishes_are_named_at_once(run, subfunctions, wish, error, message):
    with pytest.raises(error, match=message):
        sweep.checkpoints(**{"run": run, "subfunctions": subfunctions} | wish)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://host"])
def test_a_scheduler_that_cannot_be_reached_is_named(run, subfunctions, monkeypatch, address):
    monkeypatch.setattr(sweep.cluster, "PATIENCE", 0.5)
    with pytest.raises(ConnectionError, match=rf"no Dask scheduler answers at {address} within 0.5 s .*dask scheduler"):
        next(sweep.checkpoints(run, subfunctions, scheduler=address))


def test_a_missing_package_is_named(run, subfunctions, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs the package distributed: pip install -e '\.\[cluster\]'"):
        next(sweep.checkpoints(run, subfunctions, scheduler="tcp://127.0.0.1:9"))


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


def test_a_cluster_makes_the_same_bits(cluster, run, subfunctions, expected, monkeypatch):
    address, _, folder = cluster
    made = counted(monkeypatch)
    check(sweep.checkpoints(run, subfunctions, steps=STEPS, scheduler=address, chunk=2), expected)
    assert pieces() == pieces(folder) == 3 * len(STEPS)  # stored where they were made, and here
    assert not made


def test_what_a_cluster_has_made_counts_where_nothing_can_be_stored(
    cluster, run, subfunctions, expected, monkeypatch, tmp_path
):
    address, _, folder = cluster
    (tmp_path / "file").touch()
    monkeypatch.setenv("MODULARITY_CACHE", str(tmp_path / "file"))
    made = counted(monkeypatch)
    with pytest.warns(UserWarning, match="results are computed but not stored in") as given:
        found = list(sweep.checkpoints(run, subfunctions, steps=STEPS, scheduler=address, chunk=2))
    check(found, expected)
    assert len(given) == 1
    assert pieces(folder) == 3 * len(STEPS)
    assert not made


def test_what_a_cluster_has_made_is_not_computed_again(cluster, run, subfunctions, expected, monkeypatch):
    address, _, _ = cluster
    stopped = sweep.checkpoints(run, subfunctions, steps=STEPS, scheduler=address, chunk=2)
    assert next(stopped)[0] == STEPS[0]
    stopped.close()
    stored = pieces()
    assert stored >= 3
    made = counted(monkeypatch)
    check(sweep.checkpoints(run, subfunctions, steps=STEPS, chunk=2), expected)
    assert len(made) == 3 * len(STEPS) - stored


def test_an_error_of_a_worker_is_raised_here(cluster, run, subfunctions, monkeypatch):
    address, _, _ = cluster
    monkeypatch.setattr(measure, "VERSION", 0)
    with pytest.raises(ValueError, match=r"runs other versions than the client: measure \d+ instead of 0"):
        next(sweep.checkpoints(run, subfunctions, scheduler=address))


def test_nothing_is_lost_with_a_killed_worker(cluster, run, subfunctions, expected, tmp_path):
    """It is killed while it computes a piece, which would never end, and the other goes on."""
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
        left.append(3 * len(STEPS) - pieces())
        os.kill(pid, signal.SIGKILL)

    over = threading.Event()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        check(sweep.checkpoints(run, subfunctions, steps=STEPS, scheduler=address, chunk=2), expected)
    finally:
        over.set()
        killer.join()
    assert left
    assert left[0] > 0
    assert pieces() == pieces(folder) == 3 * len(STEPS)
    assert pid not in client.run(os.getpid).values()


def test_a_gpu_is_used_where_there_is_one_and_left_again(monkeypatch, untrained, subfunctions):
    moved = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, where: moved.append(str(where)) or self)
    sweep.scores(untrained, subfunctions)
    assert moved == ["cuda", "cpu"]
    with pytest.raises(ValueError, match="no router"):
        sweep.scores(untrained, subfunctions, routed_only=True)
    assert moved == ["cuda", "cpu"] * 2
