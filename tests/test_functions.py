"""The shipped sub-functions keep what their page promises; bad ones are named."""

import re

import numpy as np
import pandas as pd
import pytest

from modularity import functions, sources
from modularity.functions import SubFunction


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_parquet(sources.path("functions/semantic.parquet"))


def test_there_are_100_pairs_of_200_different_nouns():
    loaded = functions.load("semantic")
    assert len(loaded) == 100
    assert len({noun for s in loaded for noun in s.name.split("/")}) == 200
    for s in loaded:
        assert len(s.sentences) == 200
        assert s.labels.sum() == 100
        assert s.function == "semantic"


def test_every_sentence_hides_one_keyword_and_shows_none(table):
    for row in table.itertuples():
        assert row.sentence.count(functions.SENTINEL) == 1
        assert not re.search(rf"\b{row.keyword}", row.sentence, re.IGNORECASE)


def test_no_sentence_stands_twice(table):
    assert not table["sentence"].duplicated().any()
    assert len(functions.evaluation_sentences()) == len(table)


def test_no_pair_is_given_away_by_its_sources(table):
    counts = table.groupby(["name", "label", "part"], observed=True).size().unstack("label", fill_value=0)
    assert (counts[0] == counts[1]).all()


def test_a_sentence_that_is_in_the_corpus_was_hidden_from_it(table):
    keywords = table["keyword"].astype(str)
    original = {s.replace(functions.SENTINEL, k) for s, k in zip(table["sentence"], keywords, strict=True)}
    assert original == functions.evaluation_sentences()


@pytest.mark.parametrize(
    ("sentences", "labels", "message"),
    [
        ((), [], "sub-function 'x' has no sentences"),
        (("a", ""), [0, 1], "sub-function 'x': sentence 1 is ''"),
        (("a", 3), [0, 1], "sentence 1 is 3"),
        (("a", "b"), [0, 0], "all 2 labels are 0, expected both 0 and 1"),
        (("a", "b"), [0, 2], r"labels contain \[2\]"),
        (("a", "b"), ["0", "1"], "labels contain"),
        (("a", "b"), [0, 1, 1], r"labels have shape \(3,\), expected \(2,\)"),
        (("a", "b"), [0, np.nan], r"labels contain \[nan\]"),
    ],
)
def test_a_bad_subfunction_is_named(sentences, labels, message):
    with pytest.raises(ValueError, match=message):
        SubFunction("x", "semantic", sentences, np.array(labels))


def test_an_unknown_function_or_track_is_refused():
    with pytest.raises(ValueError, match="unknown function 'syntax'; known: semantic"):
        functions.load("syntax")
    with pytest.raises(ValueError, match="unknown track 'maxi'; known: mini"):
        functions.load("semantic", track="maxi")


def test_a_name_finds_its_subfunction_or_close_ones():
    loaded = functions.load("semantic")
    assert functions.find(loaded, loaded[3].name) is loaded[3]
    with pytest.raises(ValueError, match=rf"'{loaded[3].name}s' among 100; for instance: {loaded[3].name}"):
        functions.find(loaded, loaded[3].name + "s")
