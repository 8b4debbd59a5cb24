"""The stated facts are the true triples in other words, and nothing that is evaluated is among them."""

import sys

import pandas as pd
import pytest
from places import ROOT

from companion.functions import sources, tracks
from companion.models import catalogue, mixture

sys.path.insert(0, str(ROOT / "data/build"))


@pytest.fixture(scope="module")
def stated() -> pd.DataFrame:
    return pd.read_parquet(sources.path("corpus/facts.parquet")).astype(str)


@pytest.fixture(scope="module", params=["knowledge", "balanced"])
def knowledge(request) -> pd.DataFrame:
    return tracks.table_of(request.param)


def test_the_table_is_what_its_builder_makes(stated, knowledge):
    import fact_text

    pd.testing.assert_frame_equal(stated, fact_text.statements(knowledge).astype(str), check_dtype=False)


def test_every_true_triple_is_stated_three_times_and_no_other(stated, knowledge):
    true = knowledge.query("label == 1")
    expected = set(zip(true["name"].astype(str), true["head"], true["tail"], strict=True))
    counts = stated.groupby(["name", "head", "tail"]).size()
    assert set(counts.index) == expected
    assert set(counts) == {3}


def test_no_statement_is_evaluated(stated, knowledge):
    made = {
        w.format(head=h, tail=t).lower()
        for w, h, t in zip(stated["wording"], stated["head"], stated["tail"], strict=True)
    }
    assert made
    assert not made & set(knowledge["sentence"].str.lower())


def test_each_statement_hides_its_head_and_its_tail(stated):
    few = stated.head(4)
    made = mixture.statements(catalogue.tokenizer(), few)
    assert len(made) == 8
    tokenizer = catalogue.tokenizer()
    for row, pair in zip(few.to_dict("records"), zip(made[::2], made[1::2], strict=True), strict=True):
        for hidden, example in zip((row["head"], row["tail"]), pair, strict=True):
            assert tokenizer.decode(example.targets) == tokenizer.decode(
                tokenizer(f"{mixture.SENTINEL} {hidden}")["input_ids"]
            )
            assert tokenizer.convert_tokens_to_ids(mixture.SENTINEL) in example.inputs
            assert len(tokenizer.decode(example.inputs, skip_special_tokens=True)) > 0
