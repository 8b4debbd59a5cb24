"""The driving token is the one of the highest activation; routing counts real tokens only."""

import numpy as np
import pytest
import torch

from companion.experiments import drivers
from companion.models import catalogue
from modularity import capture, neurons


def activations(model, sentence):
    """layer → (token, neuron), by hooks of its own."""
    held = {}
    handles = [
        part.read(lambda a, layer=layer: held.update({layer: a[0].clone()}))
        for layer, part in neurons.layers(model).items()
    ]
    with torch.inference_mode():
        model.encoder(input_ids=torch.tensor(capture.tokenize(model, [sentence])))
    for handle in handles:
        handle.remove()
    return held


def test_the_driving_token_is_the_argmax(untrained, sentences):
    wanted = [(layer, n, s) for layer in (0, 3) for n in (0, 7, 1279) for s in sentences]
    made = drivers.driving_tokens(untrained, wanted)
    assert list(made) != []
    for (layer, n, sentence), drive in made.items():
        values = activations(untrained, sentence)[layer][:, n]
        assert drive.activation == pytest.approx(float(values.max()), rel=1e-5)
        piece = untrained.tokenizer.convert_ids_to_tokens(
            capture.tokenize(untrained, [sentence])[0][int(values.argmax())]
        )
        assert drive.token == (drivers.SPACE if piece == "▁" else piece.removeprefix("▁"))
        if drive.token not in ("</s>", drivers.SPACE):
            assert drive.before + drive.token + drive.after == sentence


def test_the_activation_is_what_pooling_keeps(untrained, sentences):
    pooled = capture.pooled_activations(untrained, sentences)
    made = drivers.driving_tokens(untrained, [(2, 5, s) for s in sentences])
    found = [made[2, 5, s].activation for s in sentences]
    np.testing.assert_allclose(found, pooled.sel(layer=2)[:, 5], rtol=1e-4, atol=1e-6)


def test_marks_stand_for_themselves():
    model = catalogue.load("all-MiniLM-L6-v2", untrained=True)
    pieces = drivers.around_tokens(model, "The <extra_id_0> ran.")
    assert pieces[0] == ("", "[CLS]", "The [MASK] ran.")
    assert pieces[2] == ("The ", "[MASK]", " ran.")
    assert pieces[-1] == ("The [MASK] ran.", "[SEP]", "")


def test_no_hook_is_left(untrained):
    with pytest.raises(ValueError, match="expected text"):
        drivers.driving_tokens(untrained, [(0, 0, " ")])
    parts = neurons.layers(untrained).values()
    assert not any(part.w_out[0]._forward_pre_hooks for part in parts)


def test_every_token_is_routed_once(sentences):
    switch = catalogue.load("switch-mini")
    shares = drivers.routed(switch, sentences, batch_tokens=60)
    ids = capture.tokenize(switch, sentences)
    for layer, part in neurons.layers(switch).items():
        assert shares[layer].sum() == pytest.approx(1)
        counts = np.zeros(part.experts)
        for row in ids:  # one by one, without padding
            held = []
            handle = part.sparse.router.register_forward_hook(lambda _m, _i, out, held=held: held.append(out[-1]))
            with torch.inference_mode():
                switch.encoder(input_ids=torch.tensor([row]))
            handle.remove()
            counts += np.bincount(held[0][0].argmax(-1), minlength=part.experts)
        np.testing.assert_allclose(shares[layer], counts / counts.sum())


def test_a_model_without_router_routes_nothing(untrained, sentences):
    assert drivers.routed(untrained, sentences) == {}
