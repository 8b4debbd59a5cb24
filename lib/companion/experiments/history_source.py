"""Where Section 6 gets its histories from: shipped ones, a run's folder, or a small model trained on the spot."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import xarray as xr

from companion.experiments import experiment
from companion.experiments import histories as record
from companion.experiments.experiment import Checked, Recompute
from companion.functions import followed, tracks
from companion.models import catalogue, pretrain
from companion.models.recipe import RECIPES
from modularity import environment, measure, store

SHIPPED, FRESH = "shipped", "fresh"


@dataclass(frozen=True)
class Fresh:
    """A companion model that is small enough to be trained while one waits, and how much it reads."""

    settings: Mapping[str, Mapping[str, Any]]  # model → what is other than in its recipe
    per_class: int = 50  # sentences
    limit: int = 8  # sub-functions of a function


# Two layers, text only, a ninth of the steps.
FEW = {"steps": 800, "warmup": 80, "decay": 0.5, "facts": 0, "tasks": 0, "layers": 2}
SMALL = Fresh({"t5-mini": FEW | {"d_ff": 512}, "switch-mini": FEW | {"d_ff": 64, "capacity": 16}})


def obtain(
    name: str = "t5-mini",
    source: str = SHIPPED,
    recompute: Recompute = "slice",
    *,
    seeds: int = 3,
    seed: int = 0,
    cells: int = 1,
    small: Fresh = SMALL,
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
    small : what the fresh run is of.

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
        made = record.compute(train(name, seed, small), tracks.load_all(per_class=small.per_class, limit=small.limit))
        return [made], [Checked(f"{name}, {FRESH}", computed=True)]
    folder = environment.expanded(source)
    if not folder.is_dir():
        raise ValueError(f"history is {source!r}, expected {SHIPPED!r}, {FRESH!r} or the folder of a run")
    return [record.compute(folder, followed.subfunctions())], [Checked(str(source), computed=True)]


def histories(
    name: str = "t5-mini", source: str = SHIPPED, *, seeds: int = 3, seed: int = 0, small: Fresh = SMALL
) -> list[xr.Dataset]:
    """The histories of `obtain`, nothing of them computed again."""
    return obtain(name, source, "none", seeds=seeds, seed=seed, small=small)[0]


def train(name: str, seed: int = 0, small: Fresh = SMALL) -> Path:
    """The folder of the fresh run of this seed, trained if it is not there; temporary if it cannot be stored."""
    if name not in small.settings:
        raise ValueError(f"{name!r} has no small version to be trained on the spot; known: {', '.join(small.settings)}")
    recipe = replace(RECIPES[name], seed=seed, **small.settings[name])
    root = store.folder() if store.usable() else Path(tempfile.mkdtemp())
    folder = root / f"fresh-{name}-{store.digest([str(recipe), measure.key()])[:8]}" / f"seed-{seed}"
    if not (folder / "final").is_dir():
        pretrain.pretrain(recipe, folder)
    return folder
