"""The figure of the audit: arrays in, Axes out."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from companion.sections.figure_data import with_data
from companion.sections.figures import COLOURS, grid

LINEAR = 0.1  # below it the axis is linear


@with_data
def effect_bars(table: pd.DataFrame) -> Axes:
    """What each choice changes as a share of the effect that its claim is about, the largest on top.

    Parameters
    ----------
    table : of `all_choices.choices_table`, without rows that have no such share.
    """
    (ax,) = grid(1, 1, width=7.0, height=0.27 * len(table) + 1.1)[0]
    places = np.arange(len(table))[::-1]
    ax.axvline(0, color=COLOURS["paper"], lw=1)
    for end in (-1, 1):
        ax.axvline(end, color=COLOURS["null"], lw=1, ls="--")
    ax.hlines(places, table["relative_low"], table["relative_high"], color=COLOURS["trained"], lw=1.6, alpha=0.6)
    ax.plot(table["relative"], places, "o", color=COLOURS["trained"], ms=5)
    ax.set_xscale("symlog", linthresh=LINEAR)
    ticks = [-10, -1, -0.1, 0, 0.1, 1, 10]
    reach = float(np.nanmax(np.abs(table[["relative", "relative_low", "relative_high"]].to_numpy())))
    ax.set(
        yticks=places,
        yticklabels=[f"{topic}  {row}" for row, topic in zip(table["row"], table["topic"], strict=True)],
        xticks=ticks,
        xticklabels=[f"{100 * t:+.0f}%" if t else "0" for t in ticks],
        xlim=(-1.3 * max(reach, 1.0), 1.3 * max(reach, 1.0)),
        xlabel="change of the number when the choice is changed,\nin % of the effect that its claim is about",
    )
    ax.minorticks_off()
    return ax
