"""What notebooks glued is read back and judged; a verdict that changes stops the build."""

import importlib.util
import json
import math
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml
from places import ROOT
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from companion.claims import effects, ledger, verdicts


def entry(name="a-claim", **changes):
    fields = {"claim": "Neurons tell.", "section": "4", "test": "Counted.", "unit": "neurons", "pages": ["02_models"]}
    return {"id": name} | fields | changes


def claims_file(folder, *entries):
    path = folder / "claims.yml"
    path.write_text(yaml.safe_dump(list(entries)), encoding="utf-8")
    return path


def test_claims_are_read(tmp_path):
    path = claims_file(tmp_path, entry(expected={"t5-mini": "holds"}), entry("another"))
    one, other = ledger.read(path)
    assert (one.id, one.expected, other.expected) == ("a-claim", {"t5-mini": "holds"}, {})


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([entry(), entry()], "'a-claim' twice"),
        ([entry(expected={"t5-mini": "maybe"})], r"a-claim.* expects 'maybe' of t5-mini; known: holds, weaker"),
        ([entry(test="")], r"claim 1 \(a-claim\) has no 'test'"),
        ([{k: v for k, v in entry().items() if k != "id"}], r"claim 1 \(no id\) has no 'id'"),
        ([entry(verdict="holds")], "unknown field 'verdict'"),
        ([entry(pages="02_models")], "has the pages '02_models', expected a list"),
        (["a sentence"], "no list of claims"),
    ],
)
def test_a_bad_file_says_what_is_wrong(tmp_path, entries, says):
    with pytest.raises(ValueError, match=says):
        ledger.read(claims_file(tmp_path, *entries))


def test_the_books_claims_are_whole():
    claims = ledger.read()
    assert len(claims) >= 20
    assert {page for claim in claims for page in claim.pages} <= {p.stem for p in (ROOT / "notebooks").glob("*.ipynb")}
    assert {claim.section.split(";")[0].strip() for claim in claims} >= {"4", "5", "6", "A.6"}
    assert all(claim.expected for claim in claims)
    assert "Abstract" in " ".join(claim.section for claim in claims)


def executed(folder, name, *tables):
    """A notebook with what papermill leaves of a glued string."""
    data = {ledger.RECORD: repr(ledger.to_glue("", *tables)[ledger.KEY])}
    metadata = {"scrapbook": {"name": ledger.KEY, "mime_prefix": "application/papermill.record/"}}
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    other = nbformat.v4.new_output("display_data", data={ledger.RECORD: "3"}, metadata={"scrapbook": {"name": "runs"}})
    cell = nbformat.v4.new_code_cell("glue(…)", outputs=[other, output])
    folder.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / f"{name}.ipynb")


def row(estimate=0.3, low=0.2, high=0.4, claim="a-claim", model="t5-mini"):
    return effects.as_table([(claim, model, estimate, low, high)])


def test_what_is_glued_is_read_back(tmp_path):
    executed(tmp_path, "04_one", row(), row(np.float64(1), math.nan, math.inf, model="O’Neill's"))
    executed(tmp_path, "05_two", row(claim="another"))
    executed(tmp_path, "04_one.rerun", row(estimate=9))  # somebody's try
    (tmp_path / "06.failed.ipynb").write_text("{}")
    made = ledger.collect(tmp_path)
    assert made[["claim", "model", "page"]].to_numpy().tolist() == [
        ["a-claim", "t5-mini", "04_one"],
        ["a-claim", "O’Neill's", "04_one"],
        ["another", "t5-mini", "05_two"],
    ]
    assert made[["estimate", "low", "high"]].iloc[0].tolist() == [0.3, 0.2, 0.4]
    assert made[["low", "high"]].iloc[1].isna().all()  # null in the JSON
    assert len(ledger.collect(tmp_path / "nowhere")) == 0


def test_evidence_is_given_once(tmp_path):
    with pytest.raises(ValueError, match="'a-claim' of t5-mini twice"):
        ledger.to_glue("t5-mini", row(), row())
    executed(tmp_path, "04_one", row())
    executed(tmp_path, "05_two", row(0.1))
    with pytest.raises(ValueError, match="'a-claim' of t5-mini twice"):
        ledger.collect(tmp_path)


def claim(name="a-claim", **expected):
    return ledger.Claim(**entry(name), expected={name.replace("_", "-"): said for name, said in expected.items()})


PRINTED = effects.as_table([("a-claim", "t5", 0.5, math.nan, math.nan)])


def test_printed_effects_are_a_bar_and_no_case():
    table = ledger.judged([claim(t5_mini="holds")], row(), PRINTED).set_index("model")
    assert table.loc["t5-mini", ["least", "verdict", "agrees"]].tolist() == [0.25, "holds", True]
    assert table.loc["t5", ["printed", "verdict", "agrees"]].tolist() == [True, "", True]
    assert np.isnan(table.loc["t5", "least"])


def test_a_changed_verdict_disagrees_and_says_so():
    table = ledger.judged([claim(t5_mini="holds")], row(0.2, 0.1, 0.3), PRINTED)
    (sentence,) = ledger.disagreements(table)
    assert sentence.startswith("a-claim, t5-mini: expected holds, found weaker (0.2, 0.1 to 0.3)")
    assert "data/claims.yml" in sentence
    assert "python -m companion.claims" in sentence


@pytest.mark.parametrize("rows", [row(model="switch-mini"), row(0.3, math.nan, math.nan)])
def test_missing_evidence_disagrees(rows):
    table = ledger.judged([claim(t5_mini="holds")], rows, PRINTED)
    assert ["t5-mini: expected holds, found no evidence" in s for s in ledger.disagreements(table)] == [True]


def test_a_strangers_model_is_shown_and_stops_nothing():
    table = ledger.judged([claim()], row(-1, -2, -0.5, model="me/t5-large"), PRINTED)
    assert table.set_index("model").loc["me/t5-large", "verdict"] == "not in this model"
    assert ledger.disagreements(table) == []


def test_evidence_on_no_claim_is_refused():
    with pytest.raises(ValueError, match="evidence on 'another', which is no claim"):
        ledger.judged([claim()], row(claim="another"), PRINTED)


def test_the_command_ends_non_zero_when_a_verdict_changes(tmp_path, monkeypatch, capsys):
    executed(tmp_path / "executed", "04_one", row())
    monkeypatch.setattr(verdicts.printed_effects, "effects", lambda: PRINTED)
    read = ledger.read
    for said, status in (("holds", 0), ("not in this model", 1)):
        claims = read(claims_file(tmp_path, entry(expected={"t5-mini": said})))
        monkeypatch.setattr(ledger, "read", lambda claims=claims: claims)
        assert ledger.main([str(tmp_path / "executed")]) == status
        out, err = capsys.readouterr()
        assert "a-claim" in out
        assert ("expected not in this model, found holds" in err) == (status == 1)


# The pages


@pytest.fixture
def extension():
    spec = importlib.util.spec_from_file_location("ledger_extension", ROOT / "book/_ext/ledger.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "book/_ext"))
        spec.loader.exec_module(module)
    sys.modules.pop("verdicts")
    return module


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Build a book of one page, with claims and evidence as given: its HTML and the warnings."""

    def build(claims, *tables, page=""):
        source = tmp_path / "book"
        source.mkdir(exist_ok=True)
        executed(source / "executed", "02_models", *tables)
        (source / "conf.py").write_text(
            "extensions = ['myst_parser', 'verdicts', 'ledger']\nexclude_patterns = ['executed']\n"
        )
        (source / "index.md").write_text(f"# Claims\n\n```{{ledger-matrix}}\n```\n\n{page}\n\n```{{ledger}}\n```\n")
        (source / "notebooks").mkdir(exist_ok=True)
        (source / "notebooks/02_models.md").write_text("---\norphan: true\n---\n# What was learned?\n")
        monkeypatch.syspath_prepend(str(ROOT / "book/_ext"))
        monkeypatch.setattr(ledger, "read", lambda: claims)
        monkeypatch.setattr(verdicts.printed_effects, "effects", lambda: PRINTED)
        log = (tmp_path / "warnings").open("w+")
        # In a namespace: what a build registers would be there for the next test.
        with log, docutils_namespace():
            app = Sphinx(source, source, tmp_path / "html", tmp_path / "trees", "html", status=None, warning=log)
            app.build(force_all=True)
            log.seek(0)
            return (tmp_path / "html/index.html").read_text(), log.read(), app

    return build


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")


def test_the_page_shows_every_claim_with_its_verdicts(build, tmp_path):
    html, warnings, app = build([claim(t5_mini="holds")], row(), row(-2, -3, 0.1, model="me/t5"))
    assert warnings == ""
    assert 'id="claim-a-claim"' in html
    for text in (
        "Neurons tell.",
        "Counted.",
        "0.300 (0.200 to 0.400)",
        "−2.00 (−3.00 to 0.100)",
        "printed, t5",
        "0.500",
    ):
        assert text in html
    assert '<span class="verdict verdict-holds">holds</span>' in html
    assert '<span class="verdict verdict-not-in-this-model">not in this model</span>' in html
    assert "Half of what is printed, for t5-mini, me/t5: 0.250." in html
    assert 'href="notebooks/02_models.html"' in html  # the page that computes it
    assert "(expected" not in html
    dependencies = {Path(d).name for d in app.env.dependencies["index"]}
    assert dependencies >= {"claims.yml", "02_models.ipynb"}


def cells(html, row):
    """The words of each cell of a row of the matrix."""
    table = re.search(r'<table class="[^"]*ledger-matrix.*?</table>', html, re.S)[0]
    found = re.findall(r"<t[hd].*?>(.*?)</t[hd]>", re.findall(r"<tr.*?</tr>", table, re.S)[row], re.S)
    return [" ".join(re.sub(r"<.*?>", "", cell).split()) for cell in found]


def test_the_matrix_has_a_sign_and_a_word_in_every_cell_that_was_tested(build):
    other = row(0.3, -0.2, 0.4, model="T5-base, released")
    html, warnings, app = build([claim(), claim("another")], row(), row(-2, -3, -1, model="me/t5"), other)
    assert warnings == ""
    # The authors' own numbers of a T5 are one column, the last.
    assert cells(html, 0) == ["place", "claim", "t5-mini", "me/t5", "T5, released"]
    assert cells(html, 1) == ["4", "Neurons tell.", "✓ holds", "✗ not in this model", "? not shown"]
    assert cells(html, 2)[2:] == ["not tested"] * 3
    assert 'href="#claim-a-claim"' in html
    assert app.env.metadata["index"]["ledger"]
    assert "ledger.js" in html


def test_pages_quote_verdicts_and_lead_to_the_claim(build):
    page = "It {verdict}`a-claim t5-mini`.\n\n```{verdicts} a-claim\n```"
    html, warnings, _ = build([claim()], row(), row(-2, -3, -1, model="me/t5"), page=page)
    assert warnings == ""
    there = re.search(r"It (<span.*?</span>)\.</p>", html)[1]
    assert there.startswith('<span class="verdict verdict-holds"><a class="reference internal" href="#claim-a-claim">')
    quoted = re.search(r'<table class="[^"]*verdicts.*?</table>', html, re.S)[0]
    assert re.findall(r"<p>(.*?)</p>", re.sub(r"</?(?:span|a).*?>", "", quoted)) == [
        "claim", "t5-mini", "me/t5", "Neurons tell.", "holds", "not in this model"
    ]  # fmt: skip


def test_a_table_of_verdicts_has_the_models_that_are_asked_for(build):
    page = "```{verdicts} a-claim\n:models: T5, released; t5-mini\n```"
    html, warnings, _ = build([claim()], row(), row(model="T5, released"), row(model="me/t5"), page=page)
    assert warnings == ""
    quoted = re.search(r'<table class="[^"]*verdicts.*?</table>', html, re.S)[0]
    assert re.findall(r"<p>(.*?)</p>", re.search(r"<thead.*?</thead>", quoted, re.S)[0]) == [
        "claim",
        "T5, released",
        "t5-mini",
    ]


def test_a_verdict_that_is_not_there_is_a_warning(build):
    _, warnings, _ = build([claim()], row(), page="It {verdict}`a-claim no-model`.\n\n```{verdicts} no-claim\n```")
    assert "no evidence on 'a-claim' of 'no-model'" in warnings
    assert "unknown claim 'no-claim'; known: a-claim" in warnings


@pytest.mark.parametrize("said", ["not in this model", "missing"])
def test_a_changed_verdict_is_a_warning_and_so_stops_the_build(build, said):
    expected = {"t5_mini": said} if said != "missing" else {"switch_mini": "holds"}
    html, warnings, _ = build([claim(**expected)], row())
    assert "WARNING: ledger: a-claim, " in warnings
    assert ("found no evidence" if said == "missing" else f"t5-mini: expected {said}, found holds") in warnings
    assert "python -m companion.claims" in warnings
    assert ("(expected: not in this model)" in html) == (said != "missing")


def test_numbers_keep_three_digits_or_two(extension):
    assert [extension.number(x) for x in (0.1234, -0.5, 12.345, math.nan)] == ["0.123", "−0.500", "12.35", "–"]


def test_verdicts_are_coloured_by_the_style_sheet():
    css = (ROOT / "book/_static/custom.css").read_text(encoding="utf-8")
    assert all(f".verdict-{said.replace(' ', '-')} " in css for said in ledger.VERDICTS)


def test_every_section_that_decides_a_claim_glues_its_evidence():
    for page in {page for claim in ledger.read() for page in claim.pages}:
        cells = json.loads((ROOT / f"notebooks/{page}.ipynb").read_text(encoding="utf-8"))["cells"]
        source = "".join("".join(c["source"]) for c in cells if "remove-cell" in c["metadata"].get("tags", []))
        assert "ledger.to_glue(" in source
