"""Under each figure with a name a line to take it away by: its own address, its table, its picture, how to rerun it.

A figure's table is the CSV in its output (`figure_data`). It becomes a file with a lasting address,
``_downloads/PAGE/FIGURE.csv``. A table that a cell shows has an address as well, ``PAGE.html#HEADING-table-2``.
"""

import json
from collections import Counter
from html import escape
from pathlib import Path, PurePosixPath

from docutils import nodes
from sphinx.application import Sphinx

from companion.sections.figure_data import MIME

NOTEBOOKS = "notebooks/"
DOWNLOADS = "_downloads"
RERUN = "rerun-this-page"  # id of the part that `provenance` writes


def take_tables(app: Sphinx, docname: str, source: list[str]) -> None:
    """Keep the tables of a notebook's figures, and take them from its outputs: myst-nb would warn of their type."""
    if not docname.startswith(NOTEBOOKS):
        return
    notebook, tables = json.loads(source[0]), {}
    for cell in notebook["cells"]:
        name = cell["metadata"].get("mystnb", {}).get("figure", {}).get("name")
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).pop(MIME, ""))
            if name and text.strip():
                tables[nodes.fully_normalize_name(name)] = text
    app.env.metadata[docname]["tables"] = tables
    source[0] = json.dumps(notebook)


def add_lines(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    if app.builder.format != "html":
        return
    tables = app.env.metadata[docname].get("tables", {})
    page, root = PurePosixPath(docname).name, "../" * docname.count("/")
    for figure in list(doctree.findall(nodes.figure)):
        image = next(figure.findall(nodes.image), None)
        if image is None or not figure["names"] or image["uri"] not in app.env.images:
            continue
        name, place = figure["names"][0], figure["ids"][0]
        links = [_link("permanent link", f"#{place}", place)]
        if name in tables:
            file = f"{DOWNLOADS}/{page}/{place}.csv"
            (Path(app.outdir) / file).parent.mkdir(parents=True, exist_ok=True)
            (Path(app.outdir) / file).write_text(tables[name], encoding="utf-8")
            links.append(_link("table (CSV)", f"{root}{file}", place, f"{page}-{place}.csv"))
        picture = f"{app.builder.imagedir}/{app.env.images[image['uri']][1]}"  # type: ignore[attr-defined]
        suffix = PurePosixPath(picture).suffix
        links.append(_link(f"figure ({suffix[1:].upper()})", f"{root}{picture}", place, f"{page}-{place}{suffix}"))
        if app.env.metadata[docname].get("run"):
            links.append(_link("rerun", f"#{RERUN}", place))
        line = nodes.raw("", f'<p class="reuse">{" · ".join(links)}</p>', format="html")
        figure.parent.insert(figure.parent.index(figure) + 1, line)


def _link(text: str, address: str, figure: str, file: str = "") -> str:
    """A link that says to a screen reader of which of the page's figures it is; `file` is the name to save it under."""
    saved = f' download="{escape(file)}"' if file else ""
    return f'<a href="{escape(address)}"{saved}>{text}<span class="unseen"> of {escape(figure)}</span></a>'


def link_tables(app: Sphinx, doctree: nodes.document, _docname: str) -> None:
    """Before each table that a cell shows a link to it, named after the heading above and counted from there."""
    if app.builder.format != "html":
        return
    numbers = Counter()
    for output in [raw for cell in doctree.findall(_is_output) for raw in cell.findall(nodes.raw)]:
        heading = _heading(output)
        if heading and "html" in output.get("format", "").split() and "<table" in output.astext():
            numbers[heading] += 1
            name = f"{heading}-table-{numbers[heading]}"
            options = f'class="table-link" id="{name}" href="#{name}" aria-label="Permanent link to {name}"'
            place = output.parent.index(output)
            output.parent.insert(place, nodes.raw("", f"<a {options}>¶</a>", format="html"))


def _is_output(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and "cell_output" in node["classes"]


def _heading(node: nodes.Node) -> str:
    """The id of the heading that a node stands under; none on a page without."""
    while node.parent is not None and not isinstance(node, nodes.section):
        node = node.parent
    return node["ids"][0] if isinstance(node, nodes.section) else ""


def setup(app: Sphinx) -> dict:
    app.connect("source-read", take_tables, priority=2)  # once `executed` has put the outputs in
    app.connect("doctree-resolved", add_lines)
    app.connect("doctree-resolved", link_tables)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
