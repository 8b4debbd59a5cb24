"""Tests use what is public, so that what has an underscore can change without them."""

import ast

from places import ROOT

OURS = [file for folder in ("lib", "book", "data/build") for file in (ROOT / folder).rglob("*.py")]
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def private(code: str) -> set[str]:
    """The functions, classes, variables and attributes with an underscore that a program makes."""
    made: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                made.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                made.add(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                made.add(name)
    return {name for name in made if name.startswith("_") and not name.startswith("__")} - {"_"}


def used(code: str, names: set[str]) -> list[str]:
    """Which of `names` a program takes from elsewhere: as an attribute, by an import, or in a text, as to patch it."""
    found = []
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Attribute(attr=name) | ast.alias(name=name) | ast.Constant(value=str(name)):
                found += [name] if name.rpartition(".")[2] in names else []
    return found


def test_no_test_uses_a_private_name():
    names = set[str]().union(*(private(file.read_text(encoding="utf-8")) for file in OURS))
    found = {str(file.relative_to(ROOT)): used(file.read_text(encoding="utf-8"), names) for file in TESTS}
    assert {file: of for file, of in found.items() if of} == {}


def test_the_test_above_can_fail():
    made = "_MINE = 1\ndef _mine(): ...\nclass A:\n  def _my(self): self._m = a._theirs = 1\nfor _ in '': ..."
    assert (names := private(made)) == {"_MINE", "_mine", "_my", "_m"}
    for code in ("m._mine()", "from m import _mine", "patch(m, '_mine', 1)", "patch('m._mine', 1)", "a._m"):
        assert len(used(code, names)) == 1, code
    assert used("for _ in x: x.__class__", names) == []
