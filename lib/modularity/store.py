"""Results on disk, found by what they were computed from, each one file with its provenance."""

import hashlib
import json
import os
import platform
import warnings
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import xarray as xr
from zarr.core.buffer import cpu
from zarr.storage import MemoryStore

ENVIRONMENT = "MODULARITY_CACHE"


def folder() -> Path:
    """``.cache`` of the checkout, or the folder that the variable ``MODULARITY_CACHE`` names."""
    return Path(os.environ.get(ENVIRONMENT) or Path(__file__).parents[2] / ".cache")


def digest(value: object) -> str:
    """A sha256 that is equal for equal content: of plain data, arrays, and the source of modules."""
    sha = hashlib.sha256()

    def feed(part: object) -> None:
        if isinstance(part, np.ndarray):
            sha.update(f"{part.dtype}{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        elif isinstance(part, ModuleType):
            sha.update(Path(str(part.__file__)).read_bytes())
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
            raise TypeError(f"cannot take the digest of a {type(part).__name__}; give plain data, arrays or modules")

    feed(value)
    return sha.hexdigest()


def cached(name: str, key: Mapping[str, object], compute: Callable[[], xr.DataArray]) -> xr.DataArray:
    """The stored result for `key`, or `compute()`, stored.

    Parameters
    ----------
    name : what the file is called, with a digest of `key` behind it.
    key : everything that the result depends on: data, weights, options and the modules that compute it.
    """
    path = folder() / f"{name}-{digest(key)[:16]}.zarr.zip"
    if path.exists():
        try:
            return read(path)
        except ValueError as error:
            warnings.warn(f"{error}; it is computed again", stacklevel=2)
    result = compute()
    write(path, result, {k: v if isinstance(v, str | int | float | bool) else digest(v) for k, v in key.items()})
    return result


def write(
    path: Path,
    result: xr.DataArray | xr.Dataset,
    key: Mapping[str, object],
    encoding: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write `result` and its provenance as one file, whole or not at all.

    Parameters
    ----------
    encoding : how variables are stored, as `xarray.Dataset.to_zarr` takes it; exactly as they are if not given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own for each writer: two runs at once must not share a half-written file.
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    provenance = {
        "key": dict(key),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    dataset = result if isinstance(result, xr.Dataset) else result.rename(result.name or "result").to_dataset()
    try:
        parts: dict = {}
        dataset = dataset.assign_attrs(provenance=json.dumps(provenance))
        dataset.to_zarr(MemoryStore(parts), consolidated=False, zarr_format=2, encoding=encoding)
        with zipfile.ZipFile(temporary, "w") as target:  # zarr's own zip store writes metadata twice
            for part in sorted(parts):
                target.writestr(part, parts[part].to_bytes())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path) -> xr.DataArray:
    """A stored result of one variable, in memory.

    Raises
    ------
    ValueError
        The file is damaged.
    """
    dataset = read_dataset(path)
    (variable,) = dataset.data_vars
    return dataset[variable].assign_attrs(dataset.attrs)


def read_dataset(path: Path) -> xr.Dataset:
    """A stored result of any number of variables, in memory; `ValueError` if the file is damaged."""
    try:
        with zipfile.ZipFile(path) as source:  # reading a part checks its checksum
            parts: dict = {part: cpu.Buffer.from_bytes(source.read(part)) for part in source.namelist()}
        return xr.open_zarr(MemoryStore(parts), consolidated=False, chunks=None).load()
    except (zipfile.BadZipFile, OSError, KeyError, ValueError) as error:
        raise ValueError(f"the stored result {path} is damaged ({type(error).__name__}: {error}); delete it") from error


def provenance(result: xr.DataArray | xr.Dataset) -> dict:
    """What a stored result was computed from, and when."""
    return json.loads(result.attrs["provenance"])
