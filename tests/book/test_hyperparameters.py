"""The table of the paper's hyper-parameters has its values as printed, and ours as the code runs with them."""

import importlib.util
import re

import pytest
from places import ROOT
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from companion.experiments import fewshot, fewshot_grid, lesion_grid, shipped_readings
from companion.models.recipe import RECIPES
from modularity import emergence, experts, perturb, specialists


@pytest.fixture
def extension():
    spec = importlib.util.spec_from_file_location("hyperparameters", ROOT / "book/_ext/hyperparameters.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def column(extension, part, name):
    return {row.what: getattr(row, name) for row in extension.PARTS[part]()}


def test_the_papers_values_are_those_that_the_code_calls_the_papers(extension):
    perturbing, tuning, statistics = (column(extension, p, "paper") for p in ("perturbing", "tuning", "statistics"))
    assert f"variance {perturb.VARIANCE:g} " in perturbing["noise"]
    assert f"of {lesion_grid.PLANS['paper'].fine} experts" in perturbing["perturbed at most"]
    assert float(tuning["learning rate"].split()[0]) == fewshot_grid.PLANS["paper"].rate
    assert int(tuning["batch"].split()[0]) == fewshot.BATCH
    assert int(tuning["seeds"].split()[0]) == fewshot_grid.PLANS["paper"].draws
    assert int(tuning["examples"].split()[0]) == fewshot_grid.SETTINGS["paper"]["code"].examples
    assert statistics["top neurons of a layer"].startswith(f"{100 * specialists.SHARE:g} %")
    assert int(statistics["untrained copies"].split()[0]) == shipped_readings.COPIES
    assert float(statistics["a functional expert has p of at most"].split()[0]) == experts.ALPHA
    assert float(statistics["a curve has settled above"].split()[0]) == emergence.LEVEL


def test_every_value_of_the_paper_says_where_it_stands(extension):
    for part, rows in extension.PARTS.items():
        for row in rows():
            placed = re.search(r"\((?:\d|A\.\d)[^)]*\)$", row.paper)
            assert placed or re.search(r"figure|validation sets|Table 3", row.paper), (part, row.what)
            assert row.ours


def test_our_column_follows_the_code(extension):
    recipe, plan = RECIPES["t5-mini"], lesion_grid.PLANS["mini"]
    assert column(extension, "pre-training", "ours")["steps"] == f"{recipe.steps:,}"
    assert column(extension, "perturbing", "ours")["layers"].endswith(f" of {recipe.layers}")
    assert column(extension, "perturbing", "ours")["repeats"].startswith(f"{plan.draws} draws")
    assert float(column(extension, "tuning", "ours")["learning rate"]) == fewshot_grid.PLANS["mini"].rate


def test_the_page_shows_every_part(extension):
    page = (ROOT / "book/paper.md").read_text(encoding="utf-8")
    assert re.findall(r"```\{hyperparameters\} (\S+)", page) == list(extension.PARTS)


@pytest.mark.parametrize(
    ("part", "says"), [("tuning", "Adam"), ("tunning", "unknown part 'tunning'; known: pre-train")]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
def test_a_part_becomes_a_table(part, says, tmp_path, monkeypatch):
    (tmp_path / "conf.py").write_text("extensions = ['myst_parser', 'hyperparameters']\n")
    (tmp_path / "index.md").write_text(f"# Page\n\n```{{hyperparameters}} {part}\n```\n")
    monkeypatch.syspath_prepend(str(ROOT / "book/_ext"))
    with (tmp_path / "warnings").open("w+") as log, docutils_namespace():
        app = Sphinx(tmp_path, tmp_path, tmp_path / "html", tmp_path / "trees", "html", status=None, warning=log)
        app.build(force_all=True)
        log.seek(0)
        found = (tmp_path / "html/index.html").read_text() + log.read()
    assert says in found
    assert ("<table" in found) == (part == "tuning")
