"""The authors' released result files (thunlp/Modularity-Analysis, MIT licence): found, checked, opened safely."""

import secrets
import shutil
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
from numpy._core import multiarray

from companion.functions import downloads, sources
from modularity import environment

ENVIRONMENT = "MODULARITY_RELEASED"
COMMIT = "e86b38e"
URL = f"https://github.com/thunlp/Modularity-Analysis/archive/{COMMIT}.tar.gz"
CHECKSUMS = "published/released.sha256"
LARGEST = 2**28  # bytes of a file; all of them together are 4 MB as they are downloaded
# All that a file may name besides what torch's tensors are made of: arrays and numbers of NumPy.
SAFE = (
    np.ndarray,
    np.dtype,
    type(np.dtype("float64")),
    type(np.dtype("int32")),
    (multiarray._reconstruct, "numpy.core.multiarray._reconstruct"),
    (multiarray.scalar, "numpy.core.multiarray.scalar"),
    multiarray._reconstruct,  # the same two as NumPy 2 names them, for files that are written anew
    multiarray.scalar,
)


def find(named: str = "") -> Path | None:
    """The folder `named`, or that of the variable ``MODULARITY_RELEASED``, or one fetched before; None without any."""
    if folder := environment.expanded(named) if named else environment.named(ENVIRONMENT):
        return folder
    return folder if (folder := downloaded()).is_dir() else None


def downloaded() -> Path:
    """Where `fetch` puts the release."""
    return downloads.folder() / f"released-{COMMIT}"


def fetch(url: str = URL, into: Path | None = None, *, largest: int = LARGEST) -> Path:
    """Download the repository at the pinned commit and keep its result files, each checked; nothing else is unpacked.

    Parameters
    ----------
    into : the folder to be made; `downloaded` if not given.
    largest : bytes of a file that is unpacked.

    Raises
    ------
    ConnectionError
        No network; says what to put where.
    ValueError
        A file is not what it was at that commit. Nothing is kept then.
    """
    known, into = checksums(), into or downloaded()
    if into.is_dir():
        check(into)
        return into
    archive = downloads.download(url, into.parent)
    partial = into.with_name(f"{into.name}.{secrets.token_hex(8)}.part")
    try:
        with tarfile.open(archive) as members:
            for member in members:
                name = member.name.partition("/")[2]
                if member.isfile() and name in known and member.size <= largest:
                    (partial / name).parent.mkdir(parents=True, exist_ok=True)
                    (partial / name).write_bytes(members.extractfile(member).read())  # type: ignore[union-attr]
        check(partial)
        partial.replace(into)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:  # what was unpacked is gone, the archive is not
        raise ValueError(
            f"{archive} is damaged, or another release than {COMMIT}; delete it, and fetch it again"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return into


def checksums() -> dict[str, str]:
    """Path below the release → sha256, of every file that is read."""
    lines = sources.path(CHECKSUMS).read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def check(folder: Path, *, verify: bool = True) -> None:
    """Every file is there and, with `verify`, has the bytes of the pinned commit.

    Raises
    ------
    FileNotFoundError
        `folder` is no folder, not the release, or a file is missing.
    ValueError
        A file is altered or cut short.
    """
    known = checksums()
    advice = f"give the folder of thunlp/Modularity-Analysis at commit {COMMIT}, or run this with --fetch"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; {advice}")
    missing = [name for name in known if not (folder / name).is_file()]
    if len(missing) == len(known):
        raise FileNotFoundError(f"{folder} has none of the {len(known)} result files, as {missing[0]}; {advice}")
    if missing:
        rest = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise FileNotFoundError(f"{folder} has no {missing[0]}{rest}; {advice}")
    for name, expected in known.items() if verify else ():
        if (found := sources.file_hash(folder / name)) != expected:
            raise ValueError(
                f"{folder / name} is altered or cut short: sha256 is {found}, expected {expected}; {advice}"
            )


def load(file: Path, safe: Sequence[Any] = SAFE) -> object:
    """What `torch.save` wrote, if it names nothing but tensors and what is `safe`; nothing of it is run.

    Raises
    ------
    ValueError
        The file names anything else, which is said, or is no whole archive of `torch.save`.
    """
    import torch  # slow, and the figures do not need it
    from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

    foreign: list[str] = []
    try:
        with safe_globals(list(safe)):
            if not (foreign := get_unsafe_globals_in_checkpoint(str(file))):
                return torch.load(file, weights_only=True)
    except UnpicklingError as error:  # torch's words would advise to trust the file
        raise ValueError(f"{file} holds objects that no result file holds; it was not opened") from error
    except (RuntimeError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise ValueError(f"{file} is not a whole result file: {str(error).splitlines()[0]}; fetch it again") from error
    raise ValueError(f"{file} names {', '.join(sorted(foreign))}, which no result file needs; it was not opened")
