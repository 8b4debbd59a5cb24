"""The reference of the library: every module has one place, docstrings read as written, names lead somewhere."""

import re
import sys

import pytest
from places import ROOT
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

PAGES = sorted((ROOT / "book/api").glob("*.md"))
LIBRARY = ROOT / "lib"
MODULES = {".".join(p.relative_to(LIBRARY).with_suffix("").parts) for p in LIBRARY.glob("[cm]o*/**/*.py")}
ENTRIES = {"companion.claims.__main__", "companion.explorer.__main__"}  # two lines each


def test_every_module_has_one_place():
    placed = [m for p in PAGES for m in re.findall(r"automodule:: ([\w.]+)", p.read_text(encoding="utf-8"))]
    assert sorted(placed) == sorted(m for m in MODULES - ENTRIES if not m.endswith("__init__"))


def test_no_two_modules_have_one_name():  # docstrings name a module without its package
    names = [m.rpartition(".")[2] for m in MODULES if not m.endswith("__")]
    assert len(names) == len(set(names))


def test_every_page_of_the_reference_is_listed_in_the_first():
    first = (ROOT / "book/api.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\]\(api/(\w+)\.md\)", first)) == sorted(p.stem for p in PAGES)


DOCSTRING = """Reads `rows`, as `capture.stream` does.

Parameters
----------
rows, copies : how many: ``3`` or
    more.

Returns
-------
A table; `no.name_of_ours` is left alone.

Raises
------
ValueError
    None; see `{module}.{name}`.
"""


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Build a page about one module with one function that has the docstring: its HTML and the warnings."""

    def build(docstring):
        (tmp_path / "modularity_toy.py").write_text(f"def read(rows, copies=3):\n    {docstring!r}\n")
        (tmp_path / "conf.py").write_text(
            "extensions = ['sphinx.ext.autodoc', 'api']\ndefault_role = 'py:obj'\nnitpicky = True\n"
        )
        (tmp_path / "index.rst").write_text(
            "Toy\n===\n\n.. automodule:: modularity_toy\n   :members:\n\n"
            ".. automodule:: modularity.capture\n   :members: stream\n"
        )
        monkeypatch.syspath_prepend(str(ROOT / "book/_ext"))
        monkeypatch.syspath_prepend(str(tmp_path))
        with (tmp_path / "warnings").open("w+") as log, docutils_namespace():
            app = Sphinx(tmp_path, tmp_path, tmp_path / "html", tmp_path / "trees", "html", status=None, warning=log)
            app.build(force_all=True)
            log.seek(0)
            warnings = log.read()
        sys.modules.pop("modularity_toy", None)
        sys.modules.pop("api", None)
        return (tmp_path / "html/index.html").read_text(), warnings

    return build


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")


def test_a_docstring_reads_as_it_is_written(build):
    html, warnings = build(DOCSTRING.format(module="capture", name="stream"))
    assert warnings == ""
    assert [re.sub("<.*?>", "", t) for t in re.findall('<p class="rubric">(.*?)</p>', html)] == [
        "Parameters",
        "Returns",
        "Raises",
    ]
    terms = [re.sub("<.*?>", "", t) for t in re.findall("<dt>(.*?)</dt>", html, re.DOTALL)]
    assert terms[:2] == ["rows, copies", "ValueError"]
    assert html.count('href="#modularity.capture.stream" title="modularity.capture.stream"') == 2


def test_a_name_that_its_module_does_not_have_is_warned_of(build):
    _, warnings = build(DOCSTRING.format(module="capture", name="streem"))
    assert "py:obj reference target not found: capture.streem" in warnings


def test_a_constant_is_a_name_as_well(build):
    _, warnings = build(DOCSTRING.format(module="experts", name="ALPHA"))
    assert warnings == ""
