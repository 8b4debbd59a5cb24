"""What the pre-training runs looked like at each of their checkpoints: small enough to ship, enough for Section 6."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numcodecs import Delta, Zstd

from companion.functions import sources
from modularity import stored_file

# Values are stored as whole numbers of these steps above an offset: half a step is the precision. Nothing is below.
STEPS = {
    "best": (1e-4, 0.4),
    "experts": (1e-3, 0.4),
    "neurons": (5e-3, 0.4),
    "between_share": (1e-3, 0.0),
    "stability": (1e-4, -1.0),
    "stability_rest": (1e-4, -1.0),
    "agreement": (1e-3, -1.0),
}
DIMS = tuple("partition pair level subfunction halved kept layer rest rank expert neuron step".split())


def load(name: str = "t5-mini", *, seed: int = 0) -> xr.Dataset:
    """The shipped history of a mini model's run.

    Returns
    -------
    With L layers (those read by default), P neurons and M sub-functions (`followed.subfunctions`) at each ``step``:

    - ``top`` (step, subfunction, layer, rank): the best 1 % of the neurons, in the order of their numbers;
    - ``best`` (step, subfunction, layer): predictivity of the best neuron, to 0.00005;
    - ``experts`` (partition, subfunction, layer, expert, step): mean predictivity of an expert's neurons, to 0.0005,
      for the partitions ``model`` and ``random``;
    - ``stability`` (subfunction, layer, step): Spearman correlation of a layer's predictivities with those at the
      checkpoint before (Section 6), to 0.00005; 1 at the first;
    - ``neurons`` (kept, layer, neuron, step): predictivity of every neuron for six sub-functions, to 0.0025;
    - ``partition_of`` (partition, layer, neuron): the expert of each neuron. ``model`` is MoEfication of the last
      checkpoint for T5, as in the paper (Section 6), and the router's experts for Switch;
    - ``agreement`` (pair, level, halved, step) and ``between_share`` (halved, step): correlations with the checkpoint
      before from halves of the sentences, by level, as `reliability.agreement` has them, to 0.0005; for every other
      sub-function and all tasks, with their functions as ``function_halved``;
    - ``stability_rest`` (halved, rest, step): ``stability`` of the layers without experts, of a Switch;
    - ``loss`` (step): of the log, nearest before the checkpoint.

    ``t5-mini-constant`` is one run of t5-mini with a constant learning rate, up to step 4,900, of the sub-functions of
    ``halved`` only and without ``top`` and ``neurons``.

    Raises
    ------
    ValueError
        There is no shipped history of this name and seed.
    """
    known = [entry for entry in sources.registry() if entry.startswith("history/")]
    file = f"history/{name}-{seed}.zarr.zip"
    if file not in known:
        names = ", ".join(Path(entry).name.removesuffix(".zarr.zip") for entry in known) or "none"
        raise ValueError(f"there is no shipped history of {name}, seed {seed}; there are: {names}")
    return stored_file.read_dataset(sources.path(file), sha256=sources.registry()[file].sha256)


def check_steps(steps: Sequence[int], expected: Sequence[int] | None = None, *, least: int = 2) -> None:
    """Refuse the steps of a history that cannot be one.

    Parameters
    ----------
    expected : all the steps that there should be, where that is known.

    Raises
    ------
    ValueError
        A step that is repeated, out of order or missing, or fewer than two of them.
    """
    steps = [int(step) for step in steps]
    if repeated := sorted({step for step in steps if steps.count(step) > 1}):
        raise ValueError(
            f"the history has step {repeated[0]} {steps.count(repeated[0])} times, expected each step once"
        )
    if late := [b for a, b in pairwise(steps) if b < a]:
        raise ValueError(f"step {late[0]} comes after a later one; give the checkpoints in the order of their steps")
    if expected is not None and (missing := sorted({int(step) for step in expected} - set(steps))):
        raise ValueError(
            f"the history lacks step {', '.join(map(str, missing[:5]))} of {len(expected)}; "
            "a correlation of adjacent checkpoints would leap over it: record it, or leave the run out"
        )
    if len(steps) < least:
        raise ValueError(f"the history has {len(steps)} checkpoint(s), expected at least {least} to compare")


def together(histories: Sequence[xr.Dataset]) -> xr.Dataset:
    """Histories of several runs of a model as one, with the dim ``run``.

    Raises
    ------
    ValueError
        No history; steps that are repeated, out of order, too few, or that another run has and this one lacks; runs of
        different shape.
    """
    if not histories:
        raise ValueError("got no histories, expected at least one")
    every = sorted({int(step) for history in histories for step in history["step"]})
    for history in histories:
        check_steps(history["step"].to_numpy().tolist(), every)
        if (shape := history["best"].shape) != (first := histories[0]["best"].shape):
            raise ValueError(f"checkpoints of shape {first} and {shape}; both have to be of one model")
    return xr.concat(list(histories), "run", data_vars="all", coords="minimal", join="exact", combine_attrs="drop")


def top_neurons(history: xr.Dataset) -> xr.DataArray:
    """The top neurons of one run at each step as `specialists.top_neurons` gives them: bool of dims ``(step,
    subfunction, layer, neuron)``."""
    table = history["top"].transpose("step", "subfunction", "layer", "rank")
    neurons = history.sizes["neuron"]
    members = np.zeros((*table.shape[:-1], neurons), dtype=bool)
    np.put_along_axis(members, table.to_numpy().astype(np.intp), True, axis=-1)
    made = table.isel(rank=0, drop=True).astype(bool).expand_dims(neuron=neurons, axis=-1)
    return made.copy(data=members).rename("top")


def log(name: str = "t5-mini", *, seed: int = 0) -> pd.DataFrame:
    """What a shipped run wrote while it trained: ``step``, ``loss`` and the other losses in nats, ``tokens_per_s``; of
    Switch ``load_entropy``, ``dropped`` and ``load`` by encoder layer with experts."""
    return pd.read_json(sources.path(f"models/{name}/seed-{seed}/log.jsonl.xz"), lines=True)


def routers(log: pd.DataFrame, layers: Sequence[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the log of a Switch says of its routers in `layers`, in long form.

    Returns
    -------
    ``step, layer, entropy, dropped`` (shares), and the load at the end: ``layer, expert, share`` of the tokens.
    """
    rows = log.dropna(subset="load_entropy")
    columns = {"entropy": "load_entropy", "dropped": "dropped"}
    parts = [
        pd.DataFrame({"step": rows["step"], "layer": layer} | {k: rows[v].str[i] for k, v in columns.items()})
        for i, layer in enumerate(layers)
    ]
    share = np.array(rows["load"].to_list()[-1])
    last = pd.DataFrame(share, index=pd.Index(layers, name="layer")).melt(ignore_index=False, var_name="expert")
    return pd.concat(parts, ignore_index=True), last.rename(columns={"value": "share"}).reset_index()


def encoding(history: xr.Dataset) -> dict[str, dict[str, Any]]:
    """How a history is stored, as small as its precision allows: whole numbers, each but the first as what it adds to
    the one before it in time."""
    made: dict[str, dict[str, Any]] = {}
    for name in (str(n) for n in history.data_vars if n != "loss"):
        made[name] = {"compressors": [Zstd(level=22)], "chunks": history[name].shape}
        if name in STEPS:
            (step, offset), kind = STEPS[name], "u1" if name == "neurons" else "u2"
            made[name] |= {"dtype": kind, "scale_factor": step, "add_offset": offset, "filters": [Delta(dtype=kind)]}
            made[name]["_FillValue"] = np.iinfo(kind).max  # for what is no number; no value comes near it
    return made
