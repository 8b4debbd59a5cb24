"""Weights that have several names, as a T5's embedding has three: one tensor, which is kept and stored once."""

from collections.abc import Mapping

import torch


def once(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Each tensor under the first of its names; safetensors stores none under two."""
    first = {tensor.data_ptr(): name for name, tensor in reversed([*state.items()])}
    return {name: tensor for name, tensor in state.items() if first[tensor.data_ptr()] == name}


def halved(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A copy in bfloat16 in memory under the same names, of which as many are of one tensor."""
    seen: dict[int, torch.Tensor] = {}
    for tensor in once(state).values():
        seen[tensor.data_ptr()] = tensor.detach().to("cpu", torch.bfloat16, copy=True)
    return {name: seen[tensor.data_ptr()] for name, tensor in state.items()}
