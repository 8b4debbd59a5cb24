"""Activations of every feed-forward neuron of every encoder layer, pooled over the tokens of a sentence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Int

from modularity import neurons, tokens
from modularity.models import Model
from modularity.neurons import Activation, FeedForward
from modularity.pooling import Pooling, reading
from modularity.subfunction import SubFunction, check_sentences


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
    """Token ids of each sentence with its end mark, at most `Model.max_tokens`.

    Raises
    ------
    ValueError
        No sentences, or one that is empty or has half of a character (a lone surrogate); a hidden word for which the
        tokenizer has no token.
    """
    if len(sentences) == 0:
        raise ValueError("got an empty list of sentences, expected at least one")
    check_sentences(sentences)
    if any(tokens.SENTINEL in sentence for sentence in sentences):
        tokens.check_gap(model.tokenizer, model.name)
    texts = [sentence.replace(tokens.SENTINEL, model.gap) for sentence in sentences]
    return model.tokenizer(texts, truncation=True, max_length=model.max_tokens)["input_ids"]


def encoded(
    model: Model, ids: Sequence[Sequence[int]], chosen: Sequence[int]
) -> tuple[Float[torch.Tensor, "batch token d_model"], Int[torch.Tensor, "batch token"]]:
    """Run the encoder on the sentences `chosen` as one padded batch; returns its states and the mask of real tokens."""
    lengths = torch.tensor([len(ids[i]) for i in chosen], device=model.device)
    width = int(lengths.max())
    pad = tokens.padding(model.tokenizer, model.name)
    batch = torch.tensor([[*ids[i], *[pad] * (width - len(ids[i]))] for i in chosen], device=model.device)
    mask = (torch.arange(width, device=model.device) < lengths[:, None]).long()
    return model.encoder(input_ids=batch, attention_mask=mask).last_hidden_state, mask


@torch.inference_mode()
def pooled_activations(
    model: Model,
    sentences: Sequence[str],
    *,
    layers: Sequence[int] | int | None = None,
    batch_tokens: int | None = None,
    pooling: Pooling = "max",
    activation: Activation = "post",
    routed_only: bool = False,
) -> xr.DataArray:
    """σ(W_I x) of every encoder neuron, pooled over the real tokens of each sentence (Section 3).

    Parameters
    ----------
    sentences : any number, returned in this order; they are run in batches of similar length.
    layers : 0-based, of one width; all of them if not given, of a Switch those with experts, whose neurons follow
        one another expert by expert.
    batch_tokens : the most tokens run at once, padding included; results do not depend on it but for rounding. If not
        given 1,024 on a CPU, whose caches then hold a layer's activations (4,096 took 1.4 times as long), and 16,384
        on a GPU.
    pooling : ``max`` (the paper), ``mean``, or ``last`` (the end mark).
    activation : ``post``, σ(W_I x), or ``pre``, W_I x: the same ranking for ReLU and maximum pooling but for the
        zeros, another for GELU, which is not monotone.
    routed_only : of a Switch, read only the neurons of the expert that a token was sent to; zero elsewhere. The
        paper reads all of them (Appendix A.1).

    Returns
    -------
    float32 of dims ``(layer, sentence, neuron)``, layers 0-based.

    Raises
    ------
    ValueError
        No sentences, an empty one, no room for a token, an unknown pooling, activation or layer, layers of unequal
        width, `routed_only` where nothing is routed; a tokenizer without a token that is needed; a feed-forward part
        that is not called once a batch.
    """
    if pooling not in get_args(Pooling):
        raise ValueError(f"unknown pooling {pooling!r}; known: {', '.join(get_args(Pooling))}")
    if batch_tokens is None:
        batch_tokens = 1024 if model.device.type == "cpu" else 16_384
    if batch_tokens < 1:
        raise ValueError(f"batch_tokens is {batch_tokens}, expected at least 1")
    parts = neurons.layers(model, layers)
    ids = tokenize(model, sentences)
    result = np.empty((len(parts), len(ids), next(iter(parts.values())).neurons), dtype=np.float32)
    read_into(result, model, ids, parts, batch_tokens, pooling, activation, routed_only)
    return xr.DataArray(result, dims=("layer", "sentence", "neuron"), coords={"layer": list(parts)}, name="activation")


@torch.inference_mode()
def read_into(
    result: Float[np.ndarray, "layer sentence neuron"],
    model: Model,
    ids: Sequence[Sequence[int]],
    parts: Mapping[int, FeedForward],
    batch_tokens: int,
    pooling: Pooling = "max",
    activation: Activation = "post",
    routed_only: bool = False,
) -> None:
    """`pooled_activations` of sentences that are tokens already, written into `result`, which may be a file in memory.

    Parameters
    ----------
    ids : as `tokenize` returns them.
    parts : of `neurons.layers`.
    """
    lengths = [len(i) for i in ids]
    with reading(parts, pooling, activation, routed_only) as reader:
        for chosen in batches(lengths, batch_tokens):
            reader.begin([lengths[i] for i in chosen], model.device)
            encoded(model, ids, chosen)
            for row, layer in enumerate(parts):
                result[row, chosen] = reader.pooled[layer].float().cpu().numpy()


def stream(
    model: Model, subfunctions: Iterable[SubFunction], **options: Any
) -> Iterator[tuple[SubFunction, xr.DataArray]]:
    """Each sub-function with its activations; only one sub-function is held in memory at a time.

    `options` are those of `pooled_activations`.
    """
    return ((one, pooled_activations(model, one.sentences, **options)) for one in subfunctions)
