"""A stored result comes back equal, is found by what it was computed from, and is whole or not there."""

import numpy as np
import pytest
import xarray as xr

from modularity import store


@pytest.fixture
def result() -> xr.DataArray:
    return xr.DataArray(
        np.random.default_rng(0).random((3, 2, 4)),
        dims=("subfunction", "layer", "neuron"),
        coords={"subfunction": ["a", "b", "c"], "function": ("subfunction", ["semantic"] * 3), "layer": [0, 1]},
        name="predictivity",
    )


def test_a_result_is_computed_once(result):
    key = {"model": "x", "labels": np.arange(4), "code": store}
    calls = []
    for _ in range(2):
        found = store.cached("scores", key, lambda: calls.append(1) or result)
        xr.testing.assert_equal(found, result)
    assert calls == [1]
    assert store.provenance(found)["key"]["model"] == "x"


@pytest.mark.parametrize(
    "other", [{"model": "y"}, {"labels": np.arange(1, 5)}, {"labels": np.arange(4.0)}, {"labels": [0, 1, 2, 3]}]
)
def test_another_key_is_another_result(result, other):
    key = {"model": "x", "labels": np.arange(4)}
    store.cached("scores", key, lambda: result)
    assert store.cached("scores", key | other, lambda: result + 1).max() > 1


@pytest.mark.parametrize("cut", [0, 10, 0.5, 0.95])
def test_a_damaged_file_is_named_and_computed_again(result, cut):
    store.cached("scores", {"a": 1}, lambda: result)
    (path,) = store.folder().iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(cut * len(whole)) if isinstance(cut, float) else cut])
    with pytest.raises(ValueError, match="is damaged"):
        store.read(path)
    with pytest.warns(UserWarning, match=r"is damaged .* it is computed again"):
        xr.testing.assert_equal(store.cached("scores", {"a": 1}, lambda: result), result)
    assert path.read_bytes() != b""


def test_an_altered_part_is_noticed(result):
    store.cached("scores", {"a": 1}, lambda: result)
    (path,) = store.folder().iterdir()
    changed = bytearray(path.read_bytes())
    position = changed.find(b"predictivity/0") + 40  # inside the compressed numbers
    changed[position] ^= 255
    path.write_bytes(changed)
    with pytest.raises(ValueError, match="is damaged"):
        store.read(path)


def test_a_computation_that_fails_leaves_nothing(result):
    with pytest.raises(ZeroDivisionError):
        store.cached("scores", {"a": 1}, lambda: 1 / 0)  # type: ignore[arg-type]
    assert not store.folder().exists()


def test_a_write_that_fails_leaves_nothing(result, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("zipfile.ZipFile.writestr", full)
    with pytest.raises(OSError, match="no space"):
        store.cached("scores", {"a": 1}, lambda: result)
    assert list(store.folder().iterdir()) == []


def test_what_has_no_digest_is_refused():
    with pytest.raises(TypeError, match="cannot take the digest of a set"):
        store.digest({"a": {1, 2}})
