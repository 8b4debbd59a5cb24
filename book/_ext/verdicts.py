"""Verdicts where a page speaks of claims: the role ``verdict`` and the directive ``verdicts``.

Both read what the executed notebooks glued, and lead to the claim on the page of the ledger.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import pandas as pd
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from companion.claims import ledger, verdicts
from companion.functions import sources

logger = logging.getLogger(__name__)
# Beside its colour, so that neither is needed to read the other.
SIGNS = {"holds": "✓", "weaker": "~", "not shown": "?", "not in this model": "✗"}
LABEL = "claim-"  # before a claim's id, of its place on the page of the ledger


def judged(env: BuildEnvironment) -> tuple[list[ledger.Claim], pd.DataFrame]:
    """The claims and their verdicts; the page that asks is built again when a notebook was run or a claim changed."""
    executed = Path(env.srcdir) / ledger.EXECUTED
    files = [sources.data_folder() / ledger.FILE, *sorted(executed.glob("*.ipynb"))]
    for file in files:
        env.note_dependency(str(file))
    return _judged(executed, tuple((file, file.stat().st_mtime_ns) for file in files if file.is_file()))


@lru_cache(maxsize=1)
def _judged(executed: Path, _versions: tuple) -> tuple[list[ledger.Claim], pd.DataFrame]:
    claims = ledger.read()
    return claims, ledger.judged(claims, ledger.collect(executed))


def badge(verdict: str, shown: nodes.Node | None = None) -> nodes.inline:
    """The word, or what is shown in its place, on the verdict's colour."""
    classes = ["verdict", *([f"verdict-{verdict.replace(' ', '-')}"] if verdict in SIGNS else [])]
    return nodes.inline("", "", shown or nodes.Text(verdict or verdicts.UNTESTED), classes=classes)


def link(env: BuildEnvironment, claim: str, text: str) -> nodes.Node:
    """To the claim on the page of the ledger."""
    options = {"refdomain": "std", "reftype": "ref", "reftarget": f"{LABEL}{claim}", "refdoc": env.docname}
    return addnodes.pending_xref("", nodes.inline("", text), refexplicit=True, refwarn=True, **options)


class Verdict(SphinxRole):
    """``{verdict}`CLAIM MODEL` ``: the verdict of a claim on a model."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        claim, _, model = self.text.partition(" ")
        _, table = judged(self.env)
        said = table[~table["printed"]].set_index(["claim", "model"])["verdict"].to_dict()
        if (claim, model) not in said:
            logger.warning("verdict: no evidence on %r of %r", claim, model, location=self.get_location())
            return [badge("")], []
        verdict = said[claim, model]
        return [badge(verdict, link(self.env, claim, verdict or verdicts.UNTESTED))], []


class Verdicts(SphinxDirective):
    """The claims that are named, in the ledger's words, with the verdict on each model, or on those of ``:models:``."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = {
        "models": lambda text: [name.strip() for name in text.split(";")]
    }  # whose names have commas

    def run(self) -> list[nodes.Node]:
        claims, table = judged(self.env)
        known = {claim.id: claim for claim in claims}
        asked = self.arguments[0].split()
        if unknown := [name for name in asked if name not in known]:
            raise self.error(f"unknown claim {unknown[0]!r}; known: {', '.join(known)}")
        table = table[table["claim"].isin(asked) & (table["verdict"] != "")]
        models = self.options.get("models") or list(dict.fromkeys(table["model"]))
        said = table.set_index(["claim", "model"])["verdict"].to_dict()
        rows = [
            [
                nodes.paragraph("", "", link(self.env, name, known[name].claim)),
                *(nodes.paragraph("", "", *([badge(said[name, m])] if (name, m) in said else [])) for m in models),
            ]
            for name in asked
        ]
        return [tabulated(["claim", *models], rows, "verdicts")]


def tabulated(header: Sequence[str], rows: Sequence[Sequence[nodes.Node]], *classes: str) -> nodes.table:
    """A table of paragraphs, its first column as wide as it needs."""
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in header), cols=len(header))
    head = [nodes.paragraph("", text) for text in header]
    lines = [nodes.row("", *(nodes.entry("", cell) for cell in cells)) for cells in (head, *rows)]
    group += [nodes.thead("", lines[0]), nodes.tbody("", *lines[1:])]
    return nodes.table("", group, classes=["colwidths-auto", *classes])


def setup(app: Sphinx) -> dict:
    app.add_role("verdict", Verdict())
    app.add_directive("verdicts", Verdicts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
