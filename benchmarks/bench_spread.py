"""Readings spread over processes: two workers of a Dask scheduler, a thread each, against one.

Claim: on two cores two read t5-mini's semantic sub-functions at least 1.7 times as fast as one, and the same bits. Each
worker reads one sub-function before the clock starts, so that it has the model; nothing is in the store.
"""

import os
import tempfile
import time

import xarray as xr
from distributed import LocalCluster

from companion.functions import tracks
from companion.models import catalogue
from modularity import moefication, spread

TARGET = 1.7
ASKED = 24  # sub-functions, beside one a worker to warm up


def seconds(workers: int) -> tuple[float, xr.Dataset]:
    model, asked = catalogue.load("t5-mini"), tracks.load("semantic")[: ASKED + workers]
    groups = moefication.experts(model).expand_dims(partition=["own"])
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MODULARITY_CACHE"] = folder
        with LocalCluster(processes=True, local_directory=folder, **options) as cluster:
            address = str(cluster.scheduler_address)  # type: ignore[union-attr]  # of a cluster that has started
            spread.read(address, model, asked[ASKED:], groups)
            began = time.perf_counter()
            made = spread.read(address, model, asked[:ASKED], groups)
            return time.perf_counter() - began, made


def main() -> None:
    (one, expected), (two, found) = seconds(1), seconds(2)
    xr.testing.assert_identical(found, expected)
    print(
        f"{ASKED} sub-functions of t5-mini: {one:.1f} s by one worker, {two:.1f} s by two, which are "
        f"{one / two:.2f} times as fast (target {TARGET:g}) and give the same bits"
    )


if __name__ == "__main__":
    main()
