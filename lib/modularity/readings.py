"""What pages ask of a model that has read sub-functions: its best neurons and some sums, not every score.

A reading is an `xarray.Dataset`. It grows with sub-functions, not with sub-functions times neurons, so that a Switch
of 294,912 neurons takes the same path as a model of 5,000.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from tqdm import tqdm

from modularity import capture, neurons, specialists, subfunction
from modularity.models import Model
from modularity.predictivity import Score, predictivity
from modularity.subfunction import SubFunction

KEPT = 0.05  # of a layer's neurons, best first: five times what the paper calls top
ROOM = 2**28  # bytes of pooled activations that are held at a time
COUNT = np.uint32  # of neurons: a layer of Switch-base-16 has 49,152


def read(
    model: Model,
    subfunctions: Sequence[SubFunction],
    groups: xr.DataArray | None = None,
    *,
    score: Score = "labels",
    pooling: capture.Pooling = "max",
    activation: neurons.Activation = "post",
    kept: float = KEPT,
    seed: int = 0,
    room: int = ROOM,
) -> xr.Dataset:
    """Read every sub-function once and keep what Sections 4 and 5 ask for.

    At most `room` bytes of activations are in memory: of many sentences only a few layers are read at a time.

    Parameters
    ----------
    subfunctions : of any functions; each has two sentences of a class or more.
    groups : partitions of the neurons into experts, dims ``(partition, layer, neuron)``; none if not given.
    score, pooling, activation : as `predictivity.predictivity` and `capture.pooled_activations` take them.
    kept : share of a layer's neurons that are kept with their scores.
    seed : of the halves of `subfunction.first_half`.

    Returns
    -------
    With the coordinates ``function`` (subfunction) and ``layer``, and the attribute ``neurons`` (of a layer):

    - ``top`` (subfunction, layer, rank): the best neurons, best first, equals in the order of their numbers;
    - ``score`` (subfunction, layer, rank): their predictivities;
    - ``mean`` and ``variance`` (subfunction, layer): of the predictivities of all neurons of the layer;
    - ``expert_mean`` (partition, subfunction, layer, expert): mean predictivity of an expert's neurons (Section 3);
    - ``total`` (of, layer, neuron): mean predictivity of a neuron over the sub-functions of a function;
    - ``half_top`` (half, subfunction, layer, place): the top 1 % on either half of the sentences;
    - ``half_expert_mean`` (half, subfunction, layer, expert): ``expert_mean`` of the first partition, on either half;
    - ``held_out`` (half, subfunction, layer): the best neuron of a half, scored on the other half.

    Raises
    ------
    ValueError
        No sub-functions; a class of one sentence; what `predictivity` and `pooled_activations` raise.
    """
    options: dict[str, Any] = {"pooling": pooling, "activation": activation}
    parts = neurons.layers(model)
    layers, width, one_hot = list(parts), next(iter(parts.values())).neurons, _one_hot(groups)
    with placed(model):
        bar = tqdm(subfunctions, desc=model.label, unit="sub-function", disable=len(subfunctions) == 1)
        scored = ((s.name, s.function, _scores(model, s, layers, width, score, seed, room, options)) for s in bar)
        return joined(_row(one, layers, one_hot, kept) for one in scored)


def of_scores(
    scores: xr.DataArray, groups: xr.DataArray | None = None, halves: Sequence[xr.DataArray] = (), *, kept: float = KEPT
) -> xr.Dataset:
    """The reading of a table of all scores, dims ``(subfunction, layer, neuron)``.

    Parameters
    ----------
    groups, kept : as `read` takes them.
    halves : the same table from the first and from the second half of the sentences; what needs them is left out if
        they are not given.
    """
    names = (scores[coordinate].to_numpy().tolist() for coordinate in ("subfunction", "function"))
    parts = np.stack([table.to_numpy() for table in (scores, *halves)], axis=1)
    layers, one_hot = scores["layer"].to_numpy().tolist(), _one_hot(groups)
    return joined(_row(one, layers, one_hot, kept) for one in zip(*names, parts, strict=True))


def joined(parts: Iterable[xr.Dataset]) -> xr.Dataset:
    """One reading from readings of a sub-function each, whose order it has; taken one by one, of which little stays."""
    made: list[xr.Dataset] = []
    total: dict[str, np.ndarray] = {}
    for part in parts:
        function = part["of"].item()
        total[function] = total.get(function, 0) + part["total"].to_numpy()[0]
        made.append(part.drop_dims("of"))
    if not made:
        raise ValueError("got no sub-functions, expected at least one")
    of_each = [part["function"].item() for part in made]
    sums = np.stack([total[f] / of_each.count(f) for f in total])
    result = xr.concat(made, "subfunction").assign_coords(of=[*total]).assign(total=(("of", "layer", "neuron"), sums))
    return result.drop_attrs().assign_attrs(neurons=sums.shape[-1])


def _scores(
    model: Model, one: SubFunction, layers: list[int], width: int, score: Score, seed: int, room: int, options: dict
) -> Float[np.ndarray, "part layer neuron"]:
    """Predictivities on all sentences and on either half of them."""
    if min(np.bincount(one.labels, minlength=2)) < 2:
        raise ValueError(f"{one.name!r} has a class of one sentence; a half of it would have none")
    first = subfunction.first_half(one, seed=seed)
    at_once = max(1, room // (4 * width * len(one.sentences)))
    made = np.empty((1 + len(specialists.HALVES), len(layers), width))
    for start in range(0, len(layers), at_once):
        of = layers[start : start + at_once]
        for i, pooled in enumerate(capture.pooled_activations(model, one.sentences, layers=of, **options), start):
            values = pooled.to_numpy()
            for part, chosen in enumerate((slice(None), first, ~first)):
                made[part, i] = predictivity(values[chosen], one.labels[chosen], score=score)
    return made


def _row(of: tuple[str, str, np.ndarray], layers: list[int], one_hot: xr.DataArray | None, kept: float) -> xr.Dataset:
    """The reading of one sub-function: of its name, function, and scores (part, layer, neuron).

    The parts are all sentences and, if given, either half of them.
    """
    name, function, scores = of
    whole, halves = scores[0], scores[1:]
    place = np.argsort(-whole, axis=-1, kind="stable")[:, : max(1, int(whole.shape[-1] * kept))]
    made = {
        "top": (("layer", "rank"), place.astype(COUNT)),
        "score": (("layer", "rank"), np.take_along_axis(whole, place, -1)),
        "mean": ("layer", whole.mean(-1)),
        "variance": ("layer", whole.var(-1)),
    }
    coordinates: dict[str, Any] = {"layer": layers}
    if len(halves):
        few = np.argsort(-halves, axis=-1, kind="stable")[..., : max(1, int(specialists.SHARE * whole.shape[-1]))]
        judged = np.take_along_axis(halves[::-1], few[..., :1], -1)[..., 0]
        made |= {"half_top": (("half", "layer", "place"), few.astype(COUNT)), "held_out": (("half", "layer"), judged)}
        coordinates["half"] = list(specialists.HALVES)
    if one_hot is not None:
        member = one_hot.to_numpy()
        made["expert_mean"] = (("partition", "layer", "expert"), np.einsum("ln,plne->ple", whole, member))
        coordinates["partition"] = one_hot["partition"].to_numpy()
        if len(halves):
            made["half_expert_mean"] = (("half", "layer", "expert"), np.einsum("hln,lne->hle", halves, member[0]))
    row = xr.Dataset(made, coordinates).expand_dims(subfunction=[name])
    row = row.assign_coords(function=("subfunction", [function]), of=[function])
    return row.assign(total=(("of", "layer", "neuron"), whole[None]))


def _one_hot(groups: xr.DataArray | None) -> xr.DataArray | None:
    """Weights of neurons in the mean of each expert, dims ``(partition, layer, neuron, expert)``."""
    if groups is None:
        return None
    member = groups.to_numpy()[..., None] == np.arange(int(groups.max()) + 1)
    weights = member / member.sum(-2, keepdims=True)
    return xr.DataArray(weights, {"partition": groups["partition"]}, ("partition", "layer", "neuron", "expert"))


@contextmanager
def placed(model: Model) -> Iterator[None]:
    """The model on a GPU where there is one, back where it was when the block is left."""
    home = model.device
    model.module.to("cuda" if torch.cuda.is_available() else home)
    try:
        yield
    finally:
        model.module.to(home)
