"""The real base-size model is put together from its packages, whole and as published, or not at all."""

import hashlib
import io
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from companion.models import catalogue, hub, mpnet
from modularity import neurons, store

CONTENT = {name: name.encode() * 500 for name in mpnet.FILES}


class Located:
    """A file of a package, as `metadata.files` lists it."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name

    def locate(self) -> Path:
        return self.path


def archive(content: dict[str, bytes] = CONTENT) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, values in content.items():
            whole.writestr(zipfile.ZipInfo(f"{mpnet.NAME}/{name}"), values)  # of a fixed date
        whole.writestr(zipfile.ZipInfo("../outside.txt"), "not asked for")
    return made.getvalue()


KNOWN = hashlib.sha256(archive()).hexdigest(), hashlib.sha256(CONTENT[mpnet.WEIGHTS]).hexdigest()


@pytest.fixture
def install(monkeypatch, tmp_path):
    """Put an archive, cut into five pieces, where the packages would be."""

    def put(whole: bytes, missing: str = "") -> None:
        size = -(-len(whole) // len(mpnet.PACKAGES))
        of = {}
        for i, package in enumerate(mpnet.PACKAGES):
            piece = tmp_path / f"{mpnet.NAME}.zip.{i + 1:03d}"
            piece.write_bytes(whole[i * size : (i + 1) * size])
            of[package] = [Located(tmp_path / "METADATA"), Located(piece)]
        of.pop(missing, None)

        def files(package):
            if package not in of:
                raise metadata.PackageNotFoundError(package)
            return of[package]

        monkeypatch.setattr(metadata, "files", files)

    monkeypatch.setenv(store.ENVIRONMENT, str(tmp_path / "cache"))
    return put


def kept(tmp_path: Path) -> list[str]:
    return sorted(p.name for p in (tmp_path / "cache").rglob("*") if p.is_file())


def test_the_pieces_become_the_files_that_reading_needs(install, tmp_path):
    install(archive())
    folder = mpnet.folder(KNOWN)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == CONTENT
    assert kept(tmp_path) == sorted(CONTENT)  # and nothing else is left


def test_what_is_there_needs_no_packages(install, monkeypatch):
    install(archive())
    folder = mpnet.folder(KNOWN)
    monkeypatch.setattr(metadata, "files", lambda _: pytest.fail("looked for"))
    assert mpnet.folder(KNOWN) == folder


def test_a_package_that_is_missing_is_named(install, tmp_path):
    install(archive(), missing=mpnet.PACKAGES[2])
    with pytest.raises(FileNotFoundError, match=rf"{mpnet.PACKAGES[2]} is not installed; run `make base`"):
        mpnet.folder(KNOWN)
    assert not kept(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "flipped", "lacking", "other", "text"])
def test_another_archive_is_refused(install, tmp_path, damage):
    content = {n: v for n, v in CONTENT.items() if damage != "lacking" or n != "tokenizer.json"}
    whole = archive(content | ({mpnet.WEIGHTS: b"other"} if damage == "other" else {}))
    if damage == "cut":
        whole = whole[:-30]
    elif damage == "flipped":
        whole = whole[:60] + bytes([whole[60] ^ 255]) + whole[61:]
    elif damage == "text":
        whole = b"version https://git-lfs.github.com/spec/v1"
    install(whole)
    with pytest.raises(ValueError, match=r"the archive has the digest .*uninstall them and run `make base` again"):
        mpnet.folder(KNOWN)
    assert not kept(tmp_path)


def test_weights_that_were_not_published_are_refused(install, tmp_path):
    install(archive())
    with pytest.raises(ValueError, match=r"model.safetensors has the digest .*, expected 0000"):
        mpnet.folder((KNOWN[0], "0" * 64))
    assert not kept(tmp_path)


def test_names_of_the_hub_are_the_same_model():
    assert {catalogue.known_as(mpnet.HUB), catalogue.known_as("sentence-transformers/all-mpnet-base-v2")} == {
        mpnet.NAME
    }
    assert mpnet.NAME not in hub.PINNED


@pytest.mark.skipif(not any(metadata.distributions(name=mpnet.PACKAGES[0])), reason="`make base` was not run")
def test_the_model_has_the_size_of_t5_base():
    model = catalogue.load(mpnet.NAME)
    assert [part.neurons for part in neurons.layers(model).values()] == [3072] * 12
