"""A page's prose in the Markdown that any notebook program shows: no role, no directive and no label is left.

markdown-it finds blocks, with myst-parser's own plugins; what a block or role becomes is decided here.
"""

import html
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import nbformat
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin
from myst_nb.core.variables import format_plain_text

from companion.tools.quizzes import FILE, Question

UNKNOWN = "…"  # in the place of a value that was never published
NOTES = ("admonition", "note", "tip", "important", "warning", "caution", "seealso")

_PARSER = MarkdownIt("commonmark").use(colon_fence_plugin).use(myst_block_plugin)
_DIRECTIVE = re.compile(r"\{(?P<name>[\w:-]+)\} *(?P<title>.*)")
_OPTIONS = re.compile(r"(?::[\w-]+:.*\n)+")
_LABEL = re.compile(r"^\((?P<label>\S+)\)=\n+#+ (?P<title>.+)$", re.MULTILINE)
_TARGETED = re.compile(r"(?P<text>.*?) *<(?P<target>[^>]+)>", re.DOTALL)
# What is code or a formula holds neither role nor link; one of the two patterns' other groups is empty there.
_KEPT = r"(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\n).)+?(?<!`)(?P=ticks)(?!`)|\$[^$]+\$"
_ROLE = re.compile(r"\{(?P<name>[\w:-]+)\}(?P<quotes>`+)(?P<text>.+?)(?P=quotes)(?!`)|" + _KEPT, re.DOTALL)
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)|" + _KEPT, re.DOTALL)


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
        named = [d for token in _PARSER.parse(text) if (d := _directive(token)) and d.label]
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


def convert(text: str, page: str, book: Book) -> str:
    """The Markdown of a page of the book without what only the book understands.

    Raises
    ------
    ValueError
        A directive or role that has no form here, or a page, label or equation that the book does not have.
    """
    lines, done, at = text.splitlines(keepends=True), [], 0
    for token in _PARSER.parse(text):
        if token.map is None or token.type not in ("fence", "colon_fence", "code_block", "myst_target"):
            continue
        start, end = token.map
        block = "".join(lines[start:end])
        done.append(_inline("".join(lines[at:start]), page, book))
        if token.type == "myst_target":
            block = ""
        elif directive := _directive(token):
            indent = block[: len(block) - len(block.lstrip())]
            block = textwrap.indent(_block(directive, page, book), indent)
        done.append(block)
        at = end
    done.append(_inline("".join(lines[at:]), page, book))
    return re.sub(r"\n{3,}", "\n\n", "".join(done)).strip("\n")


class _Directive(NamedTuple):
    name: str
    title: str
    label: str
    folded: bool
    body: str


def _directive(token: Token) -> _Directive | None:
    if not token.type.endswith("fence") or not (found := _DIRECTIVE.match(token.info)):
        return None
    options = match[0] if (match := _OPTIONS.match(token.content)) else ""
    label = re.search(r"^:label: *(\S+)", options, re.MULTILINE)
    body = token.content[len(options) :].strip("\n")
    return _Directive(found["name"], found["title"], label[1] if label else "", "dropdown" in options, body)


def _block(directive: _Directive, page: str, book: Book) -> str:
    name, title, label, folded, body = directive
    if name == "verdicts":
        said = {claim: book.values.get(f"{page}::verdicts_{claim}") for claim in title.split()}
        return "".join(f"- *{claim.replace('-', ' ')}*: {words}\n" for claim, words in said.items() if words)
    if name == "quiz":
        if page not in book.quizzes:
            raise ValueError(f"{page} has a quiz, and {FILE} has no questions for it")
        return "\n".join(_asked(i, one) for i, one in enumerate(book.quizzes[page], 1))
    if name == "math":
        tag = f" \\tag{{{book.equations[label]}}}" if label else ""
        return f"$$\n{body}{tag}\n$$\n"
    if name not in ("exercise", "hint", *NOTES):
        raise ValueError(f"{page} has the directive {name!r}, which has no form in a student's copy")
    body = convert(body, page, book)
    title = _inline(title, page, book) or name.capitalize()
    if name == "exercise":
        return f"### Exercise: {title}\n\n{body}\n"
    if name == "hint" or folded:
        return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>\n"
    return textwrap.indent(f"**{title}**\n\n{body}\n", "> ", lambda _: True)


def _asked(number: int, one: Question) -> str:
    blocks = [f"**{number}. {one.question}**\n"]
    for option in one.mixed:
        text = html.escape(option.text, quote=False)
        blocks.append(f"<details>\n<summary>{text}</summary>\n\n**{option.verdict}** {option.why}\n\n</details>\n")
    return "\n".join(blocks)


def _inline(text: str, page: str, book: Book) -> str:
    replaced = _ROLE.sub(lambda m: _role(m["name"], m["text"], page, book) if m["name"] else m[0], text)
    return _LINK.sub(lambda m: _link(m["text"], m["target"], book) if m["target"] else m[0], replaced)


def _role(name: str, text: str, page: str, book: Book) -> str:
    text = " ".join(text.split())
    if name == "glue:text":
        path, _, value = text.rpartition("::")
        value, _, form = value.partition(":")
        found = f"{Path(path).stem or page}::{value}"
        return format_plain_text(repr(book.values[found]), form) if found in book.values else UNKNOWN
    if name == "verdict":
        key = f"::verdict_{text.replace(' ', '_')}"
        return next((str(v) for k, v in book.values.items() if k.endswith(key)), UNKNOWN)
    if name == "cost":  # of the machine that built the book
        return "the time that the book's table of costs says"
    explicit = _TARGETED.fullmatch(text)
    if name == "eq":
        return book.equation(text)
    if name in ("ref", "numref", "doc", "term") and explicit:
        return explicit["text"].replace("%s", "").strip()
    if name == "term":
        return text
    if name in ("ref", "numref", "doc"):
        return f"*{book.title(text) if name == 'doc' else book.label(text)}*"
    raise ValueError(f"{page} has the role {name!r}, which has no form in a student's copy")


def _link(text: str, target: str, book: Book) -> str:
    """A link to another copy still leads there; of any other page of the book only the words stay."""
    if re.match(r"[a-z]+:", target):
        return f"[{text}]({target})"
    path = Path(target.partition("#")[0])
    if path.suffix == ".ipynb" and path.stem in book.copies:
        return f"[{text or book.title(path.name)}]({path.name})"
    if text:
        return text
    return f"*{book.title(target) if path.suffix else book.label(target)}*"
