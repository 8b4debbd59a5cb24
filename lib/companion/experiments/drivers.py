"""What pooling leaves out: the token that drives a neuron, and the experts that routers send tokens to."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from modularity import capture, neurons, tokens
from modularity.models import Model

SPACE = "␣"  # a token that is nothing else


@dataclass(frozen=True)
class Drive:
    """The token of a sentence on which a neuron fires most."""

    before: str
    token: str  # as it stands in the sentence; ``</s>`` or the like for a mark, `SPACE` for a space
    after: str
    activation: float


@torch.inference_mode()
def driving_tokens(model: Model, wanted: Iterable[tuple[int, int, str]]) -> dict[tuple[int, int, str], Drive]:
    """Where in a sentence a neuron's activation is highest, for ``(layer, neuron, sentence)``; the first of equals.

    Each sentence is run once and by itself, without padding.
    """
    by_sentence: dict[str, list[tuple[int, int]]] = {}
    for layer, neuron, sentence in wanted:
        by_sentence.setdefault(sentence, []).append((layer, neuron))
    made: dict[tuple[int, int, str], Drive] = {}
    held: dict[int, torch.Tensor] = {}
    with ExitStack() as stack:
        for layer, part in neurons.layers(model).items():

            def keep(activations: torch.Tensor, layer: int = layer) -> None:
                held[layer] = activations[0]

            stack.callback(part.read(keep).remove)
        for sentence, pairs in by_sentence.items():
            capture.encoded(model, capture.tokenize(model, [sentence]), [0])
            pieces = around_tokens(model, sentence)
            for layer, neuron in pairs:
                values = held[layer][:, neuron]
                place = int(values.argmax())
                made[layer, neuron, sentence] = Drive(*pieces[place], float(values[place]))
    return made


def around_tokens(model: Model, sentence: str) -> list[tuple[str, str, str]]:
    """For every token: the sentence before it, the token, and the sentence after it."""
    text = sentence.replace(tokens.SENTINEL, model.gap)
    cut = {"truncation": True, "max_length": model.max_tokens}
    encoding = model.tokenizer(text, return_offsets_mapping=True, **cut)
    names = model.tokenizer.convert_ids_to_tokens(encoding["input_ids"])
    made = []
    for i, ((start, end), name) in enumerate(zip(encoding["offset_mapping"], names, strict=True)):
        blank = len(text[start:end]) - len(text[start:end].lstrip())  # the space before a word belongs to its token
        if start + blank < end:
            made.append((text[: start + blank], text[start + blank : end], text[end:]))
        elif blank:
            made.append((text[:start], SPACE, text[end:]))
        else:  # a mark before or behind the text
            made.append(("", name, text) if i == 0 else (text, name, ""))
    return made


@torch.inference_mode()
def routed(model: Model, sentences: Sequence[str], *, batch_tokens: int = 1024) -> dict[int, Float[np.ndarray, "e"]]:
    """Share of the tokens that the router of each layer sends to each of its experts; nothing for a model without."""
    parts = {layer: part for layer, part in neurons.layers(model).items() if part.sparse is not None}
    total = {layer: np.zeros(part.experts) for layer, part in parts.items()}
    if not parts:
        return total
    held: dict[int, torch.Tensor] = {}
    ids = capture.tokenize(model, sentences)
    with ExitStack() as stack:
        for layer, part in parts.items():

            def keep(_module: object, _inputs: object, output: tuple[torch.Tensor, ...], layer: int = layer) -> None:
                held[layer] = output[-1]  # logits; the first output leaves out what an expert has no room for

            stack.callback(part.sparse.router.register_forward_hook(keep).remove)  # type: ignore[union-attr,operator]
        for chosen in capture.batches([len(i) for i in ids], batch_tokens):
            _, mask = capture.encoded(model, ids, chosen)
            for layer, logits in held.items():
                sent = logits.argmax(-1)[mask.bool()].cpu().numpy()
                total[layer] += np.bincount(sent, minlength=len(total[layer]))
    return {layer: counts / counts.sum() for layer, counts in total.items()}
