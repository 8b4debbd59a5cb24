"""The figures of Section 6: curves over pre-training, tables in, Axes out."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from companion.sections.figure_data import with_data
from companion.sections.figures import COLOURS, FUNCTION_COLOURS, FUNCTIONS, grid, legend

LEVEL_COLOURS = {"expert": COLOURS["trained"], "random": COLOURS["null"], "neuron": COLOURS["neuron"]}
LEVEL_NAMES = {"expert": "experts", "random": "random partition", "neuron": "neurons"}
SCALES = ("linear", "log")
CORRELATIONS = (0, 0.5, 0.8, 0.9, 0.95, 0.99)  # ticks of an axis that is stretched near 1
EDGE = 0.995  # nearer to 1 there is no more room on it: Fisher's z of 1 is infinite


def line(ax: Axes, rows: Any, y: str, *, x: str = "share", **look: Any) -> None:
    """The mean over runs, and from the lowest to the highest run as a band."""
    by_step = rows.groupby(x)[y]
    mean = by_step.mean()
    ax.plot(mean.index, mean, **look)
    if max(by_step.size(), default=0) > 1:
        ax.fill_between(mean.index, by_step.min(), by_step.max(), color=look["color"], alpha=0.2, lw=0)


def run_axis(ax: Axes, scale: str, first: Any) -> None:
    ax.set(xscale=scale, xlim=(first if scale == "log" else 0, 1))
    ax.xaxis.set_major_formatter("{x:g}")
    if scale == "log":
        ax.minorticks_off()


def fisher_axis(ax: Axes, low: float) -> None:
    """Correlations from `low` to 1 by Fisher's z, on which a crossing of .9 is as wide as one of .5."""
    ax.set_yscale("function", functions=(lambda r: np.arctanh(np.clip(r, -EDGE, EDGE)), np.tanh))
    ax.set(ylim=(low, 1), yticks=[tick for tick in CORRELATIONS if tick >= low])
    ax.yaxis.set_major_formatter("{x:g}")


def losses_below(axes: Iterable[Axes], table: pd.DataFrame, first: Any) -> None:
    both = list(axes)
    for ax, scale in zip(both, SCALES, strict=False):
        line(ax, table, "value", color="black", lw=1)
        ax.set(xlabel="fraction of training" + ("\n(log)" if scale == "log" else ""))
        run_axis(ax, scale, first)
    both[0].set(ylabel="loss,\nnats a token")


@with_data
def modularity(table: pd.DataFrame, losses: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """Proportion and degree of functional experts over pre-training (Figures 3 and 6), loss below.

    Parameters
    ----------
    table : ``model, partition`` (model, random) ``, function, run, share, proportion, degree``.
    losses : model → ``run, share, value``.
    """
    names = list(losses)
    axes = grid(3, 2 * len(names), width=7.8, height=6.0, sharey="row", sharex="col")
    for j, (name, scale) in enumerate((n, s) for n in names for s in SCALES):
        rows = table[table["model"] == name]
        first = rows.loc[rows["share"] > 0, "share"].min()
        for measure, ax in zip(("proportion", "degree"), axes[:, j], strict=False):
            for partition, style in (("model", "-"), ("random", ":")):
                for function, colour in FUNCTION_COLOURS.items():
                    part = rows[(rows["partition"] == partition) & (rows["function"] == function)]
                    line(ax, part, measure, color=colour, ls=style, lw=1.4)
            run_axis(ax, scale, first)
        axes[0, j].set(title=name)
        axes[0, j].yaxis.set_major_formatter("{x:.0%}")
    for j, name in enumerate(names):
        first = table.loc[(table["model"] == name) & (table["share"] > 0), "share"].min()
        losses_below(axes[2, 2 * j : 2 * j + 2], losses[name], first)
        axes[2, 2 * j].set(ylabel="")
    for ax, label in zip(axes[:, 0], ("share of experts", "degree", "loss,\nnats a token"), strict=True):
        ax.set(ylabel=label)
    looks: dict[str, dict[str, object]] = {f: {"color": FUNCTION_COLOURS[f]} for f in FUNCTIONS}
    if "random" in set(table["partition"]):
        looks["random partition"] = {"color": "black", "ls": ":"}
    legend(axes, looks)
    return axes


@with_data
def stabilization(
    table: pd.DataFrame, loss: pd.DataFrame, printed: pd.DataFrame, settled: pd.DataFrame, level: float = 0.9
) -> np.ndarray:
    """Figure 4: stabilisation scores over pre-training, a row a function; linear, logarithmic, and as printed.

    A dot stands where a curve settles. Scores are drawn by their Fisher's z, because all that the claim is about lies
    above .9.

    Parameters
    ----------
    table : ``function, level`` (expert, random, neuron) ``, run, share, value``.
    loss : ``run, share, value``.
    printed : ``function, level, share, value``, or no rows.
    settled : ``function, level, first, first as printed``, infinite or not a number where a curve does not settle.
    """
    axes = grid(4, 3, width=7.8, height=8.2, sharex="col", sharey="row")
    first = table["share"].min()
    for i, function in enumerate(FUNCTIONS):
        drawn = ((table, "linear", "first"), (table, "log", "first"), (printed, "linear", "first as printed"))
        for (source, scale, at), ax in zip(drawn, axes[i], strict=True):
            ax.axhline(level, color="black", lw=0.8, ls=":")
            for (name, colour), size in zip(LEVEL_COLOURS.items(), (9, 7, 5), strict=True):  # all are seen at one place
                rows = source[(source["function"] == function) & (source["level"] == name)]
                line(ax, rows, "value", color=colour, lw=1.4)
                found = settled.loc[(settled["function"] == function) & (settled["level"] == name), at]
                places = found[np.isfinite(found)]
                ax.plot(places, np.full(len(places), level), "o", color=colour, ms=size, zorder=3, clip_on=False)
            run_axis(ax, scale, first)
            fisher_axis(ax, min(0.0, float(table["value"].to_numpy().min())))
        axes[i, 0].set(ylabel=f"{function}\nrank correlation")
    losses_below(axes[3], loss, first)
    axes[0, 0].set(title="here")
    axes[0, 1].set(title="here, log")
    axes[0, 2].set(title="as printed" if len(printed) else "nothing printed")
    axes[3, 2].set_visible(False)
    axes[2, 2].set(xlabel="fraction of training")
    axes[2, 2].tick_params(labelbottom=True)
    legend(axes, {LEVEL_NAMES[k]: {"color": c} for k, c in LEVEL_COLOURS.items()})
    return axes


@with_data
def schedules(table: pd.DataFrame, level: float = 0.9) -> np.ndarray:
    """Stabilisation with a decaying and a constant learning rate; a row a level, a column a function.

    `table` has ``schedule, function, level`` (expert, neuron) ``, step, value``.
    """
    names = [name for name in LEVEL_COLOURS if name in set(table["level"])]
    axes = grid(len(names), len(FUNCTIONS), width=7.8, height=2.1 * len(names) + 0.6, sharex="all", sharey="all")
    styles = dict(zip(dict.fromkeys(table["schedule"]), ("-", "--"), strict=False))
    for i, name in enumerate(names):
        for function, ax in zip(FUNCTIONS, axes[i], strict=True):
            rows = table[(table["level"] == name) & (table["function"] == function)]
            for schedule, style in styles.items():
                part = rows[rows["schedule"] == schedule]
                line(ax, part, "value", x="step", color=LEVEL_COLOURS[name], ls=style, lw=1.4)
            ax.axhline(level, color="black", lw=0.8, ls=":")
            ax.xaxis.set_major_formatter(lambda step, _place: f"{step / 1000:g}")
            if i == 0:
                ax.set(title=function)
        axes[i, 0].set(ylabel=LEVEL_NAMES[name])
    axes[-1, 1].set(xlabel="thousands of steps", ylim=(min(0, table["value"].min()), 1.02), xlim=(0, None))
    legend(axes, {name: {"color": "#555555", "ls": style} for name, style in styles.items()})
    return axes
