"""A page's prose in the Markdown that any notebook program shows: no role, no directive and no label is left.

What a block (`directives`) or a role becomes is decided here.
"""

import html
import re
import textwrap
from pathlib import Path

from myst_nb.core.variables import format_plain_text

from companion.tools.directives import PARSER, Directive, directive
from companion.tools.quizzes import FILE, Question
from companion.tools.whole_book import Book

UNKNOWN = "…"  # in the place of a value that was never published
NOTES = ("admonition", "note", "tip", "important", "warning", "caution", "seealso")

_TARGETED = re.compile(r"(?P<text>.*?) *<(?P<target>[^>]+)>", re.DOTALL)
# What is code or a formula holds neither role nor link; one of the two patterns' other groups is empty there.
_KEPT = r"(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n\n).)+?(?<!`)(?P=ticks)(?!`)|\$[^$]+\$"
_ROLE = re.compile(r"\{(?P<name>[\w:-]+)\}(?P<quotes>`+)(?P<text>.+?)(?P=quotes)(?!`)|" + _KEPT, re.DOTALL)
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)|" + _KEPT, re.DOTALL)


def convert(text: str, page: str, book: Book) -> str:
    """The Markdown of a page of the book without what only the book understands.

    Raises
    ------
    ValueError
        A directive or role that has no form here, or a page, label or equation that the book does not have.
    """
    lines, done, at = text.splitlines(keepends=True), [], 0
    for token in PARSER.parse(text):
        if token.map is None or token.type not in ("fence", "colon_fence", "code_block", "myst_target"):
            continue
        start, end = token.map
        block = "".join(lines[start:end])
        done.append(_inline("".join(lines[at:start]), page, book))
        if token.type == "myst_target":
            block = ""
        elif found := directive(token):
            indent = block[: len(block) - len(block.lstrip())]
            block = textwrap.indent(_block(found, page, book), indent)
        done.append(block)
        at = end
    done.append(_inline("".join(lines[at:]), page, book))
    return re.sub(r"\n{3,}", "\n\n", "".join(done)).strip("\n")


def _block(found: Directive, page: str, book: Book) -> str:
    name, title, label, folded, body = found
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
