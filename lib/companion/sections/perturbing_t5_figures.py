"""The figures of T5 with perturbed neurons (Section 5, Figure 2)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from companion.sections.figure_data import with_data
from companion.sections.figures import CATEGORIES, COLOURS, grid, legend, reach

ORDER_COLOURS = {
    "random": COLOURS["null"],
    "neurons: sst2": CATEGORIES[0],
    "neurons: mrpc": CATEGORIES[1],
    "neurons: cola": CATEGORIES[2],
    "neurons: qqp": CATEGORIES[3],
    "Avg (4)": COLOURS["neuron"],
    "Avg (8)": COLOURS["other"],
    "MoE (4)": COLOURS["trained"],
}


@with_data
def curves(ours: pd.DataFrame, printed: pd.DataFrame, lines: pd.DataFrame) -> np.ndarray:
    """Accuracy against the share of perturbed neurons, as in Figure 2: a column a panel, ours above, printed below.

    Parameters
    ----------
    ours : ``panel, order, share, accuracy, low, high``.
    printed : ``panel, order, share, accuracy``; empty where there is nothing printed.
    lines : ``panel, chance, majority``: what guessing reaches.
    """
    panels = list(dict.fromkeys(ours["panel"]))
    rows = [table for table in (ours, printed) if len(table)]
    axes = grid(len(rows), len(panels), width=7.8, height=3.0 * len(rows) + 0.6, sharey="row", sharex="all")
    for i, table in enumerate(rows):
        for panel, ax in zip(panels, axes[i], strict=True):
            here = table[table["panel"] == panel]
            for order, colour in ORDER_COLOURS.items():
                part = here.query("order == @order").sort_values("share")
                wide = 2.2 if order in ("MoE (4)", "Avg (4)", "random") else 1.2
                ax.plot(100 * part["share"], part["accuracy"], marker="." if i else None, color=colour, lw=wide)
                if "low" in part and wide > 2:
                    ax.fill_between(100 * part["share"], part["low"], part["high"], color=colour, alpha=0.15, lw=0)
            ax.set(title=f"{panel} tasks, {'printed' if i else 'here'}")
            if i == 0:
                guessing = lines.set_index("panel").loc[panel]
                ax.axhline(guessing["chance"], color="black", lw=1, ls=":")
                ax.axhline(guessing["majority"], color="black", lw=1, ls="--")
                ax.annotate(
                    "guessing", (0, guessing["majority"]), xytext=(2, 3), textcoords="offset points", fontsize=9
                )
        axes[i, 0].set(ylabel="accuracy, mean over tasks")
    for ax in axes[-1]:
        ax.set(xlabel="perturbed neurons of the layers, %")
    legend(axes, {order: {"color": colour, "lw": 3} for order, colour in ORDER_COLOURS.items()}, columns=4)
    return axes


@with_data
def differences(table: pd.DataFrame, fine: int, label: str) -> np.ndarray:
    """Paired differences in accuracy with intervals, a panel for each order that is compared with.

    `table` has ``against, number, difference, low, high, lowest, highest``; ticks are the lowest and the highest run.
    """
    names = list(dict.fromkeys(table["against"]))
    columns = 3
    rows = -(-len(names) // columns)
    axes = grid(rows, columns, width=7.8, height=2.3 * rows + 0.4, sharey="all")
    for name, ax in zip(names, axes.flat, strict=False):
        part = table[table["against"] == name]
        share = 100 * part["number"] / fine
        ax.axhline(0, color=COLOURS["null"], lw=1)
        ax.errorbar(
            share,
            100 * part["difference"],
            reach(part, "difference", 100),
            fmt="o",
            color=COLOURS["trained"],
            ms=4,
            lw=1.4,
        )
        for end in ("lowest", "highest"):
            ax.plot(share, 100 * part[end], "_", color=COLOURS["trained"], ms=7, alpha=0.6)
        ax.set(title=f"minus {name}", xlim=(0, 21))
    for ax in axes.flat[len(names) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:
        ax.set(ylabel=label)
    for ax in axes[-1]:
        ax.set(xlabel="perturbed neurons, %")
    return axes


@with_data
def dissociation(tables: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """Matrices of lost accuracy, in percentage points: rows what is perturbed, columns what is asked."""
    axes = grid(1, len(tables), width=7.8, height=3.9, sharey="row")[0]
    most = 100 * max(np.abs(table.to_numpy()).max() for table in tables.values())
    for (name, table), ax in zip(tables.items(), axes, strict=True):
        look = {"cmap": "vlag", "vmin": -most, "vmax": most, "annot": True, "fmt": ".1f", "cbar": False}
        sns.heatmap(100 * table, ax=ax, square=True, annot_kws={"fontsize": 8}, **look)
        for i in range(len(table)):
            ax.add_patch(Rectangle((i, i), 1, 1, fill=False, edgecolor="black", lw=1.4))
        ax.set(title=f"{name} perturbed", xlabel="task asked", ylabel="")
        ax.tick_params(axis="x", rotation=60)
        ax.tick_params(axis="y", rotation=0)
    axes[0].set(ylabel="task they are best at")
    return axes


@with_data
def settings(table: pd.DataFrame) -> Axes:
    """Accuracy with a fifth of the neurons perturbed, under each setting; `table` has ``setting, order, accuracy, low,
    high`` and the plain model's as order ``none``."""
    names, orders = list(dict.fromkeys(table["setting"])), list(dict.fromkeys(table["order"]))
    axes = grid(1, len(names), width=7.8, height=0.28 * len(orders) + 1.2, sharey="row", sharex="all")[0]
    for name, ax in zip(names, axes, strict=True):
        part = table[table["setting"] == name].set_index("order").reindex(orders)
        look = {"fmt": "o", "color": COLOURS["trained"], "ms": 4, "lw": 1.4}
        ax.errorbar(part["accuracy"], range(len(orders)), xerr=reach(part, "accuracy"), **look)
        ax.axvline(part.loc["none", "accuracy"], color=COLOURS["null"], lw=1)
        ax.set(title=name, yticks=range(len(orders)), yticklabels=orders, ylim=(len(orders) - 0.5, -0.5))
    axes[len(names) // 2].set(xlabel="accuracy, mean over tasks (grey: nothing perturbed)")
    return axes[0]
