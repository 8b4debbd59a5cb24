"""The figures of the section *emergence order*: tables in, Axes out."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from companion.sections.emergence_figures import line
from companion.sections.figure_data import with_data
from companion.sections.figures import CATEGORIES, COLOURS, FUNCTIONS, alone, grid, legend, reach

LEVEL_COLOURS = {"expert": COLOURS["trained"], "random": COLOURS["null"], "top": COLOURS["neuron"]}
LEVEL_NAMES = {
    "expert": "experts",
    "random": "neurons (random groups)",
    "top": "top neurons",
    "neuron": "neurons",
}
HALF = 0.5
LIMITS = (-0.1, 1.3)  # of a fraction; what a correction by a small reliability carries beyond is cut


def _fractions(ax: Axes, rows: Any, colours: dict[str, str], style: str) -> None:
    for level, colour in colours.items():
        part = rows[rows["level"] == level]
        ax.plot(part["share"], part["value"].clip(*LIMITS), color=colour, ls=style, lw=1.5)


@with_data
def order(curves: pd.DataFrame, path: pd.DataFrame, times: pd.DataFrame) -> np.ndarray:
    """The fraction of the final order over training; a row a model, a column a function.

    Parameters
    ----------
    curves, path : ``model, function, level, share, value``, of the runs and of the random path.
    times : ``model, function, level, time``: where a dot is set on the line at one half.
    """
    names = list(dict.fromkeys(curves["model"]))
    axes = grid(len(names), len(FUNCTIONS), width=7.8, height=2.6 * len(names) + 0.6, sharex="all", sharey="all")
    for i, name in enumerate(names):
        for function, ax in zip(FUNCTIONS, axes[i], strict=True):
            here = [t[(t["model"] == name) & (t["function"] == function)] for t in (curves, path, times)]
            ax.axhline(HALF, color="black", lw=0.8, ls=":")
            _fractions(ax, here[0], LEVEL_COLOURS, "-")
            _fractions(ax, here[1], {k: LEVEL_COLOURS[k] for k in ("expert", "random")}, "--")
            for (level, colour), size in zip(LEVEL_COLOURS.items(), (9, 7, 5), strict=True):
                for at in here[2].loc[here[2]["level"] == level, "time"].dropna():
                    ax.plot([at], [HALF], "o", color=colour, ms=size, zorder=3)
            ax.set(xlim=(0, 1), ylim=LIMITS)
            ax.xaxis.set_major_formatter("{x:g}")
            if i == 0:
                ax.set(title=function)
        axes[i, 0].set(ylabel=f"{name}\nfraction of final order")
    axes[-1, 1].set(xlabel="fraction of training")
    looks = {LEVEL_NAMES[k]: {"color": c} for k, c in LEVEL_COLOURS.items()}
    legend(axes, looks | {"random path": {"color": "#555555", "ls": "--"}})
    return axes


@with_data
def leads(table: pd.DataFrame) -> np.ndarray:
    """By how much neurons are later than experts, with intervals; a panel a model. Functions without any are left out.

    `table` has ``model, function, comparison, time, low, high``, a row a point, in the order in which they are drawn.
    """
    names, kinds = (list(dict.fromkeys(table[column])) for column in ("model", "comparison"))
    functions = [f for f in FUNCTIONS if table[table["function"] == f].dropna().size]
    axes = grid(1, len(names), width=7.8, height=1.8 + 0.3 * len(functions) * len(kinds), sharey="all", sharex="all")
    places = {(f, k): -(i * (len(kinds) + 1) + j) for i, f in enumerate(functions) for j, k in enumerate(kinds)}
    colours = dict(zip(kinds, CATEGORIES, strict=False))
    for name, ax in zip(names, axes[0], strict=True):
        ax.axvline(0, color="black", lw=0.8)
        for kind, colour in colours.items():
            rows = table[(table["model"] == name) & (table["comparison"] == kind)].dropna()
            y = [places[f, kind] for f in rows["function"]]
            ax.errorbar(rows["time"], y, xerr=reach(rows, "time"), fmt="o", ms=5, color=colour, capsize=2)
        ax.set(title=name, xlabel="later than experts by\n(fraction of training)")
    middle = (len(kinds) - 1) / 2
    axes[0, 0].set(ylim=(min(places.values(), default=0) - 1, 1))
    axes[0, 0].set_yticks([-(i * (len(kinds) + 1) + middle) for i in range(len(functions))], functions)
    legend(axes, {kind: {"color": colour, "marker": "o", "lw": 1} for kind, colour in colours.items()}, columns=2)
    return axes


@with_data
def rates(table: pd.DataFrame) -> np.ndarray:
    """Correlation with a late checkpoint on the same sentences, by schedule; a column a function.

    `table` has ``schedule, function, level`` (expert, random) ``, step, value``.
    """
    axes = grid(1, len(FUNCTIONS), width=7.8, height=3.0, sharey="all", sharex="all")
    styles = dict(zip(dict.fromkeys(table["schedule"]), ("-", "--"), strict=True))
    for function, ax in zip(FUNCTIONS, axes[0], strict=True):
        ax.axhline(HALF, color="black", lw=0.8, ls=":")
        rows = table[table["function"] == function]
        for schedule, style in styles.items():
            for level in ("expert", "random"):
                part = rows[(rows["schedule"] == schedule) & (rows["level"] == level)]
                ax.plot(part["step"], part["value"], color=LEVEL_COLOURS[level], ls=style, lw=1.4)
        ax.set(title=function, ylim=(-0.1, 1.02), xlim=(0, None))
        ax.xaxis.set_major_formatter(lambda step, _place: f"{step / 1000:g}")
    axes[0, 0].set(ylabel="correlation with\nthe last step")
    axes[0, 1].set(xlabel="thousands of steps")
    looks: dict[str, dict[str, Any]] = {LEVEL_NAMES[k]: {"color": LEVEL_COLOURS[k]} for k in ("expert", "random")}
    legend(axes, looks | {name: {"color": "#555555", "ls": style} for name, style in styles.items()})
    return axes


@with_data
def routers(table: pd.DataFrame, curves: pd.DataFrame) -> Axes:
    """How the loads of a Switch's experts go with those at the end, beside the order of experts and top neurons.

    Parameters
    ----------
    table : ``run, layer, share, value``; mean over runs, and from the lowest to the highest run as a band.
    curves : ``function, level`` (expert, random, top) ``, share, value``, of which word meanings are drawn.
    """
    ax = alone()
    layers = list(dict.fromkeys(table["layer"]))
    colours = dict(zip(layers, CATEGORIES, strict=False))
    for layer, colour in colours.items():
        line(ax, table[table["layer"] == layer], "value", color=colour, lw=1.5)
    _fractions(ax, curves[curves["function"] == "semantic"], LEVEL_COLOURS, "-")
    ax.axhline(HALF, color="black", lw=0.8, ls=":")
    ax.set(
        ylabel="correlation of loads with the last,\nor fraction of the final order",
        xlabel="fraction of training",
        ylim=LIMITS,
        xlim=(0, 1),
    )
    ax.xaxis.set_major_formatter("{x:g}")
    looks = {f"loads, layer {layer}": {"color": colour} for layer, colour in colours.items()}
    legend(np.array([[ax]]), looks | {LEVEL_NAMES[k]: {"color": c} for k, c in LEVEL_COLOURS.items()}, columns=3)
    return ax
