"""What the pages of the whole book say of each other, when the prose of one is written for any notebook program."""

from collections.abc import Mapping
from pathlib import Path

import nbformat

from companion.tools import plain_markdown, quizzes

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"


def sources() -> dict[str, nbformat.NotebookNode]:
    """The notebooks by name, as they are committed."""
    return {p.stem: nbformat.read(p, 4) for p in sorted(NOTEBOOKS.glob("*.ipynb"))}


def whole_book(values: Mapping[str, object]) -> plain_markdown.Book:
    """What `plain_markdown.convert` needs, with the values, as `glued.read` has them, that stand in the prose."""
    pages = sorted((NOTEBOOKS.parent / "book").glob("*.md"))
    return plain_markdown.book(sources(), pages, values, quizzes.read(NOTEBOOKS.parent / quizzes.FILE))
