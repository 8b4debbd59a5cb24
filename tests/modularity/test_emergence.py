"""Stabilisation is SciPy's rank correlation, organisation is found where it was planted, bad histories are named."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from toys import history_of, likeness

from companion.experiments import history_file
from companion.sections import emergence_tables
from modularity import emergence, experts, partition, reliability, specialists


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_score_is_spearmans_with_average_ranks(rng):
    a, b = np.round(rng.random((2, 5, 3, 40)), 1)  # many ties
    found = emergence.stabilization_score(a, b)
    for place in np.ndindex(5, 3):
        assert found[place] == pytest.approx(stats.spearmanr(a[place], b[place]).statistic, abs=1e-12)
    assert float(emergence.stabilization_score(a[0, 0], b[0, 0])) == pytest.approx(found[0, 0])


@given(st.integers(0, 2**32 - 1))
def test_a_monotone_change_of_scale_is_no_change(seed):
    values = np.random.default_rng(seed).random(20)
    assert emergence.stabilization_score(values, np.exp(3 * values)) == pytest.approx(1)
    assert emergence.stabilization_score(values, -values) == pytest.approx(-1)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([0, 5, 5], "step 5 2 times"),
        ([0, 9, 5], "step 5 comes after a later one"),
        ([7], r"has 1 checkpoint\(s\), expected at least 2"),
        ([], r"has 0 checkpoint\(s\)"),
    ],
)
def test_steps_that_make_no_history_are_named(steps, message):
    with pytest.raises(ValueError, match=message):
        history_file.check_steps(steps)


def test_a_missing_step_is_named():
    with pytest.raises(
        ValueError, match="lacks step 10 of 3; a correlation of adjacent checkpoints would leap over it"
    ):
        history_file.check_steps([0, 20], [0, 10, 20])


@pytest.mark.usefixtures("unchecked")
def test_checkpoints_of_different_shapes_are_named(rng):
    with pytest.raises(ValueError, match=r"shape \(2, 3\) and \(2, 4\); both have to be of one model"):
        emergence.stabilization_score(rng.random((2, 3)), rng.random((2, 4)))


def test_runs_are_put_together_if_their_steps_agree(rng):
    one, two = (history_of(rng)[0] for _ in range(2))
    assert history_file.together([one, two]).sizes["run"] == 2
    with pytest.raises(ValueError, match="lacks step 10 of 3"):
        history_file.together([one, two.sel(step=[0, 20])])
    with pytest.raises(ValueError, match="both have to be of one model"):
        history_file.together([one, history_of(rng, layers=3)[0]])
    with pytest.raises(ValueError, match="no histories"):
        history_file.together([])


def test_experts_are_compared_with_the_checkpoint_before(rng):
    history, _ = history_of(rng)
    found = emergence_tables.expert_stabilization(history)
    np.testing.assert_allclose(found.isel(step=0), 1)
    pair = history["experts"].sel(partition="model").isel(subfunction=2, layer=1, step=[1, 2]).to_numpy()
    expected = stats.spearmanr(*pair).statistic
    assert found.sel(partition="model").isel(subfunction=2, layer=1, step=2).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("curve", "first"),
    [([0.1, 0.95, 0.5, 0.92, 0.99], 30), ([0.95, 0.95, 0.95, 0.95, 0.95], 0), ([1, 1, 1, 1, 0.9], np.inf)],
)
def test_a_curve_is_stabilised_when_it_stays_above(curve, first):
    assert emergence.first_above(np.array(curve), [0, 10, 20, 30, 40], 0.9) == first


def test_functional_experts_of_a_step_are_those_of_its_neurons(rng):
    history, scores = history_of(rng)
    groups = history["partition_of"].sel(partition="model", drop=True)
    for null in ("binomial", "permutation"):
        found = emergence_tables.functional_experts(history, groups, null=null, alpha=0.3)
        coordinates = {k: history[k] for k in ("subfunction", "layer")}
        now = xr.DataArray(scores[1], coordinates, ("subfunction", "layer", "neuron"))
        members = specialists.top_neurons(now.assign_coords(function=history["function"]), 6 / 64)
        expected = experts.summary(experts.functional_experts(members, groups, null=null, alpha=0.3))
        xr.testing.assert_allclose(
            found.sel(kind="functional", step=10, function=expected["function"]).drop_vars(("kind", "step")), expected
        )
        lone = "binomial" if null == "binomial" else "exact"
        alone = experts.summary(experts.subfunctional_experts(members, groups, null=lone, alpha=0.3))
        xr.testing.assert_allclose(
            found.sel(kind="sub-functional", step=10, function=alone["function"]).drop_vars(("kind", "step")), alone
        )
        assert alone["proportion"].sum() > 0


def test_the_clustering_score_is_that_of_the_appendix(rng):
    alike = likeness(rng, 7)
    values = xr.DataArray(rng.random((7, 5)), {"subfunction": alike["subfunction"]}, ("subfunction", "expert"))
    found = emergence.clustering_score(alike, values)
    for i in range(7):
        others = [j for j in range(7) if j != i]
        rows = []
        for k in range(1, 5):
            top = [set(np.argsort(-row)[:k]) for row in values.to_numpy()]
            shared = [len(top[i] & top[j]) / k for j in others]
            if len(set(shared)) > 1:
                rows.append(stats.spearmanr(alike.to_numpy()[i, others], shared).statistic)
        assert found[i].item() == pytest.approx(np.mean(rows))


def test_planted_organisation_is_found_and_dealt_words_lose_it(rng):
    """Twelve sub-functions in three topics: those of a topic are alike and use the same experts."""
    topic = np.repeat(range(3), 4)
    alike = likeness(rng, 12)
    alike = alike + 5.0 * (topic[:, None] == topic)
    values = rng.random((12, 9)) + 2.0 * (np.arange(9) // 3 == topic[:, None])
    values = xr.DataArray(values, {"subfunction": alike["subfunction"]}, ("subfunction", "expert"))
    score = emergence.clustering_score(alike, values).mean().item()
    chance = emergence.clustering_by_chance(alike, values, draws=300)
    assert score > 0.5
    assert score > chance.max()
    assert abs(chance.mean().item()) < 0.05
    other = emergence.clustering_score(likeness(rng, 12), values).mean().item()
    assert abs(other) < 0.3


def test_every_layer_and_step_is_clustered_by_itself(rng):
    alike = likeness(rng, 6)
    values = xr.DataArray(
        rng.random((6, 2, 4, 3)), {"subfunction": alike["subfunction"]}, ("subfunction", "layer", "expert", "step")
    )
    found = emergence.clustering_score(alike, values)
    one = emergence.clustering_score(alike, values.isel(layer=1, step=2))
    np.testing.assert_allclose(found.isel(layer=1, step=2), one)


def test_what_cannot_be_clustered_is_named(rng):
    alike = likeness(rng, 4)
    values = xr.DataArray(rng.random((4, 3)), {"subfunction": ["s0", "s1", "s2", "x"]}, ("subfunction", "expert"))
    with pytest.raises(ValueError, match="nothing says what 'x' is like"):
        emergence.clustering_score(alike, values)
    with pytest.raises(ValueError, match="2 sub-functions and 3 experts"):
        emergence.clustering_score(alike, values[:2])


# reliability


def noisy(rng, signal, noise):
    """Both halves' and the whole's readings of a signal, the halves' noises being each their own."""
    halves = [signal + noise * rng.standard_normal(signal.shape) for _ in range(2)]
    return np.stack([np.mean(halves, axis=0), *halves])


def test_parts_add_up_and_the_whole_is_spearmans(rng):
    groups = np.stack([partition.at_random(60, 5, rng=rng)[None] for _ in range(3)])
    before, now = rng.random((2, 3, 4, 1, 60))
    one, two = (reliability.ranked(scores, groups) for scores in (before, now))
    table = reliability.agreement(one, two)["agreement"]
    total = table.sel(level="between") + table.sel(level="within")
    np.testing.assert_allclose(table.sel(level="neuron"), total)
    for i in range(4):
        pair = before[0, i, 0], now[0, i, 0]
        assert table.sel(level="neuron", pair="whole")[i].item() == pytest.approx(stats.spearmanr(*pair).statistic)
        halves = stats.spearmanr(now[1, i, 0], now[2, i, 0]).statistic
        assert table.sel(level="neuron", pair="reliability")[i].item() == pytest.approx(halves)
        means = [[values[groups[0, 0] == e].mean() for e in range(5)] for values in pair]
        assert table.sel(level="expert", pair="whole")[i].item() == pytest.approx(stats.spearmanr(*means).statistic)


def test_frozen_noise_looks_stable_until_the_halves_are_crossed(rng):
    """No neuron knows anything and none moves: the paper's score is 1, and there is nothing to be stable."""
    groups = np.stack([partition.by_router(400, 8)[None] for _ in range(2)])
    scores = noisy(rng, np.zeros((30, 1, 400)), 1.0)
    one = reliability.ranked(scores, groups)
    table = reliability.agreement(one, one)["agreement"].mean("subfunction").sel(level="neuron")
    assert table.sel(pair="whole").item() == pytest.approx(1)
    assert abs(table.sel(pair="across").item()) < 0.03
    assert abs(table.sel(pair="reliability").item()) < 0.03


def test_the_corrected_correlation_is_that_of_the_signals(rng):
    groups = np.stack([partition.by_router(600, 6)[None] for _ in range(2)])
    first = rng.standard_normal((40, 1, 600))
    second = 0.7 * first + np.sqrt(1 - 0.49) * rng.standard_normal(first.shape)
    ranked = [reliability.ranked(noisy(rng, signal, 1.0), groups) for signal in (first, first, second)]
    steps = [reliability.agreement(a, b) for a, b in zip((ranked[0], *ranked[:2]), ranked, strict=True)]
    table = xr.concat(steps, xr.IndexVariable("step", [0, 1, 2]), data_vars="all")["agreement"]
    table = table.mean("subfunction").sel(level="neuron", drop=True)
    found = reliability.corrected(table.sel(pair="across", drop=True), table.sel(pair="reliability", drop=True))
    assert table.sel(pair="across", step=2).item() < 0.45  # noise halves it
    np.testing.assert_allclose(found, [1, 0.7], atol=0.04)


def test_nothing_is_corrected_by_noise():
    steps = {"step": [0, 1, 2, 3]}
    across = xr.DataArray([0.4, 0.4, 0.4, 0.4], steps, ("step",))
    halves = xr.DataArray([0.5, 0.5, 0.01, -0.2], steps, ("step",))
    np.testing.assert_allclose(reliability.corrected(across, halves), [0.8, np.nan, np.nan])


def test_random_groups_are_no_more_stable_than_neurons_but_groups_with_a_signal_are(rng):
    """Averaging shrinks a signal that neurons do not share as much as it shrinks noise."""
    own = partition.by_router(800, 16)
    groups = np.stack([own[None], *(partition.at_random(800, 16, rng=rng)[None] for _ in range(20))])
    shared = rng.standard_normal((40, 1, 16))[..., own]
    neurons = rng.standard_normal((40, 1, 800))
    steps = [reliability.ranked(noisy(rng, 0.5 * shared + neurons, 1.0)[:, :], groups) for _ in range(2)]
    table = reliability.agreement(*steps)["agreement"].mean("subfunction").sel(pair="whole")
    assert abs(table.sel(level="random").item() - table.sel(level="neuron").item()) < 0.06
    assert table.sel(level="expert") > table.sel(level="neuron") + 0.2
