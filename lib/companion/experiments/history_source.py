"""Where Section 6 gets its histories from: shipped ones, a run's folder, or a small model trained on the spot."""

import tempfile
from dataclasses import replace
from pathlib import Path

import xarray as xr

from companion.experiments import experiment
from companion.experiments import histories as record
from companion.experiments.experiment import Checked, Recompute
from companion.functions import followed, tracks
from companion.models import catalogue, pretrain
from companion.models.recipe import RECIPES
from modularity import environment, measure, store

SHIPPED, FRESH = "shipped", "fresh"
# A companion model small enough to be trained while one waits: two layers, text only, a ninth of the steps.
SMALL = {"steps": 800, "warmup": 80, "decay": 0.5, "facts": 0, "tasks": 0, "layers": 2}
WIDTHS = {"t5-mini": {"d_ff": 512}, "switch-mini": {"d_ff": 64, "capacity": 16}}
PER_CLASS, LIMIT = 50, 8  # sentences of a class, sub-functions of a function, for a fresh history


def obtain(
    name: str = "t5-mini",
    source: str = SHIPPED,
    recompute: Recompute = "slice",
    *,
    seeds: int = 3,
    seed: int = 0,
    cells: int = 1,
) -> tuple[list[xr.Dataset], list[Checked]]:
    """Histories of a model's runs, each as `history_file.load` returns it, and what of them was computed again.

    Parameters
    ----------
    name : of a companion model.
    source : ``shipped``; ``fresh``, a small model of this kind that is trained here first (once: it is stored, and goes
        on where it was stopped); or the folder of a run with checkpoints.
    recompute : ``slice`` rechecks `cells` cells of each shipped run, ``none`` none; ``full`` computes all anew from the
        checkpoints in ``runs/``.
    seeds : at most so many shipped runs.
    seed : of the fresh run.

    Raises
    ------
    ValueError
        A source that is none of these, a model without such histories, and what `histories.compute` raises.
    FileNotFoundError
        The folder of a run, which `recompute` asks for, is not there.
    """
    experiment.check(recompute)
    if source == SHIPPED:
        names = [f"{name}-{i}" for i in (catalogue.seeds(name) or [0])[:seeds]]
        if any(n not in record.SHIPPED for n in names):
            known = dict.fromkeys(n.rpartition("-")[0] for n in record.SHIPPED)
            raise ValueError(f"there is no shipped history of {str(name)!r}; there are those of {', '.join(known)}")
        pairs = [experiment.obtain(record.SHIPPED[n], recompute, cells=cells) for n in names]
        return [made for made, _ in pairs], [checked for _, checked in pairs]
    if source == FRESH:
        made = record.compute(train(name, seed), tracks.load_all(per_class=PER_CLASS, limit=LIMIT))
        return [made], [Checked(f"{name}, {FRESH}", computed=True)]
    folder = environment.expanded(source)
    if not folder.is_dir():
        raise ValueError(f"history is {source!r}, expected {SHIPPED!r}, {FRESH!r} or the folder of a run")
    return [record.compute(folder, followed.subfunctions())], [Checked(str(source), computed=True)]


def histories(name: str = "t5-mini", source: str = SHIPPED, *, seeds: int = 3, seed: int = 0) -> list[xr.Dataset]:
    """The histories of `obtain`, nothing of them computed again."""
    return obtain(name, source, "none", seeds=seeds, seed=seed)[0]


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
