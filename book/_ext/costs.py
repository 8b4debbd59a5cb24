"""The directive ``costs``: what running each section took when this copy of the book was built."""

import json
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

EXECUTED = "executed"


def table(executed: Path, links: str) -> list[str]:
    """A Markdown table of what the sections in `executed` cost; a name with a dot is a try, and left out."""
    rows, cores = [], set()
    for file in sorted(executed.glob("*.ipynb")):
        cost = json.loads(file.read_text(encoding="utf-8"))["metadata"].get("cost")
        if cost and "." not in file.stem:
            memory = f"{cost['peak_mib'] / 1024:.1f}" if "peak_mib" in cost else "–"  # Windows does not say
            figures = f"{cost['minutes']:.1f} | {memory}"
            rows.append(f"| [](<{links}/{file.name}>) | {figures} |")
            cores.add(str(cost["cores"]))
    head = [
        f"| section | minutes on {' or '.join(sorted(cores))} cores | memory, GiB |",
        "|---|---|---|",
    ]
    return [*head, *rows] if rows else []


class Costs(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        executed = Path(self.env.srcdir) / EXECUTED
        for file in executed.glob("*.ipynb"):
            self.env.note_dependency(str(file))
        made = nodes.container()
        lines = table(executed, "../notebooks")
        self.state.nested_parse(StringList(lines, str(executed)), self.content_offset, made)
        return [made]


def setup(app: Sphinx) -> dict:
    app.add_directive("costs", Costs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
