"""Change what Switch's routers do while a block runs, and nothing else (Section 5)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Literal, get_args

import numpy as np
import torch

from modularity import neurons as feed_forwards
from modularity.models import Model

Gates = Literal["original", "renormalised"]


@contextmanager
def routing(
    model: Model, allowed: Mapping[int, Sequence[int]], *, gates: Gates = "original", capacity: bool = True
) -> Iterator[None]:
    """Let the routers of some encoder layers choose among the experts `allowed` (layer → experts) only.

    Parameters
    ----------
    gates : what a chosen expert's output is multiplied with: ``original``, its probability among all experts (the
        authors' code), or ``renormalised``, among the allowed ones (the text: the others' probability is 0).
    capacity : whether an expert still has room for so many tokens of a sentence only; the authors' code drops that.

    Raises
    ------
    ValueError
        Unknown `gates`; a layer without experts; no expert, or one that the layer has not.
    """
    if gates not in get_args(Gates):
        raise ValueError(f"unknown gates {gates!r}; known: {', '.join(get_args(Gates))}")
    parts = feed_forwards.feed_forward(model)
    with ExitStack() as stack:
        for layer, chosen in allowed.items():
            if layer not in parts or parts[layer].sparse is None:
                raise ValueError(f"layer {layer} of {model.name} has no experts to choose from")
            part = parts[layer]
            mask = torch.zeros(part.experts, dtype=torch.bool, device=model.device)
            index = np.asarray(chosen, dtype=np.int64).reshape(-1)
            if not len(index):
                raise ValueError(f"no expert of layer {layer} is allowed; name at least one")
            if index.min() < 0 or index.max() >= part.experts:
                raise ValueError(
                    f"layer {layer} has experts 0 to {part.experts - 1}; got {sorted(set(index.tolist()))}"
                )
            mask[torch.from_numpy(index)] = True
            router = part.sparse.router  # type: ignore[union-attr]
            handle = router.register_forward_hook(_route(mask, gates, capacity))  # type: ignore[union-attr]
            stack.callback(handle.remove)
        yield


def _route(mask: torch.Tensor, gates: Gates, capacity: bool):
    """What the router returns: the expert of each token as a one-hot row, its gate, and the logits as they were."""

    def hook(router: torch.nn.Module, _inputs: object, output: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        _, gate, logits = output
        among = logits.masked_fill(~mask, -torch.inf)
        index = torch.nn.functional.one_hot(among.argmax(-1), len(mask))
        if capacity:
            index = index * (torch.cumsum(index, dim=-2) <= int(router.expert_capacity))  # type: ignore[arg-type]
        probabilities = (logits if gates == "original" else among).softmax(-1)
        chosen = probabilities.gather(-1, among.argmax(-1, keepdim=True))
        return index, chosen.to(gate.dtype), logits

    return hook
