"""What a borrowed machine leaves: one JSON and pieces of limited size, each named there with its digest."""

import hashlib
import io
import json
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save

from companion.models import tied_weights

VERSION = 2  # of the layout; raised when an older `collect` could not read it
JSON = "gpu.json"
LIMIT = 16_000_000  # bytes of a file
FILES = 8
ROOM = 100_000  # bytes of a piece that are no content
NAME = re.compile(r"[A-Za-z0-9._-]+")


class Folder:
    """The folder of one run. Whatever is added is there as a whole, and named in its JSON, when `add` returns."""

    def __init__(self, path: Path, report: dict[str, Any]) -> None:
        self.path, self.lock = path, threading.RLock()
        self.report: dict[str, Any] = {"version": VERSION, "pieces": {}, **report}
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise ValueError(f"{path} is not empty; name another folder in OUT, so that two runs are not mixed")
        self.note()

    def note(self, **more: object) -> None:
        """Write the JSON, with what is new in it."""
        with self.lock:
            report = self.report | more
            text = json.dumps(report).encode()
            if len(text) > LIMIT:
                raise ValueError(f"{JSON} has {len(text):,} bytes, at most {LIMIT:,} are taken home")
            _write(self.path / JSON, text)
            self.report = report

    def add(self, kind: str, of: str, contents: Mapping[str, bytes]) -> None:
        """Write pieces of one kind (``weights`` or ``history``) of one model.

        Raises
        ------
        ValueError
            A piece is too large, there are too many, or a name has other signs; nothing is written then.
        """
        with self.lock:
            self._add(kind, of, contents)

    def _add(self, kind: str, of: str, contents: Mapping[str, bytes]) -> None:
        entries = dict(self.report["pieces"])
        for name, content in contents.items():
            if not NAME.fullmatch(name) or name in entries or name == JSON:
                raise ValueError(f"a piece cannot be called {name!r}; nothing of the {kind} of {of} is written")
            if len(content) > LIMIT:
                raise ValueError(f"{name} has {len(content):,} bytes, at most {LIMIT:,} are taken home")
            digest = hashlib.sha256(content).hexdigest()
            entries[name] = {"kind": kind, "of": of, "bytes": len(content), "sha256": digest}
        if len(entries) + 1 > FILES:
            raise ValueError(f"{of} has more pieces of {kind} than fit: {len(entries) + 1} files, at most {FILES}")
        for name, content in contents.items():
            _write(self.path / name, content)
        self.note(pieces=entries)


def weights(name: str, state: Mapping[str, torch.Tensor], limit: int = LIMIT - ROOM) -> dict[str, bytes]:
    """Files of a model's tensors of at most `limit` bytes; one that has several names is stored under the first."""
    once = tied_weights.once(state)
    parts = packed({key: tensor.nbytes for key, tensor in once.items()}, limit)
    return {
        f"{name}-weights-{i}.safetensors": save({key: once[key].contiguous() for key in part})
        for i, part in enumerate(parts)
    }


def history(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, bytes]:
    """Files of a history's arrays, compressed."""
    made = {}
    for i, part in enumerate(packed({key: value.nbytes for key, value in arrays.items()})):
        content = io.BytesIO()
        np.savez_compressed(content, **{key: arrays[key] for key in part})  # type: ignore[arg-type]
        made[f"{name}-history-{i}.npz"] = content.getvalue()
    return made


def packed(sizes: Mapping[str, int], limit: int = LIMIT - ROOM) -> list[list[str]]:
    """Names in as few groups as first fit finds, none of them larger than `limit` in all.

    Raises
    ------
    ValueError
        One alone is larger.
    """
    groups: list[list[str]] = []
    free: list[int] = []
    for name in sorted(sizes, key=lambda key: (-sizes[key], key)):
        if sizes[name] > limit:
            raise ValueError(f"{name} has {sizes[name]:,} bytes, one file takes {limit:,}")
        place = next((i for i, room in enumerate(free) if room >= sizes[name]), len(groups))
        if place == len(groups):
            groups.append([])
            free.append(limit)
        groups[place].append(name)
        free[place] -= sizes[name]
    return groups


def read(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The JSON of a folder and the pieces that it names, once all are there and as they were written.

    Raises
    ------
    FileNotFoundError
        The folder has no JSON, or a piece is missing.
    ValueError
        The JSON is damaged or of another version, or a piece has been altered.
    """
    if not (folder / JSON).is_file():
        raise FileNotFoundError(f"{folder} has no {JSON}; give the folder that OUT named for make gpu")
    try:
        report = json.loads((folder / JSON).read_text(encoding="utf-8"))
        version, entries = report["version"], report["pieces"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / JSON} is damaged ({error!r}); copy the folder again") from error
    if version != VERSION:
        raise ValueError(f"{folder} was written in version {version!r}, this reads {VERSION}; take the same commit")
    pieces = {}
    for name, entry in entries.items():
        if not NAME.fullmatch(name) or not (folder / name).is_file():
            raise FileNotFoundError(f"the piece {name} is missing in {folder}; copy the folder again")
        pieces[name] = (folder / name).read_bytes()
        if hashlib.sha256(pieces[name]).hexdigest() != entry["sha256"]:
            raise ValueError(f"the piece {name} in {folder} is altered or cut short; copy the folder again")
    return report, pieces


def tensors(contents: list[bytes]) -> dict[str, torch.Tensor]:
    """What `weights` was given, from its files."""
    return {name: tensor for content in contents for name, tensor in load(content).items()}


def arrays(contents: list[bytes]) -> dict[str, np.ndarray]:
    """What `history` was given, from its files."""
    made: dict[str, np.ndarray] = {}
    for content in contents:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            made |= {name: file[name] for name in file.files}
    return made


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)
