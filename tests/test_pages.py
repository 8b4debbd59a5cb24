"""What the pages around the sections say of the code is there."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "lib/modularity"


def names(module: str) -> set[str]:
    """What a module defines at its top."""
    tree = ast.parse((LIBRARY / f"{module}.py").read_text(encoding="utf-8"))
    made = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return made | {t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets if hasattr(t, "id")}


def spoken(page: str) -> list[tuple[str, str]]:
    """(module, name) of every `module.name` of a page, with or without arguments, whose module is ours."""
    text = (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")
    found = re.findall(r"(?<![`}\w])`(\w+)\.(\w+)(?:\(.*?\))?`", text)
    return [(module, name) for module, name in found if (LIBRARY / f"{module}.py").is_file() and name != "txt"]


@pytest.mark.parametrize("page", ["glossary", "choices"])
def test_every_identifier_of_a_page_is_in_the_library(page):
    assert [f"{m}.{n}" for m, n in spoken(page) if n not in names(m)] == []


def test_the_test_above_sees_identifiers():
    assert len(spoken("glossary")) > 20
    assert "no_such_name" not in names("predictivity")


def test_every_page_and_notebook_is_in_the_table_of_contents():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = {toc["root"]} | {chapter["file"] for part in toc["parts"] for chapter in part["chapters"]}
    pages = {f"book/{p.stem}" for p in (ROOT / "book").glob("*.md")}
    assert listed == pages | {f"notebooks/{p.stem}" for p in (ROOT / "notebooks").glob("*.ipynb")}
