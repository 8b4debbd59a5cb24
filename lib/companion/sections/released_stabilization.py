"""Figure 4 from the authors' result files, with neurons and experts of the same layers."""

from typing import Any

import numpy as np
import pandas as pd

from companion.released.recomputed import means
from companion.released.release_files import Release
from companion.sections.intervals import DRAWS
from modularity import emergence

SAME = "neuron, expert layers"


def curves(release: Release) -> pd.DataFrame:
    """Figure 4 recomputed, with neurons in the layers with experts beside all: ``model, function, level, share,
    value``, means over layers."""
    rows = release.stabilization
    places = rows.loc[rows["level"] == "expert", ["model", "layer"]].drop_duplicates()
    same = rows[rows["level"] == "neuron"].merge(places, on=["model", "layer"])
    both = pd.concat([rows, same.assign(level=SAME)])
    return means(both, ["model", "function", "level", "share"], "value")


def stabilised(release: Release, level: float = emergence.LEVEL, *, draws: int = DRAWS, seed: int = 0) -> pd.DataFrame:
    """Where the curves of Figure 4 first stay above `level`, with neurons in the layers with experts beside all.

    Returns
    -------
    ``model, function, level, first, low, high``: shares of the run, 95 % of bootstrap draws of layers; level
    ``neuron − expert`` is the difference of ``neuron, expert layers`` and ``expert``, the same layers drawn.
    """
    rng = np.random.default_rng(seed)
    made = []
    rows: Any
    key: Any
    for key, rows in release.stabilization.groupby(["model", "function"]):
        curves = {
            name: part.pivot(index="layer", columns="share", values="value") for name, part in rows.groupby("level")
        }
        curves[SAME] = curves["neuron"].loc[curves["expert"].index]
        share = curves["expert"].columns.to_numpy()
        drawn = {n: rng.integers(n, size=(draws, n)) for n in {len(c) for c in curves.values()}}
        firsts = {}
        for name, curve in curves.items():
            values = curve.to_numpy()
            means_of = values[drawn[len(values)]].mean(1)
            firsts[name] = emergence.first_above(np.concatenate([values.mean(0)[None], means_of]), share, level)
        firsts["neuron − expert"] = firsts[SAME] - firsts["expert"]
        for name, (first, *others) in firsts.items():
            ends = np.sort(others)[[round(q * (draws - 1)) for q in (0.025, 0.975)]]
            made.append((*key, name, first, *ends))
    return pd.DataFrame(made, columns=["model", "function", "level", "first", "low", "high"])
