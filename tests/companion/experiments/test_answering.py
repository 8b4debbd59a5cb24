"""The answer that is chosen is the likeliest, as one forward pass a row and answer has it."""

import numpy as np
import pytest
import torch

from companion.experiments import answering
from companion.functions import prompts, tracks
from companion.models import catalogue


@pytest.fixture(scope="module")
def rows():
    return tracks.task_table("mnli").iloc[[0, 1, 1200, 2400, 2401]]


@torch.inference_mode()
def likelihoods_of(model, rows):
    return answering.log_likelihoods(model, answering.asked(model, "mnli", rows), range(len(rows))).numpy()


def test_likelihoods_equal_those_of_one_row_at_a_time(untrained, rows):
    found = likelihoods_of(untrained, rows)
    for i, row in enumerate(rows.to_dict("records")):
        ids = untrained.tokenizer(prompts.prompt("mnli", row), return_tensors="pt").input_ids
        for label in range(3):
            answer = untrained.tokenizer(prompts.answer("mnli", label), return_tensors="pt").input_ids
            with torch.inference_mode():
                loss = untrained.module(input_ids=ids, labels=answer).loss
            assert found[i, label] == pytest.approx(-loss.item() * answer.shape[1], rel=1e-4)


def test_the_likeliest_answer_is_the_prediction(untrained, rows):
    likelihoods = likelihoods_of(untrained, rows)
    np.testing.assert_array_equal(answering.predictions(untrained, "mnli", rows), likelihoods.argmax(1))


def test_accuracy_counts_right_answers(untrained, monkeypatch):
    monkeypatch.setattr(answering, "predictions", lambda _m, _n, table, **_: np.where(table["label"] == 1, 1, 1))
    assert answering.accuracy(untrained, "cola") == 0.5
    assert answering.accuracy(untrained, "cola", rows=10**6) == 0.5


def test_a_model_without_a_decoder_is_named():
    with pytest.raises(ValueError, match="has no decoder and answers nothing"):
        answering.accuracy(catalogue.load("all-MiniLM-L6-v2", untrained=True), "cola", rows=4)
