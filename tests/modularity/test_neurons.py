"""Neurons are where the definition has them, in T5, Switch and BERT; routing is top-1 with capacity, no jitter."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import BertConfig, PreTrainedTokenizerFast, SwitchTransformersConfig

from companion.models import catalogue, model_folder
from modularity import capture, models, neurons


def small(config) -> models.Model:
    module = model_folder.fresh(config, 0).eval().requires_grad_(False)
    return models.Model("small", module, catalogue.tokenizer())


@pytest.fixture(scope="module")
def switch() -> models.Model:
    return small(
        SwitchTransformersConfig(
            vocab_size=4196,
            d_model=16,
            d_kv=8,
            d_ff=12,
            num_layers=4,
            num_sparse_encoder_layers=2,
            num_decoder_layers=2,
            num_sparse_decoder_layers=1,
            num_heads=2,
            num_experts=4,
            expert_capacity=3,
            router_jitter_noise=0.5,  # so that a library that applies it in evaluation would be seen
            decoder_start_token_id=0,
        )
    )


@pytest.fixture(scope="module")
def bert() -> models.Model:
    config = BertConfig(
        vocab_size=4196, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24
    )
    return small(config)


def inputs_of(module: torch.nn.Module, model: models.Model, sentence: str):
    """What reaches `module` when `sentence` is read, and what leaves it."""
    seen = []
    handle = module.register_forward_hook(lambda _m, i, o: seen.append((i[0], o)))
    with torch.inference_mode():
        model.encoder(torch.tensor([capture.tokenize(model, [sentence])[0]]))
    handle.remove()
    return seen[0]


def routed_by_definition(hidden, router):
    """Top-1 expert of each token, none once the expert has its fill of this sentence; the gate is its probability."""
    probabilities = torch.softmax(hidden @ router.classifier.weight.T, dim=-1)
    gates, chosen = probabilities.max(-1)
    taken = dict.fromkeys(range(probabilities.shape[-1]), 0)
    for token, expert in enumerate(chosen.tolist()):
        taken[expert] += 1
        if taken[expert] > router.expert_capacity:
            chosen[token] = -1
    return chosen, gates


LONG = "The old red cat sat on the wet mat and the dog sat on the log near the river."


@pytest.mark.parametrize("layer", [1, 3])
def test_the_library_routes_as_the_definition(switch, layer):
    part = neurons.feed_forward(switch)[layer]
    (hidden,), output = inputs_of(part.sparse, switch, LONG)
    chosen, gates = routed_by_definition(hidden, part.sparse.router)
    assert (chosen < 0).any()  # some are dropped
    assert len(set(chosen.tolist())) > 2
    expected = torch.zeros_like(hidden)
    for token, expert in enumerate(chosen.tolist()):
        if expert >= 0:
            w_in, w_out = part.w_in[expert].weight, part.w_out[expert].weight
            expected[token] = gates[token] * (w_out @ torch.relu(w_in @ hidden[token]))
    np.testing.assert_allclose(output[0], expected, atol=1e-5)


def test_switch_reads_every_experts_neurons_on_every_token(switch):
    read = capture.pooled_activations(switch, [LONG])
    assert read["layer"].to_numpy().tolist() == [1, 3]
    assert read.sizes["neuron"] == 4 * 12
    for layer in (1, 3):
        part = neurons.feed_forward(switch)[layer]
        (hidden,), _ = inputs_of(part.sparse, switch, LONG)
        each = [torch.relu(hidden @ w.weight.T).max(0).values for w in part.w_in]
        np.testing.assert_allclose(read.sel(layer=layer)[0], np.concatenate(each), atol=1e-5)


def test_routed_only_reads_what_was_routed(switch):
    read = capture.pooled_activations(switch, [LONG], routed_only=True)
    for layer in (1, 3):
        part = neurons.feed_forward(switch)[layer]
        (hidden,), _ = inputs_of(part.sparse, switch, LONG)
        chosen, _ = routed_by_definition(hidden, part.sparse.router)
        for expert, w in enumerate(part.w_in):
            mine = torch.relu(hidden[chosen == expert] @ w.weight.T)
            expected = mine.max(0).values if len(mine) else torch.zeros(12)
            np.testing.assert_allclose(read.sel(layer=layer)[0, expert * 12 : expert * 12 + 12], expected, atol=1e-5)


def test_dense_layers_of_switch_can_be_read_too(switch):
    read = capture.pooled_activations(switch, [LONG], layers=[0, 2])
    assert read.shape == (2, 1, 12)


def test_bert_before_and_after_its_activation(bert):
    post = capture.pooled_activations(bert, [LONG])
    pre = capture.pooled_activations(bert, [LONG], activation="pre")
    block = bert.module.encoder.layer[1]
    hidden, output = inputs_of(block.intermediate, bert, LONG)
    np.testing.assert_allclose(post.sel(layer=1)[0], output[0].max(0).values, atol=1e-5)
    np.testing.assert_allclose(pre.sel(layer=1)[0], block.intermediate.dense(hidden)[0].max(0).values, atol=1e-5)
    assert np.abs(post - pre).max() > 0.01


def test_relu_of_the_pre_activation_is_the_post_activation(untrained, sentences):
    post = capture.pooled_activations(untrained, sentences)
    pre = capture.pooled_activations(untrained, sentences, activation="pre")
    np.testing.assert_allclose(np.maximum(pre, 0), post, atol=1e-5)


def test_a_hidden_word_is_shown_as_the_models_own_gap(untrained):
    words = Tokenizer(WordLevel({"a": 0, "b": 1, "[MASK]": 2, "?": 3}, unk_token="?"))
    words.pre_tokenizer = WhitespaceSplit()
    masked = PreTrainedTokenizerFast(tokenizer_object=words, mask_token="[MASK]", unk_token="?")
    assert capture.tokenize(models.Model("x", untrained.module, masked), ["a <extra_id_0> b"]) == [[0, 2, 1]]
    assert untrained.gap == "<extra_id_0>"


def test_a_layer_without_a_feed_forward_part_is_named(switch):
    model = SimpleNamespace(
        name="bare",
        module=SimpleNamespace(config=SimpleNamespace(model_type="t5")),
        encoder=SimpleNamespace(block=[SimpleNamespace(layer=[SimpleNamespace()])]),
    )
    with pytest.raises(ValueError, match="encoder layer 0 has no feed-forward part"):
        neurons.feed_forward(model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "mid"}, "unknown activation 'mid'; known: post, pre"),
        ({"layers": [7]}, "has no encoder layer 7; its layers are 0 to 3"),
        ({"layers": []}, "empty list of layers"),
        ({"layers": [0, 1]}, r"layers of unequal width .*\{0: 12, 1: 48\}"),
        ({"layers": [0], "routed_only": True}, "layer 0 has no router"),
    ],
)
def test_bad_input_is_named(switch, options, message):
    with pytest.raises(ValueError, match=message):
        capture.pooled_activations(switch, ["fine"], **options)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in switch.module.modules())
