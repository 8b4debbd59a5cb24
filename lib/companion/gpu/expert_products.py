"""Switch's expert layers as one product: the same numbers as the library's loop over experts, in shapes that stay.

The library's loop waits for the device at every expert, cannot be compiled as a whole, and in transformers 5.17 counts
an expert's capacity over a whole batch, which drops nothing. Here an expert takes its first tokens of each window, as
where the shipped models were trained.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional
from transformers.models.switch_transformers.modeling_switch_transformers import SwitchTransformersSparseMLP


def forward(
    part: nn.Module, hidden: Float[torch.Tensor, "batch token d_model"]
) -> Float[torch.Tensor, "batch token d_model"]:
    """Every token through all experts, of which the one that takes it counts; leaves ``part.logits`` for the losses."""
    experts = list(part.experts.values())  # type: ignore[union-attr,operator]
    with torch.autocast(hidden.device.type, enabled=False):  # routers are float32
        logits = functional.linear(hidden.float(), part.router.classifier.weight.float())  # type: ignore[union-attr,arg-type]
        gate, chosen = logits.softmax(-1).max(-1)
        taken = functional.one_hot(chosen, len(experts))
        taken = taken * (taken.cumsum(-2) <= part.router.expert_capacity)  # type: ignore[union-attr]
    part.logits = logits
    inner = functional.linear(hidden, torch.cat([e.wi.weight for e in experts])).relu()  # type: ignore[union-attr]
    scale = (taken * gate[..., None]).to(inner.dtype)  # what follows is linear
    inner = (inner.unflatten(-1, (len(experts), -1)) * scale[..., None]).flatten(-2)
    return functional.linear(inner, torch.cat([e.wo.weight for e in experts], dim=1)).to(hidden.dtype)  # type: ignore[union-attr]


@contextmanager
def routed(model: nn.Module) -> Iterator[Sequence[nn.Module]]:
    """Expert layers are computed by `forward` inside the block; yields those of `model`, the encoder's first.

    All models' are, as it is their class that changes: compiled layers share a program only if they share their code.
    """
    parts = [part for part in model.modules() if isinstance(part, SwitchTransformersSparseMLP)]
    before = SwitchTransformersSparseMLP.forward
    SwitchTransformersSparseMLP.forward = forward  # type: ignore[method-assign,assignment]
    try:
        yield parts
    finally:
        SwitchTransformersSparseMLP.forward = before  # type: ignore[method-assign]
        for part in parts:
            part.__dict__.pop("logits", None)
