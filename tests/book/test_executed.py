"""A page shows the committed prose and code with the outputs of the run, and what quotes them follows."""

import json
import re
import sys

import pytest
from myst_nb.ext.glue.crossref import read_glue_cache
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, writes
from places import ROOT
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from companion.tools import parameters

EXTENSIONS = ROOT / "book/_ext"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")


def notebook(*, title="Old title", prose="Old prose.", comment="old comment", code="x = 1 + 1", glued=None, run=False):
    """With what glue leaves in an output, if it was run."""
    cells = [
        new_markdown_cell(f"# {title}\n\n{prose}"),
        new_code_cell("seed: int = 0", metadata={"tags": ["parameters"]}),
        new_code_cell(f"# {comment}\n{code}\nx"),
    ]
    if run:
        name = {"scrapbook": {"name": "x", "mime_prefix": "application/papermill.record/"}}
        quoted = {"application/papermill.record/text/plain": glued or "2"}
        cells[2].outputs = [
            new_output("execute_result", {"text/plain": f"shown {glued or 2}"}, execution_count=2),
            new_output("display_data", quoted, metadata=name),
        ]
    return new_notebook(cells=cells, metadata={"language_info": {"name": "python", "pygments_lexer": "ipython3"}})


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Write files and build what they change: the page of the notebook, the page that quotes it, the warnings."""
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    configuration = "extensions = ['myst_nb', 'executed']\nnb_execution_mode = 'off'\n"
    # Said here, because Sphinx adds what extensions read to a default that all books of a process share.
    configuration += "source_suffix = {'.md': 'myst-nb', '.ipynb': 'myst-nb'}\n"
    configuration += "exclude_patterns = ['executed', 'jupyter_execute']\n"
    first = "# First\n\n```{toctree}\nnotebooks/one\nother\n```\n"
    other = "# Other\n\nIt is {glue:text}`notebooks/one.ipynb::x:.0f` in [](notebooks/one.ipynb).\n"
    times = iter(range(1, 100))

    def build(files):
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(writes(text))
        with (tmp_path / f"warnings{next(times)}").open("w+") as log, docutils_namespace():
            app = Sphinx(tmp_path, tmp_path, tmp_path / "html", tmp_path / "trees", "html", status=None, warning=log)
            app.build()
            log.seek(0)
            warnings = log.read()
        sys.modules.pop("executed", None)
        read_glue_cache.cache_clear()  # as a new process would
        pages = [(tmp_path / "html" / f"{page}.html").read_text() for page in ("notebooks/one", "other")]
        return [re.sub("<.*?>", "", text.split('<div class="body"')[1]) for text in pages], warnings

    for name, text in {"index.md": first, "other.md": other, "conf.py": configuration}.items():
        (tmp_path / name).write_text(text)
    return lambda **files: build({name.replace("__", "/") + ".ipynb": made for name, made in files.items()})


def test_prose_and_comments_are_of_the_source_and_outputs_of_the_run(book):
    (page, _), warnings = book(notebooks__one=notebook(), executed__one=notebook(run=True))
    assert warnings == ""
    assert "Old prose." in page
    (page, other), warnings = book(
        notebooks__one=notebook(title="New title", prose="New prose.", comment="new comment")
    )
    assert warnings == ""
    for text in ("New title", "New prose.", "new comment", "shown 2"):
        assert text in page
    assert "Old" not in page
    assert "old comment" not in page
    assert "New title" in other


def test_outputs_of_other_code_are_not_shown(book):
    (page, _), warnings = book(notebooks__one=notebook(code="x = 1 + 2"), executed__one=notebook(run=True))
    assert "notebooks/one has changed since it was run: make book runs it again" in warnings
    assert "shown 2" not in page


def test_a_section_that_was_not_run_is_warned_of(book):
    _, warnings = book(notebooks__one=notebook())
    assert "notebooks/one has not been run: make book runs it" in warnings


def test_a_page_that_quotes_a_number_follows_a_new_run(book):
    (_, other), _ = book(notebooks__one=notebook(), executed__one=notebook(run=True))
    assert "It is 2 in" in other
    (page, other), warnings = book(executed__one=notebook(run=True, glued="7"))
    assert warnings == ""
    assert "shown 7" in page
    assert "It is 7 in" in other


def test_the_parameters_of_a_run_are_shown(book):
    run = notebook(run=True)
    parameters.inject(run, {"seed": 41})
    (page, _), warnings = book(notebooks__one=notebook(), executed__one=run)
    assert warnings == ""
    assert "41" in page
    assert json.loads(writes(run))["cells"][2]["metadata"]["tags"] == ["injected-parameters"]
