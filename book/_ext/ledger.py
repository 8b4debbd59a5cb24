"""The ledger of claims on a page: ``ledger``, every claim with its verdicts, and ``ledger-figure``, all at a glance.

Both read what the executed notebooks glued and data/claims.yml; nothing on the page is typed but the claims.
"""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from companion.claims import ledger, ledger_figure
from companion.functions import sources

logger = logging.getLogger(__name__)
FIGURE = "_build/ledger/verdicts.png"
HEADER = ("model", "effect (95 % interval)", "verdict")


class Judged(SphinxDirective):
    """A directive that shows the ledger; its page is built again when a notebook was run or a claim changed."""

    def read(self) -> tuple[list[ledger.Claim], pd.DataFrame]:
        executed = Path(self.env.srcdir) / ledger.EXECUTED
        for file in [sources.data_folder() / ledger.FILE, *sorted(executed.glob("*.ipynb"))]:
            self.env.note_dependency(str(file))
        claims = ledger.read()
        return claims, ledger.judged(claims, ledger.collect(executed))


class Ledger(Judged):
    """Every claim, by the section of the paper that makes it first."""

    def run(self) -> list[nodes.Node]:
        claims, table = self.read()
        for sentence in ledger.disagreements(table):
            logger.warning("ledger: %s", sentence, location=self.get_location(), type="ledger")
        made: list[nodes.Node] = []
        for part, of_part in groupby(claims, key=lambda claim: claim.section.split(";")[0]):
            title = _place(part)
            section = nodes.section("", nodes.title("", title), ids=[nodes.make_id(f"claims-{title}")])
            self.state.document.note_implicit_target(section, section)
            for claim in of_part:
                section += self.block(claim, table.loc[table["claim"] == claim.id])
            made.append(section)
        return made

    def block(self, claim: ledger.Claim, rows: pd.DataFrame) -> nodes.Node:
        name = nodes.strong("", claim.id.replace("-", " ").capitalize())
        head = nodes.paragraph(
            "",
            "",
            name,
            nodes.Text(f". {claim.claim} "),
            nodes.emphasis("", ", ".join(map(_place, claim.section.split("; ")))),
        )
        links = [node for page in claim.pages for node in (self.link(page), nodes.Text(" "))]
        test = nodes.paragraph("", "", nodes.Text(f"{claim.test} "), *links[:-1])
        effects = [row for row in rows.to_dict("records") if row["verdict"] or math.isfinite(row["estimate"])]
        table = _table(HEADER, [_cells(row) for row in effects])
        unit = nodes.paragraph("", f"Effect in: {claim.unit}.{_bar(rows)}", classes=["claim-unit"])
        return nodes.container("", head, test, table, unit, ids=[f"claim-{claim.id}"], classes=["claim"])

    def link(self, page: str) -> nodes.Node:
        """To the notebook's page, with its title."""
        options = {"refdomain": "std", "reftype": "doc", "reftarget": f"/notebooks/{page}", "refdoc": self.env.docname}
        return addnodes.pending_xref("", nodes.inline("", page), refexplicit=False, refwarn=True, **options)


class LedgerFigure(Judged):
    """The grid of verdicts as a figure; the content is its caption."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        _, table = self.read()
        path = Path(self.env.srcdir) / FIGURE
        path.parent.mkdir(parents=True, exist_ok=True)
        axes = ledger_figure.verdicts(table)
        axes.figure.savefig(path, dpi=150)  # type: ignore[union-attr]
        plt.close("all")
        image = nodes.image(uri=f"/{FIGURE}", alt=alt_text(table), classes=["finding"])
        figure = nodes.figure("", image, align="center")
        if self.content:
            parsed, messages = self.state.inline_text(" ".join(self.content), self.lineno)
            figure += nodes.caption("", "", *parsed)
            return [figure, *messages]
        return [figure]


def alt_text(table: pd.DataFrame) -> str:
    """What the figure shows, in words and with its counts."""
    said = table[table["verdict"] != ""]
    counts = []
    for name, rows in said.groupby("model", sort=False):
        of_model = Counter(rows["verdict"])
        counts.append(f"{name}: " + ", ".join(f"{of_model[v]} {v}" for v in ledger.VERDICTS if of_model[v]))
    return f"Grid of {table['claim'].nunique()} claims by models with a verdict in each cell. {'; '.join(counts)}."


def _place(part: str) -> str:
    """A part of the paper, ``4`` or ``A.6``, with what it is; ``Abstract`` says so itself."""
    kind = "Section " if part[0].isdigit() else "Appendix " if part.startswith("A.") else ""
    return f"{kind}{part}"


def _cells(row: dict) -> list[nodes.Node]:
    low, high = row["low"], row["high"]
    effect = _number(row["estimate"]) + (f" ({_number(low)} to {_number(high)})" if math.isfinite(low + high) else "")
    said = row["verdict"]
    cell = nodes.inline("", said or "–", classes=["verdict", f"verdict-{said.replace(' ', '-')}"] if said else [])
    paragraph = nodes.paragraph("", "", cell)
    if not row["agrees"]:
        paragraph += nodes.Text(f" (expected: {row['expected']})")
    return [nodes.paragraph("", row["model"]), nodes.paragraph("", effect), paragraph]


def _number(value: float) -> str:
    """Three decimals below 1, one above: enough for both a predictivity and a percentage point."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"
    return text.replace("-", "−")


def _bar(rows: pd.DataFrame) -> str:
    """From which effect on a claim holds, for each model that is judged by another one."""
    bars: Any = rows[rows["verdict"] != ""].groupby("least", sort=False)["model"].agg(", ".join)
    return "".join(
        f" Half of what is printed, for {models}: {_number(bar)}." for bar, models in bars.items() if bar > 0
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[nodes.Node]]) -> nodes.table:
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in header), cols=len(header))
    head = [nodes.paragraph("", text) for text in header]
    lines = [nodes.row("", *(nodes.entry("", cell) for cell in cells)) for cells in (head, *rows)]
    group += [nodes.thead("", lines[0]), nodes.tbody("", *lines[1:])]
    return nodes.table("", group, classes=["colwidths-auto"])


def setup(app: Sphinx) -> dict:
    app.add_directive("ledger", Ledger)
    app.add_directive("ledger-figure", LedgerFigure)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
