"""Make what takes hours and is shipped: ``python -m modularity.results`` perturbs runs of both companion models.

It may be stopped at any moment and goes on where it was: each piece (a run, a setting, a task) is stored once computed.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
import torch
import xarray as xr
from tqdm import tqdm

from modularity import fewshot_grid, functions, lesion_grid, measure, models, moefication, sources, store, stored_file
from modularity.functions import Track

Kind = Literal["t5", "switch"]
Recompute = Literal["slice", "full", "none"]
Piece = tuple[int, str, str]  # seed of the run, setting, task


@dataclass(frozen=True)
class Grid:
    """What one of the grids is made of, for a model and a track."""

    kind: Kind
    model: str = ""
    track: Track = "mini"

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown grid {self.kind!r}; known: {', '.join(get_args(Kind))}")
        object.__setattr__(self, "model", self.model or f"{self.kind}-mini")

    @property
    def file(self) -> str:
        return f"results/perturbing_{self.kind}.zarr.zip"

    @property
    def plan(self) -> lesion_grid.Plan | fewshot_grid.Plan:
        return lesion_grid.PLANS[self.track] if self.kind == "t5" else fewshot_grid.PLANS[self.track]

    def pieces(self) -> list[Piece]:
        """In the order in which they are made: what the sections lean on most first."""
        seeds = models.seeds(self.model) if self.model in models.MINI else [0]
        if self.kind == "t5":
            tasks = lesion_grid.PLANS[self.track].tasks
            settings = {name: (s.runs, tasks) for name, s in lesion_grid.SETTINGS.items()}
        else:
            settings = {name: (s.runs, s.tasks) for name, s in fewshot_grid.SETTINGS[self.track].items()}
        return [(run, name, task) for name, (n, tasks) in settings.items() for run in seeds[:n] for task in tasks]

    def piece(self, which: Piece, only: Sequence | None = None, groups: xr.DataArray | None = None) -> xr.DataArray:
        """One piece, or the part `only` of it: on a GPU if there is one, else by one thread, on which sums depend."""
        seed, setting, task = which
        model = models.load(self.model, seed=seed if self.model in models.MINI else None)
        if torch.cuda.is_available():
            model.module.to("cuda")
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            if groups is None:
                groups = self.experts(seed)
            compute = lesion_grid.piece if self.kind == "t5" else fewshot_grid.piece
            return compute(model, setting, task, self.plan, groups, track=self.track, only=only)  # type: ignore[arg-type]
        finally:
            torch.set_num_threads(threads)

    def experts(self, seed: int) -> xr.DataArray:
        """The fine experts of a T5's neurons; a Switch has its own."""
        model = models.load(self.model, seed=seed if self.model in models.MINI else None)
        plan = self.plan
        number = plan.fine if isinstance(plan, lesion_grid.Plan) else moefication.EXPERTS
        return moefication.experts(model, number)

    def stored(self, which: Piece) -> xr.DataArray:
        """The same from the store where it has been computed before."""
        seed, setting, task = which
        model = models.load(self.model, seed=seed if self.model in models.MINI else None)
        fingerprint = model.fingerprint
        tables = (functions.task_table(task, part, self.track) for part in get_args(functions.Part))
        ranked = functions.load("task", self.track, part="train")
        key = {
            "model": fingerprint,
            "piece": list(which),
            "track": self.track,
            "plan": list(self.plan),
            "rows": [[str(value) for value in table.to_numpy().ravel()] for table in tables],
            "ranked": [[s.name, list(s.sentences), s.labels] for s in ranked],
            "experts": self.experts(seed).to_numpy(),
            **measure.key(),
        }
        name = f"perturbing-{model.stem}-{setting.replace(' ', '-')}-{task}"
        return store.cached(name, None if fingerprint is None else key, lambda: self.piece(which))


def compute(grid: Grid, *, workers: int | None = None) -> xr.DataArray:
    """All pieces of a grid, dims ``(seed, setting, task, …)``; not a number where it has none.

    Parameters
    ----------
    workers : processes; if not given one a core, or none but this one where there is a GPU. 1 is this one.
    """
    pieces = grid.pieces()
    workers = workers or (1 if torch.cuda.is_available() else os.cpu_count() or 1)
    bar = partial(tqdm, total=len(pieces), desc=f"perturbing {grid.model}", unit="piece")
    if workers == 1:
        made = {which: grid.stored(which) for which in bar(pieces)}
    else:
        # Not forked: a copy of a process that has used threads or a GPU has neither.
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            waiting = {pool.submit(grid.stored, which): which for which in pieces}
            made = {waiting[done]: done.result() for done in bar(as_completed(waiting))}
    first = made[pieces[0]]
    known = [list(dict.fromkeys(part)) for part in zip(*pieces, strict=True)]
    coordinates = dict(zip(("seed", "setting", "task"), known, strict=True)) | {
        d: first[d].to_numpy() for d in first.dims
    }
    shape = (*map(len, known), *first.shape)
    result = xr.DataArray(np.full(shape, np.nan, np.float32), coordinates, tuple(coordinates), name="accuracy")
    for (seed, setting, task), values in made.items():
        result.loc[{"seed": seed, "setting": setting, "task": task}] = values.to_numpy()
    return result


def write(grid: Grid, result: xr.DataArray, path: Path) -> None:
    """Store a grid with the experts it was made with and its provenance."""
    seeds = result["seed"].to_numpy().tolist()
    parts = [grid.experts(seed) for seed in seeds]
    experts = xr.concat(parts, xr.IndexVariable("seed", seeds)).rename(neuron="of_neuron", layer="of_layer")
    files = sources.registry()  # their digests stay the same under another version of the libraries
    provenance = {
        "models": [files[f"models/{grid.model}/seed-{seed}/{models.WEIGHTS}"].sha256 for seed in seeds],
        "plan": str(grid.plan),
        **measure.key(),
    }
    stored_file.write(path, xr.Dataset({"accuracy": result, "experts": experts}), provenance)


def load(kind: Kind) -> xr.Dataset:
    """A shipped grid: ``accuracy``, dims ``(seed, setting, task, …)``, and the ``experts`` it was made with."""
    file = Grid(kind).file
    return stored_file.read_dataset(sources.path(file), sha256=sources.registry()[file].sha256)


def experts_of(shipped: xr.Dataset, seed: int) -> xr.DataArray:
    """The experts that a run of a shipped grid was perturbed by, dims ``(layer, neuron)``."""
    return shipped["experts"].sel(seed=seed, drop=True).rename(of_neuron="neuron", of_layer="layer")


def check(grid: Grid, shipped: xr.Dataset, *, tolerance: float, rng: np.random.Generator | None = None) -> pd.DataFrame:
    """Compute a slice of a shipped grid again, chosen at random: a run, a setting, a task, a proportion or a draw.

    Parameters
    ----------
    tolerance : mean absolute difference of the accuracies that is let pass: other processors round otherwise, and an
        answer on the edge then falls to the other side.
    rng : of the choice; another one each time if not given.

    Returns
    -------
    One row: ``run, setting, task, chosen, accuracies`` (their number) ``, mean difference``.

    Raises
    ------
    ValueError
        The slice is not what is shipped, or something of it is not shipped.
    """
    rng = rng or np.random.default_rng()
    pieces = grid.pieces()
    seed, setting, task = pieces[rng.integers(len(pieces))]
    expected = shipped["accuracy"].sel(seed=seed, setting=setting, task=task)
    if isinstance(grid.plan, lesion_grid.Plan):
        pairs = lesion_grid.wanted(grid.plan, setting)
        chosen = f"{(number := pairs[rng.integers(len(pairs))][1])} experts"
        only = [(o, n) for o, n in pairs if n == number]
    else:
        chosen = f"draw {(draw := int(rng.integers(grid.plan.draws)))}"
        only = [(s, draw) for s in fewshot_grid.STRATEGIES]
    found = grid.piece((seed, setting, task), only, experts_of(shipped, seed))
    off = np.abs(found.to_numpy() - expected.to_numpy())[found.notnull().to_numpy()]
    difference = float(off.mean())  # not a number if something is not shipped, and then not within the tolerance
    where = f"{grid.model}, run {seed}, setting {setting!r}, {task}, {chosen}"
    if not difference <= tolerance:
        raise ValueError(
            f"the shipped accuracies of {where} are {difference:.3f} off on average from those computed now, more than "
            f"{tolerance}; make them again with `make results`"
        )
    row = (seed, setting, task, chosen, off.size, difference)
    return pd.DataFrame([row], columns=["run", "setting", "task", "chosen", "accuracies", "mean difference"])


def obtain(
    grid: Grid, recompute: Recompute = "slice", *, tolerance: float = 0.02, workers: int = 0, seed: int = -1
) -> tuple[xr.DataArray, pd.DataFrame]:
    """The accuracies of a grid, and what of them was computed again now, as `check` says it.

    Parameters
    ----------
    recompute : ``slice`` reads what is shipped and checks it, ``full`` computes everything, ``none`` reads only.
    workers : processes of ``full``, 0 for as many as `compute` takes.
    seed : of the choice of the slice; negative for another one each time.

    Raises
    ------
    ValueError
        An unknown `recompute`; a model or track of which nothing is shipped, without ``full``; what `check` raises.
    """
    if recompute not in get_args(Recompute):
        raise ValueError(f"unknown recompute {recompute!r}; known: {', '.join(get_args(Recompute))}")
    if recompute == "full":
        return compute(grid, workers=workers or None), pd.DataFrame()
    if grid != Grid(grid.kind):
        raise ValueError(f"nothing is shipped for {grid.model} on track {grid.track!r}; give recompute='full'")
    shipped = load(grid.kind)
    if recompute == "none":
        return shipped["accuracy"], pd.DataFrame()
    rng = np.random.default_rng(None if seed < 0 else seed)
    return shipped["accuracy"], check(grid, shipped, tolerance=tolerance, rng=rng)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m modularity.results", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("kind", nargs="*", choices=get_args(Kind), default=list(get_args(Kind)))
    parser.add_argument("--workers", type=int, help="processes; one a core if not given")
    options = parser.parse_args(arguments)
    for kind in options.kind:
        grid = Grid(kind)
        path = sources.data_folder() / grid.file
        write(grid, compute(grid, workers=options.workers), path)
        print(f"{path}: {path.stat().st_size / 2**20:.2f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
