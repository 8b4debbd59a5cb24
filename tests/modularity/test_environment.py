"""``~`` is a home folder wherever a path is named: in every variable, and in what functions take."""

import ast

import pytest
from places import ROOT

from companion.experiments import histories, history_source
from companion.functions import downloads, sources
from companion.models import catalogue
from companion.released import release
from modularity import environment, store

VARIABLES = {
    store.ENVIRONMENT: store.folder,
    catalogue.RUNS: catalogue.runs_folder,
    sources.ENVIRONMENT: sources.data_folder,
    downloads.PAPER: downloads.paper_folder,
    release.ENVIRONMENT: release.find,
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "registry.txt").touch()  # what a folder of data has
    return tmp_path


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_may_begin_with_the_home_folder(home, monkeypatch, variable):
    monkeypatch.setenv(variable, "~/mine")
    assert VARIABLES[variable]() == home / "mine"
    monkeypatch.setenv(variable, str(home / "mine"))
    assert VARIABLES[variable]() == home / "mine"


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_home_that_is_not_there_is_named(monkeypatch, variable):
    monkeypatch.setenv(variable, "~nobody-of-this-name/mine")
    with pytest.raises(ValueError, match=rf"variable {variable} is set to '~nobody-of-this-name/mine', whose home"):
        VARIABLES[variable]()


def test_an_empty_variable_is_none(monkeypatch):
    monkeypatch.setenv("SOME_FOLDER", "")
    assert environment.named("SOME_FOLDER") is None
    monkeypatch.delenv("SOME_FOLDER")
    assert environment.named("SOME_FOLDER") is None


def reads_variables(source: str) -> bool:
    """Whether code asks for environment variables itself."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    return bool(names & {"environ", "environb", "getenv", "getenvb"})


def test_no_other_module_reads_variables():
    code = [*(ROOT / "lib").rglob("*.py"), *(ROOT / "data/build").glob("*.py"), ROOT / "dodo.py"]
    assert [path.stem for path in code if reads_variables(path.read_text(encoding="utf-8"))] == ["environment"]


def test_the_test_above_can_fail():
    assert reads_variables("import os\nos.environ.get('A')")
    assert reads_variables("from os import getenv")


def test_functions_take_the_home_folder_too(home, monkeypatch):
    assert release.find("~/mine") == home / "mine"
    with pytest.raises(FileNotFoundError, match=f"{home}/mine has no checkpoints"):
        histories.compute("~/mine", [])
    with pytest.raises(FileNotFoundError, match=f"{home}/mine has no checkpoints"):
        history_source.histories("t5-mini", "~/mine")
