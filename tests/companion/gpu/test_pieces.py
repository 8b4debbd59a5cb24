"""Pieces fit, and come home whole."""

import pytest
import torch

from companion.gpu import pieces


def test_nothing_too_large_or_too_many_is_written(tmp_path):
    folder = pieces.Folder(tmp_path / "out", {})
    for name, content in (("a b", b""), ("large", bytes(pieces.LIMIT + 1)), (pieces.JSON, b"")):
        with pytest.raises(ValueError, match=r"cannot be called|has 16,000,001 bytes"):
            folder.add("weights", "x", {"first": b"1", name: content})
    with pytest.raises(ValueError, match="9 files, at most 8"):
        folder.add("weights", "x", {f"piece-{i}": b"1" for i in range(8)})
    assert [p.name for p in (tmp_path / "out").iterdir()] == [pieces.JSON]
    with pytest.raises(ValueError, match="is not empty"):
        pieces.Folder(tmp_path / "out", {})


def test_tensors_are_packed_and_come_back():
    shared = torch.arange(100.0)
    state = {"a": shared, "b": torch.ones(90), "c": shared, "d": torch.zeros(120)}
    made = pieces.weights("x", state, limit=1000)
    back = pieces.tensors(list(made.values()))
    assert len(made) == 2
    assert back.keys() == {"a", "b", "d"}
    assert all(torch.equal(back[k], state[k]) for k in back)
    with pytest.raises(ValueError, match="one file takes"):
        pieces.packed({"e": 2000}, limit=1000)
