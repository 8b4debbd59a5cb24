"""Predictivities of a model for many sub-functions, stored once computed."""

from collections.abc import Sequence
from typing import Any

import xarray as xr
from tqdm import tqdm

from modularity import capture, models, neurons, predictivity, store, subfunction
from modularity.models import Model
from modularity.subfunction import SubFunction


def scores(
    model: Model,
    subfunctions: Sequence[SubFunction],
    *,
    score: predictivity.Score = "labels",
    pooling: capture.Pooling = "max",
    activation: neurons.Activation = "post",
    routed_only: bool = False,
) -> xr.DataArray:
    """Predictivity of every encoder neuron of `model`, dims ``(subfunction, layer, neuron)``.

    Read from the store where the same weights, sentences, options and code have been seen before.
    """
    key = {
        "model": model.fingerprint,
        "subfunctions": [[s.name, s.function, list(s.sentences), s.labels] for s in subfunctions],
        "score": score,
        "pooling": pooling,
        "activation": activation,
        "routed_only": routed_only,
        "code": [capture, neurons, predictivity, subfunction],
    }
    reading: dict[str, Any] = {"pooling": pooling, "activation": activation, "routed_only": routed_only}

    def compute() -> xr.DataArray:
        bar = tqdm(subfunctions, desc=model.label, unit="sub-function")
        return predictivity.scores(capture.stream(model, bar, **reading), score=score)

    return store.cached(f"scores-{model.stem}", key, compute)


def runs(
    name: str, subfunctions: Sequence[SubFunction], *, seeds: int = 3, copies: int = 3, seed: int = 0, **options: Any
) -> tuple[list[xr.DataArray], list[xr.DataArray]]:
    """Predictivities of the trained runs of a model, and of untrained copies of it.

    Parameters
    ----------
    name : as `models.load` takes it.
    seeds : at most so many runs of a companion model; any other model is one run.
    copies : with fresh weights of `seed` and the following.
    options : those of `scores`.
    """
    trained = [scores(model, subfunctions, **options) for model in models.load_runs(name, seeds)]
    fresh = (models.load(name, untrained=True, seed=seed + i) for i in range(copies))
    return trained, [scores(model, subfunctions, **options) for model in fresh]
