"""Prompts equal strings written by hand; a wrong row is named."""

import pytest

from companion.functions import prompts

ONE = {"sentence": "He go."}
GOLDEN = {
    "cola": (ONE, "cola sentence: He go."),
    "sst2": (ONE, "sst2 sentence: He go."),
    "mrpc": ({"sentence1": "A.", "sentence2": "B."}, "mrpc sentence1: A. sentence2: B."),
    "qqp": ({"question1": "A?", "question2": "B?"}, "qqp question1: A? question2: B?"),
    "rte": ({"sentence1": "A.", "sentence2": "B."}, "rte sentence1: A. sentence2: B."),
    "mnli": ({"premise": "P.", "hypothesis": "H."}, "mnli hypothesis: H. premise: P."),
    "qnli": ({"question": "Q?", "sentence": "S."}, "qnli question: Q? sentence: S."),
    "cb": ({"premise": "P.", "hypothesis": "H."}, "cb hypothesis: H. premise: P."),
    "multirc": (
        {"paragraph": "P.", "question": "Q?", "answer": "A."},
        "multirc question: Q? answer: A. paragraph: P.",
    ),
    "boolq": ({"question": "q", "passage": "P."}, "boolq question: q passage: P."),
}
CLOZE = {
    "cola": "He go. This is <extra_id_0> .",
    "sst2": "He go. It was <extra_id_0> .",
    "mrpc": "A. <extra_id_0> , B.",
    "qqp": "A? <extra_id_0> , B?",
    "rte": "A. ? <extra_id_0> , B.",
    "mnli": "P. ? <extra_id_0> , H.",
    "qnli": "Q? ? <extra_id_0> , S.",
}


def test_every_task_has_a_golden():
    assert set(GOLDEN) == set(prompts.TASKS)
    assert set(CLOZE) == set(prompts.FUNCTION_TASKS)


@pytest.mark.parametrize("task", GOLDEN)
def test_a_prompt_is_the_golden(task):
    row, expected = GOLDEN[task]
    assert prompts.prompt(task, row | {"idx": 7}) == expected


@pytest.mark.parametrize("task", CLOZE)
def test_a_cloze_is_the_golden(task):
    assert prompts.prompt(task, GOLDEN[task][0], style="cloze") == CLOZE[task]


def test_the_authors_exchange_premise_and_hypothesis():
    row = GOLDEN["mnli"][0]
    assert prompts.prompt("mnli", row, mnli="authors") == "mnli hypothesis: P. premise: H."
    assert prompts.prompt("mnli", row, mnli="authors", style="cloze") == "H. ? <extra_id_0> , P."
    assert prompts.prompt("cb", GOLDEN["cb"][0], mnli="authors") == GOLDEN["cb"][1]


def test_braces_in_a_sentence_stay_as_they_are():
    assert prompts.prompt("cola", {"sentence": "{sentence} {0}"}) == "cola sentence: {sentence} {0}"


def test_answers_follow_the_labels_of_glue():
    assert [prompts.answer("mnli", i) for i in range(3)] == ["entailment", "neutral", "contradiction"]
    assert [prompts.answer("cb", i) for i in range(3)] == ["entailment", "contradiction", "neutral"]
    assert [prompts.answer("rte", i) for i in range(2)] == ["entailment", "not_entailment"]
    assert [prompts.answer("sst2", i, style="cloze") for i in range(2)] == ["terrible", "great"]
    assert [prompts.answer("qnli", i, style="cloze") for i in range(2)] == ["Yes", "No"]


def test_mnli_asks_two_binary_questions():
    assert prompts.classes("mnli") == (("mnli-neutral", (0, 2), (1,)), ("mnli-contradiction", (0,), (2,)))
    assert sum(len(prompts.classes(name)) for name in prompts.FUNCTION_TASKS) == 8
    assert prompts.classes("rte") == (("rte", (0,), (1,)),)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: prompts.prompt("wnli", ONE), "unknown task 'wnli'; known: cola, sst2"),
        (lambda: prompts.prompt("rte", ONE), "a row of task 'rte' has no column 'sentence1'; it has sentence"),
        (lambda: prompts.prompt("cola", {"sentence": None}), "column 'sentence' .* is None, expected text"),
        (lambda: prompts.prompt("cola", {"sentence": " "}), "column 'sentence' .* is ' ', expected text"),
        (lambda: prompts.prompt("cola", ONE, style="chat"), "unknown style 'chat'; known: t5, cloze"),
        (lambda: prompts.prompt("boolq", GOLDEN["boolq"][0], style="cloze"), "no template of style 'cloze'"),
        (lambda: prompts.prompt("cola", ONE, mnli="left"), "unknown order of MNLI 'left'"),
        (lambda: prompts.answer("rte", 2), "task 'rte' has no label 2; it has 0 to 1: entailment, not_entailment"),
        (lambda: prompts.answer("rte", -1), "has no label -1"),
        (lambda: prompts.answer("cb", 0, style="cloze"), "no label words of style 'cloze'"),
    ],
)
def test_a_wrong_row_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
