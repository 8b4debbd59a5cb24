"""The audit is computed once, shipped, and a row that is not what it was is found."""

from dataclasses import replace

import numpy as np
import pytest

from companion.choices import all_choices, audit
from companion.choices.audit import Audit
from companion.choices.choice_setup import Effect, Setup
from companion.experiments import experiment

EFFECTS = {"D2": Effect("one", 0.5, 0.6, 0.2, "gain", 0.0, 0.2), "D12": Effect("two", 100.0, 110.0)}


@pytest.fixture
def known(monkeypatch):
    """Two rows, of which the audit says what is written above."""
    monkeypatch.setattr(
        all_choices, "measured_effects", lambda _setup, only=tuple(EFFECTS): {i: EFFECTS[i] for i in only}
    )
    made = Audit(rows=tuple(EFFECTS))
    return made, made.assemble(made.compute)[0]


def test_what_is_put_together_is_what_was_found(known):
    made, whole = known
    assert whole["row"].to_numpy().tolist() == list(EFFECTS)
    for probe in made.probes(whole):
        assert made.again(whole, probe) == 0


@pytest.mark.parametrize(
    ("name", "row", "value", "off"),
    [("text", "D2", 0.4, 0.1), ("other", "D12", 99.0, 0.1), ("low", "D12", 1.0, np.nan), ("of", "D2", "loss", np.nan)],
)
def test_a_row_that_is_another_is_found(known, name, row, value, off):
    made, whole = known
    other = whole.copy(deep=True)
    other[name] = other[name].where(other["row"] != row, value)
    assert made.again(other, (row,)) == pytest.approx(off, rel=0.2, nan_ok=True)


def test_everything_that_decides_a_row_is_in_its_key():
    usual = Audit()
    assert usual.key(("D2",)) == usual.key(("D2",))
    assert usual.key(("D2",)) != usual.key(("D1",))
    assert usual.key(("D2",)) != Audit(replace(usual.setup, rows=51)).key(("D2",))
    assert usual.key(("D2",)) != Audit(replace(usual.setup, routed="t5-mini")).key(("D2",))


def test_the_book_shows_what_is_shipped(monkeypatch):
    monkeypatch.setattr(all_choices, "measured_effects", lambda *_a, **_k: pytest.fail("computed"))
    found, checked = audit.obtain(Setup(), "none")
    assert list(found) == [row.id for row in all_choices.MEASURED]
    assert str(checked) == "audit: shipped, not rechecked"
    assert all(np.isfinite([e.text, e.other]).all() and e.what for e in found.values())


@pytest.mark.usefixtures("known")
def test_another_setup_is_computed(monkeypatch):
    monkeypatch.setattr(experiment, "load", lambda _of: pytest.fail("what is shipped is of another setup"))
    for setup, recompute in ((Setup(rows=7), "slice"), (Setup(), "full")):
        found, checked = audit.obtain(setup, recompute)
        assert found == EFFECTS
        assert checked.computed
