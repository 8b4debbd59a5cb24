"""The ledger of claims on a page: ``ledger``, every claim with its verdicts, and ``ledger-matrix``, all at a glance.

Both read what the executed notebooks glued and data/claims.yml; nothing on the page is typed but the claims.
"""

import math
from itertools import groupby
from typing import Any

import pandas as pd
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from verdicts import LABEL, SIGNS, badge, judged, link, tabulated

from companion.claims import ledger, released_effects, verdicts

logger = logging.getLogger(__name__)
HEADER = ("model", "effect (95 % interval)", "verdict")


class Ledger(SphinxDirective):
    """Every claim, by the section of the paper that makes it first."""

    def run(self) -> list[nodes.Node]:
        claims, table = judged(self.env)
        for sentence in ledger.disagreements(table):
            logger.warning("ledger: %s", sentence, location=self.get_location(), type="ledger")
        made: list[nodes.Node] = []
        for part, of_part in groupby(claims, key=_first):
            title = _place(part)
            section = nodes.section("", nodes.title("", title), ids=[nodes.make_id(f"claims-{title}")])
            self.state.document.note_implicit_target(section, section)
            for claim in of_part:
                section += self.block(claim, table.loc[table["claim"] == claim.id])
            made.append(section)
        return made

    def block(self, claim: ledger.Claim, rows: pd.DataFrame) -> nodes.Node:
        label = f"{LABEL}{claim.id}"
        self.env.domaindata["std"]["anonlabels"][label] = self.env.docname, label
        name = nodes.strong("", claim.id.replace("-", " ").capitalize())
        head = nodes.paragraph(
            "",
            "",
            name,
            nodes.Text(f". {claim.claim} "),
            nodes.emphasis("", ", ".join(map(_place, claim.section.split("; ")))),
        )
        links = [node for page in claim.pages for node in (self.page(page), nodes.Text(" "))]
        test = nodes.paragraph("", "", nodes.Text(f"{claim.test} "), *links[:-1])
        effects = [row for row in rows.to_dict("records") if row["verdict"] or math.isfinite(row["estimate"])]
        table = tabulated(HEADER, [_cells(row) for row in effects])
        unit = nodes.paragraph("", f"Effect in: {claim.unit}.{_bar(rows)}", classes=["claim-unit"])
        return nodes.container("", head, test, table, unit, ids=[label], classes=["claim"])

    def page(self, name: str) -> nodes.Node:
        """A link to the notebook's page, with its title."""
        options = {"refdomain": "std", "reftype": "doc", "reftarget": f"/notebooks/{name}", "refdoc": self.env.docname}
        return addnodes.pending_xref("", nodes.inline("", name), refexplicit=False, refwarn=True, **options)


class LedgerMatrix(SphinxDirective):
    """A row a claim, a column a model, a sign for each verdict; ``ledger.js`` filters it where there are scripts."""

    def run(self) -> list[nodes.Node]:
        claims, table = judged(self.env)
        table = table[table["verdict"] != ""].assign(column=lambda rows: rows["model"].map(column))
        models = sorted(dict.fromkeys(table["column"]), key=list(released_effects.KINDS.values()).__contains__)
        said = table.set_index(["claim", "column"])["verdict"].to_dict()
        rows = [
            [
                nodes.paragraph("", _first(claim)),
                nodes.paragraph("", "", link(self.env, claim.id, claim.claim)),
                *(_sign(said.get((claim.id, model), "")) for model in models),
            ]
            for claim in claims
        ]
        key = nodes.paragraph("", "", classes=["ledger-key"])
        for verdict, sign in SIGNS.items():
            key += [badge(verdict, nodes.Text(f"{sign} {verdict}")), nodes.Text(" ")]
        matrix = tabulated(["place", "claim", *models], rows, "ledger-matrix")
        self.env.metadata[self.env.docname]["ledger"] = "matrix"
        return [key, matrix]


def column(model: str) -> str:
    """The column of a model: its own name, but one for all the authors' numbers of a T5, and one for those of a
    Switch."""
    return released_effects.KINDS.get(model, model)


def _sign(verdict: str) -> nodes.paragraph:
    """A sign on the verdict's colour, with the word for a screen reader."""
    if verdict not in SIGNS:
        return nodes.paragraph("", "", nodes.inline("", verdicts.UNTESTED, classes=["unseen"]))
    sign = badge(verdict, nodes.Text(SIGNS[verdict]))
    sign["classes"].append("ledger-sign")
    return nodes.paragraph("", "", sign, nodes.Text(" "), nodes.inline("", verdict, classes=["unseen"]))


def _first(claim: ledger.Claim) -> str:
    """The part of the paper that makes the claim first."""
    return claim.section.split(";")[0]


def _place(part: str) -> str:
    """A part of the paper, ``4`` or ``A.6``, with what it is; ``Abstract`` says so itself."""
    kind = "Section " if part[0].isdigit() else "Appendix " if part.startswith("A.") else ""
    return f"{kind}{part}"


def _cells(row: dict) -> list[nodes.Node]:
    low, high = row["low"], row["high"]
    effect = number(row["estimate"]) + (f" ({number(low)} to {number(high)})" if math.isfinite(low + high) else "")
    paragraph = nodes.paragraph("", "", badge(row["verdict"]) if row["verdict"] else nodes.Text("–"))
    if not row["agrees"]:
        paragraph += nodes.Text(f" (expected: {row['expected']})")
    model = f"printed, {row['model']}" if row["printed"] else row["model"]
    return [nodes.paragraph("", model), nodes.paragraph("", effect), paragraph]


def number(value: float) -> str:
    """Three decimals below 1, one above: enough for both a predictivity and a percentage point."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"
    return text.replace("-", "−")


def _bar(rows: pd.DataFrame) -> str:
    """From which effect on a claim holds, for each model that is judged by another one."""
    bars: Any = rows[rows["verdict"] != ""].groupby("least", sort=False)["model"].agg(", ".join)
    return "".join(f" Half of what is printed, for {models}: {number(bar)}." for bar, models in bars.items() if bar > 0)


def script(app: Sphinx, page: str, _template: str, _context: dict, _doctree: object) -> None:
    if app.env.metadata.get(page, {}).get("ledger"):  # Sphinx adds what is named here to this page alone
        app.add_js_file("ledger.js", loading_method="defer")


def setup(app: Sphinx) -> dict:
    app.add_directive("ledger", Ledger)
    app.add_directive("ledger-matrix", LedgerMatrix)
    app.connect("html-page-context", script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
