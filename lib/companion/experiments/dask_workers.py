"""Work given to the workers of a Dask scheduler, piece by piece, each stored here when it arrives."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import xarray as xr
from tqdm import tqdm

from modularity import spread, store

if TYPE_CHECKING:
    from distributed import Future

AHEAD = 2  # pieces asked for at a time, for each thread of the cluster
LOOK = 5.0  # seconds until the number of workers is looked at again


class Piece(Protocol):
    """What is computed, sent and stored as one."""

    @property
    def entry(self) -> store.Entry:
        """Its place in the store of this machine."""
        ...


P = TypeVar("P", bound=Piece)


def by_workers(
    address: str, pieces: Iterable[P], make: Callable[[P], xr.Dataset], bar: tqdm
) -> Iterator[tuple[P, store.Entry | xr.Dataset]]:
    """Each piece once the workers of a scheduler have made it, in any order.

    What arrives is put into this machine's store, and its place there is given; where that is not possible, the result.

    Parameters
    ----------
    address : of the scheduler, as ``tcp://host:8786``.
    pieces : taken as there are workers for them.
    make : what a worker does with a piece.
    bar : shows the number of workers.

    Raises
    ------
    ConnectionError, ModuleNotFoundError
        What `spread.connected` raises.
    """
    coming = iter(pieces)
    waiting: dict[Future, P] = {}

    def ask(client: Any) -> Iterator[P]:
        """Ask for as many as there are workers for; those that are stored here already."""
        threads: Any = client.nthreads()
        bar.set_postfix(workers=len(threads))
        while len(waiting) < AHEAD * max(1, sum(threads.values())) and (piece := next(coming, None)) is not None:
            if piece.entry.find() is not None:
                yield piece
            else:
                key = piece.entry.path.name  # one task, should two clients ask for it
                waiting[client.submit(make, piece, key=key)] = piece

    def take(future: "Future") -> tuple[P, store.Entry | xr.Dataset]:
        result, piece = future.result(), waiting.pop(future)
        stored = piece.entry.find() is not None or piece.entry.keep(result)  # found where a worker shares this store
        return piece, piece.entry if stored else result

    with spread.connected(address) as client:
        from distributed import wait

        store.usable()  # said now and not only when the first piece arrives
        yield from ((piece, piece.entry) for piece in ask(client))
        while waiting:
            with client.as_current(), suppress(TimeoutError):  # for workers that have come since
                wait(list(waiting), timeout=LOOK, return_when="FIRST_COMPLETED")
            yield from map(take, [future for future in waiting if future.done()])
            yield from ((piece, piece.entry) for piece in ask(client))
