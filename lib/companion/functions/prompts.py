"""The tasks as text: T5's prompts (Raffel et al., 2020), LM-BFF's cloze templates, and their label words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from modularity.subfunction import SENTINEL

Style = Literal["t5", "cloze"]
MnliOrder = Literal["paper", "authors"]


@dataclass(frozen=True)
class Task:
    """A data set of GLUE or SuperGLUE and how a model is asked it."""

    name: str
    fields: tuple[str, ...]  # its text columns
    prompt: str  # T5's
    words: tuple[str, ...]  # T5's answer for each integer label
    cloze: str = ""  # LM-BFF's, with T5's sentinel as the gap; only the seven tasks of the paper have one
    cloze_words: tuple[str, ...] = ()
    collection: str = "glue"
    split: str = "validation"
    # Sub-function → GLUE labels of class 0, and of class 1.
    classes: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()


_PAIR = "{} sentence1: {{sentence1}} sentence2: {{sentence2}}"
_ENTAILED = ("entailment", "not_entailment")

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "cola",
            ("sentence",),
            "cola sentence: {sentence}",
            ("unacceptable", "acceptable"),
            f"{{sentence}} This is {SENTINEL} .",
            ("incorrect", "correct"),
        ),
        Task(
            "sst2",
            ("sentence",),
            "sst2 sentence: {sentence}",
            ("negative", "positive"),
            f"{{sentence}} It was {SENTINEL} .",
            ("terrible", "great"),
        ),
        Task(
            "mrpc",
            ("sentence1", "sentence2"),
            _PAIR.format("mrpc"),
            ("not_equivalent", "equivalent"),
            f"{{sentence1}} {SENTINEL} , {{sentence2}}",
            ("No", "Yes"),
        ),
        Task(
            "qqp",
            ("question1", "question2"),
            "qqp question1: {question1} question2: {question2}",
            ("not_duplicate", "duplicate"),
            f"{{question1}} {SENTINEL} , {{question2}}",
            ("No", "Yes"),
        ),
        Task(
            "rte",
            ("sentence1", "sentence2"),
            _PAIR.format("rte"),
            _ENTAILED,
            f"{{sentence1}} ? {SENTINEL} , {{sentence2}}",
            ("Yes", "No"),
        ),
        Task(
            "mnli",
            ("premise", "hypothesis"),
            "mnli hypothesis: {hypothesis} premise: {premise}",
            ("entailment", "neutral", "contradiction"),
            f"{{premise}} ? {SENTINEL} , {{hypothesis}}",
            ("Yes", "Maybe", "No"),
            split="validation_matched",
            # Two binary questions, as in the authors' ap_calculation.py; the paper only says that there are two.
            classes=(("mnli-neutral", (0, 2), (1,)), ("mnli-contradiction", (0,), (2,))),
        ),
        Task(
            "qnli",
            ("question", "sentence"),
            "qnli question: {question} sentence: {sentence}",
            _ENTAILED,
            f"{{question}} ? {SENTINEL} , {{sentence}}",
            ("Yes", "No"),
        ),
        Task(
            "cb",
            ("premise", "hypothesis"),
            "cb hypothesis: {hypothesis} premise: {premise}",
            ("entailment", "contradiction", "neutral"),
            collection="super_glue",
        ),
        Task(
            "multirc",
            ("paragraph", "question", "answer"),
            "multirc question: {question} answer: {answer} paragraph: {paragraph}",
            ("False", "True"),
            collection="super_glue",
        ),
        Task(
            "boolq",
            ("question", "passage"),
            "boolq question: {question} passage: {passage}",
            ("False", "True"),
            collection="super_glue",
        ),
    )
}
_ABOUT = f"{{sentence}} It is about {SENTINEL} ."
# Tasks of this book's own, of which the sentence is all there is; hidden words have the gap in the sentence.
LEARNABLE: dict[str, Task] = {
    name: Task(name, ("sentence",), "{sentence}", words := (*name.split("/"),), cloze, words, collection="own")
    for name, cloze in {
        "life/places": _ABOUT,
        "people/technology": _ABOUT,
        "art/science": _ABOUT,
        "man/system": "{sentence}",
        "area/family": "{sentence}",
    }.items()
}
SEEN = ("sst2", "mrpc", "cola", "qqp")  # their predictivities choose what Section 5 perturbs
UNSEEN = ("mnli", "qnli", "cb", "multirc", "boolq")
FUNCTION_TASKS = ("cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2")  # the task function of Section 3


def task(name: str) -> Task:
    """The task called `name`, or a ValueError that lists the known ones."""
    known = TASKS | LEARNABLE
    if name not in known:
        raise ValueError(f"unknown task {name!r}; known: {', '.join(known)}")
    return known[name]


def classes(name: str) -> tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]:
    """The binary questions of a task: (sub-function, labels of class 0, labels of class 1)."""
    return task(name).classes or ((name, (0,), (1,)),)


def prompt(name: str, row: Mapping[str, str], *, style: Style = "t5", mnli: MnliOrder = "paper") -> str:
    """What the model reads for one row of the task `name`.

    Parameters
    ----------
    row : the task's text columns (`task(name).fields`).
    style : ``t5``, Raffel et al. (2020), Appendix D; ``cloze``, the templates of LM-BFF for models that only
        fill gaps.
    mnli : ``authors`` exchanges premise and hypothesis, as the authors' code does where it measures predictivity
        and where it tunes Switch (but not where it tests T5); ``paper`` has them right.

    Raises
    ------
    ValueError
        An unknown task, style or order; a style that the task lacks; a column that is missing or is not text.
    """
    known = task(name)
    if style not in get_args(Style):
        raise ValueError(f"unknown style {style!r}; known: {', '.join(get_args(Style))}")
    if mnli not in get_args(MnliOrder):
        raise ValueError(f"unknown order of MNLI {mnli!r}; known: {', '.join(get_args(MnliOrder))}")
    template = known.prompt if style == "t5" else known.cloze
    if not template:
        raise ValueError(f"task {name!r} has no template of style {style!r}; use style='t5'")
    for field in known.fields:
        if field not in row:
            raise ValueError(f"a row of task {name!r} has no column {field!r}; it has {', '.join(row)}")
        if not isinstance(row[field], str) or not row[field].strip():
            raise ValueError(f"column {field!r} of a row of task {name!r} is {row[field]!r}, expected text")
    values = {field: row[field] for field in known.fields}
    if name == "mnli" and mnli == "authors":
        values = {"premise": values["hypothesis"], "hypothesis": values["premise"]}
    return template.format(**values)


def answer(name: str, label: int, *, style: Style = "t5") -> str:
    """The word that stands for the integer `label` of the task `name`.

    Raises
    ------
    ValueError
        The task has no such label, or no words of this style.
    """
    words = task(name).words if style == "t5" else task(name).cloze_words
    if not words:
        raise ValueError(f"task {name!r} has no label words of style {style!r}; use style='t5'")
    if label not in range(len(words)):
        raise ValueError(f"task {name!r} has no label {label!r}; it has 0 to {len(words) - 1}: {', '.join(words)}")
    return words[label]
