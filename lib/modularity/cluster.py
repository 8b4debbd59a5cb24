"""Work given to the workers of a Dask scheduler, piece by piece, each stored here when it arrives."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import xarray as xr
from tqdm import tqdm

from modularity import store

if TYPE_CHECKING:
    from distributed import Future

AHEAD = 2  # pieces asked for at a time, for each thread of the cluster
LOOK = 5.0  # seconds until the number of workers is looked at again
PATIENCE = 10.0  # seconds until a scheduler that does not answer is given up


class Piece(Protocol):
    """What is computed, sent and stored as one."""

    @property
    def step(self) -> int: ...

    @property
    def name(self) -> str:
        """What its file is called."""
        ...

    def key(self) -> Mapping[str, object]:
        """Everything that it depends on, as `store.cached` takes it."""
        ...


P = TypeVar("P", bound=Piece)
R = TypeVar("R", xr.DataArray, xr.Dataset)


def by_workers(
    address: str,
    steps: Sequence[int],
    pieces: Callable[[int], list[P]],
    make: Callable[[P], R],
    bar: tqdm,
) -> Iterator[tuple[int, Iterator[R]]]:
    """Each step with what the workers of a scheduler have made of its pieces.

    What arrives is kept in this machine's store until its step comes, or in memory where it cannot be stored.

    Parameters
    ----------
    address : of the scheduler, as ``tcp://host:8786``.
    pieces : of a step.
    make : what a worker does with a piece, and this process too, to read what is in the store.
    bar : advanced by each piece that arrives or is there.

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
        message = f"the scheduler {address} needs the package distributed: pip install -e '.[cluster]'"
        raise ModuleNotFoundError(message, name="distributed") from error
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"no Dask scheduler answers at {address} within {PATIENCE:g} s ({error}); "
            "start `dask scheduler` and give the address that it prints, as tcp://host:8786"
        ) from error
    coming, planned = deque(steps), dict[int, list[P]]()
    waiting: dict[Future, P] = {}
    loose: dict[Path, R] = {}  # what could not be stored, by where it would be
    store.usable()  # said now and not only when the first piece arrives

    def advance() -> None:
        """Take in what is finished and ask for more."""
        for future in [future for future in waiting if future.done()]:
            result, piece = future.result(), waiting.pop(future)
            entry = store.Entry.of(piece.name, piece.key())
            if entry.find() is None and not entry.keep(result):  # it is found where a worker shares this store
                loose[entry.path] = result
            bar.update()
        threads: Any = client.nthreads()
        bar.set_postfix(workers=len(threads))
        while coming and len(waiting) < AHEAD * max(1, sum(threads.values())):
            planned[coming[0]] = pieces(coming[0])
            for piece in planned[coming.popleft()]:
                if store.Entry.of(piece.name, piece.key()).find() is not None:
                    bar.update()
                else:
                    key = f"{piece.name}-{store.digest(piece.key())}"  # one task, should two clients ask for it
                    waiting[client.submit(make, piece, key=key)] = piece

    def ready(piece: P) -> R:
        path = store.Entry.of(piece.name, piece.key()).path
        return loose.pop(path) if path in loose else make(piece)

    with client:
        for step in steps:
            try:
                advance()
                while any(piece.step == step for piece in waiting.values()):
                    with client.as_current(), suppress(TimeoutError):  # for workers that have come since
                        distributed.wait(list(waiting), timeout=LOOK, return_when="FIRST_COMPLETED")
                    advance()
            except (CancelledError, CommClosedError) as error:
                raise ConnectionError(
                    f"the scheduler at {address} went away ({error}); what is finished is stored: "
                    "start it and its workers anew, and run the same again"
                ) from error
            yield step, (ready(piece) for piece in planned.pop(step))
