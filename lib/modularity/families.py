"""One adapter a model family: which modules of a layer hold its neurons.

An adapter is a function that is given what is called (a model without its head, or its encoder) and yields a
`neurons.FeedForward` for each layer. Another family is registered by the model type of its ``config.json``::

    @families.adapter("my-model")
    def mine(called):
        for i, block in enumerate(called.layers):
            yield FeedForward(i, (block.mlp.up,), (block.mlp.down,), block.mlp.act, whole=block.mlp)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from torch import nn

from modularity.models import Model
from modularity.neurons import FeedForward, FusedExperts

Adapter = Callable[[nn.Module], Iterable[FeedForward]]
FAMILIES: dict[str, Adapter] = {}


def adapter(*types: str) -> Callable[[Adapter], Adapter]:
    """Register an adapter for these model types."""

    def register(function: Adapter) -> Adapter:
        FAMILIES.update(dict.fromkeys(types, function))
        return function

    return register


def parts(model: Model) -> Mapping[int, FeedForward]:
    """Layer → feed-forward part.

    Raises
    ------
    ValueError
        A model of no known family; a layer that has not what its family has.
    """
    kind = str(model.module.config.model_type)  # type: ignore[union-attr]
    if kind not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise ValueError(
            f"{model.name} is of the type {kind!r}, of no known family; known: {known}. An adapter takes five lines: "
            "decorate with modularity.families.adapter(model type) a function that yields a FeedForward for each "
            "layer, as help(modularity.families) shows"
        )
    try:
        return {part.layer: part for part in FAMILIES[kind](model.encoder)}
    except AttributeError as error:
        raise ValueError(
            f"a layer of {model.name} is not built as the family {kind!r} builds it ({error}); register an adapter for "
            "it, as help(modularity.families) shows"
        ) from error


@adapter("t5", "mt5", "umt5", "switch_transformers")
def t5(called) -> Iterator[FeedForward]:
    """T5, T5 1.1, Flan-T5, mT5 and UMT5, the latter gated; Switch, dense and sparse layers."""
    blocks = called.block if hasattr(called, "block") else called.encoder.block
    for i, block in enumerate(blocks):
        part = getattr(block.layer[-1], "DenseReluDense", None) or getattr(block.layer[-1], "mlp", None)
        if part is None:
            raise ValueError(f"encoder layer {i} has no feed-forward part; neurons are read from W_I of one")
        if hasattr(part, "router"):
            experts = list(part.experts.values())
            w_in, w_out = (tuple(getattr(e, name) for e in experts) for name in ("wi", "wo"))
            yield FeedForward(i, w_in, w_out, experts[0].act, part.experts, sparse=part)
        elif hasattr(part, "wi"):
            yield FeedForward(i, (part.wi,), (part.wo,), part.act, part)
        else:
            yield FeedForward(i, (part.wi_1,), (part.wo,), part.act, part, gate=part.wi_0)


@adapter("bert", "roberta", "xlm-roberta", "camembert", "electra", "mpnet")
def bert(called) -> Iterator[FeedForward]:
    """Encoders of BERT's shape, whose residual and norm are in the module of the down projection."""
    for i, block in enumerate(called.encoder.layer):
        up, end = block.intermediate, block.output
        yield FeedForward(i, (up.dense,), (end.dense,), up.intermediate_act_fn, end, expected=partial(_normed, end))


def _normed(end, down, inputs):
    return end.LayerNorm(down + inputs[1])


@adapter("distilbert")
def distilbert(called) -> Iterator[FeedForward]:
    for i, block in enumerate(called.transformer.layer):
        yield FeedForward(i, (block.ffn.lin1,), (block.ffn.lin2,), block.ffn.activation, block.ffn)


@adapter("gpt2")
def gpt2(called) -> Iterator[FeedForward]:
    for i, block in enumerate(called.h):
        yield FeedForward(i, (block.mlp.c_fc,), (block.mlp.c_proj,), block.mlp.act, block.mlp)


@adapter("gpt_neox")
def gpt_neox(called) -> Iterator[FeedForward]:
    """GPT-NeoX and Pythia."""
    for i, block in enumerate(called.layers):
        part = block.mlp
        yield FeedForward(i, (part.dense_h_to_4h,), (part.dense_4h_to_h,), part.act, part)


@adapter("opt")
def opt(called) -> Iterator[FeedForward]:
    for i, block in enumerate(called.decoder.layers):
        yield FeedForward(i, (block.fc1,), (block.fc2,), block.activation_fn, block.fc2)


@adapter("llama", "mistral", "qwen2", "qwen3", "olmo", "olmo2", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe")
def llama(called) -> Iterator[FeedForward]:
    """SwiGLU decoders, and those of them whose layers have experts."""
    for i, block in enumerate(called.layers):
        part = block.mlp
        if hasattr(part, "experts"):
            yield FusedExperts(i, (), (), part.experts.act_fn, part.experts)
        else:
            yield FeedForward(i, (part.up_proj,), (part.down_proj,), part.act_fn, part, gate=part.gate_proj)
