"""The lecture as slides: ``python -m companion.slides``, or ``make slides``.

``book/lecture.yml`` names the figures and asks the votes; the figures, their captions and all numbers are those of
executed notebooks. The slides are one HTML file without a script and without anything from elsewhere: a browser snaps
from slide to slide at Page Down, as presenters' remotes send it, and prints a slide a page.
"""

import argparse
import base64
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
import yaml
from markdown_it import MarkdownIt
from markupsafe import Markup

from companion import glued, terminal
from companion.claims import ledger
from companion.claims.verdicts import VERDICTS
from companion.tools import NOTEBOOKS, plain_markdown
from companion.tools.whole_book import whole_book
from modularity import environment

LECTURE = NOTEBOOKS.parent / "book" / "lecture.yml"
TEMPLATE = Path(__file__).with_name("slides.html")
OUTPUT = NOTEBOOKS.parent / "course" / "lecture.html"
COUNTED = "verdicts"  # in the place of a figure: the ledger, counted by model
FIELDS = ("figure", "title", "vote", "choices", "answer")
KINDS = ("image/svg+xml", "image/png")  # the first that a figure has is taken


@dataclass(frozen=True)
class Figure:
    """What a cell drew, as a ``data:`` address, and its caption and alt text."""

    source: str
    caption: str
    alt: str
    page: str


def figures(folder: Path) -> dict[str, Figure]:
    """The figures of all executed notebooks of a folder, by the names of their cells."""
    found = {}
    for path in sorted(p for p in folder.glob("*.ipynb") if "." not in p.stem):  # as `ledger.collect`
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            about = cell["metadata"].get("mystnb", {})
            drawn = [o["data"] for o in cell.get("outputs", []) if any(k in o.get("data", {}) for k in KINDS)]
            if "name" in about.get("figure", {}) and drawn:
                figure, alt = about["figure"], about.get("image", {}).get("alt", "")
                found[figure["name"]] = Figure(_address(drawn[-1]), figure["caption"], alt, path.stem)
    return found


def _address(data: Mapping[str, str | list[str]]) -> str:
    kind = next(k for k in KINDS if k in data)
    content = "".join(data[kind])
    encoded = content.replace("\n", "") if kind == "image/png" else base64.b64encode(content.encode()).decode()
    return f"data:{kind};base64,{encoded}"


def read(path: Path = LECTURE) -> dict:
    """The lecture of a file: its ``title``, ``subtitle`` and ``slides``.

    Raises
    ------
    ValueError
        It is another kind of file, or a slide lacks a field, or has one that is unknown.
    """
    lecture = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(lecture, dict) or set(lecture) != {"title", "subtitle", "slides"} or not lecture["slides"]:
        raise ValueError(f"{path} is no lecture; expected title, subtitle and a list of slides")
    for i, slide in enumerate(lecture["slides"], 1):
        if not isinstance(slide, dict) or set(slide) != set(FIELDS) or not isinstance(slide["choices"], list):
            raise ValueError(f"{path}, slide {i}: expected {', '.join(FIELDS)}, and choices as a list")
    return lecture


def render(lecture: dict, folder: Path) -> str:
    """The slides as one page of HTML.

    Parameters
    ----------
    lecture : as `read` returns it.
    folder : of executed notebooks.

    Raises
    ------
    ValueError
        No notebook in the folder was executed, or none of them drew a figure that the lecture names.
    """
    values, drawn = glued.read(folder), figures(folder)
    if not drawn:
        raise ValueError(f"no executed notebooks with figures in {folder}; make book runs them")
    if missing := [s["figure"] for s in lecture["slides"] if s["figure"] not in {*drawn, COUNTED}]:
        raise ValueError(f"no notebook in {folder} drew {', '.join(missing)}; there are: {', '.join(sorted(drawn))}")
    book = whole_book(values)
    parser = MarkdownIt("commonmark").enable("table")

    def shown(text: object, page: str = "") -> Markup:
        return Markup(parser.renderInline(plain_markdown.convert(str(text), page, book)))

    slides = []
    for slide in lecture["slides"]:
        figure = drawn.get(slide["figure"])
        slides.append(
            {
                "title": slide["title"],
                "vote": shown(slide["vote"]),
                "choices": [shown(choice) for choice in slide["choices"]],
                "answer": shown(slide["answer"]),
                "figure": figure,
                "caption": shown(figure.caption, figure.page) if figure else "",
            }
        )
    loader = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = loader.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(lecture=lecture, slides=slides, verdicts=counted(folder))


def counted(folder: Path) -> dict[str, dict[str, int]]:
    """How many claims have each verdict, by model, in the order in which the ledger names models."""
    table = ledger.judged(ledger.read(), ledger.collect(folder))
    found: dict[str, dict[str, int]] = {}
    for model, verdict in zip(table["model"], table["verdict"], strict=True):
        if verdict:
            found.setdefault(model, dict.fromkeys(VERDICTS, 0))[verdict] += 1
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m companion.slides", description=(__doc__ or "").split("\n\n")[0])
    executed = NOTEBOOKS.parent / "executed"
    parser.add_argument("folder", nargs="?", type=environment.expanded, default=executed, help="of executed notebooks")
    parser.add_argument(
        "-o", "--output", type=environment.expanded, default=OUTPUT, help="default: course/lecture.html"
    )
    options = parser.parse_args(arguments)
    try:
        text = render(read(), options.folder)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    print(options.output)
    return 0


if __name__ == "__main__":
    terminal.run(main)
