"""The tables of Section 5 hold what the tests say, averaged over runs."""

import numpy as np
import pandas as pd
import pytest
from toys import groups_of, reading_of, scores_of

from companion.sections import functional_expert_tables
from modularity import effect_sizes, experts, partition_null, specialists


@pytest.fixture
def runs(rng):
    functions = ["semantic"] * 20 + ["task"] * 6
    liking = rng.gamma(0.3, size=(2, 2, 240))
    return [
        scores_of(np.array([liking[int(f == "task")] * rng.random((2, 240)) for f in functions]), functions)
        for _ in range(2)
    ]


@pytest.fixture
def groups(rng):
    return [groups_of([rng.permutation(np.repeat(np.arange(8), 30)) for _ in range(2)]) for _ in range(2)]


def test_functional_is_the_mean_over_runs(runs, groups):
    read = [reading_of(*pair) for pair in zip(runs, groups, strict=True)]
    made = functional_expert_tables.functional(read, share=0.05, alpha=0.05, draws=5).set_index(["null", "function"])
    for null in functional_expert_tables.NULLS:
        tested = [
            experts.functional_experts(specialists.top_neurons(r, 0.05), g, null=null, alpha=0.05)
            for r, g in zip(runs, groups, strict=True)
        ]
        each = [experts.summary(t).sel(function="semantic") for t in tested]
        row = made.loc[null, "semantic"]
        for measure in partition_null.MEASURES:
            assert row[measure] == pytest.approx(np.mean([e[measure] for e in each]))
        proportions = [e["proportion"].item() for e in each]
        assert (row["least"], row["most"]) == pytest.approx((min(proportions), max(proportions)))
        assert row["low"] <= row["proportion"] <= row["high"]
    means = effect_sizes.expert_predictivity(runs[1], groups[1])
    one = functional_expert_tables.functional(read[1:], share=0.05, alpha=0.05, null=["exact"], draws=0)
    tested = experts.functional_experts(specialists.top_neurons(runs[1], 0.05), groups[1], null="exact", alpha=0.05)
    expected = effect_sizes.consistency(means, tested["functional"]).mean("layer").to_numpy()
    np.testing.assert_allclose(one["consistency"], expected)
    assert one["low"].isna().all()


def test_chance_is_that_of_random_partitions(runs, groups):
    made = functional_expert_tables.by_chance([reading_of(runs[0], groups[0])], share=0.05, draws=40).set_index(
        ["null", "function"]
    )
    drawn = partition_null.random_partitions(specialists.top_neurons(runs[0], 0.05), 8, draws=40)
    expected = drawn["proportion"].sel(null="exact", function="semantic")
    assert made.loc[("exact", "semantic"), "proportion"] == pytest.approx(expected.mean().item())
    assert made.loc[("exact", "semantic"), "high"] == pytest.approx(expected.quantile(0.975).item())
    alone = functional_expert_tables.subfunctional_by_chance(made.reset_index())
    assert alone["function"].tolist() == ["semantic", "task"]
    assert alone["degree"].tolist() == pytest.approx(drawn["sub_degree"].mean("draw").to_numpy().tolist())


def test_an_expert_that_is_there_on_both_halves_is_found_again(rng):
    groups = groups_of([np.repeat(np.arange(8), 30)])
    values = rng.random((2, 20, 1, 240)) + (np.arange(240) < 30)  # all like the first expert, in both halves
    halves = [scores_of(v, ["semantic"] * 20) for v in values]
    made = functional_expert_tables.cross_fitted(reading_of(halves[0], groups, halves=halves)).iloc[0]
    assert (made["functional"], made["again"], made["consistency"]) == (1 / 8, 1, 1)


def test_sizes_tell_own_experts_from_random_ones(rng):
    values = np.repeat(rng.random((20, 1, 8)), 30, axis=2)
    runs = [scores_of(values, ["semantic"] * 20)]
    own, other = (groups_of([g]) for g in (np.repeat(np.arange(8), 30), rng.permutation(np.repeat(np.arange(8), 30))))
    made = functional_expert_tables.sizes([reading_of(runs[0], own, other)]).iloc[0]
    assert made["own"] == pytest.approx(1)
    assert abs(made["random"]) < 0.05


def test_tables_stand_side_by_side():
    ours = {m: pd.DataFrame({"function": ["semantic", "task"], "x": [1.0, 2.0]}) for m in ("b", "a")}
    printed = {"a": pd.DataFrame({"function": ["task", "semantic"], "x": [4.0, 3.0]}), "b": ours["b"].iloc[:0]}
    made = functional_expert_tables.beside({"ours": ours, "printed": printed}, ["x"])
    assert list(made.index) == [("b", "semantic"), ("b", "task"), ("a", "semantic"), ("a", "task")]
    assert made["x", "printed"].tolist()[2:] == [3.0, 4.0]
    assert made["x", "printed"].isna().tolist()[:2] == [True, True]
