"""Where a model's feed-forward neurons are and how they are read.

A neuron of a layer is what the down projection reads: σ(W_I x) of Equation 1 or, where there is a gate, that times the
up projection. In a sparse layer all experts' neurons stand side by side, expert after expert, and are read on every
token before the router weighs them (Appendix A.1).
"""

from collections.abc import Callable, Iterable, Mapping
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
Expected = Callable[[torch.Tensor, tuple[torch.Tensor, ...]], torch.Tensor]


@dataclass(frozen=True)
class FeedForward:
    """The feed-forward part of one layer, dense or, with `sparse`, Switch's experts."""

    layer: int  # 0-based
    w_in: tuple[nn.Linear, ...] = field(repr=False)  # W_I, of every expert if there are several
    w_out: tuple[nn.Linear, ...] = field(repr=False)
    act: Callable[[torch.Tensor], torch.Tensor] = field(repr=False)
    whole: nn.Module = field(repr=False)  # what gives `expected` of the down projection and of its own inputs
    gate: nn.Module | None = field(default=None, repr=False)
    sparse: nn.Module | None = field(default=None, repr=False)  # the router and its experts, in Switch
    expected: Expected = field(default=lambda down, _inputs: down, repr=False)

    @property
    def experts(self) -> int:
        return len(self.w_in)

    @property
    def neurons(self) -> int:
        return sum(len(_rows(w)) for w in self.w_in)

    @property
    def input_weights(self) -> Float[torch.Tensor, "neuron d_in"]:
        """W_I of all neurons, experts one below another; of a gated layer each row is followed by its gate's."""
        rows = [_rows(w) for w in self.w_in]
        if self.gate is not None:
            rows = [torch.cat([rows[0], _rows(self.gate)], dim=1)]
        return rows[0] if len(rows) == 1 else torch.cat(rows)

    def read(self, take: Take, *, activation: Activation = "post", routed_only: bool = False) -> RemovableHandle:
        """Call `take` with the activations, ``(batch, token, neuron)``, whenever the layer runs.

        Parameters
        ----------
        activation : ``post``, σ(W_I x), or ``pre``, W_I x, which for a non-ReLU neuron is another reading.
        routed_only : in Switch, zero for the neurons of every expert that a token was not sent to.
        """
        if activation not in get_args(Activation):
            raise ValueError(f"unknown activation {activation!r}; known: {', '.join(get_args(Activation))}")
        if self.sparse is not None:
            return self._read_all(self.sparse, take, activation, routed_only)
        if routed_only:
            raise ValueError(f"layer {self.layer} has no router; routed_only is for layers with experts")
        if activation == "pre":
            if self.gate is not None:
                raise ValueError(f"layer {self.layer} is gated: its neurons are products, with no activation before σ")
            return self.w_in[0].register_forward_hook(lambda _module, _inputs, output: take(output))  # type: ignore[arg-type]
        return self.w_out[0].register_forward_pre_hook(lambda _module, inputs: take(inputs[0]))

    def _read_all(self, sparse: nn.Module, take: Take, activation: Activation, routed_only: bool) -> RemovableHandle:
        # One product for all experts is faster; of a large model it would double the weights in memory.
        rows = [_rows(w) for w in self.w_in]
        small = sum(w.numel() for w in rows) < STACKED
        weights = [torch.cat(rows)] if small else rows

        def read_all(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            parts = [functional.linear(inputs[0], weight) for weight in weights]
            parts = [self.act(part) for part in parts] if activation == "post" else parts
            values = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
            if routed_only:  # what the experts are given, token by token: (hidden, chosen, gate)
                values = (values.unflatten(-1, (self.experts, -1)) * inputs[1][:, 0, :, None]).flatten(-2)
            take(values)

        return (self.whole if routed_only else sparse).register_forward_pre_hook(read_all)

    def output(self, activations: torch.Tensor, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """What `whole` has to give for these activations (Equation 1): W_O of them and its bias, and what follows."""
        if self.sparse is None:
            return self.expected(down(self.w_out[0], activations), inputs)
        hidden, chosen, gate = inputs
        parts = activations.reshape(len(hidden), self.experts, -1) * (chosen[:, 0] * gate)[..., None]
        return sum(down(w, parts[:, i]) for i, w in enumerate(self.w_out))  # type: ignore[return-value]


@dataclass(frozen=True)
class FusedExperts(FeedForward):
    """A sparse layer whose experts' weights are stacked in one module: Mixtral, OLMoE, Qwen-MoE.

    Experts that all tokens share are no routed experts, and are left out.
    """

    @property
    def experts(self) -> int:
        return self.whole.gate_up_proj.shape[0]  # type: ignore[union-attr,index,return-value]

    @property
    def neurons(self) -> int:
        return self.whole.down_proj.shape[2] * self.experts  # type: ignore[union-attr,index,return-value,operator]

    @property
    def input_weights(self) -> Float[torch.Tensor, "neuron d_in"]:
        gate, up = self.whole.gate_up_proj.detach().chunk(2, dim=1)  # type: ignore[union-attr,operator]
        return torch.cat([up, gate], dim=2).flatten(0, 1)

    def read(self, take: Take, *, activation: Activation = "post", routed_only: bool = False) -> RemovableHandle:
        if activation != "post":
            raise ValueError(f"layer {self.layer} is gated: its neurons are products, with no activation before σ")

        def read_all(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            hidden, index, _ = inputs
            parts = []
            for expert, weight in enumerate(module.gate_up_proj):  # type: ignore[arg-type,union-attr]
                gate, up = functional.linear(hidden, weight).chunk(2, dim=-1)
                values = self.act(gate) * up
                parts.append(values * (index == expert).any(-1, keepdim=True) if routed_only else values)
            take(torch.cat(parts, dim=-1))

        return self.whole.register_forward_pre_hook(read_all)

    def output(self, activations: torch.Tensor, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
        hidden, index, weights = inputs
        parts = activations.reshape(len(hidden), self.experts, -1)
        made = torch.zeros_like(hidden)
        for expert, w_out in enumerate(self.whole.down_proj):  # type: ignore[arg-type,union-attr]
            made += (weights * (index == expert)).sum(-1, keepdim=True) * functional.linear(parts[:, expert], w_out)
        return made


def feed_forward(model: Model) -> Mapping[int, FeedForward]:
    """Layer (0-based) → its feed-forward part, as the adapter of the model's family finds them (`families`).

    Raises
    ------
    ValueError
        A model of no known family; a layer without a feed-forward part.
    """
    from modularity import families  # which makes what is defined here

    return families.parts(model)


def layers(model: Model, chosen: int | Iterable[int] | None = None) -> dict[int, FeedForward]:
    """The layers that are read: those `chosen`, or all; of a model with experts, the layers that have them.

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
        wanted = [chosen] if isinstance(chosen, int) else list(chosen)
    if missing := [i for i in wanted if i not in known]:
        raise ValueError(f"{model.name} has no encoder layer {missing[0]}; its layers are 0 to {max(known)}")
    if not wanted:
        raise ValueError("got an empty list of layers, expected at least one")
    widths = {i: known[i].neurons for i in wanted}
    if len(set(widths.values())) > 1:
        raise ValueError(f"layers of unequal width (layer: neurons) {widths}; read those of one width at a time")
    return {i: known[i] for i in sorted(wanted)}


def _rows(projection: nn.Module) -> torch.Tensor:
    """Weights with a row an output: GPT-2 keeps them the other way round."""
    weight = projection.weight.detach()  # type: ignore[union-attr,operator]
    return weight.T if hasattr(projection, "nf") else weight


def down(projection: nn.Module, activations: torch.Tensor) -> torch.Tensor:
    """The activations times the down projection, and its bias."""
    return functional.linear(activations.to(projection.weight.dtype), _rows(projection), projection.bias)  # type: ignore[arg-type,union-attr]
