"""One call gives what its parts give, in tidy tables, and its errors name what came."""

import inspect

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

import modularity
from companion.functions import tracks
from companion.models import catalogue, planted
from modularity import SubFunction, chance, experts, moefication, readings, specialists


@pytest.fixture(scope="module")
def built():
    return planted.load("blocks")


@pytest.fixture
def found(built):
    return modularity.analyse(built.model, built.subfunctions, experts=8, null="permutation", share=0.05)


@pytest.fixture
def table():
    """Two sub-functions of two functions, six sentences each."""
    rows = [
        {"sentence": f"Number {i} is {word} here.", "label": i % 2, "subfunction": word, "function": function}
        for word, function in (("red", "colour"), ("blue", "colour"), ("big", "size"))
        for i in range(6)
    ]
    return pd.DataFrame(rows)


def test_planted_experts_are_found_and_their_tables_agree(built, found):
    groups = moefication.experts(built.model, 8)
    whole = readings.read(built.model, built.subfunctions, groups.expand_dims(partition=["own"]))
    tested = experts.functional_experts(specialists.top_neurons(whole, 0.05), groups, null="permutation")
    shown = found.functional_experts()
    assert len(shown) == int(tested["functional"].sum()) > 0
    for row in shown.to_dict("records"):
        at = {k: row[k] for k in ("function", "layer", "expert")}
        for column in ("count", "p", "degree"):
            assert row[column] == tested[column].sel(at).item()
        assert row["expected"] == tested["expected"].sel(function=row["function"], layer=row["layer"]).item()
    assert shown["p"].is_monotonic_increasing
    summary = found.summary(draws=20)
    pd.testing.assert_frame_equal(
        summary[["proportion", "degree", "pooled_degree"]],
        experts.summary(tested).to_dataframe()[["proportion", "degree", "pooled_degree"]],
    )
    assert (summary["low"] <= summary["high"]).all()
    assert (summary["proportion"] > summary["high"]).any()


def test_the_best_neuron_is_judged_by_chance_and_by_other_sentences(built, found):
    table = found.best(draws=2000)
    assert len(table) == len(built.subfunctions) * found.reading.sizes["layer"]
    assert (table["predictivity"] >= table["held_out"] - 0.2).all()
    one = built.subfunctions[0]
    floor = chance.best_of(chance.chance_level(*one.sizes, draws=2000), found.reading.attrs["neurons"])
    assert table.set_index("subfunction").loc[one.name, "chance"].iloc[0] == floor
    best = found.reading["top"].sel(subfunction=one.name).isel(rank=0)
    assert (table.query("subfunction == @one.name")["neuron"].to_numpy() == best.to_numpy()).all()


def test_overlap_is_that_of_different_sub_functions(found):
    table = found.overlap().set_index(["function", "other"])
    full = specialists.overlap(found.top).mean("layer").to_numpy()
    functions = found.reading["function"].to_numpy()
    for (one, other), row in table.iterrows():
        pairs = [
            full[i, j]
            for i in range(len(full))
            for j in range(len(full))
            if i != j and (functions[i], functions[j]) == (one, other)
        ]
        assert row["overlap"] == pytest.approx(np.mean(pairs)) if pairs else np.isnan(row["overlap"])


def test_a_table_gives_sub_functions_in_its_order(table):
    made = SubFunction.from_table(table.sample(frac=1, random_state=0))
    assert {s.name: s.function for s in made} == {"red": "colour", "blue": "colour", "big": "size"}
    assert [s.name for s in SubFunction.from_table(table)] == ["red", "blue", "big"]
    assert made[0].sizes == (3, 3)
    (one,) = SubFunction.from_table(table[["sentence", "label"]])
    assert (one.name, one.function, len(one.sentences)) == ("mine", "mine", 18)


@pytest.mark.parametrize("column", [lambda values: values, list, tuple])
def test_columns_of_a_table_make_a_sub_function(built, table, column):
    """Whatever holds the sentences and labels, what is read is the same, and stored under the same name."""
    rows = table.query("subfunction == 'red'")
    mine = object.__new__(SubFunction)
    of_a_user = inspect.unwrap(SubFunction.__init__)  # whose calls nothing checks the types of
    of_a_user(mine, "red", "colour", column(rows["sentence"]), column(rows["label"]))
    (same,) = SubFunction.from_table(rows)
    assert (mine.sentences, mine.labels.tolist()) == (same.sentences, same.labels.tolist())
    assert modularity.analyse(built.model, [mine], experts=4).summary() is not None
    assert mine.only(np.arange(6) < 4).sizes[0] + mine.only(np.arange(6) < 4).sizes[1] == 4


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.rename(columns={"label": "y"}), "no column 'label', only sentence, y, subfunction, function"),
        (lambda t: t.assign(label=t["label"] + 1), r"'red': labels contain \[2\]"),
        (lambda t: t.assign(label=1), "all 6 labels are 1"),
        (lambda t: t.assign(sentence=[None, *t["sentence"][1:]]), "row 0 of the table has no sentence"),
        (lambda t: t.assign(sentence=[" ", *t["sentence"][1:]]), "'red': sentence 0 is ' '"),
        (
            lambda t: t.assign(function=[*t["function"][:-1], "colour"]),
            r"'big' is of the functions \['size', 'colour'\]",
        ),
    ],
)
def test_what_is_wrong_with_a_table_is_said(table, change, match):
    with pytest.raises(ValueError, match=match):
        SubFunction.from_table(change(table))


def test_a_decoder_of_ones_own_is_analysed_once(table, monkeypatch):
    torch.manual_seed(0)
    tokenizer = catalogue.tokenizer()
    module = GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_inner=200, n_layer=2, n_head=2))
    model = modularity.wrap(module, tokenizer, "mine")
    first = modularity.analyse(model, SubFunction.from_table(table), experts=10)
    assert first.reading.sizes["layer"] == 2
    monkeypatch.setattr(readings, "read", lambda *a, **k: pytest.fail("read again"))
    again = modularity.analyse(model, SubFunction.from_table(table), experts=10, null="exact")
    assert first.reading.equals(again.reading)
    module.transformer.h[0].mlp.c_fc.weight.data += 0.1
    with pytest.raises(pytest.fail.Exception):
        modularity.analyse(model, SubFunction.from_table(table), experts=10)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"experts": 7}, "do not divide into 7 experts"),
        ({"null": "normal"}, "unknown null 'normal'"),
        ({"alpha": 1.0}, "alpha is 1.0"),
        ({"share": 0}, "share of top neurons is 0"),
        ({"score": "f1"}, "unknown score 'f1'"),
    ],
)
def test_bad_options_are_refused_before_anything_is_read(untrained, subfunction, options, match, monkeypatch):
    monkeypatch.setattr(readings, "read", lambda *a, **k: pytest.fail("it read"))
    with pytest.raises(ValueError, match=match):
        modularity.analyse(untrained, subfunction, **options)


def test_no_two_sub_functions_have_one_name(untrained, subfunction):
    with pytest.raises(ValueError, match="two sub-functions are called 'toy'"):
        modularity.analyse(untrained, [subfunction, subfunction])
    with pytest.raises(ValueError, match="got no sub-functions"):
        modularity.analyse(untrained, [])


def test_a_model_with_experts_brings_its_own():
    few = [tracks.first(s, 4) for s in tracks.load("semantic")[:2]]
    found = modularity.analyse(catalogue.load("switch-mini"), few)
    assert int(found.partition.max()) + 1 == 16
    assert found.reading.sizes["layer"] == 2


def test_what_takes_the_place_of_another_is_named(built, table):
    with pytest.raises(TypeError, match=r"expected a table, got str; read a file with pandas.read_csv first"):
        SubFunction.from_table("mine.csv")
    with pytest.raises(TypeError, match=r"expected a SubFunction, got str; make it with SubFunction.from_table"):
        modularity.analyse(built.model, table)
    with pytest.raises(TypeError, match=r"expected a Model, got T5\w+; make it with modularity.wrap"):
        modularity.analyse(built.model.module, built.subfunctions)
