"""The figures of the companion models: how they were trained, and what they can."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from companion.sections.figure_data import with_data
from companion.sections.figures import CATEGORIES, COLOURS, FUNCTIONS, alone, grid, legend, reach

EVEN = 0.9  # entropy of a load, as a share of its maximum, that counts as even


@with_data
def training(table: pd.DataFrame) -> np.ndarray:
    """Losses of pre-training over steps, one panel a loss and one line a run.

    `table` has the columns ``model, seed, step`` and one column a loss, in nats.
    """
    losses = {
        "loss": "hidden spans of text,\nnats a token",
        "facts_loss": "hidden half of a fact,\nnats a token",
        "task_loss": "answers to tasks,\nnats an answer",
    }
    axes = grid(1, len(losses), width=7.6, height=3.2)[0]
    colours = dict(zip(sorted(table["model"].unique()), (COLOURS["other"], COLOURS["trained"]), strict=False))
    for (name, label), ax in zip(losses.items(), axes, strict=True):
        rows = table.dropna(subset=name)
        sns.lineplot(rows, x="step", y=name, hue="model", units="seed", estimator=None, palette=colours, lw=1, ax=ax)
        ax.set(xscale="log", yscale="log", xlabel="step", ylabel=label)
        ax.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}", minor_formatter="")
        ax.get_legend().remove()
    legend(axes, {name: {"color": colour} for name, colour in colours.items()})
    return axes


@with_data
def router_load(logs: pd.DataFrame, entropy: pd.DataFrame, share: pd.DataFrame) -> np.ndarray:
    """How evenly Switch's routers load the experts: z-loss and entropy over steps, and the load at the end.

    `logs` has the columns ``seed, step, z_loss`` (of both layers); `entropy` has ``seed, layer, step, entropy`` (a
    share of its maximum); `share` has ``seed, layer, expert, share`` of the tokens.
    """
    axes = grid(1, 3, width=7.6, height=3.2)[0]
    sns.lineplot(logs, x="step", y="z_loss", units="seed", estimator=None, color=COLOURS["other"], lw=1, ax=axes[0])
    axes[0].set(xscale="log", yscale="log", ylabel="z-loss of the routers")
    layers = sorted(entropy["layer"].unique())
    colours = dict(zip(layers, CATEGORIES, strict=False))
    sns.lineplot(
        entropy, x="step", y="entropy", hue="layer", units="seed", estimator=None, palette=colours, lw=1, ax=axes[1]
    )
    axes[1].axhline(EVEN, color=COLOURS["null"], lw=1, ls=":")
    axes[1].set(
        xscale="log",
        ylabel="entropy of the load,\nshare of its maximum",
        ylim=(min(0.85, entropy["entropy"].min()), 1.005),
    )
    sns.stripplot(share, x="expert", y="share", hue="layer", palette=colours, size=4, ax=axes[2], legend=False)
    number = len(np.unique(share["expert"].to_numpy()))
    axes[2].axhline(1 / number, color=COLOURS["null"], lw=1)
    axes[2].set(ylabel="share of the tokens, last steps", ylim=(0, None), xticks=range(0, number, 5))
    return axes


@with_data
def start_and_end(table: pd.DataFrame) -> np.ndarray:
    """Best predictivity of untrained and trained models, with intervals; one panel a function.

    `table` has the columns ``model, function, init, value, low, high``; ``init`` is ``untrained`` or ``trained``.
    """
    axes = grid(1, len(FUNCTIONS), width=7.6, height=3.2)[0]
    for function, ax in zip(FUNCTIONS, axes, strict=True):
        rows = table.query("function == @function")
        names = list(dict.fromkeys(rows["model"]))
        for init, shift in (("untrained", -0.1), ("trained", 0.1)):
            part = rows[rows["init"] == init]
            places = [names.index(m) + shift for m in part["model"]]
            ax.errorbar(
                places, part["value"], reach(part, "value"), fmt="o", color=COLOURS[init], ms=5, lw=1.5, label=init
            )
        ax.set(xticks=range(len(names)), xticklabels=names, xlim=(-0.5, len(names) - 0.5), title=function)
    axes[0].set(ylabel="best predictivity, mean over\nsub-functions and layers")
    axes[0].legend(frameon=False, fontsize=9)
    return axes


@with_data
def accuracies(table: pd.DataFrame) -> Axes:
    """Share of each task's rows answered right, one dot a seed, with what guessing reaches.

    `table` has the columns ``task, seed, accuracy, chance``.
    """
    axes = alone()
    order = list(dict.fromkeys(table["task"]))
    sns.stripplot(table, x="task", y="accuracy", order=order, color=COLOURS["trained"], size=6, jitter=0.08, ax=axes)
    chance = table.groupby("task")["chance"].first()
    for i, task in enumerate(order):
        axes.plot([i - 0.3, i + 0.3], [chance[task]] * 2, color=COLOURS["null"], lw=2)
    axes.set(xlabel="", ylabel="accuracy on validation rows", ylim=(0.2, 1.0))
    axes.annotate("guessing", (0.3, chance[order[0]]), xytext=(4, -3), textcoords="offset points", color="#555555")
    return axes
