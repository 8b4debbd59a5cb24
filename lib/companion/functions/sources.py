"""Every shipped data file and its checksum; nothing else in the library reads ``data/``."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from modularity import environment

ENVIRONMENT = "MODULARITY_DATA"


@dataclass(frozen=True)
class Entry:
    """A line of ``data/registry.txt``."""

    name: str  # path below data/
    sha256: str
    licence: str
    source: str  # where the content comes from, with its version


def data_folder() -> Path:
    """``data/`` of the checkout, or the folder that the variable ``MODULARITY_DATA`` names."""
    folder = environment.named(ENVIRONMENT) or Path(__file__).parents[3] / "data"
    if not (folder / "registry.txt").is_file():
        raise FileNotFoundError(
            f"no registry.txt in {folder}: work in a clone of the project, or set {ENVIRONMENT} to its data folder"
        )
    return folder


@cache
def _registry(path: Path, _modified: int) -> dict[str, Entry]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    entries = [Entry(*(field.strip() for field in line.split(" | "))) for line in lines]
    return {entry.name: entry for entry in entries}


def registry() -> dict[str, Entry]:
    """Name → entry, for every shipped data file."""
    path = data_folder() / "registry.txt"
    return _registry(path, path.stat().st_mtime_ns)


def path(name: str) -> Path:
    """The shipped file `name` (as ``corpus/brown.jsonl.xz``), once its bytes match its checksum.

    Raises
    ------
    KeyError
        `name` is not in the registry.
    FileNotFoundError, ValueError
        The file is missing, or altered or cut short.
    """
    known = registry()
    if name not in known:
        raise KeyError(f"no shipped file is called {name!r}; known: {', '.join(sorted(known))}")
    file = data_folder() / name
    restore = f"restore it with `git checkout -- data/{name}`"
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing; {restore}")
    if (found := file_hash(file)) != known[name].sha256:
        raise ValueError(f"{file} is altered or cut short: sha256 is {found}, expected {known[name].sha256}; {restore}")
    return file


def file_hash(file: Path) -> str:
    """The sha256 of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def corpus(part: str) -> list[list[str]]:
    """One part of the pre-training text (``wikipedia``, ``brown`` or ``wordnet``): sentences by document."""
    return pd.read_json(path(f"corpus/{part}.jsonl.xz"), lines=True)["text"].str.split("\n").tolist()
