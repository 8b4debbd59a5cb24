"""What is read of many sub-functions is stored a sub-function at a time: what was stopped goes on where it was."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import xarray as xr
from tqdm import tqdm

from companion.experiments.shipped_readings import content
from modularity import readings, store
from modularity.models import Model
from modularity.subfunction import SubFunction


@dataclass(frozen=True)
class Pieces:
    """A result of many sub-functions: in the store by pieces while it is made, and whole from then on."""

    name: str  # of its files
    key: Mapping[str, object] | None  # what decides it beside the sub-functions; None for what is never stored
    subfunctions: Sequence[SubFunction]

    def whole(self, compute: Callable[[], xr.Dataset]) -> xr.Dataset:
        """The stored result, or that of `compute`, which joins what `each` gives; then its pieces are removed."""
        if self.key is None:
            return compute()
        key = {**self.key, "subfunctions": [content(one) for one in self.subfunctions]}
        path = store.Entry.of(self.name, key).path
        new = not path.is_file()
        found = store.cached_dataset(self.name, key, compute)
        if new and path.is_file():
            for one in self.subfunctions:
                store.Entry.of(self._piece, self._key(one) or {}).path.unlink(missing_ok=True)
        return found

    def each(self, model: Model, read: Callable[[SubFunction], xr.Dataset]) -> Iterator[xr.Dataset]:
        """What `read` gives for each sub-function, in their order, under one bar; stored as soon as it is there."""
        with readings.placed(model):
            for one in tqdm(self.subfunctions, desc=model.label, unit="sub-function"):
                yield store.cached_dataset(self._piece, self._key(one), partial(read, one))

    @property
    def _piece(self) -> str:
        return f"{self.name}-piece"

    def _key(self, one: SubFunction) -> dict[str, object] | None:
        return None if self.key is None else {**self.key, "subfunction": content(one)}
