"""Tasks for a small model are balanced, keep their sources apart, and hide the words that they ask for."""

import pytest

from companion.functions import learnable, prompts, tracks
from companion.functions.learnable import TOPICS
from companion.functions.prompts import LEARNABLE
from companion.models import catalogue

WORDS = [name for name in LEARNABLE if name not in TOPICS]


@pytest.mark.parametrize("name", LEARNABLE)
def test_a_task_has_as_many_of_each_label_and_no_source_in_both_parts(name):
    train, validation = (tracks.task_table(name, part, "learnable") for part in ("train", "validation"))
    for rows in (train, validation):
        assert len(set(rows["label"].value_counts())) == 1
        assert not rows["sentence"].duplicated().any()
    assert not set(train["source"]) & set(validation["source"])
    assert not set(train["sentence"]) & set(validation["sentence"])
    assert len(train) >= 128 + 200 <= 128 + len(validation)


def test_there_are_three_pairs_of_topics_and_two_of_words():
    assert set(LEARNABLE) == {*TOPICS, *WORDS} == set(tracks.tasks("learnable"))
    assert (len(TOPICS), len(WORDS)) == (3, 2)
    assert len({topic for pair in TOPICS.values() for topic in pair}) == 6


@pytest.mark.parametrize("name", WORDS)
def test_the_word_is_hidden_and_those_judged_were_never_read(name):
    train, validation = (learnable.table(name, part) for part in ("train", "validation"))
    held = {s.name: set(s.sentences) for s in tracks.load("semantic")}[name]
    assert set(validation["sentence"]) == held
    words = LEARNABLE[name].cloze_words
    for rows in (train, validation):
        assert (rows["sentence"].str.count(learnable.SENTINEL) == 1).all()
        for label, word in enumerate(words):
            assert not rows.loc[rows["label"] == label, "sentence"].str.contains(rf"\b{word}\b").any()


def test_topics_are_those_of_the_articles():
    rows = learnable.table("art/science")
    assert any("Chromium" in source for source in rows.loc[rows["label"] == 1, "source"])


@pytest.mark.parametrize("name", LEARNABLE)
def test_a_companion_can_be_asked(name):
    row = learnable.table(name).iloc[0].to_dict()
    asked = prompts.prompt(name, row, style="cloze")
    assert asked.count(learnable.SENTINEL) == 1
    first = {catalogue.tokenizer()(prompts.answer(name, label, style="cloze"))["input_ids"][0] for label in (0, 1)}
    assert len(first) == 2


def test_sub_functions_are_of_the_part_asked_for():
    train, validation = (tracks.load("task", "learnable", part=part) for part in ("train", "validation"))
    assert [s.name for s in train] == sorted(LEARNABLE) == [s.name for s in validation]
    assert {s.function for s in train} == {"task"}
    assert not set(train[0].sentences) & set(validation[0].sentences)


def test_what_there_is_not_is_named():
    with pytest.raises(ValueError, match="no task 'sst2' to be learned; there are life/places"):
        tracks.task_table("sst2", "train", "learnable")
    with pytest.raises(ValueError, match="unknown part 'test'; known: train, validation"):
        learnable.table("art/science", "test")
    with pytest.raises(ValueError, match="has tasks only, and nothing of 'semantic'"):
        tracks.load("semantic", "learnable")
