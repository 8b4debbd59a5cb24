"""The task mixture: training rows only, every one once an epoch, the same batch for the same step."""

from itertools import islice

import numpy as np
import pytest

from companion.functions import prompts, tracks
from companion.models import catalogue, mixture


@pytest.fixture(scope="module")
def examples():
    return mixture.examples(catalogue.tokenizer(), 64, ("cola", "mnli"))


def test_examples_are_the_training_rows_and_their_answers(examples):
    tokenizer = catalogue.tokenizer()
    rows = [(name, row) for name in ("cola", "mnli") for row in tracks.task_table(name, "train").to_dict("records")]
    assert len(examples) == len(rows)
    for i in (0, 5000, len(rows) - 1):
        name, row = rows[i]
        text = tokenizer.decode(examples[i].inputs, skip_special_tokens=True)
        assert text.replace(" ", "")[:40] == prompts.prompt(name, row).replace(" ", "")[:40]
        assert list(examples[i].targets) == tokenizer(prompts.answer(name, row["label"]))["input_ids"]


def test_nothing_that_is_evaluated_is_trained_on():
    for name in prompts.FUNCTION_TASKS:
        trained = {prompts.prompt(name, r) for r in tracks.task_table(name, "train").to_dict("records")}
        evaluated = {prompts.prompt(name, r) for r in tracks.task_table(name, "validation").to_dict("records")}
        assert trained
        assert not trained & evaluated


def test_long_inputs_keep_their_end(examples):
    short = mixture.examples(catalogue.tokenizer(), 12, ("cola",))
    assert max(len(e.inputs) for e in short) == 12
    assert {e.inputs[-1] for e in short} == {1}
    assert max(len(e.inputs) for e in examples) <= 64


def flat(batch):
    return [tuple(row[row > 0]) for inputs, _ in batch for row in inputs]


def test_a_recipe_without_facts_or_tasks_has_empty_batches_of_them():
    assert list(mixture.batches([], steps=range(3), batch=0, seed=0)) == [[], [], []]


def test_an_epoch_has_every_example_once():
    made = [mixture.Example((i, 1), (9, 1)) for i in range(2, 26)]
    epoch = list(mixture.batches(made, steps=range(4), batch=6, seed=0))
    assert sorted(row for batch in epoch for row in flat(batch)) == sorted(e.inputs for e in made)


def test_a_batch_depends_on_its_step_and_the_seed_only(examples):
    whole = list(mixture.batches(examples, steps=range(6), batch=8, seed=3))
    late = next(iter(mixture.batches(examples, steps=range(5, 6), batch=8, seed=3)))
    for a, b in zip(whole[5], late, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])
    other = next(iter(mixture.batches(examples, steps=range(5, 6), batch=8, seed=4)))
    assert flat(other) != flat(late)


def test_short_and_long_inputs_are_padded_apart(examples):
    for short, long in islice(mixture.batches(examples, steps=range(5), batch=32, seed=0), 5):
        assert short[0].shape[1] <= (long[0] > 0).sum(1).min()
        for inputs, targets in (short, long):
            assert (inputs[:, -1] > 0).any()
            assert ((targets == mixture.IGNORED) | (targets > 0)).all()


def test_too_few_examples_are_named(examples):
    with pytest.raises(ValueError, match="there are 3 examples, one batch takes 8"):
        next(mixture.batches(examples[:3], steps=range(1), batch=8, seed=0))
