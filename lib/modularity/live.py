"""Where Section 6 gets its histories from: shipped ones, a run's folder, or a small model trained on the spot."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import xarray as xr

from modularity import effects, environment, functions, history, measure, models, pretrain, record, start, store, sweep
from modularity.recipe import RECIPES

SHIPPED, FRESH = "shipped", "fresh"
# A companion model small enough to be trained while one waits: two layers, text only, a ninth of the steps.
SMALL = {"steps": 800, "warmup": 80, "decay": 0.5, "facts": 0, "tasks": 0, "layers": 2}
WIDTHS = {"t5-mini": {"d_ff": 512}, "switch-mini": {"d_ff": 64, "capacity": 16}}
PER_CLASS, LIMIT = 50, 8  # sentences of a class, sub-functions of a function, for a fresh history


def histories(name: str = "t5-mini", source: str = SHIPPED, *, seeds: int = 3, seed: int = 0) -> list[xr.Dataset]:
    """Histories of a model's runs, each as `history.load` returns it.

    Parameters
    ----------
    name : of a companion model.
    source : ``shipped``; ``fresh``, a small model of this kind that is trained here first (once: it is stored, and goes
        on where it was stopped); or the folder of a run with checkpoints.
    seeds : at most so many shipped runs.
    seed : of the fresh run.

    Raises
    ------
    ValueError
        A source that is none of these, a model without such histories, and what `record.compute` raises.
    """
    if source == FRESH:
        return [record.compute(train(name, seed), functions.load_all(per_class=PER_CLASS, limit=LIMIT))]
    if source == SHIPPED:
        return [history.load(name, seed=i) for i in (models.seeds(name) or [0])[:seeds]]
    folder = environment.expanded(source)
    if not folder.is_dir():
        raise ValueError(f"history is {source!r}, expected {SHIPPED!r}, {FRESH!r} or the folder of a run")
    return [record.compute(folder, record.followed())]


def train(name: str, seed: int = 0) -> Path:
    """The folder of the fresh run of this seed, trained if it is not there; temporary if it cannot be stored."""
    if name not in WIDTHS:
        raise ValueError(f"{name!r} has no small version to be trained on the spot; known: {', '.join(WIDTHS)}")
    recipe = replace(RECIPES[name], seed=seed, **SMALL | WIDTHS[name])  # type: ignore[arg-type]
    root = store.folder() if store.usable() else Path(tempfile.mkdtemp())
    folder = root / f"fresh-{name}-{store.digest([str(recipe), measure.key()])[:8]}" / f"seed-{seed}"
    if not (folder / "final").is_dir():
        pretrain.pretrain(recipe, folder)
    return folder


def check(
    runs: Sequence[xr.Dataset], name: str, *, tolerance: float = 0.005, rng: np.random.Generator | None = None
) -> pd.DataFrame:
    """Score a slice of shipped histories again: a run, its first or last checkpoint and a sub-function of each
    function, chosen at random. (Only these checkpoints are shipped, or made from the seed.)

    Parameters
    ----------
    tolerance : greatest difference of an expert's predictivity or of the best neuron's that is let pass. Other
        processors round otherwise.
    rng : of the choice; another one each time if not given.

    Returns
    -------
    One row: ``run, step, sub-functions, predictivities`` (their number) ``, greatest difference``.

    Raises
    ------
    ValueError
        The slice is not what is shipped.
    """
    rng = rng or np.random.default_rng()
    run = int(rng.integers(len(runs)))
    shipped = runs[run].isel(step=int(rng.choice([0, -1])))
    step = int(shipped["step"])
    names = [str(rng.choice(part["subfunction"])) for _, part in shipped.groupby("function")]
    model = models.load(name, seed=run, untrained=step == 0)
    if step == 0:  # as the run started, whose checkpoints are kept in bfloat16
        start.prepare_attention(model.module)
        model.module.to(torch.bfloat16).to(torch.float32)
    chosen = [s for s in record.followed() if s.name in names]
    scores = sweep.scores(model, chosen)
    groups = shipped["partition_of"].sel(partition="model", drop=True)
    now = [effects.expert_predictivity(scores, groups), scores.max("neuron")]
    then = [shipped["experts"].sel(partition="model"), shipped["best"]]
    off = [np.abs(a - b.sel(subfunction=a["subfunction"])) for a, b in zip(now, then, strict=True)]
    worst = max(float(table.max()) for table in off)
    if not worst <= tolerance:
        raise ValueError(
            f"the shipped history of {name}, run {run}, is {worst:.3f} off at step {step} for {', '.join(names)}, more "
            f"than {tolerance}; record it again with `make pretrain`"
        )
    row = (run, step, ", ".join(names), sum(table.size for table in off), worst)
    return pd.DataFrame([row], columns=["run", "step", "sub-functions", "predictivities", "greatest difference"])
