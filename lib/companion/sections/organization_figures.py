"""The figures of word meanings and experts over pre-training (Figures 7 and 8)."""

from typing import Any

import numpy as np
import pandas as pd

from companion.sections.emergence_figures import SCALES, line, losses_below, run_axis
from companion.sections.figure_data import with_data
from companion.sections.figures import CATEGORIES, COLOURS, grid, legend


@with_data
def clustering(table: pd.DataFrame, chance: pd.DataFrame, loss: pd.DataFrame, alike: str) -> np.ndarray:
    """Figures 7 and 8: clustering scores over pre-training, the model's experts above and a random partition below.

    Parameters
    ----------
    table : ``partition`` (model, random) ``, layer, run, share, value``.
    chance : ``partition, share, low, high``, of words randomly assigned.
    loss : ``run, share, value``.
    alike : by what words are alike.
    """
    layers = sorted(table["layer"].unique())
    colours = {layer: CATEGORIES[i % len(CATEGORIES)] for i, layer in enumerate(layers)}
    axes = grid(3, 2, width=7.8, height=6.6, sharey="row", sharex="col")
    first = table.loc[table["share"] > 0, "share"].min()
    limits = (min(table["value"].min(), chance["low"].min()) - 0.02, max(table["value"].max(), 0.1) + 0.02)
    for i, partition in enumerate(("model", "random")):
        band: Any = chance[chance["partition"] == partition]
        band = band.sort_values(by="share")
        for scale, ax in zip(SCALES, axes[i], strict=True):
            ax.fill_between(band["share"], band["low"], band["high"], color=COLOURS["null"], alpha=0.3, lw=0)
            for layer, colour in colours.items():
                rows = table[(table["partition"] == partition) & (table["layer"] == layer)]
                line(ax, rows, "value", color=colour, lw=1.4)
            ax.axhline(0, color="black", lw=0.5)
            ax.set(ylim=limits)
            run_axis(ax, scale, first)
        axes[i, 0].set(ylabel="own experts\nclustering score" if i == 0 else "random partition\nclustering score")
    losses_below(axes[2], loss, first)
    axes[0, 0].set(title=f"words alike by {alike}")
    axes[0, 1].set(title="log")
    looks: dict[str, dict[str, object]] = {f"layer {layer}": {"color": c} for layer, c in colours.items()}
    legend(axes, looks | {"words randomly assigned": {"color": COLOURS["null"], "lw": 6, "alpha": 0.3}})
    return axes
