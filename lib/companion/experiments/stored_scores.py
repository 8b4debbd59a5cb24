"""Predictivities of models for many sub-functions, stored once computed."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import xarray as xr
from tqdm import tqdm

from companion.experiments import halves as split
from modularity import capture, measure, neurons, predictivity, store
from modularity.models import Model
from modularity.subfunction import SubFunction


def of_model(
    model: Model,
    subfunctions: Sequence[SubFunction],
    *,
    score: predictivity.Score = "labels",
    pooling: capture.Pooling = "max",
    activation: neurons.Activation = "post",
    routed_only: bool = False,
    layers: Sequence[int] | None = None,
) -> xr.DataArray:
    """Predictivity of every encoder neuron of `model`, dims ``(subfunction, layer, neuron)``.

    Read from the store where the same model, sentences and options have been seen before, by this version of the
    measure and of the libraries. What a model without a fingerprint gives, as one that is perturbed, is not stored.

    Parameters
    ----------
    layers : as `capture.pooled_activations` takes them; those it reads by default if not given.
    """
    options: dict[str, Any] = {"score": score, "pooling": pooling, "activation": activation, "routed_only": routed_only}
    if layers is not None:
        options["layers"] = [int(layer) for layer in layers]
    bar = tqdm(subfunctions, desc=model.label, unit="sub-function")
    key = None
    if (fingerprint := model.fingerprint) is not None:
        what = [[s.name, s.function, list(s.sentences), s.labels] for s in subfunctions]
        key = {"model": fingerprint, "subfunctions": what, **measure.key(), **options}
    return store.cached(f"scores-{model.stem}", key, lambda: compute(model, bar, **options))


def compute(
    model: Model,
    subfunctions: Iterable[SubFunction],
    *,
    score: predictivity.Score = "labels",
    halves: int | None = None,
    **reading: Any,
) -> xr.DataArray:
    """What `scores` stores: on a GPU where there is one; the model is back where it was when its scores are there.

    Parameters
    ----------
    halves : seed of a split; with it the result has the dim ``half`` in front, as `halves.half_scores` says.
    reading : the options of `capture.stream`.
    """
    home = model.device
    model.module.to("cuda" if torch.cuda.is_available() else home)
    try:
        activations = capture.stream(model, subfunctions, **reading)
        if halves is not None:
            return split.half_scores(activations, score=score, seed=halves)
        return predictivity.scores(activations, score=score)
    finally:
        model.module.to(home)
