"""A result as one file: whole or not there, with its provenance and a digest over everything that was written."""

import hashlib
import json
import math
import os
import platform
import secrets
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any

import xarray as xr
from zarr.core.buffer import cpu
from zarr.storage import MemoryStore

DIGEST = ".sha256"  # the part of a file that holds the digest over all its other parts
# An array's metadata name the codecs that decode it, and one of those that numcodecs knows, pickle, can run any code.
CODECS = {"blosc", "delta", "vlen-utf8", "zstd"}
LARGEST = 2**28  # numbers of a result; all scores of Switch-base-16 are 170 million


def write(
    path: Path,
    result: xr.DataArray | xr.Dataset,
    key: Mapping[str, object],
    encoding: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write `result` and its provenance as one file, whole or not at all.

    Whoever reads `path` meanwhile gets what was there before, or this.

    Parameters
    ----------
    key : what the result was computed from, as plain data.
    encoding : how variables are stored, as `xarray.Dataset.to_zarr` takes it; exactly as they are if not given.

    Raises
    ------
    OSError
        The file cannot be written; nothing of it is left.
    ValueError
        `encoding` has a codec that is none of `CODECS`; an array is larger than `LARGEST`.
    """
    provenance = {"key": dict(key), "date": datetime.now(UTC).isoformat(timespec="seconds")}
    provenance |= {"python": platform.python_version(), "machine": platform.machine()}
    made: dict = {}
    # What was read from a file remembers how it lay there: two of them joined would cut the longer one's names.
    dataset = as_dataset(result).drop_encoding().assign_attrs(provenance=json.dumps(provenance))
    dataset.to_zarr(MemoryStore(made), consolidated=False, zarr_format=2, encoding=encoding)
    parts = {name: made.pop(name).to_bytes() for name in sorted(made)}
    _check_arrays(parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    # At random: process numbers are not unique where containers or machines share a folder.
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            with zipfile.ZipFile(file, "w") as target:  # zarr's own zip store writes metadata twice
                for name, content in parts.items():
                    target.writestr(name, content)
                target.writestr(DIGEST, digest(parts))
            file.flush()
            os.fsync(file.fileno())  # else a power failure can leave the name and not the content
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_dataset(path: Path, *, key: Mapping[str, object] | None = None, sha256: str | None = None) -> xr.Dataset:
    """A stored result of any number of variables, in memory.

    Parameters
    ----------
    key : what it has to be computed from, as it was given to `write`; not compared if not given.
    sha256 : of the whole file, where that is known from elsewhere. It then takes the place of the digest inside, which
        files written before there was one do not have.

    Raises
    ------
    ValueError
        The file is damaged, which means that anything differs from what was written; or it belongs to another `key`.
    OSError
        There is no such file, or it may not be opened.
    """
    with path.open("rb") as file:
        try:
            dataset = _decoded(parts_of(file, sha256))
        except Exception as error:  # a changed byte can raise anything, in zipfile, json, zarr, numcodecs and xarray
            raise ValueError(
                f"the stored result {path} is damaged ({type(error).__name__}: {error}); delete it"
            ) from error
    if key is not None and (others := _differing(dataset, key)):
        raise ValueError(f"the stored result {path} was computed with other values of {', '.join(others)}; delete it")
    return dataset


def provenance(result: xr.DataArray | xr.Dataset) -> dict:
    """What a stored result was computed from, and when."""
    return json.loads(result.attrs["provenance"])


def as_dataset(result: xr.DataArray | xr.Dataset) -> xr.Dataset:
    """`result` as it is written: a table without a name becomes the variable ``result``."""
    return result if isinstance(result, xr.Dataset) else result.rename(result.name or "result").to_dataset()


def as_array(dataset: xr.Dataset) -> xr.DataArray:
    """The only variable of `dataset`, with its attributes; `ValueError` if there are more, or none."""
    if len(dataset.data_vars) != 1:
        raise ValueError(f"the result has the variables {', '.join(sorted(map(str, dataset))) or 'none'}, expected one")
    return dataset[next(iter(dataset))].assign_attrs(dataset.attrs)


def parts_of(file: BufferedReader, sha256: str | None = None) -> dict[str, bytes]:
    """Name → content of what a file is put together from, once one of the two digests is right."""
    if sha256 is not None and (found := hashlib.file_digest(file, "sha256").hexdigest()) != sha256:
        raise ValueError(f"its sha256 is {found}, expected {sha256}")
    with zipfile.ZipFile(file) as source:
        if (size := sum(part.file_size for part in source.infolist())) > 8 * LARGEST:
            raise ValueError(f"its parts have {size:,} bytes, more than the {8 * LARGEST:,} of the largest result")
        parts = {name: source.read(name) for name in source.namelist()}
    written = parts.pop(DIGEST, None)
    if sha256 is None and written != digest(parts):
        raise ValueError("the digest over its parts is " + ("missing" if written is None else "not the one written"))
    return parts


def _decoded(parts: Mapping[str, bytes]) -> xr.Dataset:
    _check_arrays(parts)
    content = MemoryStore({name: cpu.Buffer.from_bytes(part) for name, part in parts.items()})
    return xr.open_zarr(content, consolidated=False, zarr_format=2, chunks=None).load()


def digest(parts: Mapping[str, bytes]) -> bytes:
    """Over names and contents; the lengths in front of them tell where each ends."""
    sha = hashlib.sha256()
    for name in sorted(parts):
        sha.update(f"{len(name)} {len(parts[name])} {name}".encode() + parts[name])
    return sha.hexdigest().encode()


def _check_arrays(parts: Mapping[str, bytes]) -> None:
    for name in parts:
        if name.endswith(".zarray"):
            array = json.loads(parts[name])
            codecs = {codec["id"] for codec in [array["compressor"], *(array["filters"] or [])] if codec}
            if (size := math.prod(array["shape"])) > LARGEST:
                raise ValueError(f"{name} has {size:,} numbers, more than the {LARGEST:,} of the largest result")
            if codecs - CODECS:
                raise ValueError(f"{name} has the codec {min(codecs - CODECS)!r}; allowed: {', '.join(sorted(CODECS))}")


def _differing(dataset: xr.Dataset, key: Mapping[str, object]) -> list[str]:
    """Entries of `key` that the stored one does not have, or has otherwise, compared as they are written."""
    stored = provenance(dataset)["key"] if "provenance" in dataset.attrs else {}
    texts = [{name: json.dumps(part) for name, part in each.items()} for each in (stored, key)]
    return sorted(name for name in stored.keys() | key.keys() if texts[0].get(name) != texts[1].get(name))
