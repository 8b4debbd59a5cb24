"""Every notebook keeps the anatomy: pairs in sync, no outputs, small cells, no logic, no paths."""

import ast
import re
import statistics
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = sorted(p.stem for p in FOLDER.glob("*.py"))


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return request.param


@pytest.fixture
def notebook(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", 4)


def code(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def test_every_notebook_has_both_halves():
    assert NAMES
    assert {p.stem for p in FOLDER.glob("*.ipynb")} == set(NAMES)


def test_the_pair_is_in_sync(name, notebook):
    written = jupytext.read(FOLDER / f"{name}.py")
    assert [(c.cell_type, c.source) for c in written.cells] == [(c.cell_type, c.source) for c in notebook.cells]
    assert [c.metadata for c in written.cells] == [c.metadata for c in notebook.cells]


def test_no_outputs_are_committed(notebook):
    assert all(not c.outputs and c.execution_count is None for c in code(notebook))


def test_the_title_is_a_question_with_a_computed_answer(notebook):
    title, answer = notebook.cells[0].source.split("\n\n")[:2]
    assert re.fullmatch(r"# .*\?", title)
    assert "{glue:text}" in answer


def test_parameters_are_few_typed_and_explained(name, notebook):
    (cell,) = [c for c in code(notebook) if "parameters" in c.metadata.get("tags", [])]
    lines = cell.source.splitlines()
    assert len(lines) <= 10
    assert all(re.fullmatch(r"\w+: (int|str|float|bool) = .+?  # .+", line) for line in lines)
    known = papermill.inspect_notebook(str(FOLDER / f"{name}.ipynb"))
    assert {"model", "seed"} <= set(known)
    assert all(p["help"] for p in known.values())


def test_cells_are_few_and_small(notebook):
    shown = [c for c in code(notebook) if "remove-cell" not in c.metadata.get("tags", [])]
    sizes = [sum(1 for line in c.source.splitlines() if line.strip()) for c in shown]
    assert len(sizes) <= 25
    assert statistics.median(sizes) <= 5
    assert max(sizes) <= 20


def test_notebooks_hold_no_logic_and_no_paths(notebook):
    for cell in code(notebook):
        assert not re.search(r"^[!%]|open\(|read_csv|read_parquet|Path\(", cell.source, re.MULTILINE), cell.source
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.ClassDef)
            if isinstance(node, ast.FunctionDef):
                assert node.name.startswith("naive_"), f"{node.name}: only a naive version is defined in a notebook"


def test_every_figure_has_a_caption_and_alt_text(notebook):
    for cell in code(notebook):
        if re.search(r"\bplots\.\w+\(", cell.source):
            assert cell.metadata["mystnb"]["figure"]["caption"]
            assert cell.metadata["mystnb"]["image"]["alt"]


def test_every_exercise_has_a_solution_and_a_check(notebook):
    exercises = sum(c.source.startswith("```{exercise}") or "\n```{exercise}" in c.source for c in notebook.cells)
    assert exercises >= 2
    for tag in ("solution", "check"):
        assert sum(tag in c.metadata.get("tags", []) for c in code(notebook)) == exercises


def test_prose_leads_the_code(notebook):
    words = sum(len(c.source.split()) for c in notebook.cells if c.cell_type == "markdown")
    lines = sum(1 for c in code(notebook) for line in c.source.splitlines() if line.strip())
    assert words / lines >= 8
