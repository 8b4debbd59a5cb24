"""What a figure shows, read back from its artists, and tables in which no two numbers are equal."""

from itertools import product

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer

matplotlib.use("agg")


def table(measures: str, **levels) -> pd.DataFrame:
    """A row for every combination of the levels, with another number between 0.2 and 0.8 under every measure."""
    rows = pd.DataFrame(list(product(*levels.values())), columns=list(levels))
    names = measures.split()
    numbers = np.random.default_rng(0).permutation(np.linspace(0.2, 0.8, len(rows) * len(names)))
    return rows.assign(**dict(zip(names, numbers.reshape(len(names), -1), strict=True)))


def where(rows: pd.DataFrame, **values) -> pd.DataFrame:
    """The rows that have these values."""
    return rows[np.logical_and.reduce([rows[column] == value for column, value in values.items()])]


def around(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    """With intervals, no two of one width."""
    width = np.linspace(0.01, 0.09, len(rows))
    return rows.assign(low=rows[measure] - width, high=rows[measure] + 2 * width)


def alike(one, other) -> bool:
    return to_hex(one) == to_hex(other)


def lines(ax, colour, style="-", marker=None) -> list[np.ndarray]:
    """The x and y of the lines and dots of a look, in the order in which they are drawn; no lines across the panel."""
    return [
        np.asarray(line.get_xydata())
        for line in ax.lines
        if line.get_transform() == ax.transData
        and len(line.get_xdata())
        and alike(line.get_color(), colour)
        and line.get_linestyle() == style
        and marker in (None, line.get_marker())
    ]


def line(ax, colour, style="-", marker=None) -> np.ndarray:
    (found,) = lines(ax, colour, style, marker)
    return found


def outside(axes) -> list[tuple[str, np.ndarray]]:
    """Panel and points of lines and dots that its limits leave out."""
    found = []
    for ax in np.ravel(axes):
        (left, right), (low, high) = sorted(ax.get_xlim()), sorted(ax.get_ylim())
        for line in ax.lines:
            if line.get_transform() != ax.transData:  # a line across the panel
                continue
            x, y = np.asarray(line.get_xydata(), dtype=float).T
            out = (x < left) | (x > right) | (y < low) | (y > high)
            if out.any():
                found.append((ax.get_title(), np.stack([x[out], y[out]])))
    return found


def shows(ax, rows, x, y, colour, style="-", marker=None) -> bool:
    """Whether the one line of a look is the rows, along x."""
    expected = rows.groupby(x)[y].mean()
    found = line(ax, colour, style, marker)
    return np.allclose(found[:, 0], expected.index) and np.allclose(found[:, 1], expected)


def across(ax) -> list[float]:
    """Heights of the lines across the whole panel, in the order in which they are drawn."""
    return [one.get_ydata()[0] for one in ax.lines if one.get_transform() == ax.get_yaxis_transform("grid")]


def upright(ax) -> list[float]:
    """Places of the lines from its bottom to its top."""
    return [one.get_xdata()[0] for one in ax.lines if one.get_transform() == ax.get_xaxis_transform("grid")]


def bars(ax, colour) -> tuple[np.ndarray, np.ndarray]:
    """Dots of the error bars of a colour, and both ends of each bar: ``(dot, end, coordinate)``."""
    every = [c for c in ax.containers if isinstance(c, ErrorbarContainer) and len(c.lines[0].get_xdata())]
    found = [c for c in every if alike(c.lines[0].get_color(), colour)]
    dots = [np.asarray(c.lines[0].get_xydata()) for c in found]
    return np.concatenate(dots), np.concatenate([np.array(c.lines[2][0].get_segments()) for c in found])


def band(ax, colour) -> dict[float, tuple[float, float]]:
    """x → lowest and highest point of the one filled band of a colour."""
    found = [c for c in ax.collections if isinstance(c, PolyCollection) and alike(c.get_facecolor()[0], colour)]
    (one,) = found
    corners = one.get_paths()[0].vertices
    at = {x: corners[corners[:, 0] == x, 1] for x in np.unique(corners[:, 0])}
    return {float(x): (float(ys.min()), float(ys.max())) for x, ys in at.items()}


def dots(ax, colour=None) -> np.ndarray:
    """All scattered dots, or those of a colour, in the order in which they are drawn."""
    found = [np.empty((0, 2))]
    for one in (c for c in ax.collections if isinstance(c, PathCollection)):
        places = np.asarray(one.get_offsets()).reshape(-1, 2)
        colours = np.resize(one.get_facecolors(), (len(places), 4))  # one for all, or one each
        found.append(places[[colour is None or alike(c, colour) for c in colours]])
    return np.concatenate(found)


def said(figure) -> dict[str, str]:
    """The legend of a figure: name → colour."""
    (legend,) = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    colours = [to_hex(getattr(h, "get_color", getattr(h, "get_facecolor", None))()) for h in legend.legend_handles]
    return dict(zip(names, colours, strict=True))


def titles(axes) -> list[str]:
    return [ax.get_title() for ax in np.ravel(axes)]
