"""How the readings of a model's copies lie in one shipped file: joined, and no larger than what pages ask for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numcodecs import Delta, Zstd

from modularity import readings, specialists

ABSENT = 65_535  # predictivities are stored as whole numbers of 1 / 65,534: half of it is the precision; no neuron, too
COARSE = ("score", "mean", "expert_mean", "half_expert_mean", "held_out", "total", "shuffled")


def fewer_of_untrained(whole: xr.Dataset) -> xr.Dataset:
    """Of untrained copies only the top 1 %, and the best of either half: what pages ask of them."""
    trained = whole["copy"].str.startswith("run")
    few = trained | (
        xr.DataArray(np.arange(whole.sizes["rank"]), dims="rank") < specialists.number(whole.attrs["neurons"])
    )
    best = trained | (xr.DataArray(np.arange(whole.sizes["place"]), dims="place") < 1)
    top, half_top = whole["top"].where(few, ABSENT), whole["half_top"].where(best, ABSENT)
    return whole.assign(
        top=top.astype(readings.COUNT), half_top=half_top.astype(readings.COUNT), score=whole["score"].where(few)
    )


def without_gaps(reading: xr.Dataset) -> xr.Dataset:
    """One copy of a shipped file without the places for neurons that were not kept."""
    return reading.isel(rank=slice(_places(reading["top"])), place=slice(_places(reading["half_top"])))


def _places(top: xr.DataArray) -> int:
    return int((top.isel(subfunction=0, layer=0, half=0, missing_dims="ignore") != ABSENT).sum())


def joined(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Functions of one copy as one reading."""
    rows = [
        p.drop_dims(["of", "task", "draw"], errors="ignore").drop_vars(["own", "alike"], errors="ignore") for p in parts
    ]
    made: dict[str, xr.DataArray] = {"own": parts[0]["own"], "total": xr.concat([p["total"] for p in parts], "of")}
    if shuffled := [p["shuffled"] for p in parts if "shuffled" in p]:
        made["shuffled"] = shuffled[0]  # of semantic sub-functions alone
    return xr.concat(rows, "subfunction").assign(made)


def encoding(name: str, values: xr.DataArray) -> dict[str, Any]:
    """How a variable is stored, as `stored_file.write` takes it."""
    made: dict[str, Any] = {"compressors": [Zstd(level=19)], "chunks": values.shape}
    if name in COARSE:
        made |= {"dtype": "uint16", "scale_factor": 1 / (ABSENT - 1), "_FillValue": ABSENT}
        if name == "score":  # each is little less than the one before
            made |= {"filters": [Delta(dtype="u2")]}
    elif name == "variance":
        made |= {"dtype": "float32"}
    elif values.dtype == readings.COUNT:
        made |= {"dtype": "uint16"}
    return made
