"""A stored result comes back equal and is found by what it was computed from; where none can be stored, all goes on."""

import errno
import shutil
import warnings
import zipfile

import numpy as np
import pytest
import shapes
import xarray as xr

import modularity.store
from modularity import stored_file

store = shapes.as_loaded(modularity.store)  # whose warnings name the line that called
SAID = "results are computed but not stored in"


@pytest.fixture
def result() -> xr.DataArray:
    return xr.DataArray(
        np.random.default_rng(0).random((3, 2, 4)),
        dims=("subfunction", "layer", "neuron"),
        coords={"subfunction": ["a", "b", "c"], "function": ("subfunction", ["semantic"] * 3), "layer": [0, 1]},
        name="predictivity",
    )


def files() -> list:
    return sorted(store.folder().iterdir())


def test_a_result_is_computed_once(result):
    key = {"model": "x", "labels": np.arange(4)}
    calls = []
    for _ in range(2):
        found = store.cached("scores", key, lambda: calls.append(1) or result)
        xr.testing.assert_equal(found, result)
    assert calls == [1]
    assert stored_file.provenance(found)["key"]["model"] == "x"


def test_results_of_several_variables_are_stored_too(result):
    whole = xr.Dataset({"scores": result, "best": result.max("neuron")})
    calls = []
    for _ in range(2):
        xr.testing.assert_equal(store.cached_dataset("both", {"a": 1}, lambda: calls.append(1) or whole), whole)
    assert calls == [1]


@pytest.mark.parametrize(
    "other", [{"model": "y"}, {"labels": np.arange(1, 5)}, {"labels": np.arange(4.0)}, {"labels": [0, 1, 2, 3]}]
)
def test_another_key_is_another_result(result, other):
    key = {"model": "x", "labels": np.arange(4)}
    store.cached("scores", key, lambda: result)
    assert store.cached("scores", key | other, lambda: result + 1).max() > 1


def test_without_a_key_nothing_is_stored(result):
    calls = []
    for _ in range(2):
        xr.testing.assert_equal(store.cached("scores", None, lambda: calls.append(1) or result), result)
    assert calls == [1, 1]
    assert not store.folder().exists()


def test_the_key_is_that_of_before_the_computation(result):
    """What changes the model while it computes does not store under the changed one."""
    weights = np.zeros(3)

    def compute():
        weights[:] = 1
        return result

    store.cached("scores", {"weights": weights}, compute)
    store.cached("scores", {"weights": np.zeros(3)}, lambda: 1 / 0)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        store.cached("scores", {"weights": weights}, lambda: 1 / 0)  # type: ignore[arg-type]


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def emptied(path):
    path.write_bytes(b"")


def flipped(path):
    changed = bytearray(path.read_bytes())
    changed[changed.find(b"predictivity/0") + 40] ^= 255  # inside the compressed numbers
    path.write_bytes(changed)


def undigested(path):
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist() if name != stored_file.DIGEST}
    with zipfile.ZipFile(path, "w") as target:
        for name, part in parts.items():
            target.writestr(name, part)


@pytest.mark.parametrize("damage", [cut, emptied, flipped, undigested])
def test_a_damaged_file_is_named_computed_again_and_replaced(result, damage):
    store.cached("scores", {"a": 1}, lambda: result)
    (path,) = files()
    damage(path)
    with pytest.warns(UserWarning, match=rf"{path} is damaged .* it is computed again") as given:
        xr.testing.assert_equal(store.cached("scores", {"a": 1}, lambda: result + 1), result + 1)
    assert [one.filename for one in given] == [__file__]
    assert files() == [path]
    xr.testing.assert_equal(store.cached("scores", {"a": 1}, lambda: result), result + 1)


def test_a_file_of_another_key_is_named_and_computed_again(result):
    store.cached("scores", {"a": 1, "b": 2}, lambda: result)
    (path,) = files()
    store.cached("scores", {"a": 1, "b": 3}, lambda: result + 1)
    (other,) = set(files()) - {path}
    path.replace(other)
    with pytest.warns(UserWarning, match=rf"{other} was computed with other values of b; .* it is computed again"):
        xr.testing.assert_equal(store.cached("scores", {"a": 1, "b": 3}, lambda: result + 2), result + 2)
    xr.testing.assert_equal(store.cached("scores", {"a": 1, "b": 3}, lambda: result), result + 2)


def test_a_computation_that_fails_leaves_nothing():
    with pytest.raises(ZeroDivisionError):
        store.cached("scores", {"a": 1}, lambda: 1 / 0)  # type: ignore[arg-type]
    assert files() == []


@pytest.mark.parametrize("below", ["", "store", "deep/er"])
def test_a_file_in_the_place_of_the_folder_is_said_before_computing_and_once(result, tmp_path, monkeypatch, below):
    (tmp_path / "file").touch()
    monkeypatch.setenv(store.ENVIRONMENT, str(tmp_path / "file" / below))
    early = []
    with pytest.warns(UserWarning, match=SAID) as given:
        found = [store.cached("scores", {"a": 1}, lambda: early.append(len(given)) or result) for _ in range(3)]
    for each in found:
        xr.testing.assert_equal(each, result)
    assert early == [1, 1, 1]
    assert len(given) == 1
    assert str(tmp_path / "file" / below) in str(given[0].message)
    assert given[0].filename == __file__
    assert store.ENVIRONMENT in str(given[0].message)


FULL = [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO]


@pytest.mark.parametrize("step", ["zipfile.ZipFile.writestr", "os.fsync", "os.replace"])
@pytest.mark.parametrize("number", FULL, ids=[errno.errorcode[number] for number in FULL])
def test_a_result_that_cannot_be_written_is_returned(result, monkeypatch, number, step):
    def fail(*_):
        raise OSError(number, "of this kind", "/some/temporary/file")

    monkeypatch.setattr(step, fail)
    with pytest.warns(UserWarning, match=rf"{SAID} {store.folder()} \(\w+: of this kind\)") as given:
        found = [store.cached("scores", {"a": 1}, lambda: result) for _ in range(2)]
    for each in found:
        xr.testing.assert_equal(each, result)
    assert len(given) == 1
    assert files() == []


def test_a_full_disk_is_said_and_the_result_returned():
    """Where files may have 100 KB, the folder takes its probe and not the result."""
    big = xr.DataArray(np.random.default_rng(0).random(100_000), dims="x", name="r")
    resource = pytest.importorskip("resource")  # Windows has none
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.warns(UserWarning, match=SAID) as given:
            xr.testing.assert_equal(store.cached("scores", {"a": 1}, lambda: big), big)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(given) == 1
    assert files() == []
    store.cached("scores", {"a": 1}, lambda: big)  # and with room it is stored
    store.cached("scores", {"a": 1}, lambda: 1 / 0)  # type: ignore[arg-type]


def test_a_folder_that_vanishes_meanwhile_is_made_again(result):
    def compute():
        shutil.rmtree(store.folder())
        return result

    xr.testing.assert_equal(store.cached("scores", {"a": 1}, compute), result)
    assert len(files()) == 1


def test_a_folder_that_becomes_a_file_meanwhile_costs_no_result(result):
    def compute():
        shutil.rmtree(store.folder())
        store.folder().touch()
        return result

    with pytest.warns(UserWarning, match=SAID):
        xr.testing.assert_equal(store.cached("scores", {"a": 1}, compute), result)


def test_a_folder_that_becomes_usable_meanwhile_is_used(result, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(store.ENVIRONMENT, str(tmp_path / "file"))

    def compute():
        (tmp_path / "file").unlink()
        return result

    with pytest.warns(UserWarning, match=SAID):
        store.cached("scores", {"a": 1}, compute)
    assert len(files()) == 1


def test_something_else_under_the_name_costs_no_result(result):
    store.cached("scores", {"a": 1}, lambda: result)
    (path,) = files()
    path.unlink()
    path.mkdir()
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        xr.testing.assert_equal(store.cached("scores", {"a": 1}, lambda: result), result)
    assert [str(w.message).count(str(path)) or str(w.message).count(SAID) for w in given] == [1, 1]


def test_a_result_that_zarr_cannot_take_is_returned(result):
    odd = result.assign_attrs(of=object())
    with pytest.warns(UserWarning, match=rf"{SAID} .* \(TypeError: "):
        assert store.cached("scores", {"a": 1}, lambda: odd).attrs == odd.attrs
    assert files() == []


def test_what_has_no_digest_is_refused():
    with pytest.raises(TypeError, match="cannot take the digest of a set"):
        store.digest({"a": {1, 2}})
