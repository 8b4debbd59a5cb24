"""Every shipped file is registered and intact; a damaged one is named with what to do."""

import hashlib
import shutil

import pytest

from companion.functions import sources
from companion.released import published


def test_every_shipped_file_matches_its_line():
    folder = sources.data_folder()
    shipped = {
        p.relative_to(folder).as_posix()
        for part in ("corpus", "functions", "tokenizer", "models", "history", "results", "published")
        for p in (folder / part).rglob("*")
        if p.is_file() and p.suffix != ".md"
    }
    assert shipped == set(sources.registry())
    for name, entry in sources.registry().items():
        assert sources.path(name).is_file()
        assert all([entry.licence, entry.source]), name


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A data folder of its own with one file and its line."""
    folder = tmp_path / "data"
    (folder / "published").mkdir(parents=True)
    shutil.copy(sources.data_folder() / "published/figure1_left.csv", folder / "published")
    digest = hashlib.sha256((folder / "published/figure1_left.csv").read_bytes()).hexdigest()
    (folder / "registry.txt").write_text(f"# a comment\npublished/figure1_left.csv | {digest} | facts | the paper\n")
    monkeypatch.setenv("MODULARITY_DATA", str(folder))
    return folder


def test_a_folder_of_ones_own_is_read(copy):
    assert sources.path("published/figure1_left.csv").parent.parent == copy


@pytest.mark.parametrize("damage", [lambda b: b[:-10], lambda b: b.replace(b"7", b"8", 1)], ids=["cut", "altered"])
def test_a_damaged_file_is_named(copy, damage):
    path = copy / "published/figure1_left.csv"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"figure1_left.csv is altered or cut short: .* `git checkout"):
        published.figure1_left()


def test_a_missing_file_is_named(copy):
    (copy / "published/figure1_left.csv").unlink()
    with pytest.raises(FileNotFoundError, match=r"figure1_left.csv is missing; restore it"):
        published.figure1_left()


def test_an_unknown_name_lists_the_known(copy):
    with pytest.raises(KeyError, match=r"'published/figure9.csv'; known: published/figure1_left.csv"):
        sources.path("published/figure9.csv")


def test_a_folder_without_a_registry_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULARITY_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"no registry.txt in .*MODULARITY_DATA"):
        sources.path("x")


def test_figure1_left_has_the_printed_rows():
    table = published.figure1_left()
    assert set(table["function"]) == {"semantic", "knowledge", "task"}
    t5 = table.query("model == 't5' and function == 'semantic' and init == 'pretrained'")
    assert t5["layer"].tolist() == list(range(12))
    assert t5["mean_best_ap"].iloc[0] == 0.847069  # the figure's first point, layer 1 there and 0 here
