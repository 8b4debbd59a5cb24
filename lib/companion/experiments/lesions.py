"""What a model's answers lose while neurons are perturbed (Section 5, Figure 2)."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
import xarray as xr

from companion.experiments import answering
from companion.functions import tracks
from companion.functions.tracks import Track
from modularity import neurons, perturb
from modularity.models import Model

Mask = Mapping[int, Sequence[int] | np.ndarray]  # layer → neurons


def last_third(model: Model) -> list[int]:
    """The last third of the encoder's layers, rounded up: the last four of twelve, as in the paper."""
    known = sorted(neurons.feed_forward(model))
    return known[-math.ceil(len(known) / 3) :]


def accuracies(
    model: Model,
    masks: Mapping[str, Mask | Sequence[Mask]],
    tasks: Sequence[str],
    *,
    how: perturb.How = "gaussian",
    draws: int = 20,
    rows: int = 50,
    seed: int = 0,
    means: Mapping[int, np.ndarray] | None = None,
    variance: float = perturb.VARIANCE,
    track: Track = "mini",
) -> xr.DataArray:
    """Share of answers that are right under each mask, dims ``(mask, task, draw)``.

    Every draw takes its own rows of each task and its own noise, the same for every mask, so that masks are compared
    on equal terms.

    Parameters
    ----------
    masks : name → layer → neurons; or one such for each draw, in turn from the first again, where a mask is itself
        drawn.
    rows : validation rows of a task in one draw, drawn without replacement.
    how, means, variance : as `perturb.neurons` takes them.
    """
    tables = {task: tracks.task_table(task, track=track) for task in tasks}
    found = np.empty((len(masks), len(tasks), draws))
    whole = [mask for given in masks.values() for mask in ([given] if isinstance(given, Mapping) else given)]
    untouched = range(min((layer for mask in whole for layer in mask), default=0))
    for draw in range(draws):
        for j, (task, table) in enumerate(tables.items()):
            chosen = table.sample(min(rows, len(table)), random_state=np.random.default_rng([seed, draw, j]))
            with remembered(model, untouched):
                for i, given in enumerate(masks.values()):
                    mask = given if isinstance(given, Mapping) else given[draw % len(given)]
                    rng = np.random.default_rng([seed, draw, j, 1])
                    with perturb.neurons(model, mask, how=how, rng=rng, means=means, variance=variance):
                        found[i, j, draw] = np.mean(answering.predictions(model, task, chosen) == chosen["label"])
    coordinates = {"mask": list(masks), "task": list(tasks), "draw": np.arange(draws)}
    return xr.DataArray(found, coordinates, ("mask", "task", "draw"), name="accuracy")


@contextmanager
def remembered(model: Model, layers: Iterable[int], before_neurons_of: int | None = None) -> Iterator[None]:
    """Until the block is left, run the encoder `layers` once for each batch, then repeat the result.

    Of T5, Switch, and encoders of BERT's shape.

    For layers whose result cannot change between two passes over a batch: all below the first that is perturbed or
    tuned.

    Parameters
    ----------
    before_neurons_of : a layer of an encoder of BERT's shape of which only neurons are perturbed: its attention and the
        product with W_I are run once too.
    """
    memory: dict[tuple[object, bytes], object] = {}
    batch = [b""]

    def note(_module: torch.nn.Module, _inputs: object, options: Mapping[str, torch.Tensor]) -> None:
        ids = options["input_ids"].cpu().numpy()
        batch[0] = f"{ids.shape}".encode() + ids.tobytes()

    def recall(part: object, run: Callable[..., object], *inputs: object, **options: object) -> object:
        if (part, batch[0]) not in memory:
            with torch.no_grad():
                memory[part, batch[0]] = run(*inputs, **options)
        return memory[part, batch[0]]

    encoder = model.encoder  # a T5's or Switch's, or a model of BERT's kind
    stack = list(encoder.block if hasattr(encoder, "block") else encoder.encoder.layer)  # type: ignore[union-attr]
    blocks: dict[object, torch.nn.Module] = {layer: stack[layer] for layer in layers}
    if before_neurons_of is not None:
        (entered,) = neurons.feed_forward(model)[before_neurons_of].w_in
        blocks |= {"attention": stack[before_neurons_of].attention, "entered": entered}
    handle = model.encoder.register_forward_pre_hook(note, with_kwargs=True)
    try:
        for part, block in blocks.items():
            block.forward = partial(recall, part, block.forward)  # on the instance, over that of its class
        yield
    finally:
        handle.remove()
        for block in blocks.values():
            vars(block).pop("forward", None)
