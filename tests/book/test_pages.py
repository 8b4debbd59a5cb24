"""What the pages around the sections say of the code is there."""

import ast
import importlib.util
import json
import re

import pytest
import yaml
from places import ROOT

from companion import rerun
from companion.functions import sources

MODULES = {p.stem: p for p in (ROOT / "lib").glob("[cm]o*/**/*.py")}  # no two have one name


def names(module: str) -> set[str]:
    """What a module defines at its top."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    made = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return made | {t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if hasattr(t, "id")}


def spoken(page: str) -> list[tuple[str, str]]:
    """(module, name) of every `module.name` of a page, with or without arguments, whose module is ours."""
    text = (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")
    found = re.findall(r"(?<![`\w])`(?:\w+ <)?(\w+)\.(\w+)>?(?:\(.*?\))?`", text)
    return [(module, name) for module, name in found if module in MODULES and name != "txt"]


@pytest.mark.parametrize("page", ["glossary", "choices"])
def test_every_identifier_of_a_page_is_in_the_library(page):
    assert [f"{m}.{n}" for m, n in spoken(page) if n not in names(m)] == []


def test_the_test_above_sees_identifiers():
    assert len(spoken("glossary")) > 20
    assert "no_such_name" not in names("predictivity")


def test_every_page_and_notebook_is_in_the_table_of_contents():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in toc["parts"] for chapter in part["chapters"]]
    listed = {toc["root"]} | {page["file"] for c in chapters for page in [c, *c.get("sections", [])]}
    pages = {str(p.relative_to(ROOT).with_suffix("")) for p in (ROOT / "book").rglob("*.md")}
    assert listed == pages | {f"notebooks/{p.stem}" for p in (ROOT / "notebooks").glob("*.ipynb")}


def test_a_short_title_is_a_part_of_the_pages_own():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    short = {c["file"]: c["title"] for part in toc["parts"] for c in part["chapters"] if "title" in c}
    assert len(short) > 10
    for page, title in short.items():
        file = ROOT / f"{page}{'.py' if page.startswith('notebooks/') else '.md'}"
        own = re.search(r"^# (?:# )?([A-Z].+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert re.fullmatch(r"[2-7A] · .+\?", title), page
        assert title.partition(" · ")[2].removesuffix("?") in own[1], page


def test_every_part_of_the_paper_has_its_place():
    page = (ROOT / "book/paper.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("|")]
    parts = [f"{i} · " for i in range(1, 8)] + [f"A.{i}" for i in range(1, 7)] + [f"Equation {i}" for i in (1, 2, 3)]
    parts += [f"Figure {i}" for i in range(1, 9)] + [f"Table {i}" for i in range(1, 6)]
    assert [part for part in parts if not any(row.startswith(part) for row in rows)] == []


def test_every_licence_of_the_data_is_explained():
    page = (ROOT / "data/LICENSE.md").read_text(encoding="utf-8")
    named = {row.licence for row in sources.registry().values()}
    parts = {part.split(" (")[0] for licence in named for part in licence.split(", ")}
    assert {"MIT", "CC BY-SA 4.0", "facts"} < parts
    assert [part for part in parts if part not in page] == []


COMMAND = re.compile(r"(?:companion\.rerun|papermill notebooks/)\s*(\w+)([^\n`#]*(?:\n-o[^\n`#]*)?)")


def commands():
    """(page, notebook, parameters) of every run of a section that a page shows."""
    for page in [ROOT / "README.md", *sorted((ROOT / "book").glob("*.md"))]:
        for notebook, rest in COMMAND.findall(page.read_text(encoding="utf-8")):
            if notebook != "NAME":
                yield page.name, notebook, dict(re.findall(r"-p (\w+) (\S+)", rest))


@pytest.mark.parametrize(("page", "notebook", "parameters"), list(commands()))
def test_a_run_of_a_section_that_a_page_shows_can_be_made(page, notebook, parameters):
    rerun.read({name: value.strip('"') for name, value in parameters.items()}, notebook)


def test_runs_with_parameters_are_found_on_pages():
    assert len([page for page, _, parameters in commands() if parameters]) > 4


def extension(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"book/_ext/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_costs_is_of_the_runs_that_say_what_they_cost(tmp_path):
    cost = {"minutes": 1.26, "peak_mib": 1536, "cores": 2}
    windows = {"minutes": 2, "cores": 2}
    metadata = {"04_a": {"cost": cost}, "05_b": {}, "04_a.smoke": {"cost": cost}, "06_c": {"cost": windows}}
    for name, found in metadata.items():
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"metadata": found}))
    head, _, *rows = extension("costs").table(tmp_path, "../notebooks")
    assert "2 cores" in head
    assert rows == [
        "| [](<../notebooks/04_a.ipynb>) | 1.3 | 1.5 |",
        "| [](<../notebooks/06_c.ipynb>) | 2.0 | – |",
    ]
    assert extension("costs").table(tmp_path / "none", "..") == []
    assert extension("costs").words(extension("costs").of(tmp_path / "04_a.ipynb")) == "1.3 minutes on 2 cores"
    assert extension("costs").of(tmp_path / "05_b.ipynb") == extension("costs").of(tmp_path / "none.ipynb") == {}


def test_exercises_are_called_by_their_titles():
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "notebooks").glob("*.py"))]
    titles = {
        label: title for text in texts for title, label in re.findall(r"\{exercise\} (.+)\n# :label: (\S+)", text)
    }
    assert len(titles) > 30
    called = [
        found
        for path in sorted((ROOT / "book").glob("*.md"))
        for found in re.findall(r"\{ref\}`([^`<]+?) <([^`>]+)>`", path.read_text(encoding="utf-8"))
        if found[1] in titles
    ]
    assert len(called) > 20
    assert [(said, titles[label]) for said, label in called if said != titles[label]] == []
