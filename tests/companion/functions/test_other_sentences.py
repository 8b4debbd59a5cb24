"""Other sentences are other ones, and what part of the corpus they are from tells nothing."""

from dataclasses import replace

import numpy as np
import pytest

from companion.functions import followed, other_sentences
from companion.functions.tracks import SENTINEL


@pytest.fixture(scope="module")
def both():
    used = {(s.function, s.name): s for s in followed.subfunctions()}
    few = [
        used["semantic", "way/year"],
        used["semantic", "ability/seat"],
        used["knowledge", "born"],
        used["task", "rte"],
    ]
    return few, other_sentences.others(few)


def test_no_sentence_was_read_by_a_history(both):
    for used, other in zip(*both, strict=True):
        assert (used.function, used.name) == (other.function, other.name)
        assert not set(used.sentences) & set(other.sentences)
        assert len(set(other.sentences)) == len(other.sentences)


def test_classes_are_equally_large_and_at_most_as_in_the_histories(both):
    for other in both[1]:
        positive, negative = np.bincount(other.labels)[::-1]
        assert positive == negative
        assert other_sentences.LEAST <= positive <= followed.SENTENCES


def test_nouns_are_hidden_and_do_not_stand_elsewhere(both):
    for other in both[1][:2]:
        nouns = other.name.split("/")
        for sentence, label in zip(other.sentences, other.labels, strict=True):
            assert sentence.count(SENTINEL) == 1
            hidden = sentence.replace(SENTINEL, "").lower().split()
            assert not any(word.startswith(nouns[1 - label]) for word in hidden)


def test_parts_are_alike_in_both_classes():
    pool = {p: [f"{p} {i} thing" for i in range(30)] for p in other_sentences.MIN_WORDS}
    more = {p: [f"{p} {i} idea" for i in range(60)] for p in other_sentences.MIN_WORDS}
    sentences, labels = other_sentences.of_words(["thing", "idea"], {"thing": pool, "idea": more}, 100)
    of = [[s.split()[0] for s, label in zip(sentences, labels, strict=True) if label == k] for k in (0, 1)]
    assert of[0] == of[1]
    assert of[0].count("definition") == 10  # what 90 others leave
    sentences, labels = other_sentences.of_words(["thing", "idea"], {"thing": pool, "idea": more}, 30)
    assert "definition" not in {s.split()[0] for s in sentences}
    assert sum(labels) == 30


def test_sub_functions_with_too_few_are_left_out(both):
    (way, ability), sizes = both[0][:2], [s.sizes[0] for s in both[1][:2]]
    assert sizes[1] < 90 < sizes[0]
    assert [s.name for s in other_sentences.others([way, ability], least=90)] == [way.name]


def test_what_no_history_follows_is_refused(both):
    with pytest.raises(ValueError, match="no history follows 'mine'"):
        other_sentences.others([replace(both[0][0], name="mine")])
