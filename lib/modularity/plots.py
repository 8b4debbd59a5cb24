"""One function a figure: arrays in, Axes out. Nothing here computes a result or reads a file."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from jaxtyping import Float, Int
from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart with any colour vision; each means one thing in the whole book.
COLOURS = {"trained": "#0072B2", "untrained": "#D55E00", "null": "#7F7F7F", "paper": "#000000", "other": "#009E73"}
FUNCTIONS = ("semantic", "knowledge", "task")
STYLE = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.figsize": (7.0, 4.2),
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "savefig.facecolor": "white",  # figures keep their paper in dark mode
}


def _axes(axes: Axes | None) -> Axes:
    if axes is not None:
        return axes
    sns.set_theme(style="ticks", rc=STYLE)
    return plt.subplots()[1]


def activation_by_label(
    activations: Float[np.ndarray, "sentence"],
    labels: Int[np.ndarray, "sentence"],
    names: tuple[str, str],
    predictivity: float,
    axes: Axes | None = None,
) -> Axes:
    """Histogram of one neuron's pooled activation for the two classes (`names` of class 1, then class 0)."""
    axes = _axes(axes)
    bins = np.histogram_bin_edges(activations, bins=24)
    for value, name, colour in ((1, names[0], COLOURS["trained"]), (0, names[1], COLOURS["untrained"])):
        sns.histplot(x=activations[labels == value], bins=bins, color=colour, label=name, alpha=0.6, ax=axes)
    axes.set(
        xlabel="maximum activation over the sentence",
        ylabel="sentences",
        title=f"one neuron, predictivity {predictivity:.2f}",
    )
    axes.legend(title="hidden word", frameon=False)
    return axes


def null_of_best(
    single: Float[np.ndarray, "draw"], best: Mapping[int, Float[np.ndarray, "draw"]], axes: Axes | None = None
) -> Axes:
    """Distribution of the predictivity of one useless neuron, and of the best of several numbers of them."""
    axes = _axes(axes)
    sns.kdeplot(x=single, color=COLOURS["null"], fill=True, alpha=0.3, label="one neuron", ax=axes, warn_singular=False)
    colours = sns.color_palette("crest", len(best))
    for (number, draws), colour in zip(sorted(best.items()), colours, strict=True):
        sns.kdeplot(x=draws, color=colour, label=f"best of {number:,}", ax=axes, warn_singular=False)
    axes.set(xlabel="predictivity of useless neurons", ylabel="density", xlim=(0.45, 0.75))
    axes.legend(frameon=False)
    return axes


def figure1_left(
    trained: xr.DataArray,
    untrained: Sequence[xr.DataArray],
    null: tuple[float, float],
    paper: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    name: str,
    interval: Float[np.ndarray, "bound layer"],
    axes: Axes | None = None,
) -> Axes:
    """Mean best predictivity by layer, as in the left of the paper's Figure 1.

    Parameters
    ----------
    trained : dims ``(layer,)``; `untrained` one such array for each copy.
    null : lower and upper bound of the band of the best of N useless neurons.
    paper : label → (position, value); positions run from 0, the first layer, to 1, the last.
    name : of the trained model, written beside its curve.
    interval : lower and upper bound of `trained` by layer.
    """
    axes = _axes(axes)
    layers = trained["layer"].to_numpy()
    last = layers[-1]
    for (label, (position, value)), style in zip(paper.items(), ("-", ":"), strict=False):
        axes.plot(np.asarray(position) * last, value, style, color=COLOURS["paper"], lw=1, alpha=0.7)
        axes.annotate(label, (last, value[-1]), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9)
    for i, copy in enumerate(untrained):
        axes.plot(layers, copy, "s-", color=COLOURS["untrained"], lw=1, ms=4, alpha=0.8)
        if i == 0:
            text, middle = f"{len(untrained)} untrained copies", (layers[0] + layers[-1]) / 2
            lowest = min(float(c.min()) for c in [*untrained, *(np.asarray(v) for _, v in list(paper.values())[1:])])
            axes.annotate(
                text, (middle, lowest), xytext=(0, -14), textcoords="offset points", color=COLOURS["untrained"]
            )
    axes.fill_between(layers, *interval, color=COLOURS["trained"], alpha=0.2, lw=0)
    axes.plot(layers, trained, "o-", color=COLOURS["trained"], lw=2)
    axes.annotate(name, (0, trained[0]), xytext=(2, 10), textcoords="offset points", color=COLOURS["trained"])
    axes.axhspan(*null, color=COLOURS["null"], alpha=0.35, lw=0)
    axes.annotate(
        "best of N useless neurons", (0, null[0]), xytext=(2, -12), textcoords="offset points", color="#555555"
    )
    axes.set(xlabel="encoder layer (0-based; the paper's twelve are squeezed to the same width)", xticks=layers)
    axes.set(ylabel="best predictivity, mean over sub-functions", ylim=(0.58, 0.92))
    return axes


def class_balance(table: pd.DataFrame) -> np.ndarray:
    """How much longer and how much more frequent the words of class 1 are, one dot a sub-function.

    `table` has the columns ``subfunction, function, label, length, frequency`` of `controls.by_label`.
    """
    sns.set_theme(style="ticks", rc=STYLE)
    axes = plt.subplots(1, 2, figsize=(7.0, 3.2))[1]
    one, zero = (table.query(f"label == {k}").set_index(["function", "subfunction"]) for k in (1, 0))
    difference = (one - zero).reset_index()
    labels = {"length": "words a sentence", "frequency": "mean log₁₀ word frequency"}
    look = {"order": FUNCTIONS, "color": COLOURS["trained"], "alpha": 0.5, "size": 4}
    for measure, ax in zip(labels, axes, strict=True):
        ax.axvline(0, color=COLOURS["null"], lw=1)
        sns.stripplot(difference, x=measure, y="function", ax=ax, **look)
        reach = 1.1 * max(np.abs(np.asarray(difference[measure])).max(), 1e-3)
        ax.set(xlabel=f"{labels[measure]},\nclass 1 less class 0", ylabel="", xlim=(-reach, reach))
    axes[1].set(yticklabels=[])
    return axes


def baselines(table: pd.DataFrame, limit: float = 0.9) -> Axes:
    """Balanced accuracy of simple classifiers, one dot a sub-function; nothing should lie right of `limit`.

    `table` has the columns ``function`` and ``subfunction`` and one column a baseline.
    """
    axes = _axes(None)
    long = table.melt(["function", "subfunction"], var_name="baseline", value_name="accuracy").dropna()
    colours = ("#0072B2", "#56B4E9", "#D55E00", "#009E73")
    sns.stripplot(
        long, x="accuracy", y="function", hue="baseline", order=FUNCTIONS, dodge=True, palette=colours, size=4, ax=axes
    )
    axes.axvline(0.5, color=COLOURS["null"], lw=1)
    axes.axvline(limit, color=COLOURS["null"], lw=1, ls=":")
    axes.annotate("too easy", (limit, 2.45), xytext=(4, 0), textcoords="offset points", fontsize=9)
    axes.set(xlabel="balanced accuracy on sentences not fitted", ylabel="", xlim=(0.25, 1))
    axes.legend(frameon=False, title="", ncols=4, loc="lower center", bbox_to_anchor=(0.45, 1))
    return axes


def training(table: pd.DataFrame) -> np.ndarray:
    """Losses of pre-training over steps, one panel a loss and one line a run.

    `table` has the columns ``model, seed, step`` and one column a loss, in nats.
    """
    sns.set_theme(style="ticks", rc=STYLE)
    losses = {
        "loss": "hidden spans of text,\nnats a token",
        "facts_loss": "hidden half of a fact,\nnats a token",
        "task_loss": "answers to tasks,\nnats an answer",
    }
    axes = plt.subplots(1, len(losses), figsize=(7.6, 3.2))[1]
    colours = dict(zip(sorted(table["model"].unique()), (COLOURS["other"], COLOURS["trained"]), strict=False))
    for (name, label), ax in zip(losses.items(), axes, strict=True):
        rows = table.dropna(subset=name)
        sns.lineplot(rows, x="step", y=name, hue="model", units="seed", estimator=None, palette=colours, lw=1, ax=ax)
        ax.set(xscale="log", yscale="log", xlabel="step", ylabel=label)
        ax.get_legend().remove()
    handles, names = axes[0].get_legend_handles_labels()
    axes[1].legend(
        handles[: len(colours)],
        names[: len(colours)],
        frameon=False,
        loc="lower center",
        bbox_to_anchor=(0.5, 1),
        ncols=2,
    )
    return axes


def router_load(entropy: pd.DataFrame, share: pd.DataFrame, limit: float = 0.9) -> np.ndarray:
    """How evenly Switch's routers load the experts: entropy over steps, and the load at the end.

    `entropy` has the columns ``seed, layer, step, entropy`` (a share of its maximum); `share` has ``seed, layer,
    expert, share`` of the tokens.
    """
    sns.set_theme(style="ticks", rc=STYLE)
    axes = plt.subplots(1, 2, figsize=(7.6, 3.2))[1]
    layers = sorted(entropy["layer"].unique())
    colours = dict(zip(layers, ("#56B4E9", COLOURS["trained"]), strict=False))
    sns.lineplot(
        entropy, x="step", y="entropy", hue="layer", units="seed", estimator=None, palette=colours, lw=1, ax=axes[0]
    )
    axes[0].axhline(limit, color=COLOURS["null"], lw=1, ls=":")
    axes[0].set(
        xscale="log",
        ylabel="entropy of the load,\nshare of its maximum",
        ylim=(min(0.85, entropy["entropy"].min()), 1.005),
    )
    sns.stripplot(share, x="expert", y="share", hue="layer", palette=colours, size=4, ax=axes[1], legend=False)
    number = share["expert"].nunique()
    axes[1].axhline(1 / number, color=COLOURS["null"], lw=1)
    axes[1].set(ylabel="share of the tokens, last steps", ylim=(0, None))
    axes[1].tick_params(axis="x", labelsize=8)
    return axes


def start_and_end(table: pd.DataFrame) -> np.ndarray:
    """Best predictivity before and after pre-training, with intervals; one panel a function.

    `table` has the columns ``model, function, when, value, low, high``; ``when`` is ``untrained`` or ``trained``.
    """
    sns.set_theme(style="ticks", rc=STYLE)
    axes = plt.subplots(1, len(FUNCTIONS), figsize=(7.6, 3.2))[1]
    for function, ax in zip(FUNCTIONS, axes, strict=True):
        rows = table.query("function == @function")
        names = list(dict.fromkeys(rows["model"]))
        for when, shift in (("untrained", -0.1), ("trained", 0.1)):
            part = rows.query("when == @when")
            places = [names.index(m) + shift for m in part["model"]]
            errors = [part["value"] - part["low"], part["high"] - part["value"]]
            ax.errorbar(places, part["value"], errors, fmt="o", color=COLOURS[when], ms=5, lw=1.5, label=when)
        ax.set(xticks=range(len(names)), xticklabels=names, xlim=(-0.5, len(names) - 0.5), title=function)
    axes[0].set(ylabel="best predictivity, mean over\nsub-functions and layers")
    axes[0].legend(frameon=False, fontsize=9)
    return axes


def accuracies(table: pd.DataFrame) -> Axes:
    """Share of each task's rows answered right, one dot a seed, with what guessing reaches.

    `table` has the columns ``task, seed, accuracy, chance``.
    """
    axes = _axes(None)
    order = list(dict.fromkeys(table["task"]))
    sns.stripplot(table, x="task", y="accuracy", order=order, color=COLOURS["trained"], size=6, jitter=0.08, ax=axes)
    chance = table.groupby("task")["chance"].first()
    for i, task in enumerate(order):
        axes.plot([i - 0.3, i + 0.3], [chance[task]] * 2, color=COLOURS["null"], lw=2)
    axes.set(xlabel="", ylabel="accuracy on validation rows", ylim=(0.2, 1.0))
    axes.annotate("guessing", (0.3, chance[order[0]]), xytext=(4, -3), textcoords="offset points", color="#555555")
    return axes
