"""Switch's expert layers as one product: the same numbers as the library's loop over experts, in shapes that stay.

The library's loop waits for the device at every expert, cannot be compiled as a whole, and in transformers 5.17 counts
an expert's capacity over a whole batch, which drops nothing. Here an expert takes its first tokens of each window, as
where the shipped models were trained.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional
from transformers.models.switch_transformers.modeling_switch_transformers import SwitchTransformersSparseMLP


def forward(
    part: nn.Module, capacity: int, hidden: Float[torch.Tensor, "batch token d_model"]
) -> Float[torch.Tensor, "batch token d_model"]:
    """Every token through all experts, of which the one that takes it counts; leaves ``part.logits`` for the losses."""
    experts = list(part.experts.values())  # type: ignore[union-attr,operator]
    with torch.autocast(hidden.device.type, enabled=False):  # routers are float32
        logits = functional.linear(hidden.float(), part.router.classifier.weight.float())  # type: ignore[union-attr,arg-type]
        gate, chosen = logits.softmax(-1).max(-1)
        taken = functional.one_hot(chosen, len(experts))
        taken = taken * (taken.cumsum(-2) <= capacity)
    part.logits = logits
    inner = functional.linear(hidden, torch.cat([e.wi.weight for e in experts])).relu()  # type: ignore[union-attr]
    scale = (taken * gate[..., None]).to(inner.dtype)  # what follows is linear
    inner = (inner.unflatten(-1, (len(experts), -1)) * scale[..., None]).flatten(-2)
    return functional.linear(inner, torch.cat([e.wo.weight for e in experts], dim=1)).to(hidden.dtype)  # type: ignore[union-attr]


@contextmanager
def routed(model: nn.Module) -> Iterator[Sequence[nn.Module]]:
    """All expert layers of `model` computed by `forward` inside the block; yields them, the encoder's first."""
    parts = [part for part in model.modules() if isinstance(part, SwitchTransformersSparseMLP)]
    capacity = getattr(model.config, "expert_capacity", 0)
    for part in parts:
        part.forward = partial(forward, part, capacity)  # type: ignore[method-assign,assignment]
    try:
        yield parts
    finally:
        for part in parts:
            del part.forward
            part.__dict__.pop("logits", None)
