"""The directive ``quiz``: two questions of a section, each answer with why it is right or wrong, without any script.

An answer is a part that unfolds (``details``), and of a question one at a time, where a browser knows that.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

FILE = "book/quizzes.yml"


@dataclass(frozen=True)
class Option:
    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    question: str
    options: tuple[Option, ...]


def read(path: Path) -> dict[str, list[Question]]:
    """Section → its questions.

    Raises
    ------
    ValueError
        A question without exactly one right answer, or an option that has not all of its fields; the section is named.
    """
    made: dict[str, list[Question]] = {}
    for section, entries in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        made[section] = []
        for entry in entries:
            try:
                one = Question(entry["question"], tuple(Option(**option) for option in entry["options"]))
            except (KeyError, TypeError) as error:
                raise ValueError(
                    f"{path}, {section}: {error}; a question has options, each text, why and right"
                ) from error
            if sum(option.right for option in one.options) != 1:
                raise ValueError(f"{path}, {section}: {one.question!r} does not have exactly one right answer")
            made[section].append(one)
    return made


class Quiz(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / FILE
        self.env.note_dependency(str(path))
        section = self.env.docname.rpartition("/")[2]
        questions = read(path)
        if section not in questions:
            raise self.error(f"{FILE} has no questions for {section}")
        box = nodes.container("", classes=["quiz"])
        for number, one in enumerate(questions[section], 1):
            box += nodes.paragraph("", "", nodes.strong("", f"{number}. {one.question}"))
            mixed = random.Random(one.question).sample(one.options, len(one.options))  # the same in every build
            box += [node for option in mixed for node in _answer(option, f"quiz-{section}-{number}")]
        return [box]


def _answer(option: Option, group: str) -> list[nodes.Node]:
    verdict = nodes.strong("", "Right." if option.right else "No.")
    return [
        nodes.raw("", f'<details name="{group}"><summary>', format="html"),
        nodes.inline("", option.text),
        nodes.raw("", "</summary>", format="html"),
        nodes.paragraph("", "", verdict, nodes.Text(f" {option.why}")),
        nodes.raw("", "</details>", format="html"),
    ]


def setup(app: Sphinx) -> dict:
    app.add_directive("quiz", Quiz)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
