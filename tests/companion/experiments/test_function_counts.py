"""Neurons are counted by the functions in which they pass on sentences that did not choose them."""

import numpy as np
import pytest

from companion.experiments import computing, experiment, function_counts
from companion.experiments.equal_footing import FUNCTIONS, asked, equally_many
from companion.experiments.function_counts import NONE, SHIPPED, FunctionCounts, passing
from companion.functions import tracks
from companion.sections import one_function

EIGHT = [f for f in FUNCTIONS for _ in range(8)]


def made(rng, good):
    """Scores and p-values of 1,000 neurons, of which those named are good at one sub-function of a function."""
    p = rng.random((2, 24, 1, 1000))
    for neuron, functions in good.items():
        for function in functions:
            p[:, 8 * FUNCTIONS.index(function) + neuron % 8, 0, neuron] = 1e-6
    return 1 - p, p


def test_functions_stand_on_equal_footing():
    assert [one.function for one in asked()] == EIGHT
    assert {tuple(one.sizes) for one in asked()} == {(100, 100)}


def test_what_is_shipped_is_of_what_section_4_reads_by_default():
    assert [function_counts.content(s) for s in equally_many(tracks.load_all())] == [
        function_counts.content(s) for s in asked()
    ]


@pytest.mark.parametrize(("limit", "per_class", "number", "few"), [(5, None, 5, 100), (None, 21, 8, 20), (1, 2, 1, 2)])
def test_fewer_are_as_many_of_each_and_none_twice(limit, per_class, number, few):
    chosen = equally_many(tracks.load_all(limit=limit, per_class=per_class))
    assert [one.function for one in chosen] == [f for f in FUNCTIONS for _ in range(number)]
    assert len({one.name for one in chosen}) == 3 * number
    assert {tuple(one.sizes) for one in chosen} == {(few, few)}


def test_a_function_without_sub_functions_is_named():
    with pytest.raises(ValueError, match=r"no sub-function of semantic, task; expected some of semantic, knowledge, t"):
        equally_many(tracks.load("knowledge"))


def test_neurons_are_counted_by_what_they_pass_in(rng):
    good = {n: ["semantic"] for n in range(30)} | {n: ["knowledge", "task"] for n in range(30, 50)}
    good |= {n: list(FUNCTIONS) for n in range(50, 60)}
    counts = passing(*made(rng, good), EIGHT)
    assert counts.shape == (2, 1, 8)
    for of_half in counts[:, 0]:
        assert of_half.sum() == 1000
        np.testing.assert_allclose(of_half, [940, 30, 0, 0, 0, 0, 20, 10], atol=8)  # 5 % of those that pass are luck


def test_neurons_without_function_do_not_pass(rng):
    counts = passing(*made(rng, {}), EIGHT)
    assert counts[..., 0].min() >= 998


def test_who_is_chosen_by_luck_is_not_judged_by_it(rng):
    """Good on the half that chooses and not on the other: in neither direction does it pass."""
    scores, p = made(rng, {})
    p[0, 0, 0, :100], scores[0, 0, 0, :100] = 1e-6, 1.0
    assert passing(scores, p, EIGHT)[0, 0, 1] == 0


def test_the_few_that_pass_are_one_copy_of_a_model(monkeypatch):
    few = asked()[::4]
    monkeypatch.setattr(function_counts, "asked", lambda: few)
    counts = FunctionCounts("t5-mini").compute(("untrained 0",))
    assert dict(counts["neurons"].sizes) == {"without": 7, "half": 2, "layer": 4, "pattern": 8}
    assert (counts["neurons"].sum("pattern") == 1280).all()
    assert counts["low"].max() < 0.2


@pytest.mark.parametrize("name", [name for name, one in SHIPPED.items() if experiment.is_shipped(one)])
def test_what_is_shipped_is_of_these_sub_functions(name):
    shipped = experiment.load(SHIPPED[name])
    assert shipped["content"].to_numpy().tolist() == [function_counts.content(one) for one in asked()]
    assert len(np.unique(shipped["neurons"].sum("pattern"))) == 1


def test_fewer_untrained_copies_are_those_that_are_shipped_first(monkeypatch):
    monkeypatch.setattr(FunctionCounts, "compute", lambda *_: pytest.fail("computed"))
    found, (said,) = function_counts.obtain(["switch-mini"], asked(), "none", copies=1)
    assert not said.computed
    assert found["switch-mini"]["copy"].to_numpy().tolist() == ["run 0", "run 1", "run 2", "untrained 0"]
    whole = experiment.load(SHIPPED["switch-mini"])
    assert (found["switch-mini"]["neurons"] == whole["neurons"].isel(copy=[0, 1, 2, 3])).all()


@pytest.mark.parametrize("seed", [0, 7])
def test_other_sentences_and_copies_are_those_that_are_asked_for(monkeypatch, seed):
    monkeypatch.setattr(computing.os, "cpu_count", lambda: 1)  # in this process
    read = []
    monkeypatch.setattr(
        function_counts, "p_values", lambda model, some, seed: read.append((model.label, some, seed)) or half
    )
    few = equally_many(tracks.load_all(limit=3, per_class=6))
    half = (np.full((2, 9, 4, 10), 0.5), np.ones((2, 9, 4, 10)))
    found, (said,) = function_counts.obtain(["t5-mini"], few, copies=1, seed=seed)
    assert said.computed
    assert found["t5-mini"].sizes["subfunction"] == 9
    labels = [*(f"t5-mini, seed {i}" for i in range(3)), f"t5-mini, untrained {seed}"]
    assert read == [(label, few, seed) for label in labels]
    function_counts.obtain(["t5-mini"], few, copies=1, seed=seed)  # from the store
    assert len(read) == 4


def test_a_wrong_share_is_found():
    one = SHIPPED["t5-mini"]
    shipped = experiment.load(one)
    assert experiment.recheck(one, shipped, [("run 1", 9)], cells=1).cells == 1
    shipped["low"] += 0.05
    with pytest.raises(ValueError, match="functions_t5-mini for run 1, 9 is"):
        experiment.recheck(one, shipped, [("run 1", 9)], cells=1)


def test_independence_keeps_how_many_pass_in_each():
    counts = np.array([[[400.0, 200, 100, 50, 100, 50, 50, 50]]])
    expected = one_function.independent(counts)
    np.testing.assert_allclose(expected @ one_function.PASSED, counts @ one_function.PASSED)
    np.testing.assert_allclose(expected.sum(-1), counts.sum(-1))
    np.testing.assert_allclose(one_function.independent(expected), expected)
    assert expected[0, 0, 7] == pytest.approx(1000 * 0.35 * 0.25 * 0.25)


def test_one_function_each_is_an_excess_and_all_together_is_none():
    shipped = experiment.load(SHIPPED["t5-mini"])
    apart, together = (shipped.copy(deep=True) for _ in range(2))
    apart["neurons"][:] = [700, 100, 100, 0, 100, 0, 0, 0]
    together["neurons"][:] = [900, 0, 0, 0, 0, 0, 0, 100]
    assert one_function.excess(apart) > 0.1
    assert one_function.excess(together) < -0.8
    assert one_function.excess(apart, 3) == one_function.excess(apart, NONE)
    table = one_function.numbers({"a": apart, "b": together}).set_index(["model", "kind", "number"])
    assert table.loc[("a", "trained", 1), "share"] == pytest.approx(0.3)
    assert table.loc[("b", "trained", 3), "share"] == pytest.approx(0.1)
    assert table.loc[("a", "trained", 0), "alone"] == 1
    each = one_function.in_each({"a": apart}).query("kind == 'trained'")
    assert each["share"].tolist() == pytest.approx([0.1] * 3)
