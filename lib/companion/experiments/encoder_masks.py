"""Which neurons of an encoder are perturbed: experts of each function, and what is as many, as heavy or at random."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float

from companion.experiments import experiment, judged, orders, stored_scores
from companion.experiments.experiment import UnavailableError
from companion.experiments.lesion_orders import Order
from companion.experiments.lesions import Mask
from companion.experiments.read_outs import BATCH_TOKENS
from companion.experiments.shipped_readings import SHIPPED, Readings, asked
from companion.functions import tracks
from companion.functions.tracks import FUNCTIONS
from companion.models import catalogue
from modularity import capture, moefication, neurons
from modularity.models import Model
from modularity.subfunction import SubFunction

SAMPLE = 10  # sentences of each class of a sub-function
BY_EXPERTS = [Order("experts", f) for f in FUNCTIONS]
BY_NEURONS = [Order("neurons", f) for f in FUNCTIONS]
# As the paper draws them, at every number of experts.
CURVES = [Order(), *BY_EXPERTS, *BY_NEURONS]
# What they are compared with, at some numbers.
FAIR = [
    *(Order("neurons", f, "equal mass") for f in FUNCTIONS),
    *(Order("neurons", f, "equal output") for f in FUNCTIONS),
    *(Order("experts", f, "permuted") for f in FUNCTIONS),
    *(Order("experts", f, "least") for f in FUNCTIONS),
]
ORDERS = {str(order): order for order in (*CURVES, *FAIR)}


class Described(NamedTuple):
    """What perturbations need to know of the neurons of some layers, from unperturbed activations of a sample."""

    mean: Float[np.ndarray, "layer neuron"]
    deviation: Float[np.ndarray, "layer neuron"]  # over tokens; sentences weigh by their length
    mass: Float[np.ndarray, "layer neuron"]  # mean absolute activation
    output: Float[np.ndarray, "layer neuron"]  # the mass times the length of the neuron's column of W_O
    written: Float[np.ndarray, "layer neuron"]  # share of the variance that a layer's neurons write, one by one


def sample() -> list[str]:
    """Sentences of all three functions, by which activations are described."""
    some = [tracks.first(s, SAMPLE) for f in FUNCTIONS for s in tracks.load(f)[:8]]
    return [text for s in some for text in s.sentences]


@torch.inference_mode()
def describe(model: Model, layers: Sequence[int], sentences: Sequence[str]) -> Described:
    """Of every token of these sentences."""
    ids = capture.tokenize(model, sentences)
    lengths = [len(i) for i in ids]
    parts = neurons.layers(model, list(layers))
    sums = torch.zeros(3, len(parts), next(iter(parts.values())).neurons, dtype=torch.float64)
    real = torch.empty(0)

    def add(row: int, activations: torch.Tensor) -> None:
        tokens = activations[real].double().cpu()
        sums[:, row] += torch.stack([tokens.sum(0), tokens.square().sum(0), tokens.abs().sum(0)])

    with ExitStack() as stack:
        for row, part in enumerate(parts.values()):
            stack.callback(part.read(partial(add, row)).remove)
        for chosen in capture.batches(lengths, BATCH_TOKENS):
            of = torch.tensor([lengths[i] for i in chosen], device=model.device)
            real = torch.arange(int(of.max()), device=model.device) < of[:, None]
            capture.encoded(model, ids, chosen)
    mean, square, mass = (sums / sum(lengths)).numpy()
    norms = np.array([part.w_out[0].weight.float().norm(dim=0).cpu().numpy() for part in parts.values()])
    variance = np.maximum(square - mean**2, 0)
    written = variance * norms**2
    return Described(mean, np.sqrt(variance), mass, mass * norms, written / written.sum(1, keepdims=True))


def totals(name: str, layers: Sequence[int], *, unseen: bool = False) -> xr.DataArray:
    """Mean predictivity of every neuron over the sub-functions of a function, from the shipped reading of the model.

    Parameters
    ----------
    unseen : only over those that are not judged (`judged.judged`); these are read, to be taken out.

    Returns
    -------
    dims ``(subfunction, layer, neuron)``, of which ``subfunction`` has the functions.

    Raises
    ------
    UnavailableError
        Its reading is not shipped.
    """
    return (_unseen(name) if unseen else _totals(name)).sel(layer=list(layers))


@cache
def _totals(name: str) -> xr.DataArray:
    reading = Readings(name)
    if not experiment.is_shipped(reading):
        raise UnavailableError(
            f"no reading of {name} is shipped, which ranks the neurons that are perturbed; there is one of "
            f"{', '.join(sorted(SHIPPED))}"
        )
    shipped = experiment.load(reading)["total"]
    return shipped.sel(of=list(FUNCTIONS)).rename(of="subfunction")


@cache
def _unseen(name: str) -> xr.DataArray:
    return without(_totals(name), catalogue.load(name), asked(), {one.name for one in judged.judged()})


def without(
    means: xr.DataArray, model: Model, subfunctions: Mapping[str, Sequence[SubFunction]], names: Collection[str]
) -> xr.DataArray:
    """`means` over those sub-functions of each function that are none of `names`; the latter are read.

    Parameters
    ----------
    means : as `totals` returns them, over all of `subfunctions`.
    subfunctions : function → its sub-functions.
    """
    scores = stored_scores.of_model(model, [s for f in FUNCTIONS for s in subfunctions[f] if s.name in names])
    made: list[xr.DataArray] = []
    for function in FUNCTIONS:
        mine = scores.isel(subfunction=np.flatnonzero(scores["function"] == function))
        number, out = len(subfunctions[function]), mine.sizes["subfunction"]
        whole = means.sel(subfunction=function) * number
        made.append((whole - mine.sum("subfunction")) / (number - out))
    return xr.concat(made, "subfunction")


def masks(
    order: Order,
    number: int,
    *,
    ranked: xr.DataArray,
    groups: xr.DataArray,
    described: Described | None = None,
    draws: int,
    seed: int = 0,
) -> list[Mask]:
    """Layer → neurons: one mask, or one for each draw where the order is itself drawn.

    Parameters
    ----------
    number : of experts; an order of neurons takes as many neurons as they have, and one of equal mass or output as many
        as weigh or write as much as the experts of the same function.
    ranked : as `totals` returns them.
    groups : the expert of every neuron, dims ``(layer, neuron)``, of the same layers.
    described : of the same layers; orders of equal mass or output need it.
    """
    layers, width = ranked["layer"].to_numpy().tolist(), ranked.sizes["neuron"]
    size = number * width // (int(groups.max()) + 1)
    rng = np.random.default_rng(seed)
    if not order.by:
        return [orders.first(orders.at_random(len(layers), width, rng=rng), layers, size) for _ in range(draws)]
    if order.unit == "experts":
        dealt = [moefication.at_random(groups, seed=int(rng.integers(2**31))) for _ in range(draws)]
        partitions = dealt if order.variant == "permuted" else [groups]
        rankings = [orders.by_expert(ranked, [order.by], g, ascending=order.variant == "least") for g in partitions]
        return [orders.first(ranking, layers, size) for ranking in rankings]
    ranking = orders.by_predictivity(ranked, [order.by])
    if not order.variant:
        return [orders.first(ranking, layers, size)]
    like = orders.first(orders.by_expert(ranked, [order.by], groups), layers, size)
    assert described is not None
    weight = described.mass if order.variant == "equal mass" else described.output
    return [orders.of_equal_mass(ranking, layers, like, weight)]
