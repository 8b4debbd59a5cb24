"""Pooled activations: padding never counts, order and batches do not matter, hooks leave no trace."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from modularity import capture, neurons, pooling, predictivity
from modularity.subfunction import SubFunction


def by_definition(model, sentence, layer):
    """Maximum over tokens of ReLU(W_I x), x being what the layer's own normalisation hands on."""
    states = []
    feed_forward = model.encoder.block[layer].layer[-1]
    handle = feed_forward.layer_norm.register_forward_hook(lambda *args: states.append(args[-1]))
    with torch.inference_mode():
        model.encoder(model.tokenizer(sentence, return_tensors="pt").input_ids)
        handle.remove()
        w_in = feed_forward.DenseReluDense.wi.weight
        return torch.relu(states[0][0] @ w_in.T).max(0).values.numpy()


def test_activations_equal_the_definition_in_the_order_given(untrained, sentences):
    pooled = capture.pooled_activations(untrained, sentences)
    assert pooled.dims == ("layer", "sentence", "neuron")
    for layer in pooled["layer"].to_numpy():
        expected = [by_definition(untrained, s, layer) for s in sentences]
        np.testing.assert_allclose(pooled.sel(layer=layer), expected, atol=2e-5)


@pytest.mark.parametrize("pooling", ["max", "mean", "last"])
def test_batched_equals_one_by_one(untrained, sentences, pooling):
    together = capture.pooled_activations(untrained, sentences, pooling=pooling)
    alone = capture.pooled_activations(untrained, sentences, batch_tokens=1, pooling=pooling)
    np.testing.assert_allclose(together, alone, atol=2e-5)


@pytest.mark.parametrize("pooling", ["max", "mean", "last"])
def test_the_content_of_padding_cannot_matter(untrained, sentences, pooling):
    expected = capture.pooled_activations(untrained, sentences, pooling=pooling)
    other = replace(untrained, tokenizer=copy.deepcopy(untrained.tokenizer))
    other.tokenizer.pad_token = untrained.tokenizer.convert_ids_to_tokens(77)
    assert other.tokenizer.pad_token_id != untrained.tokenizer.pad_token_id
    np.testing.assert_allclose(capture.pooled_activations(other, sentences, pooling=pooling), expected, atol=2e-5)


def test_a_mask_left_out_would_be_seen(untrained, sentences, monkeypatch):
    """The tests above can fail: count the padding in, and the maximum changes."""
    expected = capture.pooled_activations(untrained, sentences)
    monkeypatch.setattr(pooling.Reader, "pool", lambda self, activations: activations.amax(1))
    assert np.abs(capture.pooled_activations(untrained, sentences) - expected).max() > 1e-2


def hooks(model) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.module.modules())


def test_hooks_are_removed_also_after_an_error(untrained, sentences, monkeypatch):
    assert hooks(untrained) == 0
    capture.pooled_activations(untrained, sentences)
    assert hooks(untrained) == 0

    def broken(*_):
        assert hooks(untrained) == len(neurons.feed_forward(untrained))
        raise RuntimeError("out of memory")

    monkeypatch.setattr(capture, "encoded", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        capture.pooled_activations(untrained, sentences)
    assert hooks(untrained) == 0


def test_reading_does_not_change_what_the_model_computes(untrained, sentences):
    ids = untrained.tokenizer(sentences[2], return_tensors="pt").input_ids
    with torch.inference_mode():
        before = untrained.encoder(ids).last_hidden_state
        with pooling.reading(neurons.layers(untrained), "max", "post", False) as reader:
            reader.begin([ids.shape[1]], ids.device)
            assert torch.equal(untrained.encoder(ids).last_hidden_state, before)


def test_batches_hold_every_sentence_once_within_the_budget(rng):
    lengths = rng.integers(1, 50, 200).tolist()
    made = capture.batches(lengths, 100)
    assert sorted(i for batch in made for i in batch) == list(range(200))
    assert all(len(b) * max(lengths[i] for i in b) <= 100 for b in made)


def test_the_stream_holds_one_subfunction_at_a_time(untrained, subfunction):
    read = []

    def source():
        for i in range(3):
            read.append(i)
            yield subfunction

    stream = capture.stream(untrained, source())
    next(stream)
    assert read == [0]


def test_scores_of_a_stream_equal_scores_one_by_one(untrained, subfunction):
    other = SubFunction("other", "semantic", subfunction.sentences[::-1], subfunction.labels)
    table = predictivity.scores(capture.stream(untrained, [subfunction, other]))
    assert table.dims == ("subfunction", "layer", "neuron")
    pooled = capture.pooled_activations(untrained, other.sentences)
    np.testing.assert_array_equal(
        table.sel(subfunction="other", layer=1), predictivity.predictivity(pooled[1].to_numpy(), other.labels)
    )
    assert set(table["function"].to_numpy()) == {"semantic"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sentences": []}, "empty list of sentences"),
        ({"sentences": ["fine", "  "]}, r"sentence 1 is '  ', expected text"),
        ({"sentences": ["fine", None]}, "sentence 1 is None"),
        (
            {"sentences": ["fine", "cut in half \ud83d here"]},
            r"sentence 1 is 'cut in half .*ud83d here', expected text",
        ),
        ({"sentences": ["fine"], "pooling": "median"}, "unknown pooling 'median'; known: max, mean, last"),
        ({"sentences": ["fine"], "batch_tokens": 0}, "batch_tokens is 0"),
    ],
)
def test_bad_input_is_named(untrained, arguments, message):
    with pytest.raises(ValueError, match=message):
        capture.pooled_activations(untrained, **arguments)
