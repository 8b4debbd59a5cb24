"""The figures of what is noise in Section 6's curves, tables in, Axes out."""

from typing import Any

import numpy as np
import pandas as pd

from companion.sections.emergence_figures import LEVEL_COLOURS, LEVEL_NAMES, line
from companion.sections.figure_data import with_data
from companion.sections.figures import COLOURS, FUNCTIONS, grid, legend

PAIRS = {"whole": ("same sentences", "-"), "across": ("other half", "--"), "reliability": ("halves at one step", ":")}


@with_data
def noise(table: pd.DataFrame) -> np.ndarray:
    """What of a stabilisation score is the sentences: a row a level, a column a function.

    `table` has ``function, level, pair`` (whole, across, reliability, corrected) ``, share, value``.
    """
    axes = grid(len(LEVEL_COLOURS), len(FUNCTIONS), width=7.8, height=6.4, sharex="all", sharey="all")
    for i, (name, colour) in enumerate(LEVEL_COLOURS.items()):
        for function, ax in zip(FUNCTIONS, axes[i], strict=True):
            rows = table[(table["level"] == name) & (table["function"] == function)]
            for pair, (_, style) in PAIRS.items():
                line(ax, rows[rows["pair"] == pair], "value", color=colour, ls=style, lw=1.4)
            fixed = rows[rows["pair"] == "corrected"]
            ax.plot(fixed["share"], fixed["value"].clip(-0.2, 1.2), color="black", lw=1)
            ax.axhline(0, color="black", lw=0.5)
            ax.set(ylim=(-0.2, 1.2), xlim=(0, 1))
            ax.xaxis.set_major_formatter("{x:g}")
            if i == 0:
                ax.set(title=function)
        axes[i, 0].set(ylabel=LEVEL_NAMES[name])
    axes[-1, 1].set(xlabel="fraction of training")
    looks: dict[str, dict[str, object]] = {n: {"color": "#555555", "ls": s} for n, s in PAIRS.values()}
    legend(axes, looks | {"corrected": {"color": "black", "lw": 1}})
    return axes


@with_data
def parts(table: pd.DataFrame) -> np.ndarray:
    """Correlations of what lies between experts and within them, and the share of variance between; a column a
    function.

    `table` has ``function, level`` (between, within, share) ``, pair`` (whole, corrected) ``, share, value``.
    """
    axes = grid(2, len(FUNCTIONS), width=7.8, height=4.6, sharex="all", sharey="row")
    colours = {"between": COLOURS["trained"], "within": COLOURS["neuron"]}
    for j, function in enumerate(FUNCTIONS):
        rows = table[table["function"] == function]
        line(axes[1, j], rows[rows["level"] == "share"], "value", color="black", lw=1.4)
        for name, colour in colours.items():
            for pair, look in (("whole", {"ls": "-", "lw": 1.4}), ("corrected", {"ls": "--", "lw": 1})):
                part: Any = rows[(rows["level"] == name) & (rows["pair"] == pair)]
                part = part.assign(value=part["value"].clip(-0.2, 1.2))
                line(axes[0, j], part, "value", color=colour, **look)
        axes[0, j].set(title=function, ylim=(-0.2, 1.2), xlim=(0, 1))
        axes[1, j].xaxis.set_major_formatter("{x:g}")
    axes[0, 0].set(ylabel="correlation of adjacent\ncheckpoints")
    axes[1, 0].set(ylabel="variance of ranks\nbetween experts", ylim=(0, None))  # once all of the row is drawn
    axes[1, 0].yaxis.set_major_formatter("{x:.0%}")
    axes[1, 1].set(xlabel="fraction of training")
    looks: dict[str, dict[str, object]] = {f"{k} experts": {"color": c} for k, c in colours.items()}
    legend(axes, looks | {"corrected": {"color": "#555555", "ls": "--"}})
    return axes
