"""The rule, branch by branch, and what a page glues of it."""

import math

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from companion.claims import effects, ledger, verdicts


@pytest.mark.parametrize(
    ("estimate", "low", "high", "least", "expected"),
    [
        (0.3, 0.2, 0.4, 0.3, "holds"),  # reaches the bar
        (0.29, 0.2, 0.4, 0.3, "weaker"),
        (0.29, 0.2, 0.4, 0.0, "holds"),  # nothing printed
        (0.1, 0.05, 0.15, 0.3, "weaker"),  # surely there, surely smaller
        (-0.2, -0.3, -0.1, 0.0, "not in this model"),
        (-0.2, -0.3, -0.1, 0.3, "not in this model"),
        (0.1, -0.1, 0.29, 0.3, "not in this model"),  # an effect of that size is excluded
        (0.1, -0.1, 0.3, 0.3, "not shown"),
        (0.1, -0.1, 0.3, 0.0, "not shown"),
        (0.1, 0.0, 0.3, 0.0, "not shown"),  # reaches 0
        (0.0, 0.0, 0.0, 0.0, "not shown"),
        (0.1, math.nan, math.nan, 0.0, ""),  # no interval: not tested
        (math.nan, math.nan, math.nan, 0.0, ""),
    ],
)
def test_the_rule(estimate, low, high, least, expected):
    assert verdicts.verdict(estimate, low, high, least) == expected


def test_the_bar_is_half_of_the_counterpart():
    printed = {"t5": 0.4, "switch": 0.2}
    assert verdicts.least("t5-mini", printed) == 0.2
    assert verdicts.least("google/switch-base-16", printed) == 0.1
    assert verdicts.least("all-MiniLM-L6-v2", printed) == 0.1  # the smaller, where there is no counterpart
    assert verdicts.least("t5-mini", {"switch": 0.2}) == 0.1  # or nothing printed for it
    assert verdicts.least("t5-mini", {"t5": math.nan, "switch": 0.2}) == 0.1
    assert verdicts.least("t5-mini", {}) == 0
    assert verdicts.least("t5-mini", {"t5": -0.4}) == 0  # what is printed against a claim is no bar


numbers = st.floats(-10, 10, allow_nan=False)


@given(st.tuples(numbers, numbers, numbers).map(sorted), st.floats(0, 10))
def test_absence_is_said_only_where_half_of_what_is_printed_is_excluded(effect, least):
    low, estimate, high = effect
    said = verdicts.verdict(estimate, low, high, least)
    excluded = high < least or high < 0
    assert (said == "not in this model") == (excluded and low <= 0)
    assert (said == "not shown") == (low <= 0 and not excluded)


CONF = """
extensions = ["myst_nb"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
nb_execution_mode = "off"
"""
PRINTED = effects.as_table([("gain", "t5", 0.5, math.nan, math.nan)])


def rows(*found):
    return effects.as_table([("gain", model, *effect) for model, *effect in found])


def test_a_page_is_told_the_verdict_of_each_claim_and_model():
    found = rows(("t5-mini", 0.3, 0.2, 0.4), ("me/t5 large", 0.1, -0.1, 0.6), ("a-bert", 0.2, math.nan, math.nan))
    assert verdicts.words(found, "t5-mini", PRINTED) == {
        "verdict_gain_t5-mini": "holds",
        "verdict_gain_me-t5-large": "not shown",
        "verdict_gain_a-bert": "not tested",
        "verdict_gain": "holds",
        "verdicts_gain": "holds (t5-mini); not shown (me/t5 large); not tested (a-bert)",
    }


def test_the_words_of_another_model_are_those_of_its_run():
    found = rows(("t5-mini", 0.3, 0.2, 0.4), ("mine", -0.2, -0.3, -0.1), ("another", -0.2, -0.3, -0.1))
    made = verdicts.words(found, "mine", PRINTED)
    assert made["verdict_gain"] == "not in this model"
    assert made["verdicts_gain"] == "holds (t5-mini); not in this model (mine and another)"
    assert "verdict_gain" not in verdicts.words(found, "a third", PRINTED)


def test_printed_effects_have_no_verdict():
    assert not any("printed" in name for name in verdicts.words(rows(("t5-mini", 1, 0.5, 2)), "t5-mini"))


@pytest.mark.parametrize("model", ["T5-base, released", "google-t5/t5-base", "./my models/t5: a", "t5-mini", "ü"])
def test_a_name_that_is_glued_has_nothing_in_it_that_a_role_splits_at(model):
    name = verdicts.slug(model)
    assert name
    assert not set(name) & set(":/, `{}")


def test_what_is_glued_is_the_verdict_of_the_ledger(monkeypatch):
    monkeypatch.setattr(verdicts.printed_effects, "effects", lambda: PRINTED)
    found = rows(("t5-mini", 0.3, 0.2, 0.4), ("a-bert", 0.1, -0.1, 0.2))
    made = ledger.to_glue("t5-mini", found.iloc[:1], found.iloc[1:])
    fields = {"claim": "Neurons tell.", "section": "4", "test": "Counted.", "unit": "neurons", "pages": ["02_models"]}
    table = ledger.judged([ledger.Claim("gain", **fields, expected={})], found).set_index("model")["verdict"]
    assert [made["verdict_gain"], made["verdict_gain_a-bert"]] == table[["t5-mini", "a-bert"]].tolist()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("model", ["t5-mini", "me/t5 large"])
def test_a_page_and_its_neighbours_show_the_verdict_of_the_run(model, tmp_path, monkeypatch):
    """A small book: a notebook that glues its verdicts, run with one of two models, and a page that reads them."""
    monkeypatch.setattr(verdicts.printed_effects, "effects", lambda: PRINTED)
    found = rows(("t5-mini", 0.3, 0.2, 0.4), ("me/t5 large", 0.1, -0.1, 0.2))
    outputs = [
        nbformat.v4.new_output(
            "display_data",
            data={ledger.RECORD: repr(value)},
            metadata={"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}},
        )
        for name, value in ledger.to_glue(model, found).items()
    ]
    cell = nbformat.v4.new_code_cell("glue()", outputs=outputs)
    said = nbformat.v4.new_markdown_cell("# Title\n\nHere: *{glue:text}`verdict_gain`*.")
    language = {"language_info": {"name": "python", "pygments_lexer": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[said, cell], metadata=language), tmp_path / "page.ipynb")
    roles = ("verdict_gain", "verdict_gain_t5-mini", "verdicts_gain")
    there = " ".join(f"*{{glue:text}}`page.ipynb::{role}:s`*" for role in roles)
    (tmp_path / "index.md").write_text(f"# Book\n\nThere: {there}.\n\n```{{toctree}}\npage\n```\n")
    (tmp_path / "conf.py").write_text(CONF)
    with (tmp_path / "warnings").open("w+") as log, docutils_namespace():
        app = Sphinx(tmp_path, tmp_path, tmp_path / "html", tmp_path / "trees", "html", status=None, warning=log)
        app.build(force_all=True)
        log.seek(0)
        warnings = log.read()
    assert warnings == ""
    own = {"t5-mini": "holds", "me/t5 large": "not in this model"}[model]
    shown = [(tmp_path / f"html/{page}.html").read_text() for page in ("page", "index")]
    assert all(f'<em><span class="pasted-text">{own}</span></em>' in html for html in shown)
    assert '<span class="pasted-text">holds</span>' in shown[1]
    assert "holds (t5-mini); not in this model (me/t5 large)" in shown[1]
