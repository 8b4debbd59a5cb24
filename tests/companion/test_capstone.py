"""The report that students write: its template runs by itself, both commands write it, its rubric adds up to 100."""

import ast
import re

import nbformat
import pytest
from nbclient import NotebookClient
from places import ROOT

from companion import course, students
from companion.tools.kernel import OwnKernel

PAGE = (ROOT / "book/capstone.md").read_text(encoding="utf-8")
ALLOWED = {"modularity", "numpy", "pandas", "torch", "transformers"}  # pandas draws with matplotlib


@pytest.fixture(scope="module")
def template():
    return students.templates()["capstone"]


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_the_template_imports_only_what_comes_with_the_library(template):
    nodes = [n for source in code(template) for n in ast.walk(ast.parse(source))]
    names = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    names |= {str(n.module) for n in nodes if isinstance(n, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} == ALLOWED


def test_the_template_is_short_and_asks_for_prose_behind_each_cell(template):
    kinds = [cell.cell_type for cell in template.cells]
    assert kinds.count("code") <= 20
    for i, cell in enumerate(template.cells):
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 22
            assert template.cells[i + 1].source.startswith("**Write.**")


def test_the_template_is_the_same_at_every_call(template):
    nbformat.validate(template)
    assert template == students.templates()["capstone"]
    assert "jupytext" not in template.metadata


@pytest.fixture
def without_sections(monkeypatch):
    """What both commands write beside the copies, which take a while."""
    monkeypatch.setattr(students, "copies", dict)


def test_both_commands_write_the_template(template, without_sections, tmp_path):
    (path,) = students.write(tmp_path)
    assert path.name == "capstone.ipynb"
    assert course.files()["students/capstone.ipynb"] == path.read_text(encoding="utf-8")
    assert nbformat.read(path, 4).cells == template.cells


@pytest.mark.slow
def test_the_template_runs_from_top_to_bottom(template, tmp_path):
    """On the example that it makes, of which the answers are known."""
    run = nbformat.from_dict(template)
    facts = """assert best.loc["subject", "predictivity"].gt(best.loc["subject", "highest"]).all()
assert best.loc["place", "untrained"].gt(0.98).all()
assert best["shuffled"].sub(best["chance"]).abs().lt(0.1).all()
assert difference["subject"].abs().max() == 0 < difference["place"].abs().max()"""
    run.cells.append(nbformat.v4.new_code_cell(facts))
    manager = {"kernel_manager_class": OwnKernel, "resources": {"metadata": {"path": str(tmp_path)}}}
    NotebookClient(run, timeout=None, **manager).execute()
    assert (tmp_path / "capstone-example/config.json").is_file()
    assert (tmp_path / "capstone-example.csv").is_file()


def rubric():
    """(points, cells) of every criterion."""
    table = PAGE[PAGE.index("| criterion |") :].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return [(int(points), cells) for _, points, *cells in rows]


def test_the_points_of_the_rubric_add_up_to_100():
    assert sum(points for points, _ in rubric()) == 100
    assert all(len(cells) == 3 and all(cells) for _, cells in rubric())


def test_the_numbers_of_the_page_are_those_that_its_code_gives():
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(block, names := {})
    rows = re.findall(r"^\| (\d+) \| (0\.\d\d) \|$", PAGE, re.MULTILINE)
    assert {int(n) for n, _ in rows} == set(names["best"])
    assert all(abs(names["best"][int(n)] - float(said)) <= 0.006 for n, said in rows)
