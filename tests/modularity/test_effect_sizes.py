"""Effect sizes against their definitions."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from toys import groups_of, scores_of

from modularity import effect_sizes, experts


def test_an_experts_predictivity_is_the_mean_of_its_neurons(shared_scores, dealt):
    made = effect_sizes.expert_predictivity(shared_scores, dealt)
    for s, layer, e in ((0, 0, 0), (69, 1, 7), (30, 1, 3)):
        own = shared_scores.to_numpy()[s, layer][dealt.to_numpy()[layer] == e]
        assert made.to_numpy()[s, layer, e] == pytest.approx(own.mean())


def test_consistency_is_the_average_precision_of_a_4(shared_scores, shared, dealt):
    tested = experts.functional_experts(shared, dealt, alpha=0.2)
    made = effect_sizes.consistency(effect_sizes.expert_predictivity(shared_scores, dealt), tested["functional"])
    for layer in range(2):
        labels = tested["functional"].sel(function="semantic", layer=layer)
        means = [shared_scores[:60, layer, dealt.to_numpy()[layer] == e].mean() for e in range(8)]
        assert labels.any()
        assert made.sel(function="semantic", layer=layer).item() == pytest.approx(
            average_precision_score(labels, means)
        )
    none = tested["functional"] & False
    assert effect_sizes.consistency(effect_sizes.expert_predictivity(shared_scores, dealt), none).isnull().all()


def correlation(scores, groups):
    means = effect_sizes.expert_predictivity(scores, groups)
    return effect_sizes.intraclass_correlation(means, scores.var("neuron"), scores.sizes["neuron"])


def test_neurons_alike_have_a_correlation_of_one(rng):
    of_experts = rng.random((3, 1, 6))
    scores = scores_of(np.repeat(of_experts, 20, axis=2), ["semantic"] * 3)
    groups = groups_of([np.repeat(np.arange(6), 20)])
    np.testing.assert_allclose(correlation(scores, groups), 1)


def test_the_correlation_is_the_share_of_variance_between_experts(rng):
    values = rng.normal(size=(60, 1, 64, 1)) * 0.5 + rng.normal(size=(60, 1, 64, 30))
    scores = scores_of(values.reshape(60, 1, -1), ["semantic"] * 60)
    made = correlation(scores, groups_of([np.repeat(np.arange(64), 30)]))
    assert made.mean().item() == pytest.approx(0.25 / 1.25, abs=0.01)
    noise = correlation(scores, groups_of([rng.permutation(np.repeat(np.arange(64), 30))]))
    assert noise.mean().item() == pytest.approx(0, abs=0.005)


def test_odds_ratio_of_a_table_of_four(shared, dealt):
    tested = experts.functional_experts(shared, dealt, alpha=0.2)
    functional = tested["functional"].sel(function="semantic").to_numpy()
    inside = outside = inside_all = outside_all = 0
    for layer, e in np.ndindex(2, 8):
        own = shared.to_numpy()[:60, layer][:, dealt.to_numpy()[layer] == e]
        if functional[layer, e]:
            inside, inside_all = inside + own.sum(), inside_all + own.size
        else:
            outside, outside_all = outside + own.sum(), outside_all + own.size
    expected = (inside + 0.5) * (outside_all - outside + 0.5) / ((outside + 0.5) * (inside_all - inside + 0.5))
    assert effect_sizes.odds_ratio(tested).sel(function="semantic").item() == pytest.approx(expected)
    assert np.isnan(effect_sizes.odds_ratio(tested.assign(functional=tested["functional"] & False))).all()
