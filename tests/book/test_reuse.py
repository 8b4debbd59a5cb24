"""What readers take from a page: a figure's address, table and picture, and the run with what it came from."""

import re
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from places import ROOT
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from companion import students
from companion.tools import parameters

EXTENSIONS = ROOT / "book/_ext"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
PARAMETERS = """model: str = "t5-mini"  # which
beside: str = ""
limit: str = "7"
alpha: float = 0.001
runs: list[int] = [0, 1]"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'
CSV = "model,value\na,0.5\n"
TABLE = '<table class="dataframe"><tbody><tr><th>0</th><td>1</td></tr></tbody></table>'


def notebook(*, run, **values):
    """A section with a figure that carries a table, one that does not, and two tables that follow a heading."""

    def figure(name):
        return {"mystnb": {"figure": {"name": name, "caption": "What it shows."}, "image": {"alt": "A dot."}}}

    cells = [
        new_markdown_cell("# A question"),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        new_code_cell("axes = figures.draw(table)", metadata=figure("fig-Dots")),
        new_code_cell("axes", metadata=figure("fig-bare")),
        new_markdown_cell("## Two tables"),
        new_code_cell("table"),
        new_code_cell("table"),
        new_code_cell("answer = 1", metadata={"tags": ["solution", "hide-cell"]}),
        new_code_cell("print(answer)", metadata={"tags": ["check"]}),
        new_code_cell("import os", metadata={"tags": ["hide-input"]}),
    ]
    made = new_notebook(cells=cells, metadata={"language_info": {"name": "python", "pygments_lexer": "ipython3"}})
    if run:
        cells[2].outputs = [new_output("display_data", {"image/svg+xml": SVG, "text/csv": CSV, "text/plain": "<F>"})]
        cells[3].outputs = [new_output("display_data", {"image/svg+xml": SVG.replace("9", "8")})]
        cells[8].outputs = [new_output("stream", name="stdout", text="the answer is 1")]
        for cell in cells[5:7]:
            cell.outputs = [new_output("execute_result", {"text/html": TABLE, "text/plain": "0 1"}, execution_count=1)]
        made.metadata["papermill"] = {"parameters": values, "end_time": "2026-03-04T05:06:07+00:00"}
        made.metadata["cost"] = {"minutes": 1.26, "peak_mib": 1536, "cores": 2}
        parameters.inject(made, values)
    return made


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Build a book of the section: its page, the folder, the warnings."""
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    monkeypatch.setattr(students, "copies", lambda: {"01_one": new_notebook(cells=[new_markdown_cell("# A copy")])})
    extensions = ["executed", "folded", "reuse", "copies", "provenance"]
    configuration = f"extensions = {['myst_nb', *extensions]}\nnb_execution_mode = 'off'\n"
    configuration += "nb_code_prompt_show = 'Show the code'\nnb_code_prompt_hide = 'Hide the code'\n"
    configuration += "source_suffix = {'.md': 'myst-nb', '.ipynb': 'myst-nb'}\n"
    configuration += "exclude_patterns = ['executed', 'jupyter_execute', 'html']\nhtml_theme = 'sphinx_book_theme'\n"
    configuration += "html_theme_options = {'repository_url': 'https://github.com/a/book'}\n"
    configuration += f"html_static_path = [{str(ROOT / 'book/_static')!r}]\nhtml_css_files = ['custom.css']\n"
    files = {"index.md": "# First\n\n```{toctree}\nnotebooks/01_one\n```\n", "conf.py": configuration}

    def build(**values):
        for folder in ("notebooks", "executed"):
            (tmp_path / folder).mkdir()
            made = notebook(run=folder == "executed", **values)
            nbformat.write(made, tmp_path / folder / "01_one.ipynb")
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        html = tmp_path / "html"
        with (tmp_path / "warnings").open("w+") as log, docutils_namespace():
            Sphinx(tmp_path, tmp_path, html, tmp_path / "trees", "html", status=None, warning=log).build()
            log.seek(0)
            warnings = log.read()
        for name in extensions:
            sys.modules.pop(name, None)
        return (html / "notebooks/01_one.html").read_text(), html, warnings

    return build


def text_of(html):
    return re.sub(r"\s+", " ", re.sub("<.*?>", "", html.replace("&quot;", '"').replace("&#39;", "'")))


def test_a_figure_leads_to_itself_its_table_its_picture_and_the_call(book):
    page, html, warnings = book()
    assert warnings == ""
    dots, bare = re.findall(r'<p class="reuse">(.*?)</p>', page)
    links = dict(re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)', dots))
    picture = next(address for address, text in links.items() if text == "figure (SVG)")
    assert links == {
        "#fig-dots": "permanent link",
        "../_downloads/01_one/fig-dots.csv": "table (CSV)",
        picture: "figure (SVG)",
        "#rerun-this-page": "rerun",
    }
    assert 'width="9"' in (html / "notebooks" / picture).read_text()
    assert (html / "_downloads/01_one/fig-dots.csv").read_text() == CSV
    assert page.count('id="fig-dots"') == page.count('id="rerun-this-page"') == 1
    assert dots.count('<span class="unseen"> of fig-dots</span>') == 4
    assert "table (CSV)" not in bare
    assert "a,0.5" not in page


def test_a_table_has_an_address_by_its_heading_and_number(book):
    page, _, _ = book()
    links = re.findall(r'<a class="table-link" id="([^"]*)" href="#([^"]*)" aria-label="[^"]*">¶</a>\s*<div', page)
    assert links == [(f"two-tables-table-{n}",) * 2 for n in (1, 2)]
    for name, _ in links:
        assert page.count(f'id="{name}"') == 1
        assert page.partition(f'id="{name}"')[2].partition("<table")[0].count("<a ") == 0


def test_a_page_ends_with_the_call_and_what_its_run_came_from(book):
    page, html, _ = book(model="switch-mini", alpha=0.5)
    end = page.partition('id="rerun-this-page"')[2]
    said = text_of(end)
    call = said.partition("papermill ")[2].partition("These are")[0]
    options = "-p model switch-mini \\ -p beside '' \\ -y 'limit: \"7\"' \\ -p alpha 0.5 \\ -y 'runs: [0, 1]'"
    assert call.strip() == f"notebooks/01_one.ipynb out.ipynb \\ {options}"
    assert "It ended on 2026-03-04 and took 1.3 minutes on 2 cores and 1.5 GiB of memory." in said
    assert "Models: switch-mini" in said
    assert "Built from" not in said
    assert 'href="https://github.com/a/book/blob/main/data/registry.txt"' not in end  # it reads no data
    assert 'href="../_downloads/01_one.ipynb"' in end
    kept = nbformat.read(html / "_downloads/01_one.ipynb", 4)
    assert any("text/csv" in output.get("data", {}) for cell in kept.cells for output in cell.get("outputs", []))


def test_a_page_offers_its_executed_notebook_and_the_students_copy_at_both_ends(book):
    page, html, _ = book()
    top, _, end = page.partition('id="rerun-this-page"')
    copy, executed = "../_downloads/students/01_one.ipynb", "../_downloads/01_one.ipynb"
    offered = re.findall(r'<li><a href="([^"]*)".*?btn__text-container">(.*?)</span>', top, re.DOTALL)
    assert offered[-2:] == [(executed, "Executed notebook"), (copy, "Student's copy")]
    assert "_sources/notebooks/01_one.ipynb" not in top  # the theme's own, which has solutions and no outputs
    assert f'href="{executed}"' in end
    assert f'href="{copy}"' in end
    assert nbformat.read(html / "_downloads/students/01_one.ipynb", 4).cells[0].source == "# A copy"


def test_a_folded_solution_is_called_one_and_what_a_check_prints_is_folded(book):
    page, _, _ = book()
    folded = re.findall(r'<p class="collapsed admonition-title">(.*?)</p>.*?</details>', page, re.DOTALL)
    assert folded == ["Show the solution", "Show what the check says", "Show the code"]
    assert "the answer is 1" not in re.sub("<details.*?</details>", "", page, flags=re.DOTALL)
    assert re.findall(r'<p class="expanded admonition-title">(.*?)</p>', page) == [
        "Hide the solution",
        "Hide what the check says",
        "Hide the code",
    ]


@pytest.fixture
def provenance(monkeypatch):
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    import provenance

    return provenance


def test_the_commit_says_whether_files_differ_from_it(provenance, tmp_path):
    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        return subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    (tmp_path / "x").write_text("1")
    git("init", "--quiet")
    git("add", "x")
    git("commit", "--quiet", "-m", "first")
    head = git("rev-parse", "HEAD").strip()
    assert provenance.commit(tmp_path) == head
    (tmp_path / "x").write_text("2")
    provenance.commit.cache_clear()
    assert provenance.commit(tmp_path) == f"{head}-dirty"
    assert provenance.commit(tmp_path / "none") == ""


def test_the_data_of_a_section_is_what_its_code_can_read(provenance):
    section = nbformat.read(ROOT / "notebooks/06_emergence.ipynb", 4)
    assert {"history", "functions"} <= set(provenance.data_of(section))
    assert not {"build", "claims.yml"} & set(provenance.data_of(section))
    assert provenance.data_of({"cells": []}) == []
