"""A stored file is what was written or is refused, reading runs nothing, and nobody sees one half-written."""

import errno
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import xarray as xr
from zarr.storage import ZipStore

from modularity import stored_file

KEY = {"model": "x", "seed": 1, "share": float("nan")}


def read(path) -> xr.DataArray:
    """A stored result of one variable."""
    return stored_file.as_array(stored_file.read_dataset(path))


@pytest.fixture
def result() -> xr.DataArray:
    return xr.DataArray(
        np.random.default_rng(0).random((3, 2, 4)),
        dims=("subfunction", "layer", "neuron"),
        coords={"subfunction": ["a", "b", "c"], "function": ("subfunction", ["semantic"] * 3), "layer": [0, 1]},
        name="predictivity",
    )


@pytest.fixture
def path(tmp_path, result):
    """A whole file, alone in its folder."""
    stored_file.write(tmp_path / "store" / "scores.zarr.zip", result, KEY)
    return tmp_path / "store" / "scores.zarr.zip"


def parts_of(path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as source:
        return {name: source.read(name) for name in source.namelist()}


def put(path, parts, *, seal=False) -> None:
    """Write `parts` as a file; `seal` gives them a right digest, as only somebody who means it does."""
    if seal:
        parts = {name: part for name, part in parts.items() if name != stored_file.DIGEST}
        parts[stored_file.DIGEST] = stored_file.digest(parts)
    with zipfile.ZipFile(path, "w") as target:
        for name, part in parts.items():
            target.writestr(name, part)


def seen(path, whole: xr.Dataset) -> str:
    """What reading comes to where no digest is asked for: the same, something else without a word, or an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as if nobody looked at them
        try:
            found = stored_file.read_dataset(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        except ValueError:
            return "ValueError"
    return "same" if found.identical(whole) else "OTHER"


def flipped(path, places) -> Iterator[Path]:
    """The file with single bits that are another, one after the other."""
    raw, bad = path.read_bytes(), path.with_name("flipped.zarr.zip")
    for place, bit in places:
        other = bytearray(raw)
        other[place] ^= 1 << bit
        bad.write_bytes(other)
        yield bad


def outcomes(path, places) -> Counter:
    """What comes of the parts that a result is decoded from, and how often."""
    found: Counter = Counter()
    with path.open("rb") as file:
        whole = stored_file.parts_of(file)
    for bad in flipped(path, places):
        try:
            with bad.open("rb") as file:
                found["same" if stored_file.parts_of(file) == whole else "OTHER"] += 1
        except Exception:
            with pytest.raises(ValueError, match=r"flipped.zarr.zip is damaged"):
                stored_file.read_dataset(bad)
            found["refused"] += 1
    return found


DAMAGE = {
    "a chunk is gone": lambda parts: parts.pop("predictivity/0.0.0"),
    "a coordinate is gone": lambda parts: [parts.pop(name) for name in list(parts) if name.startswith("function/")],
    "the attributes are gone": lambda parts: parts.pop(".zattrs"),
    "the digest is gone": lambda parts: parts.pop(stored_file.DIGEST),
    "the digest is another": lambda parts: parts.update({stored_file.DIGEST: b"0" * 64}),
    "a part is added": lambda parts: parts.update({"predictivity/0.0.1": parts["predictivity/0.0.0"]}),
    "a part is renamed": lambda parts: parts.update({"predictivity/1.0.0": parts.pop("predictivity/0.0.0")}),
    "a variable is renamed": lambda parts: parts.update(
        {name.replace("function/", "kind/"): parts.pop(name) for name in list(parts) if name.startswith("function/")}
    ),
    "two parts are exchanged": lambda parts: parts.update(
        {"layer/.zattrs": parts["predictivity/.zattrs"], "predictivity/.zattrs": parts["layer/.zattrs"]}
    ),
    "a byte moves to the next part": lambda parts: parts.update(
        {"layer/0": parts["layer/0"] + b" ", "predictivity/.zarray": parts["predictivity/.zarray"].strip()}
    ),
    "a number is another": lambda parts: parts.update(
        {".zattrs": parts[".zattrs"].replace(b'\\"seed\\": 1', b'\\"seed\\": 2')}
    ),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_other_parts_are_damage(path, damage):
    parts = parts_of(path)
    damage(parts)
    assert parts != parts_of(path)
    put(path, parts)
    with pytest.raises(ValueError, match=r"stored result .*scores.zarr.zip is damaged .*digest over its parts"):
        stored_file.read_dataset(path)


def test_without_the_digest_damage_is_not_seen(path):
    whole = stored_file.read_dataset(path)
    for what in ("a chunk is gone", "a coordinate is gone", "a number is another"):
        parts = parts_of(path)
        DAMAGE[what](parts)
        other = path.with_name("other.zarr.zip")
        put(other, parts)
        assert seen(other, whole) == "OTHER", what
    put(path, {name: part for name, part in parts_of(path).items() if name != "predictivity/0.0.0"}, seal=True)
    assert read(path).isnull().all()


@pytest.fixture
def small(tmp_path):
    """Few parts, so that every bit of the directory can be tried.

    The entry of ``mean_correlation/0`` takes 64 bytes, so that one bit, of the length of a comment, hides it.
    """
    numbers = xr.DataArray(np.arange(8.0), {"x": np.arange(8)}, name="mean_correlation")
    stored_file.write(tmp_path / "small.zarr.zip", numbers, {})
    return tmp_path / "small.zarr.zip"


def directory(path) -> list[tuple[int, int]]:
    with zipfile.ZipFile(path) as source:
        return [(place, bit) for place in range(source.start_dir, path.stat().st_size) for bit in range(8)]


def test_a_bit_of_the_zip_directory_makes_no_other_result(small):
    found = outcomes(small, directory(small))
    assert set(found) == {"same", "refused"}  # dates and versions of parts do not matter
    assert min(found.values()) > 500


def test_a_bit_elsewhere_makes_no_other_result(path, rng):
    places = zip(rng.integers(path.stat().st_size, size=400), rng.integers(8, size=400), strict=True)
    found = outcomes(path, places)
    assert set(found) == {"same", "refused"}
    assert found["refused"] > 200


def test_without_the_digest_some_bits_make_another_result(small):
    whole = stored_file.read_dataset(small)
    assert any(seen(bad, whole) == "OTHER" for bad in flipped(small, directory(small)))


@pytest.mark.parametrize("length", [0, 1, 21, 0.1, 0.5, 0.9, -1])
def test_a_file_cut_short_is_damaged(path, length):
    raw = path.read_bytes()
    path.write_bytes(raw[: int(length * len(raw)) if isinstance(length, float) else length])
    with pytest.raises(ValueError, match="is damaged"):
        read(path)


def test_what_is_no_zip_is_damaged_and_what_is_missing_is_not(path):
    path.write_bytes(b"<html>quota exceeded</html>")
    with pytest.raises(ValueError, match="is damaged"):
        read(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read(path)


@pytest.mark.parametrize("error", [RuntimeError, NotImplementedError, EOFError, TypeError, MemoryError, OSError])
def test_whatever_reading_raises_is_damage(path, monkeypatch, error):
    def fail(*_arguments, **_options):
        raise error("of a kind")

    monkeypatch.setattr(stored_file.xr, "open_zarr", fail)
    with pytest.raises(ValueError, match=rf"scores.zarr.zip is damaged \({error.__name__}: of a kind"):
        read(path)


def test_an_interruption_is_no_damage(path, monkeypatch):
    def stop(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(stored_file.xr, "open_zarr", stop)
    with pytest.raises(KeyboardInterrupt):
        read(path)


def test_a_file_without_a_digest_needs_one_of_its_own(path, result):
    """Files that were shipped before there was a digest inside are known by the one of their bytes, and only so."""
    put(path, {name: part for name, part in parts_of(path).items() if name != stored_file.DIGEST})
    with pytest.raises(ValueError, match=r"is damaged .*digest over its parts is missing"):
        stored_file.read_dataset(path)
    known = hashlib.sha256(path.read_bytes()).hexdigest()
    xr.testing.assert_equal(stored_file.read_dataset(path, sha256=known)["predictivity"], result)
    with pytest.raises(ValueError, match=r"is damaged .*its sha256 is .*, expected 0000"):
        stored_file.read_dataset(path, sha256="0" * 64)


def test_a_result_of_another_key_is_refused(path):
    stored_file.read_dataset(path, key=dict(reversed(KEY.items())))
    for other, names in (
        ({"model": "y"}, "model"),
        ({"seed": 1.0}, "seed"),
        ({"seed": True, "share": 0.0}, "seed, share"),
        ({"more": "z"}, "more"),
    ):
        with pytest.raises(ValueError, match=f"scores.zarr.zip was computed with other values of {names};"):
            stored_file.read_dataset(path, key=KEY | other)
    with pytest.raises(ValueError, match="other values of seed, share;"):
        stored_file.read_dataset(path, key={"model": "x"})


class Touch:
    """Unpickling makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def recoded(path, parts, **metadata) -> None:
    """Write a file whose numbers are decoded as `metadata` says."""
    array = json.loads(parts["predictivity/.zarray"]) | {"compressor": None, "filters": None} | metadata
    put(path, parts | {"predictivity/.zarray": json.dumps(array).encode()}, seal=True)


@pytest.fixture
def pickled(path, monkeypatch, tmp_path):
    """A file whose chunk is a pickle, where numcodecs would open it, and the folder that opening it makes."""
    monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True)
    parts = parts_of(path) | {"predictivity/0.0.0": pickle.dumps(Touch(tmp_path / "touched"))}
    # Zarr looks at the first codec of objects only.
    recoded(path, parts, filters=[{"id": "vlen-utf8"}, {"id": "pickle"}], dtype="|O", fill_value="")
    return tmp_path / "touched"


def test_nothing_is_unpickled(path, pickled):
    with pytest.raises(ValueError, match=r"is damaged .*predictivity/.zarray has the codec 'pickle'; allowed: blosc"):
        read(path)
    assert not pickled.exists()


@pytest.mark.filterwarnings("ignore:Object at .sha256")
def test_a_pickle_would_run_if_codecs_were_not_looked_at(path, pickled):
    with pytest.raises(TypeError, match="bytes-like"), ZipStore(path, mode="r") as store:  # what came out is no array
        xr.open_zarr(store, consolidated=False, zarr_format=2, chunks=None).load()
    assert pickled.exists()


def test_more_than_any_result_is_refused_before_it_takes_memory(path, monkeypatch):
    recoded(path, parts_of(path), shape=[3, 2, 10**12])  # chunks that are not there are filled
    with pytest.raises(
        ValueError, match=r"predictivity/.zarray has 6,000,000,000,000 numbers, more than the 268,435,456"
    ):
        read(path)
    raw = bytearray(path.read_bytes())
    size = raw.rindex(b"PK\1\2") + 24  # of a part once it is unpacked, as the directory says it
    path.write_bytes(raw[:size] + (2**32 - 2).to_bytes(4, "little") + raw[size + 4 :])
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(
        ValueError, match=r"is damaged .*its parts have 4,294,[\d,]+ bytes, more than the 2,147,483,648"
    ):
        read(path)


@pytest.mark.parametrize("codec", ["pickle", "json2", "zlib", "a-plugin"])
def test_other_codecs_are_refused(path, codec):
    recoded(path, parts_of(path), filters=[{"id": codec}])
    with pytest.raises(ValueError, match=f"is damaged .* has the codec '{codec}'"):
        read(path)
    recoded(path, parts_of(path), compressor={"id": codec})
    with pytest.raises(ValueError, match=f"is damaged .* has the codec '{codec}'"):
        read(path)


def test_no_other_codec_is_written(tmp_path, result):
    with pytest.raises(ValueError, match="has the codec 'zlib'; allowed: blosc, delta, vlen-utf8, zstd"):
        stored_file.write(
            tmp_path / "new.zarr.zip", result, {}, {"predictivity": {"compressors": [numcodecs.Zlib(level=1)]}}
        )
    assert list(tmp_path.iterdir()) == []


def test_texts_of_any_length_come_back(tmp_path):
    names = xr.DataArray(np.arange(2), {"name": np.array(["a", "longer"], dtype=object)}, "name", name="r")
    stored_file.write(tmp_path / "names.zarr.zip", names, {})
    assert read(tmp_path / "names.zarr.zip")["name"].to_numpy().tolist() == ["a", "longer"]


def test_more_than_one_variable_is_no_array(tmp_path, result):
    stored_file.write(tmp_path / "two.zarr.zip", xr.Dataset({"a": result, "b": result}), {})
    assert set(stored_file.read_dataset(tmp_path / "two.zarr.zip").data_vars) == {"a", "b"}
    with pytest.raises(ValueError, match="the result has the variables a, b, expected one"):
        read(tmp_path / "two.zarr.zip")


@pytest.mark.parametrize("step", ["zipfile.ZipFile.writestr", "os.fsync", "os.replace"])
def test_a_write_that_fails_leaves_what_was_there(path, result, monkeypatch, step):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(step, full)
        with pytest.raises(OSError, match="No space"):
            stored_file.write(path, result + 1, KEY)
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


def within(monkeypatch, action) -> list[str]:
    """Do `action` when a file is written and not yet in its place; the order of what happens."""
    order: list[str] = []
    fsync, replace = os.fsync, os.replace

    def then(descriptor):
        order.append("fsync")
        fsync(descriptor)
        if order.count("fsync") == 1:
            action()

    def place(*names):
        order.append("replace")
        replace(*names)

    monkeypatch.setattr("os.fsync", then)
    monkeypatch.setattr("os.replace", place)
    return order


def test_a_reader_sees_the_old_until_all_of_the_new_is_on_disk(path, result, monkeypatch):
    old = []
    order = within(monkeypatch, lambda: old.append(read(path)))
    stored_file.write(path, result + 1, KEY)
    xr.testing.assert_equal(old[0], result)
    xr.testing.assert_equal(read(path), result + 1)
    assert order == ["fsync", "replace"]


def test_two_writers_of_one_number_do_not_share_a_file(path, result, monkeypatch):
    """Containers that share a folder have processes of equal numbers."""
    monkeypatch.setattr("os.getpid", lambda: 1)
    order = within(monkeypatch, lambda: stored_file.write(path, result + 1, KEY))
    stored_file.write(path, result + 2, KEY)
    assert order == ["fsync", "fsync", "replace", "replace"]
    xr.testing.assert_equal(read(path), result + 2)
    assert list(path.parent.iterdir()) == [path]


def test_writers_that_share_a_file_are_noticed_by_the_test_above(path, result, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda _size: "same")
    within(monkeypatch, lambda: stored_file.write(path, result + 1, KEY))
    with pytest.raises(FileExistsError):
        stored_file.write(path, result + 2, KEY)


def write_often(path, number: int, times: int) -> Counter:
    for _ in range(times):
        stored_file.write(path, xr.DataArray(np.full(20_000, number), dims="x", name="r"), {"number": number})
    return Counter(written=times)


def read_often(path, times: int) -> Counter:
    """How often each number was seen; a file of two numbers or none is damage."""
    outcomes: Counter = Counter()
    for _ in range(times):
        try:
            found = read(path)
            key = stored_file.provenance(found)["key"]["number"]
            outcomes["whole" if (found == key).all() else "mixed"] += 1
        except ValueError:
            outcomes["damaged"] += 1
    return outcomes


def test_processes_that_write_and_read_at_once_see_whole_files_only(tmp_path):
    path = tmp_path / "shared.zarr.zip"
    write_often(path, 0, 1)
    outcomes: Counter = Counter()
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        writing = [pool.submit(write_often, path, number, 60) for number in (1, 2)]
        while not all(one.done() for one in writing):
            outcomes += read_often(path, 1)
        outcomes += sum((one.result() for one in writing), Counter())
    assert outcomes.pop("written") == 120
    assert outcomes.pop("whole") > 10
    assert not outcomes
    assert list(tmp_path.iterdir()) == [path]


def test_a_half_written_file_is_noticed_by_the_test_above(path):
    path.write_bytes(path.read_bytes()[:-100])
    assert read_often(path, 2) == {"damaged": 2}


KILLED = """
import os, signal, sys, zipfile
from pathlib import Path
import numpy as np, xarray as xr
from modularity import stored_file

path, module, name, number = sys.argv[1:]
module, left = {"os": os, "zip": zipfile.ZipFile}[module], [int(number)]
call = getattr(module, name)

def killed(*arguments):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return call(*arguments)

setattr(module, name, killed)
stored_file.write(Path(path), xr.DataArray(np.arange(9.0), dims="x", name="r"), {})
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing is killed this way")
@pytest.mark.parametrize("place", ["zip writestr 1", "zip writestr 4", "os fsync 1", "os replace 1"])
def test_a_writer_that_is_killed_leaves_what_was_there(path, result, place):
    before = path.read_bytes()
    command = [sys.executable, "-c", KILLED, str(path), *place.split()]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    stored_file.write(path, result + 1, KEY)  # what the other left is in nobody's way
    xr.testing.assert_equal(read(path), result + 1)


def test_names_of_joined_files_are_whole(tmp_path, result):
    """Each file stores names in as many characters as its longest; joined, the second's are longer than the first's."""
    longer = result.assign_coords(function=("subfunction", ["knowledge"] * 3), subfunction=["longer", "names", "here"])
    parts = []
    for i, part in enumerate((result, longer)):
        stored_file.write(tmp_path / f"{i}.zarr.zip", part, KEY)
        parts.append(read(tmp_path / f"{i}.zarr.zip"))
    stored_file.write(tmp_path / "both.zarr.zip", xr.concat(parts, "subfunction"), KEY)
    both = read(tmp_path / "both.zarr.zip")
    assert both["subfunction"].to_numpy().tolist() == ["a", "b", "c", "longer", "names", "here"]
    assert both["function"].to_numpy().tolist() == ["semantic"] * 3 + ["knowledge"] * 3
