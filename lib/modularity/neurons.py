"""Where a model's feed-forward neurons are and how they are read: T5, Switch and BERT alike.

A neuron of an encoder layer is a row of W_I with its activation σ(W_I x) (Equation 1). In a layer of Switch all
experts' neurons stand side by side, expert after expert, and are read on every token before the gate (Appendix A.1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from modularity.models import Model

Activation = Literal["post", "pre"]
STACKED = 1 << 22  # weights of a layer that are copied at most
Take = Callable[[torch.Tensor], None]


@dataclass(frozen=True)
class FeedForward:
    """The feed-forward part of one encoder layer."""

    layer: int  # 0-based
    w_in: tuple[nn.Linear, ...] = field(repr=False)  # W_I, of every expert if there are several
    w_out: tuple[nn.Linear, ...] = field(repr=False)
    act: Callable[[torch.Tensor], torch.Tensor] = field(repr=False)
    sparse: nn.Module | None = field(default=None, repr=False)  # the router and its experts, in Switch

    @property
    def experts(self) -> int:
        return len(self.w_in)

    @property
    def neurons(self) -> int:
        return sum(w.out_features for w in self.w_in)

    @property
    def input_weights(self) -> Float[torch.Tensor, "neuron d_model"]:
        """W_I of all neurons, experts one below another."""
        return self.w_in[0].weight if self.experts == 1 else torch.cat([w.weight for w in self.w_in])

    def read(self, take: Take, *, activation: Activation = "post", routed_only: bool = False) -> RemovableHandle:
        """Call `take` with the activations, ``(batch, token, neuron)``, whenever the layer runs.

        Parameters
        ----------
        activation : ``post``, σ(W_I x), or ``pre``, W_I x, which for a non-ReLU neuron is another reading.
        routed_only : in Switch, zero for the neurons of every expert that a token was not sent to.
        """
        if activation not in get_args(Activation):
            raise ValueError(f"unknown activation {activation!r}; known: {', '.join(get_args(Activation))}")
        if self.sparse is None:
            if routed_only:
                raise ValueError(f"layer {self.layer} has no router; routed_only is for layers with experts")
            if activation == "pre":
                return self.w_in[0].register_forward_hook(lambda _module, _inputs, output: take(output))  # type: ignore[arg-type]
            return self.w_out[0].register_forward_pre_hook(lambda _module, inputs: take(inputs[0]))
        # One product for all experts is faster; of a large model it would double the weights in memory.
        stacked = self.input_weights if self.neurons * self.w_in[0].in_features < STACKED else None
        router = self.sparse.router

        def read_all(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            weights = [w.weight for w in self.w_in] if stacked is None else [stacked]
            parts = [functional.linear(inputs[0], weight) for weight in weights]
            parts = [self.act(part) for part in parts] if activation == "post" else parts
            values = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
            if routed_only:
                chosen, *_ = router(inputs[0])  # type: ignore[operator]
                width = self.neurons // self.experts
                values = values.unflatten(-1, (self.experts, width)) * chosen[..., None]
                values = values.flatten(-2)
            take(values)

        return self.sparse.register_forward_pre_hook(read_all)


def feed_forward(model: Model) -> Mapping[int, FeedForward]:
    """Encoder layer (0-based) → its feed-forward part.

    Raises
    ------
    ValueError
        A layer has none, or one whose neurons are gated by others, so that Equation 1 does not describe them.
    """
    encoder = model.encoder
    blocks = getattr(encoder, "block", None)
    if blocks is None:
        blocks = encoder.encoder.layer  # type: ignore[union-attr]
        return {i: _bert(i, block) for i, block in enumerate(blocks)}  # type: ignore[arg-type]
    return {i: _t5(i, block) for i, block in enumerate(blocks)}  # type: ignore[arg-type]


def layers(model: Model, chosen: object = None) -> dict[int, FeedForward]:
    """The layers that are read: those `chosen`, or all; of a Switch, the layers with experts.

    Raises
    ------
    ValueError
        A layer that the model has not; layers of unequal width, whose neurons fit no common array.
    """
    known = feed_forward(model)
    if chosen is None:
        most = max(part.experts for part in known.values())
        wanted = [i for i, part in known.items() if part.experts == most]
    else:
        wanted = [chosen] if isinstance(chosen, int) else list(chosen)  # type: ignore[call-overload]
    if missing := [i for i in wanted if i not in known]:
        raise ValueError(f"{model.name} has no encoder layer {missing[0]}; its layers are 0 to {max(known)}")
    if not wanted:
        raise ValueError("got an empty list of layers, expected at least one")
    widths = {i: known[i].neurons for i in wanted}
    if len(set(widths.values())) > 1:
        raise ValueError(f"layers of unequal width (layer: neurons) {widths}; read those of one width at a time")
    return {i: known[i] for i in sorted(wanted)}


def _t5(layer: int, block: nn.Module) -> FeedForward:
    last = block.layer[-1]  # type: ignore[index]
    part = getattr(last, "DenseReluDense", None) or getattr(last, "mlp", None)  # type: ignore[arg-type]
    if part is None:
        raise ValueError(f"encoder layer {layer} has no feed-forward part; neurons are read from W_I of one")
    if hasattr(part, "router"):
        experts = list(part.experts.values())
        ins, outs = tuple(e.wi for e in experts), tuple(e.wo for e in experts)
        return FeedForward(layer, ins, outs, experts[0].act, part)
    if not hasattr(part, "wi"):
        raise ValueError(
            f"encoder layer {layer} is gated ({type(part).__name__}): its neurons are products of two, "
            "which Equation 1 does not describe; use a model without gates (T5 1.0, BERT)"
        )
    return FeedForward(layer, (part.wi,), (part.wo,), part.act)


def _bert(layer: int, block: nn.Module) -> FeedForward:
    intermediate = block.intermediate
    return FeedForward(layer, (intermediate.dense,), (block.output.dense,), intermediate.intermediate_act_fn)  # type: ignore[union-attr,arg-type]
