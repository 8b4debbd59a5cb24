"""Put the explorer's data, script and style into the book, on its one page only."""

import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)
PAGE = "book/explorer"
DATA = "executed/explorer"  # of the source folder; python -m companion.explorer writes it


def assets(app: Sphinx, page: str, _template: str, _context: dict, _doctree: object) -> None:
    if page == PAGE:  # Sphinx adds what is named here to this page alone
        # They run in this order before the page's text is there, so that its data are on their way early.
        for script in ("explorer/index.js", "explorer_pictures.js", "explorer.js"):
            app.add_js_file(script, priority=100)
        app.add_css_file("explorer.css")


def data(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Copy the data beside the page's script, without what an earlier run left there; the page is written again.

    Before pages are written, because Sphinx puts a digest of each script into their addresses.
    """
    if PAGE not in env.found_docs or app.builder.format != "html":
        return []
    made, target = Path(app.srcdir) / DATA, Path(app.outdir) / "_static/explorer"
    if not (made / "index.js").is_file():
        logger.warning("the explorer has no data: make book makes it", location=PAGE)
        return []
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(made, target)
    return [PAGE]


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", assets)
    app.connect("env-updated", data)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
