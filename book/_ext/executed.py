"""Show a notebook, which is committed without outputs, with those of its executed copy.

Prose, comments, tags and captions are those of the committed file, so changing them needs no new run. It stays the
page's source as well, so launch buttons, links and glue paths point at it.
"""

import json
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

from companion.tools.dependencies import code_cells, same_code
from companion.tools.parameters import INJECTED, TAG

NAMED = re.compile(r"\bnotebooks/(\w+)\.ipynb")
logger = logging.getLogger(__name__)


def with_outputs(notebook: dict, executed: dict) -> dict | None:
    """The notebook with the outputs of its executed copy, cell by cell; None where the code of a cell differs.

    A cell in which a run set parameters is taken over, so that the page says what it shows.
    """
    cells, ran = code_cells(notebook), code_cells(executed)
    if not same_code(cells, ran):
        return None
    for cell, done in zip(cells, ran, strict=True):
        cell["outputs"], cell["execution_count"] = done["outputs"], done["execution_count"]
    together = []
    for cell in notebook["cells"]:
        together.append(cell)
        if TAG in tags(cell):
            together += [c for c in executed["cells"] if INJECTED in tags(c)]
    return notebook | {"cells": together, "metadata": executed["metadata"] | notebook["metadata"]}


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def note_sections(app: Sphinx, _docname: str, source: list[str]) -> None:
    """Read a page again once a section that it names has changed: it may quote its numbers, or its title."""
    for name in set(NAMED.findall(source[0])):
        for folder in ("notebooks", "executed"):
            app.env.note_dependency(str(Path(app.srcdir) / folder / f"{name}.ipynb"))


def swap(app: Sphinx, docname: str, source: list[str]) -> None:
    if not docname.startswith("notebooks/"):
        return
    executed = Path(app.srcdir) / "executed" / f"{docname.removeprefix('notebooks/')}.ipynb"
    app.env.note_dependency(str(executed))
    if not executed.is_file():
        logger.warning("%s has not been run: make book runs it", docname, location=docname)
        return
    page = with_outputs(json.loads(source[0]), json.loads(executed.read_text(encoding="utf-8")))
    if page is None:
        logger.warning("%s has changed since it was run: make book runs it again", docname, location=docname)
        return
    source[0] = json.dumps(page)


def without_thebe(app: Sphinx, _page: str, _template: str, context: dict, _doctree: object) -> None:
    """Leave out sphinx-thebe's files: Jupyter Book loads it although it is off, and declares a constant twice."""

    def wanted(asset: object) -> bool:
        attributes = getattr(asset, "attributes", {})
        return "thebe" not in f"{getattr(asset, 'filename', asset)}{attributes.get('body', '')}".lower()

    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context[kind] if wanted(asset)]


def setup(app: Sphinx) -> dict:
    app.connect("source-read", note_sections, priority=0)
    app.connect("source-read", swap, priority=1)
    app.connect("html-page-context", without_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
