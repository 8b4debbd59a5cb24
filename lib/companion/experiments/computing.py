"""How the cells of an experiment are computed: by this process, by several, or by the workers of a Dask scheduler.

A cell is computed by one thread, on which sums depend, or on the GPU where there is one, and stored at once: what was
stopped goes on where it was, and on machines of one kind the numbers are the same bit for bit, whoever computes them.
"""

import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Protocol

import torch
import xarray as xr
from tqdm import tqdm

from companion.experiments import dask_workers
from modularity import spread, store

Cell = tuple[str | int, ...]
Kept = store.Entry | xr.Dataset  # where a cell is stored, or the cell itself where it cannot be


class Computable(Protocol):
    """What an experiment needs to have for this; plain data that travels to another process."""

    @property
    def name(self) -> str:
        """What is computed, as a part of a file's name."""
        ...

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        """Everything that decides a cell, as `store.cached` takes it; None for what is never stored."""
        ...

    def compute(self, cell: Cell) -> xr.Dataset:
        """One cell, by one thread."""
        ...


def made(
    experiment: Computable, cells: Sequence[Cell], *, workers: int | None = None, scheduler: str | None = None
) -> Callable[[Cell], xr.Dataset]:
    """Compute all of `cells`; what is returned reads one of them, so that memory does not grow with their number.

    Parameters
    ----------
    workers : processes; if not given one a core, or only this one where there is a GPU.
    scheduler : address of a Dask scheduler, as ``tcp://host:8786``, whose workers compute instead; what has no key is
        computed here all the same. Trust it like a shell on your account: whoever reaches it can run any code on
        workers and client, which exchange pickles. (What is stored is none.)

    Raises
    ------
    ValueError, FileNotFoundError
        Of a worker: what decides a cell is another there than here, or is not there at all.
    ConnectionError, ModuleNotFoundError
        What `dask_workers.by_workers` raises.
    """
    kept: dict[Cell, Kept] = {}
    with tqdm(total=len(cells), desc=experiment.name, unit="cell", smoothing=0.05) as bar:
        for cell, result in arriving(experiment, cells, workers=workers, scheduler=scheduler, bar=bar):
            kept[cell] = result
            bar.update()

    def read(cell: Cell) -> xr.Dataset:
        result = kept[cell]
        found = result.find() if isinstance(result, store.Entry) else result
        return keep(experiment, cell)[1] if found is None else found

    return read


def arriving(
    experiment: Computable, cells: Sequence[Cell], *, workers: int | None, scheduler: str | None, bar: tqdm
) -> Iterator[tuple[Cell, Kept]]:
    """Each cell once it is computed, in any order."""
    workers = workers or (1 if torch.cuda.is_available() else os.cpu_count() or 1)
    if scheduler is not None and experiment.key(cells[0]) is not None:
        pieces = (Piece.of(experiment, cell) for cell in cells)
        yield from ((piece.cell, kept) for piece, kept in dask_workers.by_workers(scheduler, pieces, make, bar))
    elif workers > 1:
        # Not forked: a copy of a process that has used threads or a GPU has neither.
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            waiting = {pool.submit(_kept, experiment, cell): cell for cell in cells}
            try:
                yield from ((waiting[done], done.result()) for done in as_completed(waiting))
            finally:
                pool.shutdown(cancel_futures=True)  # an error is not told behind hours of the others
    else:
        yield from ((cell, _kept(experiment, cell)) for cell in cells)


def keep(experiment: Computable, cell: Cell) -> tuple[store.Entry | None, xr.Dataset]:
    """A cell from the store of this machine, or computed by one thread and stored; and its place there, if it has a
    key."""
    name, key = cell_name(experiment, cell), experiment.key(cell)
    found = store.cached_dataset(name, key, partial(_alone, experiment, cell))
    return None if key is None else store.Entry.of(name, key), found


@dataclass(frozen=True)
class Piece:
    """A cell as the workers of a cluster get it."""

    experiment: Computable
    cell: Cell
    entry: store.Entry  # its place in the store of who asks for it; the key there is what has to decide it

    @classmethod
    def of(cls, experiment: Computable, cell: Cell) -> "Piece":
        """`ValueError` without a key, by which a worker's cell could be told from another one."""
        name, key = cell_name(experiment, cell), experiment.key(cell)
        if key is None:
            raise ValueError(f"the model of {name} has no fingerprint, so a cluster cannot return its results")
        return cls(experiment, cell, store.Entry.of(name, key))


def make(piece: Piece) -> xr.Dataset:
    """What a worker does with a piece: read from its own store, or computed and stored.

    Raises
    ------
    ValueError
        What decides the cell is another here than where it was asked for: the measure, a library, a model, data.
    FileNotFoundError
        A file that it needs is not on this machine, as a checkpoint.
    """
    with spread.TURNS:
        try:
            key = piece.experiment.key(piece.cell) or {}
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"the worker {platform.node()}:{os.getpid()} lacks a file: {error}; share its folder, or copy it to "
                "the same path there"
            ) from error
        name = cell_name(piece.experiment, piece.cell)
        spread.check_same(name, piece.entry.key, store.Entry.of(name, key).key)
        return store.cached_dataset(name, key, partial(_alone, piece.experiment, piece.cell))


def _kept(experiment: Computable, cell: Cell) -> Kept:
    """Where a cell is stored once computed, so that it need not be sent around; itself if it is not stored."""
    entry, found = keep(experiment, cell)
    return entry if entry and entry.path.is_file() else found


def cell_name(experiment: Computable, cell: Cell) -> str:
    """What a cell is called in the store; a model may be named by its path, also by one of Windows."""
    words = (re.sub(r'[/\\:*?"<>| ]', "-", str(part)) for part in (experiment.name, *cell))
    return "-".join(words)


def _alone(experiment: Computable, cell: Cell) -> xr.Dataset:
    return spread.on_one_thread(partial(experiment.compute, cell))
