"""What is named is changed, nothing else is, and everything is as before when the block is left."""

import numpy as np
import pytest
import torch

from companion.experiments import rerouting
from companion.models import catalogue
from modularity import capture, perturb
from modularity import neurons as feed_forwards

HOWS = ("gaussian", "shuffle", "zero", "mean", "resample")


@pytest.fixture(scope="module")
def switch():
    return catalogue.load("switch-mini", untrained=True)


def states(model, sentences):
    ids = capture.tokenize(model, sentences)
    with torch.inference_mode():
        return capture.encoded(model, ids, range(len(ids)))[0]


def activations(model, sentences, layer):
    """What W_O of the layer gets."""
    seen = []
    part = feed_forwards.feed_forward(model)[layer]
    handle = part.w_out[0].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].clone()))
    states(model, sentences)
    handle.remove()
    return seen[0]


@pytest.mark.parametrize("how", HOWS)
def test_no_neurons_change_nothing_bit_for_bit(untrained, sentences, how):
    before = states(untrained, sentences)
    means = {2: np.zeros(1280)}
    with perturb.neurons(untrained, {2: []}, how=how, means=means):
        assert torch.equal(states(untrained, sentences), before)


@pytest.mark.parametrize("how", HOWS)
def test_only_the_named_neurons_are_changed_and_only_inside(untrained, sentences, how):
    before = activations(untrained, sentences, 2)
    with perturb.neurons(untrained, {2: [3, 70]}, how=how, means={2: np.full(1280, 0.5)}):
        inside = activations(untrained, sentences, 2)
    changed = (inside != before).flatten(0, 1).any(0)
    assert set(torch.nonzero(changed).ravel().tolist()) <= {3, 70}
    assert changed[70]
    assert torch.equal(activations(untrained, sentences, 2), before)


def test_noise_in_own_units_is_as_large_as_each_neuron_varies(untrained, sentences):
    before = activations(untrained, sentences, 2)
    deviations = np.zeros(1280)
    deviations[70] = 0.5
    with perturb.neurons(untrained, {2: [3, 70]}, variance=4.0, deviations={2: deviations}):
        added = (activations(untrained, sentences, 2) - before).flatten(0, 1)
    assert not added[:, 3].any()
    assert abs(added[:, 70].std().item() - 1) < 0.3  # two deviations of one half


def test_all_is_restored_after_an_error(untrained, sentences):
    before = states(untrained, sentences)
    with pytest.raises(RuntimeError), perturb.neurons(untrained, {0: range(9), 3: range(9)}):
        raise RuntimeError
    assert torch.equal(states(untrained, sentences), before)


def test_all_neurons_at_zero_are_no_feed_forward_part(untrained, sentences):
    block = untrained.encoder.block[1].layer[-1]
    with perturb.neurons(untrained, {1: range(1280)}, how="zero"):
        zeroed = states(untrained, sentences)
    block.forward = lambda hidden: hidden
    try:
        torch.testing.assert_close(states(untrained, sentences), zeroed)
    finally:
        del block.forward  # its class has its own


def test_each_way_is_what_it_says(untrained, sentences):
    before = activations(untrained, sentences, 1)[..., :200]
    found = {}
    for how in HOWS:
        means = {1: np.arange(1280.0)}
        with perturb.neurons(untrained, {1: range(200)}, how=how, means=means, rng=np.random.default_rng(1)):
            found[how] = activations(untrained, sentences, 1)[..., :200]
    noise = found["gaussian"] - before
    assert (noise.mean().item(), noise.var().item()) == pytest.approx((0, 4), abs=0.1)
    torch.testing.assert_close(found["shuffle"].flatten().sort().values, 4 * before.flatten().sort().values)
    assert (found["zero"] == 0).all()
    assert (found["mean"] == torch.arange(200.0)).all()
    rows = {tuple(row) for row in before.flatten(0, 1).tolist()}
    assert {tuple(row) for row in found["resample"].flatten(0, 1).tolist()} == rows


def test_the_noise_has_the_variance_that_is_asked_for(untrained, sentences):
    before = activations(untrained, sentences, 1)[..., :200]
    with perturb.neurons(untrained, {1: range(200)}, variance=64.0):
        noise = activations(untrained, sentences, 1)[..., :200] - before
    assert noise.var().item() == pytest.approx(64, rel=0.03)


def test_the_seed_decides(untrained, sentences):
    found = []
    for seed in (1, 1, 2):
        with perturb.neurons(untrained, {1: range(20)}, rng=np.random.default_rng(seed)):
            found.append(states(untrained, sentences))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_all_experts_allowed_is_the_original(switch, sentences):
    before = states(switch, sentences)
    with rerouting.routing(switch, {1: range(16), 3: range(16)}):
        torch.testing.assert_close(states(switch, sentences), before, rtol=0, atol=1e-6)


@pytest.mark.parametrize("gates", ["original", "renormalised"])
@pytest.mark.parametrize("capacity", [True, False])
def test_tokens_go_to_the_likeliest_allowed_expert(switch, gates, capacity):
    router = feed_forwards.feed_forward(switch)[1].sparse.router
    hidden = torch.randn(3, 60, 128, generator=torch.Generator().manual_seed(0))
    allowed = [2, 5, 11]
    with torch.inference_mode():
        _, _, logits = router(hidden)
        with rerouting.routing(switch, {1: allowed}, gates=gates, capacity=capacity):
            index, gate, after = router(hidden)
    assert torch.equal(after, logits)
    probabilities = logits.softmax(-1)
    for b, t in np.ndindex(3, 60):
        best = max(allowed, key=lambda e: logits[b, t, e])
        earlier = sum(max(allowed, key=lambda e, s=s: logits[b, s, e]) == best for s in range(t))
        sent = not capacity or earlier < router.expert_capacity
        assert index[b, t].nonzero().ravel().tolist() == [best] * sent
        whole = probabilities[b, t, allowed].sum() if gates == "renormalised" else 1.0
        assert gate[b, t, 0].item() == pytest.approx((probabilities[b, t, best] / whole).item(), rel=1e-5)


def test_routing_is_restored(switch, sentences):
    before = states(switch, sentences)
    with rerouting.routing(switch, {3: [0]}):
        assert not torch.equal(states(switch, sentences), before)
    assert torch.equal(states(switch, sentences), before)


@pytest.mark.parametrize(
    ("which", "options", "message"),
    [
        ({2: [1280]}, {}, "layer 2 has neurons 0 to 1279; got 1280 to 1280"),
        ({2: [-1]}, {}, "got -1 to -1"),
        ({2: [5, 5]}, {}, "named twice"),
        ({9: [0]}, {}, "has no encoder layer 9"),
        ({2: [0]}, {"how": "burn"}, "unknown perturbation 'burn'; known: gaussian"),
        ({2: [0]}, {"how": "mean"}, "needs the means"),
        ({2: [0]}, {"variance": -1.0}, "variance of the noise is -1.0"),
    ],
)
def test_bad_neurons_are_named(untrained, which, options, message):
    with pytest.raises(ValueError, match=message), perturb.neurons(untrained, which, **options):
        pass


@pytest.mark.parametrize(
    ("allowed", "options", "message"),
    [
        ({1: []}, {}, "no expert of layer 1 is allowed"),
        ({1: [16]}, {}, "layer 1 has experts 0 to 15; got"),
        ({0: [1]}, {}, "layer 0 of switch-mini has no experts"),
        ({1: [1]}, {"gates": "open"}, "unknown gates 'open'"),
    ],
)
def test_bad_routing_is_named(switch, allowed, options, message):
    with pytest.raises(ValueError, match=message), rerouting.routing(switch, allowed, **options):
        pass


def test_experts_are_not_perturbed_as_neurons(switch):
    with pytest.raises(ValueError, match="layer 1 of switch-mini is routed"), perturb.neurons(switch, {1: [0]}):
        pass
