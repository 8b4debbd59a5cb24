"""Change what neurons do while a block runs, and nothing else (Section 5)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float

from modularity import neurons as feed_forwards
from modularity.models import Model

How = Literal["gaussian", "shuffle", "zero", "mean", "resample"]
Activations = Float[torch.Tensor, "batch token neuron"]

VARIANCE = 4.0  # of the noise, Appendix A.2
FACTOR = 4.0  # of the shuffled activations, in the authors' code


@contextmanager
def neurons(
    model: Model,
    which: Mapping[int, Sequence[int] | np.ndarray],
    *,
    how: How = "gaussian",
    rng: np.random.Generator | None = None,
    means: Mapping[int, np.ndarray] | None = None,
    variance: float = VARIANCE,
    deviations: Mapping[int, np.ndarray] | None = None,
) -> Iterator[None]:
    """Perturb the activations of the encoder neurons `which` (layer → neurons) until the block is left.

    Parameters
    ----------
    how : ``gaussian``: noise of this `variance` is added (Appendix A.2: 4). ``shuffle``: the activations of the named
        neurons of a layer are shuffled over sentences, tokens and neurons, padding included, and replaced by four times
        the result (the authors' code). ``zero``: replaced by 0. ``mean``: replaced by `means`. ``resample``: replaced
        by those of another position of the batch, all named neurons of a layer together, so that they stay activations
        that occur.
    rng : of ``gaussian``, ``shuffle`` and ``resample``; seed 0 if not given.
    means : layer → mean activation of every neuron, for ``mean``.
    deviations : layer → standard deviation of every neuron, for ``gaussian``: the noise of a neuron is multiplied by
        its own, so that `variance` is in units of the neuron's variance.

    Raises
    ------
    ValueError
        An unknown `how`, a layer or neuron that the model has not, a layer with experts, ``mean`` without `means`, a
        negative variance.
    """
    if variance < 0:
        raise ValueError(f"the variance of the noise is {variance}, expected 0 or more")
    if how not in get_args(How):
        raise ValueError(f"unknown perturbation {how!r}; known: {', '.join(get_args(How))}")
    if how == "mean" and means is None:
        raise ValueError("how='mean' needs the means of the neurons, layer by layer")
    parts = feed_forwards.feed_forward(model)
    seed = int((rng or np.random.default_rng(0)).integers(2**63 - 1))
    generator = torch.Generator(device=model.device).manual_seed(seed)
    with ExitStack() as stack:
        for layer, chosen in which.items():
            part = _dense(model, parts, layer)
            index = _index(chosen, part.neurons, layer).to(model.device)
            given = deviations if how == "gaussian" else means
            fixed = None if given is None else torch.as_tensor(given[layer], device=model.device)[index]
            if len(index):
                handle = part.w_out[0].register_forward_pre_hook(_hook(index, _change(how, generator, fixed, variance)))
                stack.callback(handle.remove)
        yield


def _dense(model: Model, parts: Mapping[int, feed_forwards.FeedForward], layer: int) -> feed_forwards.FeedForward:
    if layer not in parts:
        raise ValueError(f"{model.name} has no encoder layer {layer}; its layers are 0 to {max(parts)}")
    if parts[layer].experts > 1:
        raise ValueError(f"layer {layer} of {model.name} is routed to experts; perturb its routing instead")
    return parts[layer]


def _index(chosen: Sequence[int] | np.ndarray, neurons: int, layer: int) -> torch.Tensor:
    index = np.asarray(chosen, dtype=np.int64).reshape(-1)
    if len(index) and (index.min() < 0 or index.max() >= neurons):
        raise ValueError(f"layer {layer} has neurons 0 to {neurons - 1}; got {index.min()} to {index.max()}")
    if len(np.unique(index)) < len(index):
        raise ValueError(f"a neuron of layer {layer} is named twice; name each once")
    return torch.from_numpy(index)


def _hook(index: torch.Tensor, change: Callable[[Activations], Activations]):
    def hook(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        activations = inputs[0].clone()
        activations[..., index] = change(activations[..., index]).to(activations.dtype)
        return (activations, *inputs[1:])

    return hook


def _change(
    how: How, generator: torch.Generator, fixed: torch.Tensor | None, variance: float
) -> Callable[[Activations], Activations]:
    def permuted(values: torch.Tensor) -> torch.Tensor:
        return values[torch.randperm(len(values), generator=generator, device=values.device)]

    def gaussian(values: Activations) -> Activations:
        noise = torch.randn(values.shape, generator=generator, device=values.device)
        return values + variance**0.5 * (noise if fixed is None else noise * fixed)

    def shuffle(values: Activations) -> Activations:
        return FACTOR * permuted(values.flatten()).view_as(values)

    def resample(values: Activations) -> Activations:
        return permuted(values.flatten(0, -2)).view_as(values)

    def mean(values: Activations) -> Activations:
        assert fixed is not None
        return fixed.expand_as(values)

    known = {"gaussian": gaussian, "shuffle": shuffle, "zero": torch.zeros_like, "mean": mean, "resample": resample}
    return known[how]
