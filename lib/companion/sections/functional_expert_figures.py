"""The figures of Section 5: arrays in, Axes out."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr

from companion.sections.figure_data import with_data
from companion.sections.figures import COLOURS, FUNCTION_COLOURS, FUNCTIONS, grid, kinds, legend, reach

USUAL = "#E4E4E4"  # behind the setting that is the paper's
NULL_STYLES = {"binomial": ":", "exact": "--", "permutation": "-"}


@with_data
def counts_by_expert(
    counts: xr.DataArray, limits: Mapping[str, Mapping[str, int]], expected: xr.DataArray
) -> np.ndarray:
    """Top neurons of every expert of one layer, most first, with what each null allows; a panel a function.

    Parameters
    ----------
    counts : dims ``(function, expert)``.
    limits : null → function → the count that chance exceeds at most with alpha.
    expected : dims ``(function,)``.
    """
    axes = grid(1, len(FUNCTIONS), width=7.8, height=3.0)[0]
    for function, ax in zip(FUNCTIONS, axes, strict=True):
        values = np.sort(counts.sel(function=function).to_numpy())[::-1]
        functional = values > limits["permutation"][function]
        colours = [COLOURS["trained"] if f else "#B8CFE0" for f in functional]
        ax.bar(range(len(values)), values, color=colours)
        ax.axhline(expected.sel(function=function).item(), color=COLOURS["null"], lw=1)
        for null, style in NULL_STYLES.items():
            ax.axhline(limits[null][function] + 0.5, color="black", lw=1.2, ls=style)
        ax.set(title=function, xlabel="expert, most first", xticks=[])
    axes[0].set(ylabel="top neurons in the expert")
    legend(axes, {null: {"color": "black", "ls": style} for null, style in NULL_STYLES.items()})
    return axes


@with_data
def functional_experts(table: pd.DataFrame) -> np.ndarray:
    """Proportion of functional experts under each null: a row a model, a column a function.

    `table` has ``model, partition, null, function, proportion, low, high``; ``partition`` is trained, untrained, null
    (random partitions of the trained model) or paper.
    """
    names = list(dict.fromkeys(table["model"]))
    nulls = list(NULL_STYLES)
    axes = grid(len(names), len(FUNCTIONS), width=7.8, height=1.6 * len(names) + 0.9, sharex="col", sharey="row")
    shifts = {"trained": -0.2, "untrained": 0.05, "null": 0.25, "paper": -0.35, "paper_null": 0.35}
    for i, name in enumerate(names):
        for j, function in enumerate(FUNCTIONS):
            ax = axes[i, j]
            rows = table[(table["model"] == name) & (table["function"] == function)]
            for kind, shift in shifts.items():
                part = rows[rows["partition"] == kind]
                places = [nulls.index(n) + shift for n in part["null"]]
                look = {"marker": "D" if "paper" in kind else "o", "ms": 4, "lw": 1.4, "ls": ""}
                colour = COLOURS["paper"] if "paper" in kind else COLOURS[kind]
                face = "white" if kind == "paper_null" else colour
                ax.errorbar(part["proportion"], places, xerr=reach(part, "proportion"), color=colour, mfc=face, **look)
            ax.set(yticks=range(len(nulls)), yticklabels=nulls, ylim=(len(nulls) - 0.5, -0.5))
            ax.xaxis.set_major_formatter("{x:.0%}")
            if i == 0:
                ax.set(title=function)
        axes[i, 0].set(ylabel=name)
    axes[-1, 1].set(xlabel="share of experts called functional")
    shown = ("trained", "untrained", "null", "paper")
    legend(axes, kinds(shown, null="random partition", paper="printed (hollow: random)"))
    return axes


@with_data
def by_number(own: pd.DataFrame, random: pd.DataFrame) -> np.ndarray:
    """Proportion and degree against the number of sub-functions of a test, with those of random partitions dashed.

    Both tables have ``function, number, proportion, degree``, one row a draw.
    """
    axes = grid(1, 2, width=7.8, height=3.2)[0]
    for measure, ax in zip(("proportion", "degree"), axes, strict=True):
        for table, style in ((own, "-"), (random, "--")):
            options = {"hue": "function", "palette": FUNCTION_COLOURS, "ls": style, "marker": "o", "ms": 4}
            sns.lineplot(table, x="number", y=measure, errorbar=None, legend=False, ax=ax, **options)
        ax.set(xscale="log", xlabel="sub-functions tested together", ylim=(0, None))
        ax.set_xticks(sorted(own["number"].unique()), minor=False)
        ax.set_xticks([], minor=True)
        ax.xaxis.set_major_formatter("{x:g}")
    axes[0].set(ylabel="share of experts called functional")
    axes[1].set(ylabel="modularization degree")
    legend(axes, {name: {"color": FUNCTION_COLOURS[name], "lw": 3} for name in dict.fromkeys(own["function"])})
    return axes


@with_data
def sensitivity(table: pd.DataFrame) -> np.ndarray:
    """Proportion of functional experts when one choice is changed; crosses: random partitions.

    `table` has ``choice, setting, function, proportion, chance, changed``; what is not changed is the paper's setting,
    and stands on grey.
    """
    choices = list(dict.fromkeys(table["choice"]))
    columns = 3
    rows = -(-len(choices) // columns)
    axes = grid(rows, columns, width=7.8, height=2.3 * rows + 0.4, sharey="row")
    for choice, ax in zip(choices, axes.flat, strict=False):
        part = table[table["choice"] == choice]
        settings = list(dict.fromkeys(part["setting"]))
        for setting in dict.fromkeys(part.loc[~part["changed"], "setting"]):
            ax.axvspan(settings.index(setting) - 0.4, settings.index(setting) + 0.4, color=USUAL, lw=0, zorder=0)
        for function, shift in zip(FUNCTIONS, (-0.15, 0, 0.15), strict=True):
            own = part.query("function == @function").set_index("setting").loc[settings]
            places = np.arange(len(settings)) + shift
            ax.plot(places, own["proportion"], "o", color=FUNCTION_COLOURS[function], ms=5)
            ax.plot(places, own["chance"], "x", color=FUNCTION_COLOURS[function], ms=4, alpha=0.7)
        ax.set(xticks=range(len(settings)), xticklabels=settings, title=choice)
        ax.yaxis.set_major_formatter(lambda share, _place: f"{100 * share:g}%")  # with the digits that its ticks need
    for ax in axes.flat[len(choices) :]:
        ax.set_visible(False)
    for ax in axes[:, 0]:  # limits of a row, once all that is in it is drawn
        ax.set(ylabel="functional experts", ylim=(-0.01, None))
    looks: dict[str, dict[str, object]] = {name: {"color": c, "lw": 3} for name, c in FUNCTION_COLOURS.items()}
    looks["random partitions"] = {"color": "#555555", "marker": "x", "ls": ""}
    legend(axes, looks | {"the paper's setting": {"color": USUAL, "lw": 9}})
    return axes
