"""The authors' files are found, fetched and opened without trust; anything else is refused by name."""

import hashlib
import io
import os
import pickle
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from companion.released import release


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_file_with_a_foreign_global_is_refused_by_name_and_not_run(tmp_path):
    torch.save({"rows": [1, 2], "bomb": Bomb(tmp_path / "made")}, tmp_path / "file.bin")
    with pytest.raises(ValueError, match=r"file.bin names \w+.mkdir, which no result file needs"):
        release.load(tmp_path / "file.bin")
    assert not (tmp_path / "made").exists()
    torch.load(tmp_path / "file.bin", weights_only=False)  # the bomb is a real one
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize("kind", ["plain pickle", "cut", "text", "empty"])
def test_what_torch_did_not_write_whole_is_named(tmp_path, kind):
    file = tmp_path / "file.bin"
    torch.save(torch.arange(100), file)
    body = file.read_bytes()
    bodies = {"plain pickle": pickle.dumps(Bomb(tmp_path / "made")), "cut": body[:-200], "text": b"0.5\n", "empty": b""}
    file.write_bytes(bodies[kind])
    with pytest.raises(ValueError, match=r"file.bin is not a whole result file: .*fetch it again"):
        release.load(file)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "value", [torch.arange(3), np.arange(3, dtype=np.int32), [np.float64(0.5)], [0.1, 0.2]], ids=str
)
def test_tensors_arrays_and_numbers_are_read(tmp_path, value):
    torch.save(value, tmp_path / "file.bin")
    assert np.array_equal(np.asarray(release.load(tmp_path / "file.bin")), np.asarray(value))


def test_objects_in_arrays_do_not_help_a_bomb(tmp_path):
    torch.save(np.array([Bomb(tmp_path / "made")], dtype=object), tmp_path / "file.bin")
    with pytest.raises(ValueError, match=r"file\.bin"):
        release.load(tmp_path / "file.bin")
    assert not (tmp_path / "made").exists()


def test_the_list_of_what_is_safe_is_the_smallest(authors):
    """Without any one of the first six names some of the authors' files cannot be read."""
    files = [
        "MoEfication/T5.bin",
        "Perturbation4T5/average_predictivity/0.bin",
        "Perturbation4T5/t5_96_task_expert.bin",
    ]
    for left_out in release.SAFE[:6]:
        safe, refused = [s for s in release.SAFE[:6] if s is not left_out], 0
        for file in files:
            try:
                release.load(authors / file, safe)
            except ValueError:
                refused += 1
        assert refused, left_out


@pytest.fixture
def known(tmp_path, monkeypatch) -> Path:
    """A small release: two files and what their digests are."""
    folder = tmp_path / "release"
    bodies = {"a/one.bin": b"one" * 50, "b/two.txt": b"two"}
    for name, body in bodies.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(body)
    monkeypatch.setattr(
        release, "checksums", lambda: {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()}
    )
    return folder


def test_a_whole_release_passes(known):
    release.check(known)


def test_no_folder_and_another_folder_are_named(known, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere is not a folder; give the folder of thunlp/.* or .*--fetch"):
        release.check(tmp_path / "nowhere")
    (tmp_path / "other").mkdir()
    with pytest.raises(FileNotFoundError, match=r"other has none of the 2 result files, as a/one.bin"):
        release.check(tmp_path / "other")


def test_a_missing_file_is_named(known):
    (known / "b/two.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no b/two.txt; give"):
        release.check(known)


@pytest.mark.parametrize("body", [b"one" * 49, b"One" + b"one" * 49], ids=["cut", "altered"])
def test_a_damaged_file_is_named(known, body):
    (known / "a/one.bin").write_bytes(body)
    with pytest.raises(ValueError, match=r"one.bin is altered or cut short: sha256 is"):
        release.check(known)
    release.check(known, verify=False)


def test_the_folder_is_the_named_one_or_the_variable_or_the_fetched(tmp_path, monkeypatch):
    monkeypatch.delenv(release.ENVIRONMENT, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert release.find() is None
    release.downloaded().mkdir(parents=True)
    assert tmp_path in release.downloaded().parents
    assert release.find() == release.downloaded()
    monkeypatch.setenv(release.ENVIRONMENT, str(tmp_path / "variable"))
    assert release.find() == tmp_path / "variable"
    assert release.find("named") == Path("named")


@pytest.fixture
def served(known, tmp_path):
    """The release as an archive on a server, beside files that are not wanted; how to pack and where it is."""
    root = tmp_path / "served"
    root.mkdir()

    def pack(extra: bytes = b"") -> None:
        with tarfile.open(root / "archive.tar.gz", "w:gz") as archive:
            members = {p.relative_to(known).as_posix(): p.read_bytes() for p in known.rglob("*") if p.is_file()}
            members |= {"run.py": b"print()", "../../outside.txt": b"outside"}
            for name, body in members.items():
                entry = tarfile.TarInfo(f"Modularity-Analysis-1/{name}")
                entry.size = len(body) + len(extra)
                archive.addfile(entry, io.BytesIO(body + extra))

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield pack, f"http://127.0.0.1:{running.server_port}/archive.tar.gz"
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_fetched_release_has_its_files_and_no_others(served, tmp_path):
    pack, url = served
    pack()
    into = release.fetch(url, tmp_path / "kept/here")
    assert sorted(p.relative_to(into).as_posix() for p in into.rglob("*") if p.is_file()) == ["a/one.bin", "b/two.txt"]
    assert sorted(p.name for p in into.parent.iterdir()) == ["archive.tar.gz", "here"]
    assert not list(tmp_path.rglob("outside.txt"))
    assert release.fetch("http://127.0.0.1:9/none", into) == into  # it is there: nothing is asked for again


def test_an_altered_archive_leaves_nothing(served, tmp_path):
    pack, url = served
    pack(extra=b"!")
    archive = tmp_path / "kept/archive.tar.gz"
    with pytest.raises(
        ValueError, match=rf"^{archive} is damaged, or another release than {release.COMMIT}; delete it"
    ):
        release.fetch(url, tmp_path / "kept/here")
    assert list((tmp_path / "kept").iterdir()) == [archive]
    archive.unlink()  # as the error says
    pack()
    assert release.fetch(url, tmp_path / "kept/here").is_dir()


def test_a_file_that_would_fill_the_memory_is_not_unpacked(served, tmp_path):
    pack, url = served
    pack()
    with pytest.raises(ValueError, match=r"archive.tar.gz is damaged, or another release"):
        release.fetch(url, tmp_path / "kept/here", largest=149)  # a/one.bin has 150 bytes


def test_an_archive_that_lacks_a_file_is_named_and_not_what_was_unpacked(served, known, tmp_path):
    pack, url = served
    (known / "b/two.txt").unlink()
    pack()
    with pytest.raises(
        ValueError, match=r"archive.tar.gz is damaged, or another release than .*; delete it, and fetch"
    ):
        release.fetch(url, tmp_path / "kept/here")


def test_without_a_network_it_is_said_what_to_do(tmp_path, known):
    with pytest.raises(ConnectionError, match=r"fetch it elsewhere and put it at"):
        release.fetch("http://127.0.0.1:9/archive.tar.gz", tmp_path / "kept/here")
