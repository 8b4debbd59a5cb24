"""Counts are those of a loop, the planted modules are found and no others, and each null keeps its promise."""

from dataclasses import replace

import numpy as np
import pytest
from toys import groups_of

from companion.models import planted
from modularity import capture, experts, moefication, nulls, predictivity, specialists


def test_counts_are_those_of_a_loop(shared, dealt):
    table = experts.counts(shared, dealt)
    for s, layer, e in np.ndindex(table.shape):
        inside = [n for n in range(240) if dealt.to_numpy()[layer, n] == e]
        loop = sum(bool(shared.to_numpy()[s, layer, n]) for n in inside)
        assert table.to_numpy()[s, layer, e] == loop


@pytest.mark.parametrize("null", ["binomial", "exact", "permutation"])
def test_tests_are_those_of_a_loop(shared, dealt, null):
    tested = experts.functional_experts(shared, dealt, null=null)
    assert tested["function"].to_numpy().tolist() == ["semantic", "task"]
    for function, number in (("semantic", 60), ("task", 10)):
        for layer in range(2):
            own = shared[(shared["function"] == function).to_numpy(), layer].to_numpy()
            tail = {
                "binomial": lambda n=number: nulls.binomial(n, 12, 240, 30),
                "exact": lambda n=number: nulls.exact(n, 12, 240, 30),
                "permutation": lambda o=own: nulls.permutation(o.sum(0), 30),
            }[null]()
            for e in range(8):
                count = own[:, dealt.to_numpy()[layer] == e].sum()
                row = tested.sel(function=function, layer=layer).isel(expert=e)
                assert row["count"] == count
                assert row["p"].item() == pytest.approx(tail[count])
                assert row["functional"] == (tail[count] <= 0.001)
                assert row["degree"].item() == pytest.approx((count / 30) / (number * 12 / 240))
                if null != "permutation":
                    t = experts.null_threshold(subfunctions=number, top=12, neurons=240, experts=8, null=null)
                    assert row["functional"] == (count > t)


def test_summary_is_equation_2(shared, dealt):
    tested = experts.functional_experts(shared, dealt, alpha=0.1)
    made = experts.summary(tested).sel(function="semantic")
    rows = tested.sel(function="semantic")
    degrees = [r["degree"].to_numpy()[r["functional"].to_numpy()] for _, r in rows.groupby("layer")]
    assert any(len(d) for d in degrees)
    assert made["proportion"] == pytest.approx(sum(map(len, degrees)) / 16)
    assert made["degree"] == pytest.approx(np.mean([d.mean() if len(d) else 0 for d in degrees]))
    assert made["pooled_degree"] == pytest.approx(np.concatenate(degrees).mean())


def test_subfunctional_experts_are_tested_one_by_one(shared, dealt):
    tested = experts.subfunctional_experts(shared, dealt, alpha=0.05)
    one = experts.functional_experts(shared.isel(subfunction=[3]), dealt, null="exact", alpha=0.05)
    np.testing.assert_allclose(tested["p"][3], one["p"][0])
    made = experts.summary(tested)
    own = tested["functional"][:60].to_numpy()
    assert made["proportion"].sel(function="semantic") == pytest.approx(own.mean())


@pytest.fixture(scope="module")
def built():
    made = {}
    for kind in ("blocks", "shuffled", "rotated"):
        model = planted.load(kind)
        made[kind] = (model, predictivity.scores(capture.stream(model.model, model.subfunctions)))
    return made


@pytest.mark.parametrize("null", ["binomial", "exact", "permutation"])
def test_the_planted_modules_are_found_and_no_others(built, null):
    model, scores = built["blocks"]
    groups = groups_of(np.tile(model.partition, (2, 1)))
    tested = experts.functional_experts(specialists.top_neurons(scores), groups, null=null)
    for function, layer in np.ndindex(3, 2):
        found = np.flatnonzero(tested["functional"][function, layer])
        assert tuple(found) == model.functional[planted.FUNCTIONS[function]]


@pytest.mark.parametrize("null", ["binomial", "exact", "permutation"])
def test_a_rotated_copy_shows_none(built, null):
    model, scores = built["rotated"]
    groups = groups_of(np.tile(model.partition, (2, 1)))
    assert experts.functional_experts(specialists.top_neurons(scores), groups, null=null)["functional"].sum() <= 1


def test_grouping_a_rotated_copy_by_its_weights_shows_some(built):
    """No module was built, but neurons of like weights respond alike: MoEfication finds less than was planted, not
    nothing."""
    made = {}
    for kind in ("shuffled", "rotated"):
        model, scores = built[kind]
        members, groups = specialists.top_neurons(scores), moefication.experts(model.model, starts=4)
        tested = experts.functional_experts(members, groups, null="permutation")
        made[kind] = tested["functional"].sum().item()
    assert 1 < made["rotated"] < made["shuffled"]


def test_shuffled_modules_are_found_by_their_weights_only(built):
    model, scores = built["shuffled"]
    members = specialists.top_neurons(scores)
    as_dealt = experts.functional_experts(members, groups_of(np.tile(model.partition, (2, 1))))
    by_weights = experts.functional_experts(members, moefication.experts(model.model, starts=4))
    assert as_dealt["functional"].sum() <= 1
    assert by_weights["functional"].any("expert").all()


def test_shuffled_labels_give_at_most_alpha_under_permutation(rng):
    """Activations of the built model, labels that mean nothing: what is found is chance."""
    model = planted.load("blocks", sentences=30)
    activations = [pooled for _, pooled in capture.stream(model.model, model.subfunctions)]
    groups = groups_of(np.tile(model.partition, (2, 1)))
    found = []
    for _ in range(10):
        shuffled = [replace(s, labels=rng.permutation(s.labels)) for s in model.subfunctions]
        members = specialists.top_neurons(predictivity.scores(zip(shuffled, activations, strict=True)))
        found.append(experts.functional_experts(members, groups, null="permutation")["functional"].sum().item())
    assert sum(found) <= 5  # 960 tests at 0.001: more than five has a chance of 0.0004


def test_bad_input_is_named(shared, dealt):
    with pytest.raises(ValueError, match="239 entries along 'neuron', the predictivities 240"):
        experts.counts(shared, dealt.isel(neuron=slice(239)))
    with pytest.raises(ValueError, match="1 entries along 'layer'"):
        experts.counts(shared, dealt.isel(layer=[0]))
    with pytest.raises(ValueError, match="have 0 to 60 neurons"):
        experts.counts(shared, dealt.where(dealt != 3, 4))
    with pytest.raises(ValueError, match="numbered from 0"):
        experts.counts(shared, dealt.astype(int) - 1)
    with pytest.raises(ValueError, match="unknown null 'student'"):
        experts.functional_experts(shared, dealt, null="student")
    with pytest.raises(ValueError, match="alpha is 0"):
        experts.functional_experts(shared, dealt, alpha=0)
    with pytest.raises(ValueError, match="no threshold without the neurons"):
        experts.null_threshold(subfunctions=1, top=1, neurons=8, experts=2, null="permutation")
