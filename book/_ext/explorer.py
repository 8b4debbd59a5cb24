"""Put the explorer's data, script and style into the book, on its one page only."""

import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
PAGE = "book/explorer"
DATA = "executed/explorer"  # of the source folder; python -m companion.explorer writes it


def assets(app: Sphinx, page: str, _template: str, _context: dict, _doctree: object) -> None:
    if page == PAGE:  # Sphinx adds what is named here to this page alone
        app.add_js_file("explorer.js", loading_method="defer")
        app.add_css_file("explorer.css")


def data(app: Sphinx, error: Exception | None) -> None:
    """Copy the data beside the page's script, without what an earlier run left there."""
    if error or PAGE not in app.env.found_docs or app.builder.format != "html":
        return
    made, target = Path(app.srcdir) / DATA, Path(app.outdir) / "_static/explorer"
    if not (made / "index.js").is_file():
        logger.warning("the explorer has no data: make book makes it", location=PAGE)
        return
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(made, target)


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", assets)
    app.connect("build-finished", data)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
