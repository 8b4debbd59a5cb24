"""Readings spread over the workers of a Dask scheduler: a sub-function is a piece, which is made once and stored."""

import os
import platform
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import xarray as xr
from tqdm import tqdm

from modularity import measure, readings, store
from modularity.models import Model
from modularity.subfunction import SubFunction

TURNS = threading.Lock()  # of a worker's threads: models are read by hooks, which two at once would share


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A `distributed.Client` of the scheduler at `address`, as ``tcp://host:8786``, until the block is left.

    Trust the scheduler like a shell on your account: whoever reaches it can run any code on workers and client, which
    exchange pickles.

    Raises
    ------
    ConnectionError
        No scheduler answers, or it went away.
    ModuleNotFoundError
        distributed is not installed.
    """
    try:
        import distributed
        from distributed.comm.core import CommClosedError
    except ModuleNotFoundError as error:
        message = f"the scheduler {address} needs the package distributed: pip install distributed"
        raise ModuleNotFoundError(message, name="distributed") from error
    try:
        client = distributed.Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"no Dask scheduler answers at {address} ({error}); "
            "start `dask scheduler` and give the address that it prints, as tcp://host:8786"
        ) from error
    with client:
        try:
            yield client
        except (CancelledError, CommClosedError) as error:
            raise ConnectionError(
                f"the scheduler at {address} went away ({error}); what is finished is stored: "
                "start it and its workers anew, and run the same again"
            ) from error


def read(
    address: str, model: Model, subfunctions: Sequence[SubFunction], groups: xr.DataArray, **options: Any
) -> xr.Dataset:
    """`readings.read`, each sub-function by one thread of a worker of the scheduler at `address`.

    Workers are sent the model, and need the same versions of the libraries. A sub-function is stored here once it is
    read; that of a killed worker is read by another. On processors of one kind the numbers are, bit for bit, those of
    this process on one thread.

    Parameters
    ----------
    model : with a fingerprint; on the CPU, or on a GPU such as the workers have.
    groups, options : as `readings.read` takes them.

    Raises
    ------
    ValueError
        Of a worker: model, measure or libraries are others there than here; and what `readings.read` raises.
    ConnectionError, ModuleNotFoundError
        What `connected` raises.
    """
    decides = {"model": model.fingerprint, **measure.key()}
    parts = [groups["partition"].to_numpy().tolist(), groups.to_numpy()]
    name, common = f"reading-{model.stem}", {"groups": parts, **options, **decides}
    keys = [common | {"subfunction": [s.name, s.function, list(s.sentences), s.labels]} for s in subfunctions]
    paths = [store.Entry.of(name, key).path for key in keys]
    with connected(address) as client:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")
            # By a task, which is done again where all workers that had the model are gone.
            sent = client.submit(tuple, [model, groups, options], key=f"model-{store.digest(common)}")

        def ask(i: int) -> Any:
            return client.submit(_read, sent, decides, subfunctions[i], key=paths[i].name)

        asked = {i: ask(i) for i, path in enumerate(paths) if not path.is_file()}

        def found(i: int) -> xr.Dataset:  # a stored file may be damaged, and is asked for then
            return store.cached_dataset(name, keys[i], lambda: (asked.pop(i, None) or ask(i)).result())

        return readings.joined(found(i) for i in tqdm(range(len(keys)), desc=model.label, unit="sub-function"))


def _read(sent: tuple[Model, xr.DataArray, dict], decides: Mapping[str, object], one: SubFunction) -> xr.Dataset:
    """What a worker does."""
    model, groups, options = sent
    with TURNS:
        check_same(one.name, decides, {"model": model.fingerprint, **measure.key()})
        return on_one_thread(partial(readings.read, model, [one], groups, **options))


def check_same(name: str, asked: Mapping[str, object], own: Mapping[str, object]) -> None:
    """A `ValueError` of a worker that would compute `name` from other things than it was asked for."""
    if other := [n for n in sorted(asked.keys() | own.keys()) if own.get(n) != asked.get(n)]:
        said = ", ".join(f"{n} {str(own.get(n))[:12]} instead of {str(asked.get(n))[:12]}" for n in other)
        raise ValueError(
            f"the worker {platform.node()}:{os.getpid()} would make {name} of other things than the client: {said}; "
            "install the same commit and packages for both, copy models and data there anew, and start the worker again"
        )


def on_one_thread(compute: Callable[[], xr.Dataset]) -> xr.Dataset:
    """What `compute` gives on one thread of torch, on whose number sums depend."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return compute()
    finally:
        torch.set_num_threads(threads)
