"""Load, what is dropped, and the routers' losses, against the definitions."""

import numpy as np
import pytest
import torch

from companion.models import router_losses


@pytest.fixture
def logits(rng) -> list[torch.Tensor]:
    """Two layers, 3 windows of 8 tokens, 4 experts."""
    return [torch.as_tensor(rng.normal(size=(3, 8, 4)), dtype=torch.float32) for _ in range(2)]


def test_the_losses_are_those_of_the_papers(logits):
    """Fedus et al. (2022), Equation 4 without its weight; Zoph et al. (2022), Equation 5; layer by layer."""
    balance, z = router_losses.losses(logits)
    by_layer = []
    for layer in logits:
        p = layer.softmax(-1)
        groups = [(torch.bincount(w.argmax(-1), minlength=4) / 8 * w.mean(0)).sum() * 4 for w in p]
        by_layer.append(torch.stack(groups).mean())
    assert balance.item() == pytest.approx(torch.stack(by_layer).mean().item(), rel=1e-5)
    expected = torch.stack([torch.logsumexp(layer, -1) ** 2 for layer in logits]).mean()
    assert z.item() == pytest.approx(expected.item(), rel=1e-5)


def test_imbalance_of_one_layer_is_not_hidden_by_another():
    one, other = torch.full((1, 8, 2), -9.0), torch.full((1, 8, 2), -9.0)
    one[..., 0], other[..., 1] = 9.0, 9.0  # all tokens to expert 0, and all to expert 1
    assert router_losses.losses([one, other])[0].item() == pytest.approx(2, rel=1e-3)


def test_load_counts_what_is_sent_and_dropped():
    tokens = torch.tensor([[0, 0, 0, 1], [2, 2, 2, 2]])
    layer = torch.nn.functional.one_hot(tokens, 3).float()
    load = router_losses.expert_load([layer], capacity=2) + router_losses.expert_load([layer], capacity=2)
    np.testing.assert_array_equal(load.sent, [[6, 2, 8]])
    np.testing.assert_array_equal(load.dropped, [6])  # one of the first window, two of the second
    assert load.dropped_share == pytest.approx([6 / 16])


@pytest.mark.parametrize(("sent", "entropy"), [([4, 4, 4, 4], 1), ([8, 8, 0, 0], 0.5), ([16, 0, 0, 0], 0)])
def test_entropy_is_a_share_of_its_maximum(sent, entropy):
    assert router_losses.Load(np.array([sent], dtype=float), np.zeros(1)).entropy == pytest.approx([entropy])
