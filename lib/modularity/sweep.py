"""Predictivities of a model for many sub-functions, stored once computed."""

from collections.abc import Sequence

import xarray as xr
from tqdm import tqdm

from modularity import capture, predictivity, store, subfunction
from modularity.models import Model
from modularity.subfunction import SubFunction


def scores(
    model: Model,
    subfunctions: Sequence[SubFunction],
    *,
    score: predictivity.Score = "labels",
    pooling: capture.Pooling = "max",
) -> xr.DataArray:
    """Predictivity of every encoder neuron of `model`, dims ``(subfunction, layer, neuron)``.

    Read from the store where the same weights, sentences, options and code have been seen before.
    """
    key = {
        "model": model.fingerprint,
        "subfunctions": [[s.name, s.function, list(s.sentences), s.labels] for s in subfunctions],
        "score": score,
        "pooling": pooling,
        "code": [capture, predictivity, subfunction],
    }
    label = f"{model.name}, untrained {model.seed}" if model.untrained else model.name

    def compute() -> xr.DataArray:
        bar = tqdm(subfunctions, desc=label, unit="sub-function")
        return predictivity.scores(capture.stream(model, bar, pooling=pooling), score=score)

    name = f"scores-{model.name.rstrip('/').split('/')[-1]}{f'-untrained{model.seed}' if model.untrained else ''}"
    return store.cached(name, key, compute)
