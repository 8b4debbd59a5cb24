"""The figures of Section 4: best predictivities by layer, and shared top neurons (Figure 1)."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from companion.sections.figure_data import with_data
from companion.sections.figures import COLOURS, FUNCTIONS, grid, kinds, legend, reach

MARKED = 6  # ticks of an axis, at most


@with_data
def figure1_left(table: pd.DataFrame) -> np.ndarray:
    """Mean best predictivity by layer, as in the left of the paper's Figure 1: a row a model, a column a function.

    `table` is that of `figure1.left`. The paper's layers are squeezed to the width of ours.
    """
    names = list(dict.fromkeys(table["model"]))
    axes = grid(len(names), len(FUNCTIONS), width=7.8, height=2.1 * len(names) + 0.5, sharey="col")
    for (i, name), (j, function) in product(enumerate(names), enumerate(FUNCTIONS)):
        ax = axes[i, j]
        here = table.query("model == @name and function == @function")
        rows: dict[str, Any] = {kind: here[here["kind"] == kind] for kind in ("null", "paper", "untrained", "trained")}
        layers = np.unique(rows["trained"]["layer"].to_numpy())
        ax.fill_between("layer", "low", "high", data=rows["null"], color=COLOURS["null"], alpha=0.35, lw=0)
        if len(rows["paper"]):
            printed = rows["paper"]["layer"].to_numpy()
            places = np.interp(printed, [printed.min(), printed.max()], [layers.min(), layers.max()])
            ax.plot(places, rows["paper"]["value"], color=COLOURS["paper"], lw=1, alpha=0.7)
        for kind in ("untrained", "trained"):
            ax.fill_between("layer", "low", "high", data=rows[kind], color=COLOURS[kind], alpha=0.2, lw=0)
            ax.plot("layer", "value", "o-", data=rows[kind], color=COLOURS[kind], lw=2, ms=4)
        ax.set(xticks=layers[:: -(-len(layers) // MARKED)])
        if i == 0:
            ax.set(title=function)
        if j == 0:
            ax.set(ylabel=f"{name}\nbest predictivity")
    axes[-1, len(FUNCTIONS) // 2].set(xlabel="encoder layer, 0-based; the paper's are squeezed to the same width")
    shown = ("trained", "untrained", "null", "paper")
    legend(axes, kinds(shown, null="best of N chance-level neurons", paper="trained, printed"))
    return axes


@with_data
def numbers_of_functions(table: pd.DataFrame) -> np.ndarray:
    """Share of neurons that pass in one, two and three functions, as stacked bars: a panel a model, a bar a kind.

    `table` is that of `one_function.numbers`.
    """
    names, kinds_ = (list(dict.fromkeys(table[column])) for column in ("model", "kind"))
    axes = grid(1, len(names), width=7.8, height=2.4, sharey="all", sharex="all")[0]
    shades = {1: COLOURS["trained"], 2: "#7FB8D8", 3: "#CFE3F0"}
    for name, ax in zip(names, axes, strict=True):
        rows = table[table["model"] == name].set_index(["kind", "number"])["share"]
        left = np.zeros(len(kinds_))
        for number, colour in shades.items():
            share = np.array([rows[kind, number] for kind in kinds_])
            ax.barh(range(len(kinds_)), 100 * share, left=100 * left, color=colour)
            left += share
        ax.set(title=name, yticks=range(len(kinds_)), yticklabels=kinds_, ylim=(len(kinds_) - 0.5, -0.5))
        ax.title.set_fontsize(9)
    axes[0].figure.supxlabel("neurons that pass, %", fontsize=11)
    legend(axes, {f"in {n} function{'s' * (n > 1)}": {"color": colour, "lw": 6} for n, colour in shades.items()})
    return axes


@with_data
def overlaps(table: pd.DataFrame) -> np.ndarray:
    """Shared top neurons within and between functions, on a logarithmic scale, with the chance line.

    `table` has ``model, init, function, other, value, low, high, chance``; ``init`` is trained, untrained or paper.
    """
    names = list(dict.fromkeys(table["model"]))
    axes = grid(1, len(names), width=7.8, height=3.4, sharey="row")[0]
    pairs = list(dict.fromkeys(zip(table["function"], table["other"], strict=True)))
    pairs.sort(key=lambda pair: pair[0] != pair[1])
    labels = [f"{a}" if a == b else f"{a} – {b}" for a, b in pairs]
    for name, ax in zip(names, axes, strict=True):
        rows = table.query("model == @name")
        for init, marker, shift in (("trained", "o", -0.15), ("untrained", "s", 0.15), ("paper", "D", 0)):
            part = rows[rows["init"] == init]
            places = [pairs.index(pair) + shift for pair in zip(part["function"], part["other"], strict=True)]
            ax.errorbar(part["value"], places, xerr=reach(part, "value"), fmt=marker, ms=4, lw=1.2, color=COLOURS[init])
        ax.axvline(rows["chance"].iloc[0], color=COLOURS["null"], lw=1, ls="--")
        ax.axhline(len(FUNCTIONS) - 0.5, color=COLOURS["null"], lw=0.5)
        ax.set(xscale="log", title=name, yticks=range(len(pairs)), yticklabels=labels, ylim=(len(pairs) - 0.5, -0.5))
        ax.title.set_fontsize(10)
        ax.set_xticks([0.01, 0.1] if len(names) > 3 else [0.003, 0.01, 0.03, 0.1])
        ax.set_xticks([], minor=True)
        ax.xaxis.set_major_formatter("{x:g}")
    axes[0].figure.supxlabel("share of the top 1 % neurons in common (dashed: chance)", fontsize=11)
    legend(axes, kinds(("trained", "untrained", "paper"), paper="printed"))
    return axes
