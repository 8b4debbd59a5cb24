"""The directive ``quiz``: the questions of a section, each answer with why it is right or wrong, without any script.

An answer is a part that unfolds (``details``), and of a question one at a time, where a browser knows that.
"""

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from companion.tools import quizzes
from companion.tools.quizzes import Option


class Quiz(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / quizzes.FILE
        self.env.note_dependency(str(path))
        section = self.env.docname.rpartition("/")[2]
        questions = quizzes.read(path)
        if section not in questions:
            raise self.error(f"{quizzes.FILE} has no questions for {section}")
        box = nodes.container("", classes=["quiz"])
        for number, one in enumerate(questions[section], 1):
            box += nodes.paragraph("", "", nodes.strong("", f"{number}. {one.question}"))
            box += [node for option in one.mixed for node in _answer(option, f"quiz-{section}-{number}")]
        return [box]


def _answer(option: Option, group: str) -> list[nodes.Node]:
    return [
        nodes.raw("", f'<details name="{group}"><summary>', format="html"),
        nodes.inline("", option.text),
        nodes.raw("", "</summary>", format="html"),
        nodes.paragraph("", "", nodes.strong("", option.verdict), nodes.Text(f" {option.why}")),
        nodes.raw("", "</details>", format="html"),
    ]


def setup(app: Sphinx) -> dict:
    app.add_directive("quiz", Quiz)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
