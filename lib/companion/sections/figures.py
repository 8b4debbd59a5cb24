"""What all figures share: colours, sizes, keys and intervals. A figure takes tables and gives Axes."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

# Okabe and Ito's colours and some of Tol's, told apart with any colour vision; each means one thing in the whole book.
# What is of trained models is blue: their experts as they are, their single neurons lighter.
COLOURS = {
    "trained": "#0072B2",
    "neuron": "#56B4E9",
    "untrained": "#D55E00",
    "null": "#7F7F7F",
    "paper": "#000000",
    "other": "#882255",
}
CATEGORIES = ("#332288", "#44AA99", "#999933", "#CC6677", "#AA4499", "#88CCEE")  # of anything else, as layers
FUNCTION_COLOURS = {"semantic": "#CC79A7", "knowledge": "#E69F00", "task": "#009E73"}
FUNCTIONS = tuple(FUNCTION_COLOURS)
STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "savefig.facecolor": "white",  # figures keep their paper in dark mode
    "svg.hashsalt": "companion",  # the same figure has the same file in every build
}


def grid(rows: int, columns: int, *, width: float, height: float, **options: str) -> np.ndarray:
    """Panels of the book's style, always as a table; size in inches."""
    sns.set_theme(style="ticks", rc=STYLE)
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False, **options)[1]  # type: ignore[call-overload]


def alone(height: float = 4.2) -> Axes:
    """One panel of the book's style."""
    return grid(1, 1, width=7.0, height=height)[0, 0]


def legend(axes: np.ndarray, looks: Mapping[str, Mapping[str, Any]], *, columns: int = 0, place: str = "upper") -> None:
    """One line above the panels, or several, that says what each line's look means."""
    handles = [Line2D([], [], label=name, **{"lw": 2, **look}) for name, look in looks.items()]
    place, columns = f"outside {place} center", columns or len(handles)
    axes.flat[0].figure.legend(
        handles=handles, loc=place, ncols=columns, frameon=False, fontsize=9 if columns > 3 else 11
    )


def kinds(names: Sequence[str], **labels: str) -> dict[str, dict[str, Any]]:
    """Looks for `legend` of the colours of `COLOURS`, each called by its name or as `labels` say."""
    return {labels.get(name, name): {"color": COLOURS[name], "lw": 3} for name in names}


def reach(table: Any, middle: str, scale: float = 1.0) -> np.ndarray:
    """How far ``low`` and ``high`` are from the column `middle`, as Matplotlib takes error bars."""
    return scale * np.array([table[middle] - table["low"], table["high"] - table[middle]]).clip(0)
