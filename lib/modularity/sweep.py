"""Predictivities of models for many sub-functions, stored once computed; of a run's checkpoints also by a cluster."""

import os
import platform
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from tqdm import tqdm

from modularity import capture, cluster, environment, identity, measure, models, neurons, predictivity, split, store
from modularity.models import Model
from modularity.subfunction import SubFunction

CHUNK = 24  # sub-functions of a piece: a quarter of a minute of one core for a mini model
_ALONE = threading.Lock()


def scores(
    model: Model,
    subfunctions: Sequence[SubFunction],
    *,
    score: predictivity.Score = "labels",
    pooling: capture.Pooling = "max",
    activation: neurons.Activation = "post",
    routed_only: bool = False,
    layers: Sequence[int] | None = None,
    halves: int | None = None,
) -> xr.DataArray:
    """Predictivity of every encoder neuron of `model`, dims ``(subfunction, layer, neuron)``.

    Read from the store where the same model, sentences and options have been seen before, by this version of the
    measure and of the libraries. What a model without a fingerprint gives, as one that is perturbed, is not stored.

    Parameters
    ----------
    layers : as `capture.pooled_activations` takes them; those it reads by default if not given.
    halves : seed of a split; with it the result has the dim ``half`` in front, as `split.scores` says.
    """
    options: dict[str, Any] = {"score": score, "pooling": pooling, "activation": activation}
    options |= {"routed_only": routed_only, "layers": layers, "halves": halves}
    bar = tqdm(subfunctions, desc=model.label, unit="sub-function")
    fingerprint = model.fingerprint
    key = None if fingerprint is None else _key(fingerprint, subfunctions, options)
    return store.cached(f"scores-{model.stem}", key, lambda: _compute(model, bar, options))


def checkpoints(
    run: str | Path,
    subfunctions: Sequence[SubFunction],
    *,
    steps: Iterable[int] | None = None,
    scheduler: str | None = None,
    chunk: int = CHUNK,
    **options: Any,
) -> Iterator[tuple[int, xr.DataArray]]:
    """`scores` at the checkpoints of a run, in the order of their steps, as pairs ``(step, scores)``.

    Made of pieces, one checkpoint and up to `chunk` sub-functions each, which are stored once computed: whatever was
    stopped goes on where it was. One scores table is in memory at a time.

    Parameters
    ----------
    run : folder of the run; workers on other machines find it at the same path.
    steps : some of its checkpoints; all of them if not given.
    scheduler : address of a Dask scheduler, as ``tcp://host:8786``, whose workers then compute the pieces; this
        process if not given. Trust it like a shell on your account: whoever reaches it can run any code on workers
        and client, which exchange pickles. (What is stored is none.)
    chunk : sub-functions of a piece; what was stopped goes on with the same.
    options : those of `scores`.

    Notes
    -----
    A piece is computed by one thread, on which sums depend, or on the GPU where there is one: on machines of one kind
    the numbers are the same bit for bit, with or without a scheduler. A worker computes one piece at a time
    (``--nthreads 1``; more threads wait for one another), keeps what it made in its own store (``MODULARITY_CACHE``)
    and sends it to this process, which puts it into this one's. Pieces of a worker that dies are computed by others.

    Raises
    ------
    ValueError
        No sub-functions, a chunk of none, or what `scores` raises; hooks on all modules, or autocast, under which no
        model has a fingerprint; of a worker, another version of the measure or of a library, or another model.
    TypeError
        An option that `scores` has not.
    FileNotFoundError
        The run has no checkpoints, or not the one asked for.
    ConnectionError
        No scheduler answers, or it went away.
    ModuleNotFoundError
        A scheduler is given and distributed is not installed.
    """
    if not subfunctions or chunk < 1:
        raise ValueError(f"got {len(subfunctions)} sub-functions in chunks of {chunk}, expected at least one of each")
    defaults = scores.__kwdefaults__ or {}
    if unknown := sorted(options.keys() - defaults.keys()):
        raise TypeError(f"scores has no option {unknown[0]!r}; its options are {', '.join(defaults)}")
    run = environment.expanded(run).absolute()
    if not (known := models.steps(run)):
        raise FileNotFoundError(f"{run} has no checkpoints; `make pretrain` writes them")
    wanted = known if steps is None else sorted({int(step) for step in steps})
    for step in set(wanted) - set(known):
        models.load(str(run), step=step)  # stops, and says which there are

    def pieces(step: int) -> list[Piece]:
        model = models.load(str(run), step=step)
        parts = [tuple(subfunctions[i : i + chunk]) for i in range(0, len(subfunctions), chunk)]
        fingerprint = identity.fingerprint(model.module, model.tokenizer)
        what = (str(run), step, fingerprint, f"scores-{model.stem}")
        return [Piece(*what, part, defaults | options, measure.key()) for part in parts]

    def walk() -> Iterator[tuple[int, xr.DataArray]]:
        total = len(wanted) * -(-len(subfunctions) // chunk)
        with tqdm(total=total, desc=f"checkpoints of {run.parent.name}/{run.name}", unit="piece") as bar:
            local = ((step, map(make, pieces(step))) for step in wanted)
            for step, parts in local if scheduler is None else cluster.by_workers(scheduler, wanted, pieces, make, bar):
                made: list[xr.DataArray] = []
                for part in parts:
                    made.append(part)
                    bar.update(scheduler is None)  # those of workers are counted when they arrive
                yield step, xr.concat(made, "subfunction", join="exact", combine_attrs="drop")

    return walk()


@dataclass(frozen=True)
class Piece:
    """What is computed, sent and stored as one: some sub-functions at one checkpoint."""

    run: str
    step: int
    model: str  # its fingerprint
    name: str  # what its file is called
    subfunctions: tuple[SubFunction, ...] = field(repr=False)
    options: Mapping[str, Any]
    measure: Mapping[str, object]  # `measure.key()` of who asks for it

    def key(self) -> dict[str, object]:
        # Of its own: `scores` takes as many threads as there are.
        return _key(self.model, self.subfunctions, self.options) | {"threads": 1}


def make(piece: Piece) -> xr.DataArray:
    """A piece, from the store of this machine where it is, or computed and stored.

    Raises
    ------
    ValueError
        The measure, a library or the model here is another than where the piece was asked for.
    FileNotFoundError
        The checkpoint is not on this machine.
    """
    here = measure.key()
    if other := [f"{k} {here.get(k)} instead of {v}" for k, v in piece.measure.items() if here.get(k) != v]:
        raise ValueError(
            f"the worker {_here()} runs other versions than the client: {', '.join(other)}; "
            "install the same for both and start the worker anew"
        )

    def compute() -> xr.DataArray:
        model = _load(piece.run, piece.step, piece.model)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return _compute(model, piece.subfunctions, piece.options)
        finally:
            torch.set_num_threads(threads)

    with _ALONE:  # one model, whose hooks two pieces at once would share
        return store.cached(piece.name, piece.key(), compute).drop_attrs()


def _key(fingerprint: str, subfunctions: Sequence[SubFunction], options: Mapping[str, Any]) -> dict[str, object]:
    """Everything that scores depend on."""
    what = [[s.name, s.function, list(s.sentences), s.labels] for s in subfunctions]
    given = {k: v for k, v in options.items() if k not in ("layers", "halves")}
    if options["layers"] is not None:
        given["layers"] = [int(layer) for layer in options["layers"]]
    if options["halves"] is not None:
        given["halves"] = options["halves"]
    return {"model": fingerprint, "subfunctions": what, **measure.key(), **given}


def _compute(model: Model, subfunctions: Iterable[SubFunction], options: Mapping[str, Any]) -> xr.DataArray:
    """On a GPU where there is one; the model is back where it was when its scores are there."""
    reading = {k: v for k, v in options.items() if k not in ("score", "halves")}
    home = model.device
    model.module.to("cuda" if torch.cuda.is_available() else home)
    try:
        activations = capture.stream(model, subfunctions, **reading)
        if options["halves"] is not None:
            return split.scores(activations, score=options["score"], seed=options["halves"])
        return predictivity.scores(activations, score=options["score"])
    finally:
        model.module.to(home)


@lru_cache(maxsize=1)
def _load(run: str, step: int, fingerprint: str) -> Model:
    """The model of one piece after another of a checkpoint."""
    if step not in models.steps(Path(run)):
        raise FileNotFoundError(
            f"the worker {_here()} sees no checkpoint of step {step} in {run}; "
            "share the run's folder, or copy it to the same path there"
        )
    model = models.load(run, step=step)
    if model.fingerprint != fingerprint:
        raise ValueError(
            f"the worker {_here()} sees another model at step {step} of {run} than the client: other weights, "
            "configuration or tokenizer; copy the run there anew"
        )
    return model


def _here() -> str:
    return f"{platform.node()}:{os.getpid()}"
