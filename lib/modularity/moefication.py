"""The experts of a model: its router's, or those that MoEfication finds in its weights (Section 3)."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr

from modularity import measure, neurons, partition, store
from modularity.models import Model

EXPERTS = 16  # as in the paper, but for the finer ones of its Figure 2


def experts(model: Model, number: int | None = None, *, seed: int = 0, starts: int = 1) -> xr.DataArray:
    """The expert of every neuron of the layers read by default, dims ``(layer, neuron)``.

    Those of a Switch are its own. Those of the others are balanced k-means on W_I: T5, as in the paper, and BERT, which
    the paper leaves open. Nothing of the model is changed.

    Parameters
    ----------
    number : of experts a layer, of equal size; if not given those that a Switch has, and `EXPERTS` of another model.
    seed, starts : of k-means; the partition depends on them, and is stored.

    Raises
    ------
    ValueError
        `number` does not divide the neurons, or is not that of a Switch.
    """
    parts = neurons.layers(model)
    own = max(part.experts for part in parts.values())
    if own > 1:
        if number not in (None, own):
            raise ValueError(f"{model.name} has {own} experts a layer of its own, not {number}")
        return _array({layer: partition.by_router(part.neurons, own) for layer, part in parts.items()})
    number = EXPERTS if number is None else number
    rows = {layer: part.input_weights.float().cpu().numpy() for layer, part in parts.items()}

    def compute() -> xr.DataArray:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            made = pool.map(lambda w: partition.by_weights(w, number, seed=seed, starts=starts), rows.values())
            return _array(dict(zip(rows, made, strict=True)))

    key = {"weights": rows, "number": number, "seed": seed, "starts": starts, **measure.key()}
    return store.cached(f"experts-{model.stem}", key, compute)


def at_random(like: xr.DataArray, *, seed: int = 0) -> xr.DataArray:
    """Random experts of the same number and size as those of the partition `like`."""
    rng = np.random.default_rng(seed)
    number = int(like.max()) + 1
    return _array({int(x): partition.at_random(like.sizes["neuron"], number, rng=rng) for x in like["layer"]})


def _array(by_layer: dict[int, np.ndarray]) -> xr.DataArray:
    table = np.array(list(by_layer.values()))
    table = table.astype(np.min_scalar_type(int(table.max())))
    return xr.DataArray(table, {"layer": list(by_layer)}, ("layer", "neuron"), name="expert")
