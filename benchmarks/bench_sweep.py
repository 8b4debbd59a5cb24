"""The cells of a history, which are checkpoints, by two Dask workers against one, in one run.

Claim: two workers on two cores take the checkpoints at least 1.7 times as fast as one, and the numbers are the same bit
for bit. Each worker is pinned to one core, alone as well: scoring has a thread for each core of the machine, and one
worker would otherwise use both. This process, which plans and stores, is pinned to none and so takes its share from two
workers but not from one. One and two take turns, each with empty stores; starting them and their imports are not
timed. Needs Linux and two cores that have nothing else to do.
"""

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from distributed import Client, LocalCluster

from companion.experiments import computing
from companion.experiments.histories import History
from companion.functions import tracks
from companion.models import catalogue, checkpoints
from companion.models.recipe import RECIPES

ROUNDS = 3
CHECKPOINTS = 12
TARGET = 1.7


def pin(core: int) -> None:
    """All threads of this process, and those that they start, to one core."""
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), {core})


def keep_in(folder: str) -> None:
    os.environ["MODULARITY_CACHE"] = folder


def start(workers: int, cores: list[int], stack: ExitStack) -> Client:
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": ":0", "memory_limit": 0}
    client = stack.enter_context(Client(stack.enter_context(LocalCluster(n_workers=workers, **options))))
    for address, core in zip(client.nthreads(), cores, strict=False):  # type: ignore[arg-type]
        client.run(pin, core, workers=[address])
    return client


def history_by(client: Client, folder: str, history: History) -> tuple[float, Callable]:
    """Seconds for the cells of a history of which nothing is stored, and what reads one."""
    keep_in(f"{folder}/client")
    client.run(keep_in, f"{folder}/workers")
    began = time.perf_counter()
    made = computing.made(history, history.cells(), scheduler=client.scheduler.address)  # type: ignore[union-attr]
    return time.perf_counter() - began, made


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))[:2]
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        run = Path(name) / "run"
        for step in range(CHECKPOINTS):  # three models stand for all checkpoints
            model = catalogue.load("t5-mini", seed=step % 3)
            checkpoints.save_model(run, model.module, catalogue.tokenizer(), RECIPES["t5-mini"], step)
        few = tuple(tracks.first(one, 50) for one in tracks.load("semantic")[:4])  # a second or two a checkpoint
        history = History(run=str(run), subfunctions=few, steps=tuple(range(CHECKPOINTS)))
        clients = {workers: start(workers, cores, stack) for workers in (1, 2)}
        for workers, client in clients.items():
            history_by(client, f"{name}/warm-{workers}", replace(history, steps=(0, 1)))
        times: dict[int, list[float]] = {1: [], 2: []}
        same = True
        for i in range(ROUNDS):
            made = {}
            for workers, client in clients.items():
                duration, made[workers] = history_by(client, f"{name}/{i}-{workers}", history)
                times[workers].append(duration)
            same &= all(made[1](cell).drop_attrs().identical(made[2](cell).drop_attrs()) for cell in history.cells())
    one, two = (np.array(times[workers]) for workers in (1, 2))
    print(
        f"two workers are {np.median(one / two):.2f} times as fast as one (target {TARGET}), "
        f"the numbers are {'the same' if same else 'NOT the same'}; "
        f"{np.median(two):.1f} s and {np.median(one):.1f} s for {CHECKPOINTS} checkpoints x "
        f"{len(few)} sub-functions, rounds {', '.join(f'{ratio:.2f}' for ratio in one / two)}"
    )


if __name__ == "__main__":
    main()
