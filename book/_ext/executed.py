"""Show the executed copy of a notebook in place of the committed one, which has no outputs.

The committed file stays the page's source, so launch buttons, links and glue paths point at it.
"""

import json
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def code(notebook: dict) -> list[str]:
    """The cells' sources without what papermill injects, to tell whether two notebooks are the same."""
    cells = [c for c in notebook["cells"] if "injected-parameters" not in c["metadata"].get("tags", [])]
    return ["".join(c["source"]) for c in cells]


def swap(app: Sphinx, docname: str, source: list[str]) -> None:
    if not docname.startswith("notebooks/"):
        return
    executed = Path(app.srcdir) / "executed" / f"{docname.removeprefix('notebooks/')}.ipynb"
    app.env.note_dependency(str(executed))
    if not executed.is_file():
        logger.warning("%s has not been run: make book runs it", docname, location=docname)
        return
    text = executed.read_text(encoding="utf-8")
    if code(json.loads(text)) != code(json.loads(source[0])):
        logger.warning("%s has changed since it was run: make book runs it again", docname, location=docname)
        return
    source[0] = text


def without_thebe(app: Sphinx, _page: str, _template: str, context: dict, _doctree: object) -> None:
    """Leave out sphinx-thebe's files: Jupyter Book loads it although it is off, and declares a constant twice."""

    def wanted(asset: object) -> bool:
        attributes = getattr(asset, "attributes", {})
        return "thebe" not in f"{getattr(asset, 'filename', asset)}{attributes.get('body', '')}".lower()

    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context[kind] if wanted(asset)]


def setup(app: Sphinx) -> dict:
    app.connect("source-read", swap, priority=1)
    app.connect("html-page-context", without_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
