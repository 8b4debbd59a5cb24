"""The lecture's slides: figures and numbers of executed notebooks, a vote before each, nothing from elsewhere."""

import base64
import json
import re

import pytest
from browsing import Opened
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from places import ROOT

from companion import slides, students

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><title>lines & dots</title></svg>'
PNG = base64.b64encode(b"no picture").decode()
LECTURE = {"title": "T", "subtitle": "S"}
EVIDENCE = [
    {"claim": "semantic-gain", "model": "t5-mini", "estimate": 0.2, "low": 0.1, "high": 0.3},
    {"claim": "task-gain", "model": "t5-mini", "estimate": -0.2, "low": -0.3, "high": -0.1},
]


def slide(figure, **given):
    plain = {"title": "Title", "vote": "Which?", "choices": ["one", "two"], "answer": "Two."}
    return plain | {"figure": figure} | given


def drawn(name, data, caption="Dots."):
    about = {"figure": {"name": name, "caption": caption}, "image": {"alt": "Dots <here>."}}
    return new_code_cell("plot()", metadata={"mystnb": about}, outputs=[new_output("display_data", data=data)])


def glued(name, value):
    data = {f"application/papermill.record/{'text/plain'}": repr(value)}
    return new_output("display_data", data=data, metadata={"scrapbook": {"name": name}})


@pytest.fixture
def executed(tmp_path):
    """A folder with one executed notebook: a figure in each form, glued numbers, evidence on two claims."""
    glue = new_code_cell("glue()", outputs=[glued("share", 0.25), glued("evidence", json.dumps(EVIDENCE))])
    vector = drawn("fig-one", {"image/svg+xml": SVG, "image/png": PNG}, "Dots, {glue:text}`share:.0%`.")
    cells = [new_markdown_cell("# One?"), vector, drawn("fig-two", {"image/png": PNG + "\n"}), glue]
    notebook = new_notebook(cells=cells)
    (tmp_path / "01_one.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    other = new_notebook(cells=[drawn("fig-three", {"image/png": PNG})])
    (tmp_path / "01_one.rerun.ipynb").write_text(json.dumps(other), encoding="utf-8")
    return tmp_path


def test_each_figure_has_a_vote_before_it_and_its_answer_below(executed):
    wanted = [slide("fig-two", vote="Is it {glue:text}`01_one.ipynb::share:.2f`?"), slide("fig-one", answer="*Yes.*")]
    page = slides.render(LECTURE | {"slides": wanted}, executed)
    _, *parts = re.findall(r"<section.*?</section>", page, re.DOTALL)  # the first has the title
    assert [("vote" in p.splitlines()[0], "<img" in p) for p in parts] == [(True, False), (False, True)] * 2
    assert "Is it 0.25?" in parts[0]
    assert re.findall(r"<li>(.+)</li>", parts[0]) == ["one", "two"]
    assert f"data:image/png;base64,{PNG}" in parts[1]
    assert f"data:image/svg+xml;base64,{base64.b64encode(SVG.encode()).decode()}" in parts[3]  # sharper than PNG
    assert "<figcaption>Dots, 25%.</figcaption>" in parts[3]
    assert 'alt="Dots &lt;here&gt;."' in parts[3]
    assert "<em>Yes.</em>" in parts[3]


def test_the_ledger_is_counted_by_model(executed):
    page = slides.render(LECTURE | {"slides": [slide("verdicts")]}, executed)
    row = re.search(r'<th scope="row">t5-mini</th>(.*?)</tr>', page)[1]
    assert sorted(map(int, re.findall(r"<td>(\d+)</td>", row))) == [0, 0, 1, 1]
    assert "<img" not in page


def test_nothing_comes_from_elsewhere(executed):
    page = slides.render(LECTURE | {"slides": [slide("fig-one"), slide("verdicts")]}, executed)
    assert "<script" not in page
    assert "<link" not in page
    assert "url(" not in page
    assert all(address.startswith("data:") for address in re.findall(r'(?:src|href)="([^"]+)"', page))


@pytest.mark.parametrize("width", [1280, 390])
def test_slides_are_accessible_and_no_wider_than_the_screen(executed, tmp_path, browser, width):
    file = tmp_path / "lecture.html"
    file.write_text(slides.render(LECTURE | {"slides": [slide("fig-one"), slide("verdicts")]}, executed))
    found = Opened(browser, file.as_uri(), width=width, dark=False)
    assert found.violations == []
    assert found.errors == []
    assert found.faint == found.too_wide == {"light": [], "dark": []}


def test_a_figure_that_was_not_drawn_is_named(executed, tmp_path):
    with pytest.raises(ValueError, match="drew fig-three; there are: fig-one, fig-two"):
        slides.render(LECTURE | {"slides": [slide("fig-three")]}, executed)  # of a rerun, which is somebody's try
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="make book runs them"):
        slides.render(LECTURE | {"slides": [slide("fig-one")]}, tmp_path / "empty")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- one", "is no lecture"),
        ("{title: T, subtitle: S, slides: []}", "is no lecture"),
        ("{title: T, subtitle: S, slides: [{figure: fig-one}]}", "slide 1: expected figure, title, vote"),
    ],
)
def test_another_file_is_no_lecture(text, message, tmp_path):
    path = tmp_path / "lecture.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        slides.read(path)


def test_the_lecture_is_that_of_the_course_and_its_figures_are_drawn_by_notebooks():
    chosen = [s["figure"] for s in slides.read()["slides"]]
    assert len(chosen) == len(set(chosen)) == 6
    about = [c.metadata.get("mystnb", {}) for n in students.sources().values() for c in n.cells]
    assert set(chosen) - {slides.COUNTED} <= {a["figure"]["name"] for a in about if "figure" in a}
    lecture = (ROOT / "book/teaching.md").read_text(encoding="utf-8").partition("## One lecture")[2]
    named = re.findall(r"^\d\. .*?(?:<(fig-[\w-]+)>|(claims\.md))", lecture.partition("\n## ")[0], re.MULTILINE)
    assert [figure or slides.COUNTED for figure, _ in named] == chosen


def test_numbers_of_the_lecture_are_glued_by_the_book():
    published = students.glued.published()
    text = slides.LECTURE.read_text(encoding="utf-8")
    asked = re.findall(r"\{glue:text\}`(\w+)\.ipynb::([^:`]+)", text)
    assert asked
    assert {f"{page}::{name}" for page, name in asked} <= set(published)


def test_the_command_says_what_is_missing(tmp_path, capsys):
    assert slides.main([str(tmp_path), "-o", str(tmp_path / "lecture.html")]) == 2
    assert "make book runs them" in capsys.readouterr().err
    assert not (tmp_path / "lecture.html").exists()
