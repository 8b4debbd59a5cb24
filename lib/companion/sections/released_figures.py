"""The figures of the authors' result files: tables in, Axes out."""

from typing import Any

import numpy as np
import pandas as pd

from companion.sections.figure_data import with_data
from companion.sections.figures import COLOURS, FUNCTIONS, grid, legend, reach
from companion.sections.perturbing_t5_figures import ORDER_COLOURS

LEVELS = {
    "expert": (COLOURS["trained"], "-", "experts"),
    "random": (COLOURS["null"], "-", "random partition"),
    "neuron": (COLOURS["neuron"], "-", "neurons"),
    "neuron, expert layers": (COLOURS["neuron"], "--", "neurons, layers with experts"),
}
PANELS = ("seen", "unseen")


@with_data
def perturbed(table: pd.DataFrame, lines: pd.DataFrame) -> np.ndarray:
    """Figure 2 at every number of experts that was run, a panel for seen and unseen data sets.

    Parameters
    ----------
    table : ``panel, order, number, accuracy, low, high, printed``; points that the paper leaves out are hollow.
    lines : ``panel, chance``.
    """
    axes = grid(1, 2, width=7.8, height=3.9, sharey="row")[0]
    for panel, ax in zip(PANELS, axes, strict=True):
        for order, colour in ORDER_COLOURS.items():
            part: Any = table[(table["panel"] == panel) & (table["order"] == order)]
            part = part.sort_values(by="number")
            if part.empty:
                continue
            wide = order in ("MoE (4)", "Avg (4)", "random")
            ax.plot(part["number"], part["accuracy"], color=colour, lw=2 if wide else 1)
            if wide:
                ax.fill_between(part["number"], part["low"], part["high"], color=colour, alpha=0.2, lw=0)
            for shown, fill in ((True, colour), (False, "white")):
                dots = part[part["printed"] == shown]
                ax.plot(dots["number"], dots["accuracy"], "o", ms=4, color=colour, mfc=fill)
        chance = lines.set_index("panel").loc[panel, "chance"]
        ax.axhline(chance, color="black", lw=1, ls=":")
        ax.set(title=f"{panel} data sets", xlabel="perturbed experts of 96", xticks=range(0, 21, 4))
    axes[0].set(ylabel="accuracy, mean over data sets")
    shown = [order for order in ORDER_COLOURS if order in set(table["order"])]
    legend(axes, {order: {"color": ORDER_COLOURS[order], "lw": 3} for order in shown}, columns=4)
    return axes


@with_data
def against(table: pd.DataFrame) -> np.ndarray:
    """How much lower the accuracy is under experts than under other orders, a column a comparison, a row a panel.

    `table` has ``panel, against, number, difference, low, high, low tasks, high tasks, printed``: thick intervals are
    over repeats of the noise, thin ones over data sets.
    """
    names = list(dict.fromkeys(table["against"]))
    axes = grid(2, len(names), width=7.8, height=4.4, sharex="all", sharey="all")
    for i, panel in enumerate(PANELS):
        for name, ax in zip(names, axes[i], strict=True):
            part = table[(table["panel"] == panel) & (table["against"] == name)]
            ax.axhline(0, color="black", lw=0.8)
            for low, high, width in (("low tasks", "high tasks", 0.8), ("low", "high", 2.6)):
                ax.vlines(part["number"], 100 * part[low], 100 * part[high], color=COLOURS["trained"], lw=width)
            for shown, fill in ((True, COLOURS["trained"]), (False, "white")):
                dots = part[part["printed"] == shown]
                ax.plot(dots["number"], 100 * dots["difference"], "o", ms=5, color=COLOURS["trained"], mfc=fill)
            ax.set(xticks=range(0, 21, 4))
            if i == 0:
                ax.set(title=f"minus {name}")
        axes[i, 0].set(ylabel=f"{panel}\npercentage points")
    axes[1, len(names) // 2].set(xlabel="perturbed experts of 96")
    return axes


@with_data
def variance(table: pd.DataFrame) -> np.ndarray:
    """Share of the variance of predictivity between experts (ICC) by layer; a panel a model.

    `table` has ``model, experts, layer, icc, low, high``.
    """
    models = list(dict.fromkeys(table["model"]))
    axes = grid(1, len(models), width=7.8, height=3.2, sharey="row")[0]
    colours = (COLOURS["trained"], COLOURS["other"])
    for model, ax in zip(models, axes, strict=True):
        part = table[table["model"] == model]
        for (number, rows), colour in zip(part.groupby("experts"), colours, strict=False):
            look = {"fmt": "o-", "ms": 4, "lw": 1.2, "color": colour, "label": f"{number} experts"}
            ax.errorbar(rows["layer"], rows["icc"], reach(rows, "icc"), **look)
        ax.axhline(0, color="black", lw=0.8)
        ax.set(title=model, xlabel="encoder layer")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(frameon=False, loc="upper left")
    axes[0].set(ylabel="intraclass correlation")
    return axes


@with_data
def stabilization(table: pd.DataFrame, level: float = 0.9) -> np.ndarray:
    """Figure 4: a row a model, a column a function; `table` has ``model, function, level, share, value``."""
    axes = grid(2, len(FUNCTIONS), width=7.8, height=4.8, sharex="all", sharey="all")
    for i, (model, name) in enumerate((("t5", "T5 of the authors"), ("switch", "Switch of the authors"))):
        for function, ax in zip(FUNCTIONS, axes[i], strict=True):
            rows = table[(table["model"] == model) & (table["function"] == function)]
            for level_name, (colour, style, _) in LEVELS.items():
                part: Any = rows[rows["level"] == level_name]
                part = part.sort_values(by="share")
                ax.plot(part["share"], part["value"], color=colour, ls=style, lw=1.5)
            ax.axhline(level, color="black", lw=0.8, ls=":")
            ax.set(ylim=(0, 1.02), xlim=(0, 1))
            ax.xaxis.set_major_formatter("{x:g}")
            if i == 0:
                ax.set(title=function)
        axes[i, 0].set(ylabel=f"{name}\nrank correlation")
    axes[1, 1].set(xlabel="fraction of training")
    legend(axes, {name: {"color": colour, "ls": style} for colour, style, name in LEVELS.values()})
    return axes
