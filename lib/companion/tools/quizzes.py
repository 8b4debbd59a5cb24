"""The questions of each section, each with why an answer is right or wrong: ``book/quizzes.yml``."""

import random
from dataclasses import dataclass
from pathlib import Path

import yaml

FILE = "book/quizzes.yml"


@dataclass(frozen=True)
class Option:
    """An answer, and why it is right or wrong."""

    text: str
    why: str
    right: bool = False

    @property
    def verdict(self) -> str:
        return "Right." if self.right else "No."


@dataclass(frozen=True)
class Question:
    """A question with several answers, one of them right."""

    question: str
    options: tuple[Option, ...]

    @property
    def mixed(self) -> list[Option]:
        """The answers in an order that gives nothing away, the same in every build."""
        return random.Random(self.question).sample(self.options, len(self.options))


def read(path: Path) -> dict[str, list[Question]]:
    """Section → its questions.

    Raises
    ------
    ValueError
        A question without exactly one right answer, or an answer that does not have its fields; the section is named.
    """
    made: dict[str, list[Question]] = {}
    for section, entries in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        made[section] = []
        for entry in entries:
            try:
                one = Question(entry["question"], tuple(Option(**option) for option in entry["options"]))
            except (KeyError, TypeError) as error:
                said = f"{path}, {section}: {error}; a question has options, each text, why and right"
                raise ValueError(said) from error
            if sum(option.right for option in one.options) != 1:
                raise ValueError(f"{path}, {section}: {one.question!r} does not have exactly one right answer")
            made[section].append(one)
    return made
