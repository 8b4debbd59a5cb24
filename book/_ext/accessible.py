"""What a screen reader needs of a page: no empty header cell, no id twice, no role out of place, a name for what unfolds,
and the book's title in a landmark."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

TEMPLATES = Path(__file__).parent / "templates"
CITATION_ROLE = re.compile(r' role="(?:doc-(?:biblioentry|backlink)|list(?=" class="citation-list))"')
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
    """The list of references without roles that HTML does not allow where docutils puts them."""
    if "body" in context:
        context["body"] = CITATION_ROLE.sub("", context["body"])


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
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
