"""What a Switch's routers do in training: how evenly they load the experts, what is dropped, and the two losses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from transformers.models.switch_transformers.modeling_switch_transformers import (
    load_balancing_loss_func,
    router_z_loss_func,
)

Logits = Float[torch.Tensor, "batch _ expert"]  # as many tokens as the encoder or the decoder reads


def losses(logits: Sequence[Logits]) -> tuple[torch.Tensor, torch.Tensor]:
    """Load-balancing loss and z-loss, each the mean over the layers `logits` come from.

    The library's own sum pools the layers first, so that one layer's imbalance can hide another's; here every
    layer is balanced by itself, as in Fedus et al. (2022), Equation 4.
    """
    balance = [torch.as_tensor(load_balancing_loss_func(x.float().softmax(-1), x.argmax(-1))) for x in logits]
    z = [torch.as_tensor(router_z_loss_func(x.float())) for x in logits]
    return torch.stack(balance).mean(), torch.stack(z).mean()


@dataclass(frozen=True)
class Load:
    """Tokens sent to each expert, and how many of them it had no room for; additive over batches."""

    sent: Float[np.ndarray, "layer expert"]
    dropped: Float[np.ndarray, "layer"]

    def __add__(self, other: "Load") -> "Load":
        return Load(self.sent + other.sent, self.dropped + other.dropped)

    @property
    def entropy(self) -> Float[np.ndarray, "layer"]:
        """Of the load over experts, as a share of its maximum, log of their number; 1 if all are used alike."""
        share = self.sent / self.sent.sum(1, keepdims=True)
        return -(share * np.log(share, where=share > 0, out=np.zeros_like(share))).sum(1) / np.log(share.shape[1])

    @property
    def dropped_share(self) -> Float[np.ndarray, "layer"]:
        return self.dropped / self.sent.sum(1)


@torch.no_grad()
def expert_load(logits: Sequence[Logits], capacity: int) -> Load:
    """What top-1 routing makes of the routers' `logits`: in each window an expert takes its first `capacity` tokens."""
    sent, dropped = [], []
    for layer in logits:
        chosen = torch.nn.functional.one_hot(layer.argmax(-1), layer.shape[-1])
        per_window = chosen.sum(1)
        sent.append(per_window.sum(0))
        dropped.append((per_window - capacity).clamp_min(0).sum())
    return Load(torch.stack(sent).double().cpu().numpy(), torch.stack(dropped).double().cpu().numpy())
