"""Copies of the notebooks without solutions: ``python -m companion.students``, or ``make students``.

Each cell tagged ``solution`` becomes a cell that names what the check below it reads; checks and all other code stay.
Prose is written for stock JupyterLab, with the numbers that were published last (`plain_markdown`). Beside the copies
lies the template of a report, ``capstone``.

``--run NAME`` proves that a copy runs: its checks ask for the answers, and no other cell misses anything. With
``--first`` it stops behind the first exercise, with ``--profile smoke`` it takes little of everything.
"""

import argparse
import os
import re
import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from companion import glued, terminal
from companion.rerun import profile, source
from companion.tools import exercise, plain_markdown
from companion.tools import parameters as cells
from companion.tools.exercise_cells import answers, exercises, imports
from companion.tools.kernel import OwnKernel
from companion.tools.whole_book import NOTEBOOKS, sources, whole_book
from modularity import environment

FOLDER = NOTEBOOKS.parent / "students"
TEMPLATES = NOTEBOOKS.parent / "book" / "templates"
PREDICTION = 'prediction = ""  # before you compute anything: what do you expect, and why?'
PREDICTED = (
    'print("you predicted:", globals().get("prediction") or "nothing")'  # beside the result, so that it can be compared
)
PASSED = 'print("passed")'  # behind each check: some say nothing when they find nothing wrong
NUMBERS = (
    "*Numbers in the text are those of the book as it was published last; what you compute can differ a little from "
    "them, and will with other parameters.*"
)


def student_copy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy without solutions and outputs, and no longer paired with a ``.py`` file.

    A solution's imports stay, for the question is not where a function is found. A check says that it has passed, and
    the source of what the book does not show is folded. An exercise that says *predict* asks for it, and its check
    shows what was predicted; what is to be implemented needs no guess.

    Raises
    ------
    ValueError
        As `exercise_cells.exercises`.
    """
    fresh = deepcopy(notebook)
    for i, j in exercises(notebook):
        cell, check = fresh.cells[i], fresh.cells[j]
        names = " and ".join(answers(cell.source, check.source))
        asked = f"# your answer: put it into {names}; the next cell checks it"
        text = next(c.source for c in reversed(notebook.cells[:i]) if c.cell_type == "markdown")
        guess = re.search(r"\bpredict\b", text[text.rfind("{exercise}") :], re.IGNORECASE)
        cell.source = "\n".join([*imports(cell.source), *([PREDICTION] if guess else []), asked])
        cell.metadata["tags"] = ["answer"]
        check.source = "\n".join([check.source, PASSED, *([PREDICTED] if guess else [])])
    for cell in fresh.cells:
        if "remove-cell" in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    fresh.metadata.pop("jupytext", None)
    return fresh


def with_captions(copy: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The same with the captions of figures, which only the book's pages show, at the head of the next text."""
    waiting: list[str] = []
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell.source, waiting = "\n\n".join([*waiting, cell.source]), []
        elif caption := cell.metadata.get("mystnb", {}).get("figure", {}).get("caption"):
            waiting.append(f"> **Figure above.** {caption}")
    return copy


def copies() -> dict[str, nbformat.NotebookNode]:
    """The copy of every notebook by name, its prose as any notebook program shows it.

    Raises
    ------
    ValueError
        As `exercise_cells.exercises` and `plain_markdown.convert`.
    """
    notebooks, book = sources(), whole_book(glued.published())
    made = {name: with_captions(student_copy(notebook)) for name, notebook in notebooks.items()}
    for name, copy in made.items():
        for cell in (c for c in copy.cells if c.cell_type == "markdown"):
            cell.source = plain_markdown.convert(cell.source, name, book)
        copy.cells[0].source += f"\n\n{NUMBERS}"
    return made


def templates() -> dict[str, nbformat.NotebookNode]:
    """Notebooks that students fill in with a model and a table of their own, by name; the same at every call."""
    made = {path.stem: jupytext.read(path, fmt="py:percent") for path in sorted(TEMPLATES.glob("*.py"))}
    for name, notebook in made.items():
        notebook.metadata.pop("jupytext", None)
        for i, cell in enumerate(notebook.cells):
            cell["id"] = f"{name}-{i}"
    return made


def write(folder: Path = FOLDER) -> list[Path]:
    """Write the copy of every notebook, and the templates, into `folder`, as `keep` does."""
    made = copies() | templates()
    return keep({folder / f"{name}.ipynb": nbformat.writes(notebook) + "\n" for name, notebook in made.items()})


def keep(texts: Mapping[Path, str]) -> list[Path]:
    """Write files by their paths; a file that is there and is the same is left alone.

    Raises
    ------
    FileExistsError
        A file is there and is another: it may hold somebody's answers. Nothing is written then.
    """
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8") != text:
            raise FileExistsError(
                f"{path} differs from what would be written, and may hold answers; move it away, or name another "
                "folder with --folder"
            )
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    return list(texts)


def run(
    notebook: nbformat.NotebookNode, *, parameters: Mapping[str, object] | None = None, first: bool = False
) -> list[str]:
    """A sentence for each check of a notebook without answers, all cells run in their order.

    Parameters
    ----------
    parameters : set behind the notebook's own, as `parameters.inject` does.
    first : stop behind the first exercise.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell that is no check failed: it needs something that only a solution had.
    ValueError
        A check passed, or failed for want of something else than its answer.
    """
    copy, found = student_copy(notebook), exercises(notebook)[: 1 if first else None]
    for _, j in found:
        copy.cells[j].metadata["tags"] = ["check", "raises-exception"]
    checks = [copy.cells[j] for _, j in found]
    if first:
        copy.cells = copy.cells[: found[0][1] + 1]
    cells.inject(copy, parameters or {})
    NotebookClient(copy, timeout=None, kernel_manager_class=OwnKernel).execute()
    said = []
    for (i, j), check in zip(found, checks, strict=True):
        names = answers(notebook.cells[i].source, notebook.cells[j].source)
        errors = [f"{o.ename}: {o.evalue}" for o in check.outputs if o.output_type == "error"]
        if errors != [f"{exercise.NoAnswerError.__name__}: {exercise.missing(names)}"]:
            raise ValueError(
                f"the check of {' and '.join(names)} should miss its answer, but said {errors or 'nothing'}"
            )
        said.append(f"no answer was put into {' and '.join(names)}, and its check asks for it, as it should")
    return said


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m companion.students", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--folder", type=environment.expanded, default=FOLDER, help="default: students/")
    parser.add_argument("--run", metavar="NAME", help="write nothing, but run the copy of this notebook")
    parser.add_argument("--first", action="store_true", help="with --run: to the first exercise only")
    parser.add_argument("--profile", default="mini", help="with --run: parameters of notebooks/profiles.yml")
    options = parser.parse_args(arguments)
    try:
        if options.run is None:
            print("\n".join(map(str, write(options.folder))))
        else:
            notebook, set_to = source(options.run), profile(options.profile, options.run)
            print("\n".join(run(notebook, parameters=set_to, first=options.first)))
    except (ValueError, FileExistsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    terminal.run(main)
