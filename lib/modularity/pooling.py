"""Activations pooled over the real tokens of each sentence while a model runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float

from modularity.neurons import Activation, FeedForward

Pooling = Literal["max", "mean", "last"]


class Reader:
    """What the hooks need to know of the batch at hand, and the pooled activations they leave behind."""

    def __init__(self, pooling: Pooling) -> None:
        self.pooling = pooling
        self.shape = (0, 0)
        self.lengths: torch.Tensor | None = None
        self.pooled: dict[int, Float[torch.Tensor, "batch neuron"]] = {}

    def begin(self, lengths: Sequence[int], device: torch.device) -> None:
        """A batch of sentences of these lengths."""
        self.shape = (len(lengths), max(lengths))
        self.lengths = torch.tensor(lengths, device=device)
        self.pooled.clear()

    def keep(self, layer: int, activations: Float[torch.Tensor, "*batch neuron"]) -> None:
        if activations.dim() == 2:  # layers that flatten a batch into its tokens
            activations = activations.reshape(-1, self.shape[1], activations.shape[1])
        if layer in self.pooled or activations.shape[:2] != self.shape:
            raise ValueError(
                f"the feed-forward part of layer {layer} is not called once a batch on all of its tokens, so that "
                "reading would miss some; set chunk_size_feed_forward to 0, and give each layer modules of its own"
            )
        self.pooled[layer] = self.pool(activations)

    def pool(self, activations: Float[torch.Tensor, "batch token neuron"]) -> Float[torch.Tensor, "batch neuron"]:
        assert self.lengths is not None
        if self.pooling == "last":
            return activations[torch.arange(len(activations)), self.lengths - 1].clone()
        # Sentences of a batch have similar lengths: only the few columns past the shortest need a mask.
        shortest = int(self.lengths.min())
        full, rest = activations[:, :shortest], activations[:, shortest:]
        padding = torch.arange(shortest, activations.shape[1], device=activations.device) >= self.lengths[:, None]
        if self.pooling == "mean":
            total = full.sum(1) + rest.masked_fill(padding[..., None], 0).sum(1)
            return total / self.lengths[:, None]
        best = full.amax(1)
        if rest.shape[1]:
            best = torch.maximum(best, rest.masked_fill(padding[..., None], -torch.inf).amax(1))
        return best


@contextmanager
def reading(
    layers: Mapping[int, FeedForward], pooling: Pooling, activation: Activation, routed_only: bool
) -> Iterator[Reader]:
    """Hooks on every layer, gone when the block is left, however it is left."""
    reader = Reader(pooling)
    handles = []
    try:
        for layer, part in layers.items():
            keep = partial(reader.keep, layer)
            handles.append(part.read(keep, activation=activation, routed_only=routed_only))
        yield reader
    finally:
        for handle in handles:
            handle.remove()
