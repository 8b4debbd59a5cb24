"""The figure of the ledger: a table of verdicts in, Axes out."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from companion.released import published
from companion.sections.figures import COLOURS, grid

# Verdict → colour of its cell and sign in it, so that neither is needed to read the other.
LOOKS = {
    "holds": (COLOURS["trained"], "✓", "white"),
    "weaker": ("#9CCBE8", "~", "black"),
    "not shown": ("#E6E6E6", "?", "black"),
    "not in this model": (COLOURS["untrained"], "✗", "black"),
}
RELEASED = ", released"


def column(model: str) -> str:
    """The column of a model: its own name, but one for all the authors' numbers of a T5, and one for those of a
    Switch."""
    kind = {"t5": "T5", "switch": "Switch"}.get(published.counterpart(model))
    return f"{kind}, released" if model.endswith(RELEASED) and kind else model


def verdicts(table: pd.DataFrame) -> Axes:
    """Claims in rows, models in columns, a coloured cell with a sign for each verdict; dots where nothing was tested.

    Parameters
    ----------
    table : ``claim, model, verdict``; rows without a verdict make no column.
    """
    claims = list(dict.fromkeys(table["claim"]))
    said: pd.DataFrame = table.loc[table["verdict"] != "", ["claim", "model", "verdict"]]
    models = list(dict.fromkeys(said["model"].map(column)))
    models.sort(key=lambda name: name.endswith(RELEASED))  # stable: the book's own first
    order = list(LOOKS)
    cells = np.full((len(claims), max(1, len(models))), np.nan)
    for claim, model, verdict in said.itertuples(index=False, name=None):
        cells[claims.index(claim), models.index(column(model))] = order.index(verdict)
    axes = grid(1, 1, width=3.1 + 0.75 * len(models), height=0.27 * len(claims) + 1.5)[0, 0]
    colours = ListedColormap([colour for colour, *_ in LOOKS.values()])
    axes.pcolormesh(cells, cmap=colours, vmin=-0.5, vmax=len(order) - 0.5, edgecolors="white", lw=1.5)
    for (row, place), value in np.ndenumerate(cells):
        _, sign, ink = LOOKS[order[int(value)]] if np.isfinite(value) else ("", "·", COLOURS["null"])
        axes.text(place + 0.5, row + 0.5, sign, ha="center", va="center", color=ink, fontsize=11)
    axes.set(yticks=np.arange(len(claims)) + 0.5, yticklabels=[claim.replace("-", " ") for claim in claims])
    axes.set(xticks=np.arange(len(models)) + 0.5, ylim=(len(claims), 0))
    axes.set_xticklabels(models, rotation=35, ha="left", rotation_mode="anchor")
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    handles = [
        axes.scatter([], [], s=90, marker="s", color=c, label=f"{sign} {v}") for v, (c, sign, _) in LOOKS.items()
    ]
    axes.figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)  # type: ignore[union-attr]
    return axes
