"""The figures of perturbed sentence encoders: arrays in, Axes out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.patches import Rectangle

from companion.experiments.lesion_orders import Order
from companion.sections.figure_data import with_data
from companion.sections.figures import COLOURS, FUNCTION_COLOURS, FUNCTIONS, grid, legend, reach


@with_data
def curves(table: pd.DataFrame, settings: Mapping[str, str]) -> np.ndarray:
    """Loss against the share of perturbed neurons: a row a setting, a column the function that is judged.

    Parameters
    ----------
    table : ``setting, function, order, share, loss, low, high``.
    settings : setting → what it is called in the figure.
    """
    axes = grid(len(settings), len(FUNCTIONS), width=7.8, height=2.4 * len(settings) + 0.6, sharex="all", sharey="row")
    for (setting, name), row in zip(settings.items(), axes, strict=True):
        for function, ax in zip(FUNCTIONS, row, strict=True):
            here: Any = table[(table["setting"] == setting) & (table["function"] == function)]
            for order in _orders().values():
                part = here[here["order"] == str(order)].sort_values("share")
                ax.plot(100 * part["share"], part["loss"], marker=".", **_look(order))
            own = here[here["order"] == str(Order("experts", function))].sort_values("share")
            ax.fill_between(100 * own["share"], own["low"], own["high"], color=FUNCTION_COLOURS[function], alpha=0.15)
            ax.axhline(0, color=COLOURS["null"], lw=0.8, zorder=0)
        row[0].set(ylabel=f"{name}\npoints lost")
    for function, ax in zip(FUNCTIONS, axes[0], strict=True):
        ax.set(title=f"judged: {function}")
    axes[-1, len(FUNCTIONS) // 2].set(xlabel="perturbed neurons of the layers, %")
    legend(axes, {name: _look(order) for name, order in _orders().items()}, columns=4)
    return axes


def _orders() -> dict[str, Order]:
    """What is perturbed → its order."""
    kinds = {f"{function} {unit}": Order(unit, function) for unit in ("experts", "neurons") for function in FUNCTIONS}
    return {"random neurons": Order()} | kinds


def _look(order: Order) -> dict[str, object]:
    single = order.unit == "neurons" and order.by
    return {"color": FUNCTION_COLOURS.get(order.by, COLOURS["null"]), "ls": ":" if single else "-", "lw": 1.8}


@with_data
def matrices(tables: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """Losses by perturbed function (rows) and judged function (columns), a panel each of `tables`."""
    axes = grid(1, len(tables), width=7.8, height=3.4)[0]
    most = max(1.0, max(float(table.to_numpy().max()) for table in tables.values()))
    for i, ((name, table), ax) in enumerate(zip(tables.items(), axes, strict=True)):
        options = {
            "cmap": "Purples",
            "vmin": 0,
            "vmax": most,
            "annot": True,
            "fmt": ".1f",
            "cbar": False,
            "linewidths": 1,
        }
        sns.heatmap(table, ax=ax, square=True, yticklabels=i == 0, **options)
        for place, function in enumerate(table.columns):
            ax.add_patch(Rectangle((place, list(table.index).index(function)), 1, 1, fill=False, ec="black", lw=2))
        ax.set(title=name, xlabel="judged")
        ax.set_xticks(ax.get_xticks(), labels=list(table.columns), rotation=40, ha="right", rotation_mode="anchor")
    axes[0].set(ylabel="perturbed")
    axes[0].tick_params(axis="y", rotation=0)
    return axes


@with_data
def differences(tables: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """How much more own experts cost than what they are compared with: a panel each of `tables`.

    They have ``against, difference, low, high``.
    """
    names: Sequence[str] = list(dict.fromkeys(name for table in tables.values() for name in table["against"]))
    axes = grid(1, len(tables), width=7.8, height=0.45 * len(names) + 1.4, sharex="all", sharey="all")[0]
    for (title, table), ax in zip(tables.items(), axes, strict=True):
        places = [names.index(name) for name in table["against"]]
        ax.errorbar(
            table["difference"], places, xerr=reach(table, "difference"), fmt="o", color=COLOURS["trained"], ms=5
        )
        ax.axvline(0, color=COLOURS["null"], lw=1)
        ax.set(title=title, yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
    axes[0].figure.supxlabel("points lost by own experts, minus points lost by these", fontsize="medium")
    return axes


@with_data
def kept(table: pd.DataFrame, chance: float) -> np.ndarray:
    """The read-out against the share of neurons that are kept: a column a function.

    Parameters
    ----------
    table : ``function, kind, share, value`` with the share 1 for the plain model.
    chance : what a read-out of nothing reaches.
    """
    axes = grid(1, len(FUNCTIONS), width=7.8, height=3.0, sharey="row")[0]
    looks = {"own experts": COLOURS["trained"], "own neurons": COLOURS["neuron"], "random neurons": COLOURS["null"]}
    for function, ax in zip(FUNCTIONS, axes, strict=True):
        for kind, colour in looks.items():
            mine: Any = table[(table["function"] == function) & (table["kind"] == kind)]
            part = mine.sort_values("share")
            ax.plot(100 * part["share"], part["value"], "o-", color=colour, ms=4)
        ax.axhline(chance, color="black", lw=1, ls=":")
        ax.set(title=function)
    axes[0].set(ylabel="read-out")
    axes[1].set(xlabel="neurons kept, %; all others are 0")
    legend(axes, {kind: {"color": colour, "lw": 3} for kind, colour in looks.items()})
    return axes
