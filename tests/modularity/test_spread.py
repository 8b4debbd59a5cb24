"""What workers of a scheduler read is what one thread reads, bit for bit, and is read once."""

import os
import signal
import sys
import threading

import dask
import numpy as np
import pytest
import torch
import xarray as xr
from distributed import Client, LocalCluster
from transformers import GPT2Config, GPT2LMHeadModel

import modularity
from companion.models import catalogue
from modularity import SubFunction, measure, models, readings, spread, store

WORDS = ("red", "blue", "big", "old")


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    tokenizer = catalogue.tokenizer()
    module = GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_inner=200, n_layer=2, n_head=2))
    return modularity.wrap(module, tokenizer, "mine")


@pytest.fixture(scope="module")
def asked():
    """Sub-functions of two functions, one of them of one only."""
    labels = np.arange(8) % 2
    kinds = ("size" if word == "big" else "colour" for word in WORDS)
    texts = [tuple(f"Number {i} is {word if i % 2 else 'here'} now." for i in range(8)) for word in WORDS]
    return [SubFunction(w, kind, text, labels) for w, kind, text in zip(WORDS, kinds, texts, strict=True)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two workers whose store is not that of this process."""
    folder = tmp_path_factory.mktemp("workers")
    options = {"dashboard_address": ":0", "memory_limit": 0, "local_directory": str(folder / "scratch")}
    environment = {"MODULARITY_CACHE": str(folder / "cache")}
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, env=environment, **options) as made:
        yield made


@pytest.fixture
def client(cluster):
    with Client(cluster.scheduler_address, set_as_default=False) as made:
        made.wait_for_workers(2, timeout=120)
        yield made


def alone(model, asked, **options) -> xr.Dataset:
    """Read by one thread of this process; not stored."""
    groups = modularity.analyse(model, asked, experts=10).partition.expand_dims(partition=["own"])
    return spread.on_one_thread(lambda: readings.read(model, asked, groups, **options))


def pieces():
    return sorted(store.folder().glob("reading-mine-*.zarr.zip"))


def found(model, asked, address, monkeypatch, **options) -> xr.Dataset:
    """Of workers: this process must not read."""
    with monkeypatch.context() as patch:
        patch.setattr(readings, "read", lambda *_, **__: pytest.fail("read here"))
        return modularity.analyse(model, asked, experts=10, scheduler=address, **options).reading.drop_attrs()


def test_workers_read_the_same_bits(model, asked, cluster, client, monkeypatch, tmp_path):
    expected = alone(model, asked).drop_attrs()
    monkeypatch.setenv("MODULARITY_CACHE", str(tmp_path / "empty"))
    made = found(model, asked, cluster.scheduler_address, monkeypatch)
    xr.testing.assert_identical(made, expected)
    assert len(pieces()) == len(asked)


def test_what_was_read_is_not_asked_for_again(model, asked, cluster, client, monkeypatch):
    found(model, asked[:3], cluster.scheduler_address, monkeypatch)
    before = {path: path.stat().st_mtime_ns for path in pieces()}
    assert len(before) == 3
    made = found(model, asked, cluster.scheduler_address, monkeypatch)
    assert made["subfunction"].to_numpy().tolist() == list(WORDS)
    assert {path: path.stat().st_mtime_ns for path in pieces() if path in before} == before
    assert len(pieces()) == 4
    found(model, asked, cluster.scheduler_address, monkeypatch, score="auroc")  # an option is a part of the key
    assert len(pieces()) == 8


def test_a_damaged_piece_is_read_again(model, asked, cluster, client, monkeypatch):
    first = found(model, asked[:2], cluster.scheduler_address, monkeypatch)
    damaged = pieces()[0]
    damaged.write_bytes(b"nothing")
    for path in store.folder().glob("analysis-*"):
        path.unlink()
    with pytest.warns(UserWarning, match=r"reading-mine-\w+.zarr.zip is damaged"):
        again = found(model, asked[:2], cluster.scheduler_address, monkeypatch)
    xr.testing.assert_identical(again, first)
    assert damaged.stat().st_size > 1000


def test_a_worker_that_would_read_something_else_stops(model, asked, cluster, client, monkeypatch):
    monkeypatch.setattr(measure, "VERSION", 0)
    with pytest.raises(
        ValueError, match=r"the worker .* would make red of other things than the client: measure \d+ ins"
    ):
        modularity.analyse(model, asked, experts=10, scheduler=cluster.scheduler_address)
    assert not pieces()


def test_a_model_without_a_fingerprint_is_read_here(model, asked, monkeypatch):
    monkeypatch.setattr(models.Model, "fingerprint", None)
    made = modularity.analyse(model, asked, experts=10, scheduler="tcp://127.0.0.1:9").reading
    assert made["subfunction"].to_numpy().tolist() == list(WORDS)


def test_no_scheduler_and_no_package_are_named(model, asked, monkeypatch):
    options = {"experts": 10, "scheduler": "tcp://127.0.0.1:9"}
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "500ms"}),
        pytest.raises(ConnectionError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9 .*dask sch"),
    ):
        modularity.analyse(model, asked, **options)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ModuleNotFoundError, match=r"tcp://127.0.0.1:9 needs the package distributed: pip install"):
        modularity.analyse(model, asked, **options)


@pytest.mark.slow
def test_what_a_killed_worker_had_is_read_by_another(model, asked, cluster, client, monkeypatch, tmp_path):
    """It is killed while it reads a sub-function, which would never end."""
    expected = alone(model, asked).drop_attrs()
    monkeypatch.setenv("MODULARITY_CACHE", str(tmp_path / "empty"))
    begun = tmp_path / "begun"
    first, pid = min(client.run(os.getpid).items())

    def stall(mark=str(begun)):
        import time
        from pathlib import Path

        from modularity import readings

        def never(*_arguments, **_options):
            Path(mark).touch()
            time.sleep(3600)

        readings.read = never

    client.run(stall, workers=[first])
    over = threading.Event()

    def kill():
        while not begun.exists():
            if over.wait(0.02):
                return
        os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        made = found(model, asked, cluster.scheduler_address, monkeypatch)
    finally:
        over.set()
        killer.join()
    assert begun.exists()
    xr.testing.assert_identical(made, expected)
    assert pid not in client.run(os.getpid).values()
