"""What a lecturer hands out: copies that nbgrader takes, solutions apart, versions that are pinned."""

import re
from importlib.metadata import packages_distributions

import jsonschema
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from companion import course, students
from companion.tools.exercise import missing

# The metadata of a cell as nbgrader's documentation has them, version 3. With nbgrader itself, which is no dependency,
# a toy course was generated, answered, graded and exported when this was written.
SCHEMA = {
    "type": "object",
    "properties": {
        "schema_version": {"const": 3},
        "grade": {"type": "boolean"},
        "solution": {"type": "boolean"},
        "locked": {"type": "boolean"},
        "task": {"const": False},
        "grade_id": {"type": "string", "pattern": r"^[a-zA-Z0-9_\-]+$"},
        "points": {"type": "number", "minimum": 0},
    },
    "required": ["schema_version", "grade", "solution", "locked", "grade_id"],
    "additionalProperties": False,
}


def toy(first_line="*(5 minutes, hard.)* Predict, then put 1 + 1 into `answer`."):
    """A page of one exercise."""
    cells = [
        new_markdown_cell("# Is it two?\n\nSee [so](first.ipynb)."),
        new_markdown_cell(f"```{{exercise}} Sum\n:label: sum-up\n{first_line}\n```"),
        new_code_cell("import math\nanswer = math.floor(1 + 1.5)", metadata={"tags": ["solution", "hide-cell"]}),
        new_code_cell('exercise.answered(globals(), "answer")\nassert answer == 2', metadata={"tags": ["check"]}),
    ]
    return new_notebook(cells=cells)


@pytest.fixture(scope="module")
def files():
    return course.files()


def notebooks(files, folder):
    """By path, those below a folder of the course."""
    return {p: nbformat.reads(t, 4) for p, t in files.items() if p.startswith(folder) and p.endswith(".ipynb")}


def test_answers_are_open_and_checks_are_locked_and_give_points():
    page = toy()
    copy = course.graded(students.student_copy(page), course.exercises(page))
    answer, check = (copy.cells[i].metadata["nbgrader"] for i in (2, 3))
    shared = {"schema_version": 3, "task": False}
    assert answer == shared | {"grade_id": "sum-up-answer", "grade": False, "solution": True, "locked": False}
    assert check == shared | {
        "grade_id": "sum-up-check",
        "grade": True,
        "solution": False,
        "locked": True,
        "points": 3,  # a hard one
    }
    assert "nbgrader" not in page.cells[2].metadata


def test_a_check_without_its_answer_is_an_error_that_says_so():
    page = toy()
    copy = course.graded(students.student_copy(page), course.exercises(page))
    copy.cells[2].source += "\nfrom companion.tools import exercise"
    copy.cells[3].metadata["tags"] = ["raises-exception"]  # to which nbgrader gives no point
    NotebookClient(copy, kernel_name="python3").execute()
    (error,) = copy.cells[3].outputs
    assert (error.output_type, error.ename) == ("error", "NoAnswerError")
    assert error.traceback == [f"NoAnswerError: {missing(['answer'])}"]


def test_a_solution_stands_where_nbgrader_cuts_it_out():
    page = toy()
    key = course.solved(students.student_copy(page), page)
    assert key.cells[2].source.splitlines() == [
        "import math",
        students.PREDICTION,
        "# your answer: put it into answer; the next cell checks it",
        "### BEGIN SOLUTION",
        "import math",
        "answer = math.floor(1 + 1.5)",
        "### END SOLUTION",
    ]
    assert "[so](../first/first.ipynb)" in key.cells[0].source


@pytest.mark.parametrize("line", ["Put 1 + 1 into `answer`.", "*(5 minutes, lengthy.)* Put 1 + 1 into `answer`."])
def test_an_exercise_that_does_not_say_how_hard_it_is_is_refused(line):
    with pytest.raises(
        ValueError, match=r"above cell 2 needs a label and, in its first line, minutes and one of easy, medium, hard"
    ):
        course.exercises(toy(line))


@pytest.mark.parametrize("folder", ["students/", "source/"])
def test_nbgrader_takes_every_page(folder, files):
    pages = notebooks(files, folder)
    pages.pop("students/capstone.ipynb", None)  # a report, which no check grades
    assert len(pages) == len(students.sources())
    ids = []
    for page in pages.values():
        nbformat.validate(page)
        marked = [c for c in page.cells if "nbgrader" in c.metadata]
        assert all(c.cell_type == "code" for c in marked)
        for cell in marked:
            jsonschema.validate(dict(cell.metadata["nbgrader"]), SCHEMA)
            ids.append(cell.metadata["nbgrader"]["grade_id"])
    asked = sum(len(course.exercises(n)) for n in students.sources().values())
    assert len(ids) == len(set(ids)) == 2 * asked


def test_the_schema_can_refuse():
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema_version": 2, "grade": False, "solution": True, "locked": False}, SCHEMA)


def test_solutions_are_in_their_own_folder_only(files):
    for path, text in files.items():
        assert ("### BEGIN SOLUTION" in text) == path.startswith("source/"), path
    for name, page in students.sources().items():
        copy = nbformat.reads(files[f"students/{name}.ipynb"], 4)
        key = nbformat.reads(files[f"source/{name}/{name}.ipynb"], 4)
        for exercise in course.exercises(page):
            solution = page.cells[exercise.answer].source
            assert solution in key.cells[exercise.answer].source
            assert solution not in copy.cells[exercise.answer].source
            assert copy.cells[exercise.check].source == key.cells[exercise.check].source


def test_what_copies_import_is_pinned(files):
    pinned = {line.partition("==")[0].lower() for line in files["requirements.txt"].splitlines() if "==" in line}
    code = "\n".join(c.source for n in students.sources().values() for c in n.cells if c.cell_type == "code")
    roots = set(re.findall(r"^(?:from|import) (\w+)", code, re.MULTILINE)) - {"companion", "modularity", "importlib"}
    known = packages_distributions()
    third = {root: {d.lower() for d in known[root]} for root in roots if root in known}
    assert {"numpy", "torch", "myst_nb"} <= set(third)
    assert {root for root, names in third.items() if not names & pinned} == set()


def test_a_package_without_a_pin_is_refused():
    project = '[project]\ndependencies = ["numpy>=2"]\n[project.optional-dependencies]\n'
    project += "companion = []\nbert = []\nlab = []\n"
    pins = "ipykernel==7\nMyst_NB==1\n"
    with pytest.raises(ValueError, match=r"does not pin numpy$"):
        course.requirements(project, pins)
    assert course.requirements(project, pins + "# a note\nnumpy==2.4\n") == ["ipykernel==7", "Myst_NB==1", "numpy==2.4"]


def test_the_page_beside_it_lists_every_exercise(files):
    rows = re.findall(r"^\| `\w+` \| .+ \| \d+ \| [123] \|$", files["README.md"], re.MULTILINE)
    assert len(rows) == sum(len(course.exercises(n)) for n in students.sources().values())
    for path in re.findall(r"^\| `([\w./]+)`", files["README.md"].partition("## ")[0], re.MULTILINE):
        assert any(name.startswith(path) for name in files), path


def test_the_command_writes_the_folder_and_loses_nobodys_answers(tmp_path, capsys, files):
    assert course.main(["--folder", str(tmp_path)]) == 0
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} == set(files)
    assert len(capsys.readouterr().out.splitlines()) == len(files)
    changed = tmp_path / "students" / "A_released.ipynb"
    changed.write_text("mine", encoding="utf-8")
    assert course.main(["--folder", str(tmp_path)]) == 2
    assert "may hold answers" in capsys.readouterr().err
    assert changed.read_text(encoding="utf-8") == "mine"
