"""Every section asks two questions, and each of their answers says why it is right or wrong."""

import re
import sys

import pytest
import yaml
from places import ROOT
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from companion.tools import quizzes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
SECTIONS = sorted(p.stem for p in (ROOT / "notebooks").glob("*.ipynb"))


def test_every_section_has_two_questions_and_shows_them():
    asked = quizzes.read(ROOT / quizzes.FILE)
    assert sorted(asked) == SECTIONS
    assert all(len(questions) == 2 and all(len(q.options) >= 3 for q in questions) for questions in asked.values())
    assert all("```{quiz}" in (ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8") for name in SECTIONS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([{"text": "a", "why": "b"}], "exactly one right"),
        ([{"text": "a", "why": "b", "right": True}] * 2, "exactly one right"),
        ([{"text": "a", "right": True}], "each text, why and right"),
        (None, "each text, why and right"),
    ],
)
def test_a_question_that_cannot_be_answered_is_named(tmp_path, options, said):
    path = tmp_path / "quizzes.yml"
    path.write_text(yaml.safe_dump({"one": [{"question": "Why?", "options": options}]}))
    with pytest.raises(ValueError, match=f"one: .*{said}"):
        quizzes.read(path)


def test_an_answer_unfolds_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book/_ext"))
    (tmp_path / "book").mkdir()
    options = [{"text": "1 < 2", "why": "It is.", "right": True}, {"text": "No", "why": "Look."}]
    (tmp_path / "book/quizzes.yml").write_text(yaml.safe_dump({"index": [{"question": "Which?", "options": options}]}))
    (tmp_path / "conf.py").write_text("extensions = ['myst_parser', 'quiz']\n")
    (tmp_path / "index.md").write_text("# One\n\n```{quiz}\n```\n")
    with (tmp_path / "log").open("w+") as log, docutils_namespace():
        Sphinx(tmp_path, tmp_path, tmp_path / "html", tmp_path / "t", "html", status=None, warning=log).build()
        log.seek(0)
        assert log.read() == ""
    sys.modules.pop("quiz")
    html = (tmp_path / "html/index.html").read_text()
    found = re.findall(r'<details name="quiz-index-1"><summary>(.*?)</summary>(.*?)</details>', html, re.S)
    said = {re.sub("<.*?>", "", a): re.sub("<.*?>", "", b).strip() for a, b in found}
    assert said == {"1 &lt; 2": "Right. It is.", "No": "No. Look."}
