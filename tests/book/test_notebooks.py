"""Every notebook keeps the anatomy: pairs in sync, no outputs, small cells, no logic, no paths."""

import ast
import os
import re
import statistics
import subprocess
import venv
from pathlib import Path

import jupytext
import nbformat
import papermill
import pytest
from places import ROOT

from companion.tools import parameters

FOLDER = ROOT / "notebooks"
NAMES = sorted(p.stem for p in FOLDER.glob("*.py"))
HOSTED = next(c for c in jupytext.read(FOLDER / f"{NAMES[0]}.py").cells if c.cell_type == "code").source


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


TERMS = r"sub-function|chance-level neuron|functional expert|predictivity|predictivities|expert|neuron"


def test_the_answer_links_its_first_use_of_a_term_to_the_glossary(notebook):
    answer = re.sub(r"\{glue:text\}`[^`]*`", "…", notebook.cells[0].source.split("\n\n")[1])
    linked, used = [], set()
    for word in re.finditer(rf"(?P<role>\{{term\}}`[^`]*`)|(?P<plain>\b(?:{TERMS})s?\b)", answer):
        if word["role"]:
            linked += re.findall(TERMS, word["role"])
        elif not re.search(re.match(TERMS, word["plain"])[0], " ".join(linked)):
            used.add(word["plain"])
    assert used == set()


def test_it_says_what_you_will_do_learn_and_need(name, notebook):
    (box,) = re.findall(r":::\{admonition\} Before you start\n(.*?)\n:::", notebook.cells[0].source, re.DOTALL)
    assert re.findall(r"^\*\*(\w+):\*\*", box, re.MULTILINE) == ["Do", "Learn", "Need"]
    assert f"{{cost}}`{name}`" in box  # its minutes, which a run measures
    assert re.findall(r"\b(?:minutes?|hours?)\b", box) == []


def test_the_first_cells_install_where_hosted_set_parameters_and_import(notebook):
    hosted, parameters, imports, *_ = code(notebook)
    assert hosted.source == HOSTED
    assert hosted.metadata["tags"] == ["remove-cell"]
    assert parameters.metadata["tags"] == ["parameters"]
    assert all(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(imports.source).body)


def test_parameters_are_few_typed_and_explained(name, notebook):
    (cell,) = [c for c in code(notebook) if "parameters" in c.metadata.get("tags", [])]
    lines = cell.source.splitlines()
    assert len(lines) <= 10
    assert all(re.fullmatch(r"\w+: (int|str|float|bool) = .+?  # .+", line) for line in lines)
    known = papermill.inspect_notebook(str(FOLDER / f"{name}.ipynb"))
    assert {"model", "seed"} <= set(known)
    assert all(p["help"] for p in known.values())
    ours = parameters.declared(notebook)  # refuses what the runner could not set
    assert [(p.name, p.kind.__name__, p.help) for p in ours.values()] == [
        (name, p["inferred_type_name"], p["help"]) for name, p in known.items()
    ]
    read = {n.id for c in code(notebook) for n in ast.walk(ast.parse(c.source)) if _is_read(n)}
    assert set(ours) <= read, "a parameter that no cell reads does nothing"


def _is_read(node):
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def test_each_measure_has_a_naive_version_that_agrees_with_the_library(notebook):
    naive = re.findall(r"^def (naive_\w+)", "\n".join(c.source for c in code(notebook)), re.MULTILINE)
    asserted = [
        c.source for c in code(notebook) if "\nassert " in c.source and "check" not in c.metadata.get("tags", [])
    ]
    assert naive
    for name in naive:
        assert any(name in source for source in asserted), name


def test_it_says_what_it_does_not_show_before_its_exercises(notebook):
    headings = re.findall(r"^## (.+)", "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown"), re.M)
    assert headings[-2:] == ["What this page does not show", "Exercises"]


def test_cells_are_few_and_small(notebook):
    """Solutions and checks are folded or belong to an exercise, so they do not count for how many; their size does."""
    shown = [c for c in code(notebook) if "remove-cell" not in c.metadata.get("tags", [])]
    sizes = [sum(1 for line in c.source.splitlines() if line.strip()) for c in shown]
    assert sum(not {"solution", "check"} & set(c.metadata.get("tags", [])) for c in shown) <= 25
    assert statistics.median(sizes) <= 5
    assert max(sizes) <= 20


def test_notebooks_hold_no_logic_and_no_paths(notebook):
    for cell in code(notebook):
        assert not re.search(r"^[!%]|open\(|read_csv|read_parquet|Path\(", cell.source, re.MULTILINE), cell.source
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.ClassDef)
            if isinstance(node, ast.FunctionDef) and "solution" not in cell.metadata.get("tags", []):
                assert node.name.startswith("naive_"), (
                    f"{node.name}: a notebook defines naive versions, and what the solution of an exercise defines"
                )


def test_every_figure_has_a_caption_and_alt_text(notebook):
    for cell in code(notebook):
        if re.search(r"\bplots\.\w+\(", cell.source):
            assert len(cell.metadata["mystnb"]["figure"]["caption"].split()) >= 5
            assert len(cell.metadata["mystnb"]["image"]["alt"].split()) >= 10
            assert len(re.findall(r"\bplots\.\w+\(", cell.source)) == 1, "one figure, one call"


def test_exercises_are_graded_and_have_hint_solution_and_check(notebook):
    found = [e for c in notebook.cells for e in re.findall(r"^```\{exercise\} .*?^```$", c.source, re.S | re.M)]
    assert 2 <= len(found) <= 6
    for tag in ("solution", "check"):
        assert sum(tag in c.metadata.get("tags", []) for c in code(notebook)) == len(found)
    grades = {}
    for exercise in found:
        minutes, grade = re.findall(r"^\*\((\d+) minutes, (\w+)\.\)\*", exercise, re.M)[0]
        assert 1 <= int(minutes) <= 30
        grades[exercise] = ["easy", "medium", "hard"].index(grade)
        assert re.search(r"^:::\{hint\}\n:class: dropdown\n[A-Z`].+?\n:::$", exercise, re.S | re.M)
    # An exercise stands where its idea is fresh, so only those at the end of the page are in the order of their grades.
    end = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown").partition("\n## Exercises\n")[2]
    last = [grades[exercise] for exercise in found if exercise in end]
    assert last
    assert last == sorted(last)


def test_the_section_of_exercises_begins_with_links_to_those_that_stand_before_it(notebook):
    prose = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    above, _, end = prose.partition("\n## Exercises\n")
    before = re.findall(r"^```\{exercise\} .+\n:label: (\S+)", above, re.M)
    assert re.findall(r"\{ref\}`([^`]+)`", end.partition("```{exercise}")[0]) == before


def test_prose_leads_the_code(notebook):
    words = sum(len(c.source.split()) for c in notebook.cells if c.cell_type == "markdown")
    lines = sum(1 for c in code(notebook) if c.source != HOSTED for line in c.source.splitlines() if line.strip())
    assert 10 <= words / lines <= 25


@pytest.fixture
def colab(tmp_path):
    """A fresh environment in which all but this library is there, and a place to look for its repository offline."""
    venv.create(tmp_path / "env", with_pip=False)
    packages = str(Path(pytest.__file__).parents[1])  # on the path, so that the editable install in it is not seen
    address = re.findall(r'"(https://.+?)"', HOSTED)[0]
    git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{FOLDER.parent}.insteadOf"}
    pip = {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": packages, **git, **pip}
    environment |= {"GIT_CONFIG_VALUE_0": address, "HF_HUB_OFFLINE": "1"}
    return tmp_path, environment


@pytest.mark.parametrize("host", ["colab", "elsewhere"])
def test_the_first_cell_installs_in_colab_and_nowhere_else(colab, host):
    root, environment = colab
    folder = root / host
    folder.mkdir()
    pretend = "import sys, types\nsys.modules['google.colab'] = types.ModuleType('google.colab')\n"
    ask = "from companion import functions\nprint(len(functions.load('semantic')), functions.__file__)\n"
    (folder / "cell.py").write_text((pretend if host == "colab" else "") + HOSTED + "\n" + ask)
    done = subprocess.run(
        [root / "env/bin/python", "cell.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if host == "colab":
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"100 {folder}/book/lib/companion/functions/__init__.py\n"
    else:
        assert "No module named 'companion'" in done.stderr
        assert [p.name for p in folder.iterdir()] == ["cell.py"]
