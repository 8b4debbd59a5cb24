"""The figure of the ledger has the colour and the sign of every verdict in its own cell."""

import numpy as np
import pandas as pd
import pytest
from drawn import said
from matplotlib.colors import to_hex

from companion.claims import ledger, ledger_figure
from companion.claims.ledger_figure import LOOKS

pytestmark = pytest.mark.usefixtures("figures")


def table_of(*rows):
    return pd.DataFrame(rows, columns=["claim", "model", "verdict"])


def test_the_figure_has_a_sign_in_every_cell():
    table = table_of(
        ("one-claim", "printed, t5", ""),
        ("one-claim", "T5-base, released", "holds"),
        ("one-claim", "t5-mini", "weaker"),
        ("two", "T5 of the authors, released", "not in this model"),
        ("two", "all-MiniLM-L6-v2", "not shown"),
    )
    axes = ledger_figure.verdicts(table)
    assert [t.get_text() for t in axes.get_yticklabels()] == ["one claim", "two"]
    # Both sets of numbers of the authors' T5s are one column, the last.
    assert [t.get_text() for t in axes.get_xticklabels()] == ["t5-mini", "all-MiniLM-L6-v2", "T5, released"]
    signs = [t.get_text() for t in axes.texts]
    assert signs == ["~", "·", "✓", "·", "?", "✗"]
    assert len({sign for _, sign, _ in LOOKS.values()}) == len(ledger.VERDICTS) == len(LOOKS)
    assert list(LOOKS) == list(ledger.VERDICTS)


def test_a_ledger_without_evidence_is_still_drawn():
    assert [t.get_text() for t in ledger_figure.verdicts(table_of(("one", "printed, t5", ""))).texts] == ["·"]


def test_a_cell_has_the_colour_of_its_sign():
    verdicts = list(LOOKS)
    axes = ledger_figure.verdicts(table_of(*((f"claim {i}", "t5-mini", verdict) for i, verdict in enumerate(verdicts))))
    mesh = axes.collections[0]
    axes.figure.canvas.draw()
    assert [to_hex(colour) for colour in mesh.get_facecolors()] == [to_hex(LOOKS[v][0]) for v in verdicts]
    assert [t.get_text() for t in axes.texts] == [LOOKS[v][1] for v in verdicts]
    assert [to_hex(t.get_color()) for t in axes.texts] == [to_hex(LOOKS[v][2]) for v in verdicts]
    assert axes.get_ylim() == (len(verdicts), 0)  # the first on top
    colours = said(axes.figure)
    assert colours == {f"{LOOKS[v][1]} {v}": to_hex(LOOKS[v][0]) for v in verdicts}
    assert np.isfinite(np.asarray(mesh.get_array())).all()
