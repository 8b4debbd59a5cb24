"""Make the history of a pre-training run: what Section 6 needs of each of its checkpoints.

Run ``python -m modularity.record t5-mini --seed 0`` once the run in ``runs/`` has ended.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pooch
import xarray as xr
from numcodecs import Delta, Zstd

from modularity import (
    emergence,
    environment,
    functions,
    measure,
    models,
    moefication,
    neurons,
    ranks,
    reliability,
    sources,
    specialists,
    stored_file,
    sweep,
)
from modularity.recipe import RECIPES, Recipe
from modularity.subfunction import SubFunction

EXPERTS = moefication.EXPERTS
TOP = specialists.SHARE
SENTENCES = 100  # of each class of a sub-function, at most
SEMANTIC = 3  # one semantic sub-function in so many: 34 of them, beside 29 of knowledge and 8 tasks
KEPT = ("semantic", "knowledge", "task")  # functions of which KEPT_EACH sub-functions keep every neuron
KEPT_EACH = 2
RANDOM = 20  # random partitions of which histories hold the mean correlation; the first is kept
# Values are stored as whole numbers of these steps above an offset: half a step is the precision. Nothing is below.
CORRELATIONS = {"stability": (1e-4, -1.0), "stability_rest": (1e-4, -1.0), "agreement": (1e-3, -1.0)}
STEPS = {
    "best": (1e-4, 0.4),
    "experts": (1e-3, 0.4),
    "neurons": (5e-3, 0.4),
    "between_share": (1e-3, 0.0),
    **CORRELATIONS,
}
DIMS = tuple("partition pair level subfunction halved kept layer rest rank expert neuron step".split())


def compute(
    run: str | Path,
    subfunctions: list[SubFunction],
    *,
    halved: list[SubFunction] | None = None,
    steps: Iterable[int] | None = None,
    seed: int = 0,
    scheduler: str | None = None,
) -> xr.Dataset:
    """The history of the run in the folder `run`; see `history.load` for what it holds.

    The scores of every checkpoint are stored once computed, so that a stopped run goes on where it was.

    Parameters
    ----------
    halved : the sub-functions of which correlations of halves are made; `every_other` if not given.
    steps : some of the run's checkpoints; if not given, all that its recipe says, or all there are.
    seed : of the random partitions and of the halves.
    scheduler : of a Dask cluster that computes the scores, as `sweep.checkpoints` takes it.

    Raises
    ------
    FileNotFoundError
        The run has no checkpoints, or not the one asked for.
    ValueError
        A checkpoint of the recipe is missing, or there are fewer than two; what `sweep.checkpoints` raises.
    """
    folder = environment.expanded(run)
    there = models.steps(folder)
    if not there:
        raise FileNotFoundError(f"{folder} has no checkpoints; `make pretrain` writes them")
    wanted = sorted(there if steps is None else steps)
    emergence.check_steps(wanted, _planned(folder, there[-1]) if steps is None else None)
    last = models.load(str(folder), step=there[-1])
    own = moefication.experts(last, EXPERTS)
    random = [moefication.at_random(own, seed=seed + i) for i in range(RANDOM)]
    groups = xr.concat([own, *random], "partition", coords="minimal")
    shipped = groups[:2].assign_coords(partition=["model", "random"])
    kept = [s.name for f in KEPT for s in [s for s in subfunctions if s.function == f][:KEPT_EACH]]
    halved = halved or every_other(subfunctions)
    options: dict[str, Any] = {"steps": wanted, "scheduler": scheduler}
    streams = [sweep.checkpoints(folder, subfunctions, **options)]
    streams += [sweep.checkpoints(folder, halved, halves=seed, **options)]
    if rest := sorted(set(neurons.feed_forward(last)) - set(own["layer"].to_numpy().tolist())):
        streams += [sweep.checkpoints(folder, halved, layers=rest, **options)]
    pieces = []
    before: tuple[np.ndarray, reliability.Ranked, list[np.ndarray]] | None = None
    for (step, scores), (_, split), *others in zip(*streams, strict=True):
        now = (
            ranks.doubled(scores.to_numpy()),
            reliability.ranked(split.to_numpy(), groups.to_numpy()),
            [ranks.doubled(other.to_numpy()) for _, other in others],
        )
        before = before or now
        piece = _summary(scores, shipped, kept)
        piece["stability"] = (("subfunction", "layer"), ranks.correlation(before[0], now[0]))
        noise = reliability.agreement(before[1], now[1]).rename(subfunction="halved")
        for one, other in zip(before[2], now[2], strict=True):
            noise["stability_rest"] = (("halved", "rest"), ranks.correlation(one, other))
        pieces.append(piece.merge(noise).expand_dims(step=[step]))
        before = now
    history = xr.concat(pieces, "step", data_vars="all").assign(partition_of=shipped)
    history = history.assign(loss=("step", _losses(folder, wanted)))
    of_halved = {"halved": [s.name for s in halved], "function_halved": ("halved", [s.function for s in halved])}
    history = history.assign_coords(of_halved | ({"rest": rest} if rest else {}))
    return history.transpose(*DIMS, missing_dims="ignore")


def _planned(run: Path, step: int) -> list[int] | None:
    """The checkpoints that a run was to have, where it was trained here."""
    recipe = run / "steps" / f"{step:08d}" / models.RECIPE
    return Recipe(**json.loads(recipe.read_text())).checkpoints() if recipe.exists() else None


def first_set() -> list[SubFunction]:
    """The sub-functions that the companion models were judged and followed by when they were trained.

    At most 100 sentences a class, and as knowledge, under its name, the balanced triples, which are now a control.
    """
    knowledge = [replace(s, name=functions.of_relation(s), function="knowledge") for s in functions.load("balanced")]
    everything = functions.load("semantic") + knowledge + functions.load("task")
    return [functions.first(s, SENTENCES) for s in everything]


def followed() -> list[SubFunction]:
    """The sub-functions that shipped histories follow: of `first_set` every third semantic one and all the others."""
    everything = first_set()
    semantic = [s for s in everything if s.function == "semantic"]
    return semantic[::SEMANTIC] + [s for s in everything if s.function != "semantic"]


def every_other(subfunctions: list[SubFunction]) -> list[SubFunction]:
    """Those of which histories hold correlations of halves: every other one, but all tasks, which are few."""
    by_function = [
        [s for s in subfunctions if s.function == f] for f in dict.fromkeys(s.function for s in subfunctions)
    ]
    return [s for part in by_function for s in (part if part[0].function == "task" else part[::2])]


def _summary(scores: xr.DataArray, groups: xr.DataArray, kept: list[str]) -> xr.Dataset:
    values = scores.to_numpy()  # subfunction, layer, neuron
    members = specialists.top_neurons(scores, TOP).to_numpy()
    top = np.nonzero(members)[2].reshape(*values.shape[:2], -1)
    member = groups.to_numpy()[..., None] == np.arange(int(groups.max()) + 1)  # partition, layer, neuron, expert
    means = np.einsum("mln,plne->pmle", values, member / member.sum(2, keepdims=True))
    coordinates = {
        "subfunction": scores["subfunction"].to_numpy(),
        "function": ("subfunction", scores["function"].to_numpy()),
        "layer": scores["layer"].to_numpy(),
        "partition": groups["partition"].to_numpy(),
        "kept": kept,
    }
    return xr.Dataset(
        {
            "top": (("subfunction", "layer", "rank"), top.astype(np.uint16)),
            "best": (("subfunction", "layer"), values.max(2)),
            "experts": (("partition", "subfunction", "layer", "expert"), means),
            "neurons": (("kept", "layer", "neuron"), scores.sel(subfunction=kept).to_numpy()),
        },
        coords=coordinates,
    )


def _losses(run: Path, steps: list[int]) -> list[float]:
    log = pd.read_json(run / "log.jsonl", lines=True)
    before = [log.loc[log["step"] <= step, "loss"].to_numpy() for step in steps]
    return [float(losses[-1]) if len(losses) else float("nan") for losses in before]


def write(history: xr.Dataset, path: Path, key: dict[str, object]) -> None:
    """Store a history as small as its precision allows: whole numbers, each but the first as what it adds to the
    one before it in time."""
    packed = history.copy()
    encoding: dict[str, dict[str, Any]] = {name: {} for name in history.data_vars if name != "loss"}  # type: ignore[misc]
    for name, (step, offset) in ((name, STEPS[name]) for name in STEPS if name in history):
        kind = "u1" if name == "neurons" else "u2"
        whole = ((history[name] - offset) / step).round().astype(kind)
        packed[name] = whole.assign_attrs(scale_factor=step, add_offset=offset)  # undone where it is opened
        encoding[name] = {"filters": [Delta(dtype=kind)]}
    for name, options in encoding.items():
        options |= {"compressors": [Zstd(level=22)], "chunks": history[name].shape}
    stored_file.write(path, packed, key, encoding)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m modularity.record", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--until", type=int, metavar="STEP", help="the last checkpoint, of a run that was not ended")
    parser.add_argument("--scheduler", help="address of a Dask scheduler whose workers compute the scores")
    parser.add_argument(
        "--lean", action="store_true", help="every other sub-function, no neurons: for a run beside others"
    )
    parser.add_argument("--out", type=environment.expanded, help="data/history/NAME-SEED.zarr.zip if not given")
    options = parser.parse_args(arguments)
    run = models.runs_folder() / options.name / f"seed-{options.seed}"
    out = options.out or sources.data_folder() / "history" / f"{options.name}-{options.seed}.zarr.zip"
    try:
        chosen = every_other(followed()) if options.lean else followed()
        steps = [step for step in models.steps(run) if step <= options.until] if options.until else None
        whole = {"halved": every_other(followed()), "steps": steps, "scheduler": options.scheduler}
        history = compute(run, chosen, **whole)
        if options.lean:
            history = history.drop_dims(["kept", "rank"])
        last = run / "steps" / f"{models.steps(run)[-1]:08d}" / models.WEIGHTS
        key = {"model": pooch.file_hash(str(last)), "run": options.name, "seed": options.seed}
        write(history, out, key | measure.key())
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{out}: {out.stat().st_size / 2**20:.2f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
