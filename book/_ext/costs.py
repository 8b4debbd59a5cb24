"""What running a section took when this copy of the book was built: the directive ``costs``, and the role ``cost``."""

import json
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

EXECUTED = "executed"
TABLE = "cost"  # label of the heading above the table
logger = logging.getLogger(__name__)


def of(file: Path) -> dict:
    """What the run of a section cost; nothing where it was not run, or does not say."""
    return json.loads(file.read_text(encoding="utf-8"))["metadata"].get("cost", {}) if file.is_file() else {}


def words(cost: dict) -> str:
    return f"{cost['minutes']:.1f} minutes on {cost['cores']} cores"


def table(executed: Path, links: str) -> list[str]:
    """A Markdown table of what the sections in `executed` cost; a name with a dot is a try, and left out."""
    rows, cores = [], set()
    for file in sorted(executed.glob("*.ipynb")):
        cost = of(file)
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


class Cost(SphinxRole):
    """``{cost}`04_specialization` ``: the minutes of a section, which lead to the table."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        file = Path(self.env.srcdir) / EXECUTED / f"{self.text}.ipynb"
        self.env.note_dependency(str(file))
        cost = of(file)
        if not cost:
            logger.warning("cost: no run of %r says what it took", self.text, location=self.get_location())
            return [nodes.Text("an unknown time")], []
        options = {"refdomain": "std", "reftype": "ref", "reftarget": TABLE, "refdoc": self.env.docname}
        shown = nodes.inline("", words(cost))
        return [addnodes.pending_xref("", shown, refexplicit=True, refwarn=True, **options)], []


def setup(app: Sphinx) -> dict:
    app.add_role("cost", Cost())
    app.add_directive("costs", Costs)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
