"""Whether what is read is what the model computes with: done once for every model, before anything is read."""

from functools import partial

import torch

from modularity import neurons
from modularity.models import Model

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-8}  # of the largest output; half precision is held to 3e-2
TOKENS = 6


@torch.inference_mode()
def check(model: Model) -> None:
    """Read a few tokens, padded and not, and compare each layer's feed-forward output with that of its activations.

    Equation 1: the output is the activations times the down projection, and its bias; of a sparse layer that of the
    chosen experts, weighed.

    Raises
    ------
    ValueError
        A layer whose output is another, with by how much, or that is not called once a batch: an adapter that does not
        fit, a layer that is cut into chunks, or hooks that change what is computed.
    """
    parts = neurons.feed_forward(model)
    read: dict[int, list[torch.Tensor]] = {layer: [] for layer in parts}
    ran: dict[int, list[tuple[tuple[torch.Tensor, ...], torch.Tensor]]] = {layer: [] for layer in parts}

    def keep(layer: int, _module: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        ran[layer].append((inputs, output))

    handles = [part.read(read[layer].append) for layer, part in parts.items()]
    handles += [part.whole.register_forward_hook(partial(keep, layer)) for layer, part in parts.items()]
    ids = torch.arange(2 * TOKENS, device=model.device).reshape(2, -1) % model.vocabulary
    mask = torch.ones_like(ids)
    mask[1, TOKENS // 2 :] = 0
    try:
        model.encoder(input_ids=ids, attention_mask=mask)
    finally:
        for handle in handles:
            handle.remove()
    for layer, part in parts.items():
        if len(read[layer]) != 1 or len(ran[layer]) != 1:
            raise ValueError(
                f"the feed-forward part of layer {layer} of {model.name} is read {len(read[layer])} times and runs "
                f"{len(ran[layer])} times in one batch, expected once; set chunk_size_feed_forward to 0, give each "
                "layer modules of its own, or mend the adapter of its family"
            )
        ((inputs, output),) = ran[layer]
        made = part.output(read[layer][0], inputs)
        if made.shape != output.shape:
            raise _unequal(model, layer, f"has shape {tuple(output.shape)}, expected {tuple(made.shape)}")
        there = output.isfinite() & made.isfinite()  # what overflows is found when it is scored
        off = (
            float((output - made)[there].abs().max() / output[there].abs().max().clamp(min=1e-12)) if there.any() else 0
        )
        if not off <= TOLERANCE.get(output.dtype, 3e-2):
            raise _unequal(model, layer, f"differs from that of its activations by {off:.2g} of the largest value")


def _unequal(model: Model, layer: int, how: str) -> ValueError:
    return ValueError(
        f"the feed-forward output of layer {layer} of {model.name} {how}; neurons would be read wrongly: mend the "
        "adapter of its family, or take off the hooks that change the layer"
    )
