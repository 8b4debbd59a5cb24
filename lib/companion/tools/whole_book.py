"""What the pages of the whole book say of each other, when the prose of one is written for any notebook program."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from companion.tools import NOTEBOOKS, quizzes
from companion.tools.directives import PARSER, directive
from companion.tools.quizzes import Question

_LABEL = re.compile(r"^\((?P<label>\S+)\)=\n+#+ (?P<title>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Book:
    """What pages say of each other.

    Parameters
    ----------
    values : ``PAGE::NAME`` → value, as `glued.published` has them.
    titles : a page's name → its first heading.
    labels : → the heading, exercise or figure that a label names.
    equations : a label → the number that its page gives it.
    copies : pages whose copies lie beside each other.
    quizzes : a page → its questions.
    """

    values: Mapping[str, object]
    titles: Mapping[str, str]
    labels: Mapping[str, str]
    equations: Mapping[str, int]
    copies: frozenset[str]
    quizzes: Mapping[str, Sequence[Question]]

    def title(self, page: str) -> str:
        return self._find(self.titles, Path(page).stem, "page")

    def label(self, label: str) -> str:
        return self._find(self.labels, label, "label")

    def equation(self, label: str) -> str:
        return f"({self._find(self.equations, label, 'equation')})"

    @staticmethod
    def _find(known: Mapping[str, object], name: str, kind: str) -> str:
        if name not in known:
            raise ValueError(f"a page names the {kind} {name!r}, which the book does not have")
        return str(known[name])


def book(
    notebooks: Mapping[str, nbformat.NotebookNode],
    pages: Iterable[Path],
    values: Mapping[str, object],
    quizzes: Mapping[str, Sequence[Question]] | None = None,
) -> Book:
    """Gather what notebooks, by name, and the book's other pages can be asked for."""
    texts = {name: prose(notebook) for name, notebook in notebooks.items()}
    texts |= {path.stem: path.read_text(encoding="utf-8") for path in pages}
    titles = {n: m[1] for n, text in texts.items() if (m := re.search(r"^# (.+)$", text, re.MULTILINE))}
    labels, equations = {}, {}
    for text in texts.values():
        labels |= {m["label"]: m["title"] for m in _LABEL.finditer(text)}
        named = [d for token in PARSER.parse(text) if (d := directive(token)) and d.label]
        labels |= {d.label: d.title for d in named if d.name == "exercise"}
        equations |= {d.label: i for i, d in enumerate((d for d in named if d.name == "math"), 1)}
    for cell in (cell for notebook in notebooks.values() for cell in notebook.cells):
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        if "name" in figure:
            labels[figure["name"]] = re.split(r"[.;:]", figure["caption"])[0]
    return Book(values, titles, labels, equations, frozenset(notebooks), quizzes or {})


def prose(notebook: nbformat.NotebookNode) -> str:
    """The cells of Markdown, one after the other."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def sources() -> dict[str, nbformat.NotebookNode]:
    """The notebooks by name, as they are committed."""
    return {p.stem: nbformat.read(p, 4) for p in sorted(NOTEBOOKS.glob("*.ipynb"))}


def whole_book(values: Mapping[str, object]) -> Book:
    """What `plain_markdown.convert` needs, with the values, as `glued.read` has them, that stand in the prose."""
    pages = sorted((NOTEBOOKS.parent / "book").glob("*.md"))
    return book(sources(), pages, values, quizzes.read(NOTEBOOKS.parent / quizzes.FILE))
