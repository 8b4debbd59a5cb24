"""Predictivities of a model for many sub-functions, stored once computed."""

import re
from collections.abc import Sequence
from typing import Any

import xarray as xr
from tqdm import tqdm

from modularity import capture, neurons, predictivity, store, subfunction
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

    name = "scores-" + "-".join(re.findall(r"[\w.]+", model.label.rstrip("/").split("/")[-1]))
    return store.cached(name, key, compute)
