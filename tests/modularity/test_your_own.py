"""The page on one's own model and sentences: the errors that it explains are those that the library raises."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from transformers import AlbertConfig, AutoModel, BertConfig

import modularity
from companion.models import catalogue

ROOT = next(p for p in Path(__file__).parents if (p / "pyproject.toml").is_file())
PAGE = (ROOT / "book/your-own.md").read_text(encoding="utf-8")
TABLE = re.search(r"\| the error says \|.*?(?=\n\n)", PAGE, re.DOTALL)[0]
EXPLAINED = [row.split("|")[1].strip() for row in TABLE.splitlines()[2:]]
SHAPE = {"hidden_size": 32, "intermediate_size": 320, "num_hidden_layers": 2, "num_attention_heads": 2}


def explained(message: str) -> list[str]:
    """The rows of the page that this message falls under; … stands for anything."""
    patterns = {row: ".*".join(map(re.escape, row.split("…"))) for row in EXPLAINED}
    return [row for row, pattern in patterns.items() if re.search(pattern, message)]


@pytest.fixture(scope="module")
def table():
    rows = [(f"The bank of {i} came.", i % 2, "bank", "meaning") for i in range(20)]
    return pd.DataFrame(rows, columns=["sentence", "label", "subfunction", "function"])


@pytest.fixture(scope="module")
def tokenizer():
    return catalogue.tokenizer()


@pytest.fixture(scope="module")
def model(tokenizer):
    return modularity.wrap(AutoModel.from_config(BertConfig(vocab_size=len(tokenizer), **SHAPE)), tokenizer)


def unpadded():
    made = catalogue.tokenizer()
    made.pad_token = made.eos_token = None
    return made


def half_named(table):
    return table.assign(function=["meaning", *["other"] * 19])


def empty(table):
    return table.assign(sentence=table["sentence"].where(table.index != 3))


TABLES = {
    "no column": lambda t: t.rename(columns={"sentence": "text"}),
    "words": lambda t: t.assign(label=t["label"].map({0: "neg", 1: "pos"})),
    "one class": lambda t: t.assign(label=1),
    "empty": empty,
    "two functions": half_named,
}
CALLS = {
    "one sentence": lambda m, s, t: modularity.analyse(m, replace(s[0], labels=np.arange(20) // 19)),
    "twice": lambda m, s, t: modularity.analyse(m, s + s),
    "experts": lambda m, s, t: modularity.analyse(m, s, experts=7),
    "share": lambda m, s, t: modularity.analyse(m, s, share=0.001),
    "family": lambda m, s, t: modularity.wrap(AutoModel.from_config(AlbertConfig(vocab_size=len(t), **SHAPE)), t),
    "tokenizer": lambda m, s, t: modularity.wrap(AutoModel.from_config(BertConfig(vocab_size=100, **SHAPE)), t),
    "padding": lambda m, s, t: modularity.wrap(m.module, unpadded()),
}


@pytest.mark.parametrize("change", TABLES.values(), ids=TABLES)
def test_an_error_of_a_table_is_explained(change, table):
    with pytest.raises(ValueError, match=r".") as raised:
        modularity.SubFunction.from_table(change(table))
    assert len(explained(str(raised.value))) == 1


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_error_of_a_call_is_explained(call, model, table, tokenizer):
    with pytest.raises((ValueError, TypeError), match=r".") as raised:
        call(model, modularity.SubFunction.from_table(table), tokenizer)
    assert len(explained(str(raised.value))) == 1


def test_the_rows_that_the_page_shows_are_two_questions():
    shown = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)[1]
    made = modularity.SubFunction.from_table(pd.read_csv(io.StringIO(shown)))
    assert [(s.name, s.function, s.sizes) for s in made] == [("bank", "meaning", (1, 1)), ("light", "meaning", (1, 1))]


def test_what_is_no_error_of_the_page_is_not_explained():
    assert explained("a layer has no name") == []
    assert len(EXPLAINED) > 10
