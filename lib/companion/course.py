"""What a lecturer hands out and what stays on the lecturer's side: ``python -m companion.course``, or ``make course``.

``course/students`` holds the students' copies, and the template of a report; ``course/source`` holds the copies with
solutions, in the layout of nbgrader, whose metadata both carry: a class without nbgrader is not touched by them. Beside
these are a page that says how the course is set up, and the versions for the class's environment.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from companion import students, terminal
from companion.tools import NOTEBOOKS, exercise_cells
from modularity import environment

ROOT = NOTEBOOKS.parent
FOLDER = ROOT / "course"
README = Path(__file__).with_name("course_readme.md")
POINTS = {"easy": 1, "medium": 2, "hard": 3}
EXTRAS = ("companion", "bert", "lab")  # of pyproject.toml, which a student's copy needs
KERNEL = ("ipykernel", "myst-nb")  # and what runs it, of the extra that builds the book
PYTORCH = "https://download.pytorch.org/whl/cpu"
NBGRADER = """c = get_config()
c.CourseDirectory.course_id = "modularity"
c.Execute.timeout = 1800  # seconds a cell: without the store of scores, some take minutes
c.ClearSolutions.code_stub = {"python": ""}  # the comment above a solution says what to do
"""
_ASKED = re.compile(
    r"^```\{exercise\} (?P<title>.+)\n:label: (?P<label>[\w-]+)\n\*\((?P<minutes>\d+) minutes, (?P<grade>\w+)\.\)\*",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Exercise:
    """Where an exercise's answer and check stand in its page, and what it says of itself."""

    answer: int
    check: int
    title: str
    label: str
    minutes: int
    points: int


def exercises(notebook: nbformat.NotebookNode) -> list[Exercise]:
    """The exercises of a page, as it is committed.

    Raises
    ------
    ValueError
        As `exercise_cells.exercises`; or an exercise that does not say its label, its minutes and how hard it is.
    """
    found = []
    for answer, check in exercise_cells.exercises(notebook):
        *_, last = [None, *_ASKED.finditer(notebook.cells[answer - 1].source)]
        if last is None or last["grade"] not in POINTS:
            raise ValueError(
                f"the exercise above cell {answer} needs a label and, in its first line, minutes and one of "
                f"{', '.join(POINTS)}, as *(10 minutes, easy.)*"
            )
        minutes, points = int(last["minutes"]), POINTS[last["grade"]]
        found.append(Exercise(answer, check, last["title"], last["label"], minutes, points))
    return found


def graded(copy: nbformat.NotebookNode, asked: list[Exercise]) -> nbformat.NotebookNode:
    """A student's copy with nbgrader's metadata: answers are solutions, checks are locked and give points."""
    made = deepcopy(copy)
    for exercise in asked:
        given: dict[str, object] = {"grade": False, "solution": True, "locked": False}
        made.cells[exercise.answer].metadata["nbgrader"] = _metadata(f"{exercise.label}-answer", given)
        given = {"grade": True, "solution": False, "locked": True, "points": exercise.points}
        made.cells[exercise.check].metadata["nbgrader"] = _metadata(f"{exercise.label}-check", given)
    return made


def _metadata(grade_id: str, given: dict[str, object]) -> dict[str, object]:
    return {"schema_version": 3, "grade_id": grade_id, "task": False} | given


def solved(copy: nbformat.NotebookNode, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy with the solutions of its page, each between the marks at which nbgrader cuts it out again.

    Links lead to the other pages in folders of their own.
    """
    made = deepcopy(copy)
    for cell in (c for c in made.cells if c.cell_type == "markdown"):
        cell.source = re.sub(r"\]\((\w+)\.ipynb\)", r"](../\1/\1.ipynb)", cell.source)
    for answer, _ in exercise_cells.exercises(notebook):
        made.cells[answer].source += f"\n### BEGIN SOLUTION\n{notebook.cells[answer].source}\n### END SOLUTION"
    return made


def requirements(pyproject: str, constraints: str) -> list[str]:
    """The packages that students' copies need, each pinned, from the texts of these two files.

    Raises
    ------
    ValueError
        A package that the constraints do not pin.
    """
    lines = [line for line in constraints.splitlines() if line and not line.startswith("#")]
    pins = {canonicalize_name(Requirement(line).name): line for line in lines}
    project = tomllib.loads(pyproject)["project"]
    listed = [*project["dependencies"], *(r for e in EXTRAS for r in project["optional-dependencies"][e]), *KERNEL]
    names = sorted({canonicalize_name(Requirement(line).name) for line in listed})
    if missing := [name for name in names if name not in pins]:
        raise ValueError(f"constraints.txt does not pin {', '.join(missing)}")
    return [pins[name] for name in names]


def files() -> dict[str, str]:
    """Everything that is written, by its path in the course's folder."""
    notebooks = students.sources()
    asked = {name: exercises(notebook) for name, notebook in notebooks.items()}
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pinned = requirements((ROOT / "pyproject.toml").read_text(encoding="utf-8"), constraints)
    made = {
        "README.md": README.read_text(encoding="utf-8").replace("EXERCISES", _table(asked)),
        "requirements.txt": "\n".join(
            [
                "# For the image of a JupyterHub, or any environment of the class; README.md says what else it needs.",
                f"--extra-index-url {PYTORCH}  # PyTorch's build for CPUs: for a GPU, unpin torch and leave this out",
                "-c constraints.txt",
                *pinned,
                "",
            ]
        ),
        "constraints.txt": constraints,
        "nbgrader_config.py": NBGRADER,
    }
    for name, notebook in students.templates().items():
        made[f"students/{name}.ipynb"] = nbformat.writes(notebook) + "\n"
    for name, copy in students.copies().items():
        handed = graded(copy, asked[name])
        made[f"students/{name}.ipynb"] = nbformat.writes(handed) + "\n"
        made[f"source/{name}/{name}.ipynb"] = nbformat.writes(solved(handed, notebooks[name])) + "\n"
    return made


def _table(asked: Mapping[str, list[Exercise]]) -> str:
    rows = [f"| `{page}` | {e.title} | {e.minutes} | {e.points} |" for page, found in asked.items() for e in found]
    return "\n".join(["| page | exercise | minutes | points |", "|---|---|---|---|", *rows])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m companion.course", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--folder", type=environment.expanded, default=FOLDER, help="default: course/")
    options = parser.parse_args(arguments)
    try:
        written = students.keep({options.folder / path: text for path, text in files().items()})
    except (ValueError, FileExistsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(map(str, written)))
    return 0


if __name__ == "__main__":
    terminal.run(main)
