"""Make the history of a pre-training run: what Section 6 needs of each of its checkpoints.

Run ``python -m modularity.record t5-mini --seed 0`` once the run in ``runs/`` has ended.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numcodecs import Delta, Zstd
from scipy import stats
from tqdm import tqdm

from modularity import functions, models, moefication, sources, specialists, store, sweep
from modularity.subfunction import SubFunction

EXPERTS = moefication.EXPERTS
TOP = specialists.SHARE
SENTENCES = 100  # of each class of a sub-function, at most, as in Sections 4 and 5
SEMANTIC = 3  # one semantic sub-function in so many: 34 of them, beside 29 of knowledge and 8 tasks
KEPT = ("semantic", "knowledge", "task")  # functions of which KEPT_EACH sub-functions keep every neuron
KEPT_EACH = 2
# Values are stored as whole numbers of these steps above an offset: half a step is the precision.
STEPS = {"best": 1e-4, "experts": 1e-3, "neurons": 5e-3, "stability": 1e-4}
OFFSET = {"best": 0.4, "experts": 0.4, "neurons": 0.4, "stability": -1.0}  # nothing is below


def compute(
    run: str | Path, subfunctions: list[SubFunction], *, steps: Iterable[int] | None = None, seed: int = 0
) -> xr.Dataset:
    """The history of the run in the folder `run`; see `history.load` for what it holds.

    The scores of every checkpoint are stored once computed, so that a stopped run goes on where it was.

    Parameters
    ----------
    steps : some of the run's checkpoints; all of them if not given.
    seed : of the random partition.

    Raises
    ------
    FileNotFoundError
        The run has no checkpoints, or not the one asked for.
    """
    wanted = sorted(models.steps(Path(run)) if steps is None else steps)
    if not wanted:
        raise FileNotFoundError(f"{run} has no checkpoints; `make pretrain` writes them")
    own = moefication.experts(models.load(str(run), step=models.steps(Path(run))[-1]), EXPERTS)
    groups = xr.concat([own, moefication.at_random(own, seed=seed)], "partition", coords="minimal")
    groups = groups.assign_coords(partition=["model", "random"])
    kept = [s.name for f in KEPT for s in [s for s in subfunctions if s.function == f][:KEPT_EACH]]
    pieces = []
    before = None
    for step in tqdm(wanted, desc=f"history of {run}", unit="checkpoint"):
        scores = sweep.scores(models.load(str(run), step=step), subfunctions)
        ranks = stats.rankdata(scores.to_numpy(), axis=2)
        piece = _summary(scores, groups, kept)
        piece["stability"] = (("subfunction", "layer"), _correlation(ranks, ranks if before is None else before))
        pieces.append(piece.expand_dims(step=[step]))
        before = ranks
    history = xr.concat(pieces, "step", data_vars="all").assign(partition_of=groups)
    history = history.assign(loss=("step", _losses(Path(run), wanted)))
    return history.transpose("partition", "subfunction", "kept", "layer", "rank", "expert", "neuron", "step")


def followed() -> list[SubFunction]:
    """The sub-functions that shipped histories follow: every third semantic one and all the others."""
    everything = functions.load_all(per_class=SENTENCES)
    semantic = [s for s in everything if s.function == "semantic"]
    return semantic[::SEMANTIC] + [s for s in everything if s.function != "semantic"]


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


def _correlation(ranks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Spearman's, over the last axis."""
    one, other = (r - r.mean(-1, keepdims=True) for r in (ranks, others))
    return (one * other).sum(-1) / np.sqrt((one**2).sum(-1) * (other**2).sum(-1))


def _losses(run: Path, steps: list[int]) -> list[float]:
    log = pd.read_json(run / "log.jsonl", lines=True)
    before = [log.loc[log["step"] <= step, "loss"].to_numpy() for step in steps]
    return [float(losses[-1]) if len(losses) else float("nan") for losses in before]


def write(history: xr.Dataset, path: Path, key: dict[str, object]) -> None:
    """Store a history as small as its precision allows: whole numbers, each but the first as what it adds to the
    one before it in time."""
    packed = history.copy()
    encoding: dict[str, dict[str, Any]] = {name: {} for name in history.data_vars if name != "loss"}  # type: ignore[misc]
    for name, step in STEPS.items():
        kind = "u1" if name == "neurons" else "u2"
        whole = ((history[name] - OFFSET[name]) / step).round().astype(kind)
        packed[name] = whole.assign_attrs(scale_factor=step, add_offset=OFFSET[name])  # undone where it is opened
        encoding[name] = {"filters": [Delta(dtype=kind)]}
    for name, options in encoding.items():
        options |= {"compressors": [Zstd(level=22)], "chunks": history[name].shape}
    store.write(path, packed, key, encoding)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m modularity.record", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("name", choices=models.MINI)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="data/history/NAME-SEED.zarr.zip if not given")
    options = parser.parse_args(arguments)
    run = models.runs_folder() / options.name / f"seed-{options.seed}"
    out = options.out or sources.data_folder() / "history" / f"{options.name}-{options.seed}.zarr.zip"
    try:
        history = compute(run, followed())
        last = models.load(str(run), step=models.steps(run)[-1])
        write(history, out, {"model": last.fingerprint, "run": options.name, "seed": options.seed})
    except (ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{out}: {out.stat().st_size / 2**20:.2f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
