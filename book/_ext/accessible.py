"""What a screen reader needs of a page: no empty header cell, no id twice, no role and no list out of place, a name for
what unfolds, the book's title in a landmark, and pictures that a phone shows at a readable size."""

import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

TEMPLATES = Path(__file__).parent / "templates"
CITATION_ROLE = re.compile(r' role="(?:doc-(?:biblioentry|backlink)|list(?=" class="citation-list))"')
SIGNATURE = re.compile(
    r'(<span class="sig-paren">\(</span>\s*)<dl>(.*?)</dl>(?=\s*<span class="sig-paren">)', re.DOTALL
)
EMPTY_HEADER = re.compile(r"<th(\s[^>]*)?>((?:\s|&nbsp;)*)</th>")


def plain_corners(html: str) -> str:
    """The tables with each empty header cell as a plain one: pandas puts them in corners, where they head nothing."""
    return EMPTY_HEADER.sub(r"<td\1>\2</td>", html)


def correct_tables(_app: Sphinx, doctree: nodes.document, _docname: str) -> None:
    for raw in list(doctree.findall(nodes.raw)):
        text = raw.astext()
        if "html" in raw.get("format", "").split() and "<table" in text:
            raw[:] = [nodes.Text(plain_corners(text))]


def drop_repeated_ids(_app: Sphinx, doctree: nodes.document, _docname: str) -> None:
    """sphinx-exercise gives the insides of all exercises one id; nothing refers to it."""
    for section in doctree.findall(nodes.section):
        section["ids"] = [name for name in section["ids"] if name not in ("exercise-content", "solution-content")]


def plain_references(_app: Sphinx, _page: str, _template: str, context: dict, _doctree: object) -> None:
    """References without roles that HTML does not allow where docutils puts them, and signatures without lists."""
    if "body" in context:
        context["body"] = SIGNATURE.sub(plain_signature, CITATION_ROLE.sub("", context["body"]))


def plain_signature(found: re.Match) -> str:
    """Sphinx writes the lines of a long signature as definitions of nothing."""
    lines = found[2].replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
    return f'{found[1]}<span class="sig-lines">{lines}</span>'


def scrolling_pictures(app: Sphinx, doctree: nodes.document, _docname: str) -> None:
    """The picture of each figure in a box of its own, in which a phone scrolls it instead of making its text tiny.

    By its second class the theme lets the keyboard reach the box where there is something to scroll.
    """
    if app.builder.format != "html":
        return
    for image in [image for figure in doctree.findall(nodes.figure) for image in figure.findall(nodes.image)]:
        name = escape(next(iter(image.parent["names"]), "figure"))
        box = f'<div class="picture pst-scrollable-table-container" role="group" aria-label="{name}">'
        place = image.parent.index(image)
        image.parent.insert(place + 1, nodes.raw("", "</div>", format="html"))
        image.parent.insert(place, nodes.raw("", box, format="html"))


def named_toggles(_app: Sphinx, _page: str, _template: str, context: dict, _doctree: object) -> None:
    """Say what the arrow does that unfolds the pages below a page of the sidebar."""
    if draw := context.get("generate_toctree_html"):
        context["generate_toctree_html"] = lambda *given, **options: str(draw(*given, **options)).replace(
            "<summary>", '<summary aria-label="its pages">'
        )


def add_templates(_app: Sphinx, config: Config) -> None:
    config.templates_path.append(str(TEMPLATES))


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", add_templates)
    app.connect("doctree-resolved", correct_tables)
    app.connect("html-page-context", plain_references)
    app.connect("html-page-context", named_toggles, priority=900)
    app.connect("doctree-resolved", drop_repeated_ids)
    app.connect("doctree-resolved", scrolling_pictures)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
