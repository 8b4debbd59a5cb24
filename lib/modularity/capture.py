"""Activations of every feed-forward neuron of every encoder layer, pooled over the tokens of a sentence."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, get_args

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float

from modularity.models import Model
from modularity.subfunction import SubFunction

Pooling = Literal["max", "mean", "last"]
MAX_TOKENS = 512  # longer sentences are cut here, as the encoders of the paper's models do


class _Reader:
    """What the hooks need to know of the batch at hand, and the pooled activations they leave behind."""

    def __init__(self, pooling: Pooling) -> None:
        self.pooling = pooling
        self.lengths: torch.Tensor | None = None
        self.pooled: dict[int, Float[torch.Tensor, "batch neuron"]] = {}

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
def _reading(model: Model, pooling: Pooling) -> Iterator[_Reader]:
    """Hooks on the input of every W_O, gone when the block is left, however it is left."""
    reader = _Reader(pooling)
    handles = []
    try:
        for layer, projection in model.output_projections.items():

            def keep(_module, inputs, layer=layer) -> None:
                reader.pooled[layer] = reader.pool(inputs[0])

            handles.append(projection.register_forward_pre_hook(keep))
        yield reader
    finally:
        for handle in handles:
            handle.remove()


def batches(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Indices of sentences of similar length, longest first, each batch at most `batch_tokens` with its padding."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    result: list[list[int]] = []
    for i in order:
        if result and (len(result[-1]) + 1) * lengths[result[-1][0]] <= batch_tokens:
            result[-1].append(i)
        else:
            result.append([i])
    return result


def tokenize(model: Model, sentences: Sequence[str]) -> list[list[int]]:
    """Token ids of each sentence with its end mark, at most 512.

    Raises
    ------
    ValueError
        No sentences, or an empty one.
    """
    if len(sentences) == 0:
        raise ValueError("got an empty list of sentences, expected at least one")
    for i, sentence in enumerate(sentences):
        if not isinstance(sentence, str) or not sentence.strip():
            raise ValueError(f"sentence {i} is {sentence!r}, expected text with at least one character")
    return model.tokenizer(list(sentences), truncation=True, max_length=MAX_TOKENS)["input_ids"]


def encode(model: Model, ids: Sequence[Sequence[int]], chosen: Sequence[int]) -> torch.Tensor:
    """Run the encoder on the sentences `chosen` as one padded batch; returns their lengths in tokens."""
    lengths = torch.tensor([len(ids[i]) for i in chosen], device=model.device)
    width = int(lengths.max())
    pad = model.tokenizer.pad_token_id
    batch = torch.tensor([[*ids[i], *[pad] * (width - len(ids[i]))] for i in chosen], device=model.device)
    mask = torch.arange(width, device=model.device) < lengths[:, None]
    model.encoder(input_ids=batch, attention_mask=mask.long())
    return lengths


@torch.inference_mode()
def pooled_activations(
    model: Model, sentences: Sequence[str], *, batch_tokens: int = 4096, pooling: Pooling = "max"
) -> xr.DataArray:
    """σ(W_I x) of every encoder neuron, pooled over the real tokens of each sentence (Section 3).

    Parameters
    ----------
    sentences : any number, returned in this order; they are run in batches of similar length.
    batch_tokens : the most tokens run at once, padding included; results do not depend on it but for rounding.
    pooling : ``max`` (the paper), ``mean``, or ``last`` (the end mark).

    Returns
    -------
    float32 of dims ``(layer, sentence, neuron)``, layers 0-based.

    Raises
    ------
    ValueError
        No sentences, an empty one, no room for a token, or an unknown pooling.
    """
    if pooling not in get_args(Pooling):
        raise ValueError(f"unknown pooling {pooling!r}; known: {', '.join(get_args(Pooling))}")
    if batch_tokens < 1:
        raise ValueError(f"batch_tokens is {batch_tokens}, expected at least 1")
    ids = tokenize(model, sentences)
    lengths = [len(i) for i in ids]
    result: np.ndarray | None = None
    with _reading(model, pooling) as reader:
        for chosen in batches(lengths, batch_tokens):
            reader.lengths = torch.tensor([lengths[i] for i in chosen], device=model.device)
            encode(model, ids, chosen)
            if result is None:
                width = next(iter(reader.pooled.values())).shape[1]
                result = np.empty((len(reader.pooled), len(sentences), width), dtype=np.float32)
            for row, layer in enumerate(sorted(reader.pooled)):
                result[row, chosen] = reader.pooled[layer].float().cpu().numpy()
    assert result is not None
    layers = sorted(model.output_projections)
    return xr.DataArray(result, dims=("layer", "sentence", "neuron"), coords={"layer": layers}, name="activation")


def stream(
    model: Model, subfunctions: Iterable[SubFunction], *, batch_tokens: int = 4096, pooling: Pooling = "max"
) -> Iterator[tuple[SubFunction, xr.DataArray]]:
    """Each sub-function with its activations; only one sub-function is held in memory at a time."""
    for subfunction in subfunctions:
        yield subfunction, pooled_activations(model, subfunction.sentences, batch_tokens=batch_tokens, pooling=pooling)
