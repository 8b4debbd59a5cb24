"""Results on disk, found by what they were computed from. An aid: where they cannot be stored, they are computed."""

import hashlib
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from modularity import environment, stored_file

ENVIRONMENT = "MODULARITY_CACHE"
PROBE = 1 << 16  # bytes that a usable folder takes
_SAID: set[str] = set()  # warnings are given once, however many results there are


def folder() -> Path:
    """``modularity`` in the user's cache folder, or the folder that the variable ``MODULARITY_CACHE`` names."""
    return environment.named(ENVIRONMENT) or environment.user_cache() / "modularity"


def digest(value: object) -> str:
    """A sha256 that is equal for equal content: of plain data and arrays."""
    sha = hashlib.sha256()

    def feed(part: object) -> None:
        if isinstance(part, np.ndarray):
            sha.update(f"{part.dtype}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        elif isinstance(part, Mapping):
            for key in sorted(part):
                feed(key)
                feed(part[key])
        elif isinstance(part, list | tuple):
            sha.update(f"[{len(part)}".encode())
            for item in part:
                feed(item)
        elif isinstance(part, str | int | float | bool | None):
            sha.update(f"{type(part).__name__}:{part!r};".encode())
        else:
            raise TypeError(f"cannot take the digest of a {type(part).__name__}; give plain data or arrays")

    feed(value)
    return sha.hexdigest()


@dataclass(frozen=True)
class Entry:
    """The place of one result in the store."""

    path: Path
    key: Mapping[str, str | int | float | bool]  # what it is computed from; what is long by its digest

    @classmethod
    def of(cls, name: str, key: Mapping[str, object]) -> "Entry":
        """`name` and `key` as `cached` takes them."""
        short = {k: v if isinstance(v, str | int | float | bool) else digest(v) for k, v in key.items()}
        return cls(folder() / f"{name}-{digest(key)[:16]}.zarr.zip", short)

    def find(self) -> xr.Dataset | None:
        """What is stored, or None; a warning names a file that is damaged, cannot be opened or has another key."""
        try:
            return stored_file.read_dataset(self.path, key=self.key)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, OSError) as error:
            warnings.warn(f"{error}; it is computed again", stacklevel=4)  # whoever called `cached`
            return None

    def keep(self, result: xr.DataArray | xr.Dataset) -> bool:
        """Store `result`; False, and a warning, if that is not possible."""
        try:
            stored_file.write(self.path, result, self.key)
        except (OSError, MemoryError, TypeError, ValueError) as error:  # whatever disk, memory or zarr refuses
            _warn(self.path.parent, error)
            return False
        return True


def usable() -> bool:
    """Whether results can be stored; if not, a warning says so."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder()) as probe:
            probe.write(bytes(PROBE))
    except OSError as error:
        _warn(folder(), error)
        return False
    return True


def _warn(folder: Path, error: Exception) -> None:
    reason = (error.strerror if isinstance(error, OSError) else None) or error  # without the name of a temporary file
    text = (
        f"results are computed but not stored in {folder} ({type(error).__name__}: {reason}); "
        f"to keep them, make that folder writable or name another one in {ENVIRONMENT}"
    )
    if text not in _SAID:
        _SAID.add(text)
        warnings.warn(text, stacklevel=5)  # whoever called `cached`


def cached(name: str, key: Mapping[str, object] | None, compute: Callable[[], xr.DataArray]) -> xr.DataArray:
    """The stored result for `key`, or `compute()`, stored.

    A result that cannot be stored is returned all the same, with a warning; another one before it is computed says that
    the folder cannot be written. A stored file that is damaged or has another key is named in a warning and replaced.

    Parameters
    ----------
    name : what the file is called, with a digest of `key` behind it.
    key : everything that the result depends on: data, weights and options. None for what has no name, as a model
        that is being perturbed: it is computed and not stored.
    """
    return stored_file.as_array(cached_dataset(name, key, lambda: stored_file.as_dataset(compute())))


def cached_dataset(name: str, key: Mapping[str, object] | None, compute: Callable[[], xr.Dataset]) -> xr.Dataset:
    """`cached` for results of several variables."""
    if key is None:
        return compute()
    entry = Entry.of(name, key)
    if (found := entry.find()) is None:
        usable()  # said before hours of computing, not only behind them
        found = compute()
        entry.keep(found)
    return found
