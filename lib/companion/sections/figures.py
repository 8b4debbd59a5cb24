"""One function a figure: arrays in, Axes out. Nothing here computes a result or reads a file."""

from collections.abc import Mapping, Sequence
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

# Okabe and Ito's colours, told apart with any colour vision; each means one thing in the whole book.
COLOURS = {"trained": "#0072B2", "untrained": "#D55E00", "null": "#7F7F7F", "paper": "#000000", "other": "#009E73"}
FUNCTIONS = ("semantic", "knowledge", "task")
CONTROLS = {"topics": "semantic", "balanced": "knowledge"}  # the function that a control is drawn with
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
    table: pd.DataFrame, floors: pd.DataFrame, paper: pd.DataFrame, controls: pd.DataFrame, paper_floors: pd.DataFrame
) -> np.ndarray:
    """Mean best predictivity by layer, as in the left of the paper's Figure 1: a row a model, a column a function.

    Parameters
    ----------
    table : ``model, init`` (trained or untrained)``, function, layer, value, low, high``.
    floors : ``model, function, low, high`` of the best of N useless neurons.
    paper : ``model, function, init, layer, mean_best_ap``; its layers are squeezed to the width of ours.
    controls : as `table`, of the controls; each is drawn with the function that it belongs to (`CONTROLS`).
    paper_floors : ``model, function, value``, the mean best of N chance-level neurons at the paper's sizes.
    """
    names = list(dict.fromkeys(table["model"]))
    axes = grid(len(names), len(FUNCTIONS), width=7.8, height=2.1 * len(names) + 0.5, sharey="col")
    for (i, name), (j, function) in product(enumerate(names), enumerate(FUNCTIONS)):
        ax = axes[i, j]
        here = "model == @name and function == @function"
        ours, printed = table.query(here), paper.query(here)
        layers = ours["layer"].unique()
        for init, style in (("pretrained", "-"), ("random_init", ":")):
            rows = printed[printed["init"] == init]
            places = np.interp(rows["layer"], [rows["layer"].min(), rows["layer"].max()], [layers[0], layers[-1]])
            ax.plot(places, rows["mean_best_ap"], style, color=COLOURS["paper"], lw=1, alpha=0.7)
        for value in paper_floors.query(here)["value"]:
            ax.axhline(value, color=COLOURS["paper"], lw=0.8, ls=(0, (1, 3)), alpha=0.7)
        strict = controls[(controls["model"] == name) & (controls["function"].replace(CONTROLS) == function)]
        for init in ("untrained", "trained"):
            rows = strict[strict["init"] == init]
            ax.plot(rows["layer"], rows["value"], "--", color=COLOURS[init], lw=1.4)
        for low, high in floors.query(here)[["low", "high"]].itertuples(index=False):
            ax.axhspan(low, high, color=COLOURS["null"], alpha=0.35, lw=0)
        for init in ("untrained", "trained"):
            rows = ours[ours["init"] == init]
            ax.fill_between(rows["layer"], rows["low"], rows["high"], color=COLOURS[init], alpha=0.2, lw=0)
            ax.plot(rows["layer"], rows["value"], "o-", color=COLOURS[init], lw=2, ms=4)
        ax.set(xticks=layers)
        if i == 0:
            ax.set(title=function)
        if j == 0:
            ax.set(ylabel=f"{name}\nbest predictivity")
    axes[-1, len(FUNCTIONS) // 2].set(xlabel="encoder layer, 0-based; the paper's are squeezed to the same width")
    legend(axes[0, 0].figure, ("trained", "untrained", "null", "paper"), "best of N chance-level neurons", "printed")
    return axes


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
            errors = [part["value"] - part["low"], part["high"] - part["value"]]
            ax.errorbar(part["value"], places, xerr=errors, fmt=marker, ms=4, lw=1.2, color=COLOURS[init])
        ax.axvline(rows["chance"].iloc[0], color=COLOURS["null"], lw=1, ls="--")
        ax.axhline(len(FUNCTIONS) - 0.5, color=COLOURS["null"], lw=0.5)
        ax.set(xscale="log", title=name, yticks=range(len(pairs)), yticklabels=labels, ylim=(len(pairs) - 0.5, -0.5))
        ax.set_xticks([0.003, 0.01, 0.03, 0.1])
        ax.set_xticks([], minor=True)
        ax.xaxis.set_major_formatter("{x:g}")
    axes[len(names) // 2].set(xlabel="share of the top 1 % neurons in common (dashed: chance)")
    legend(axes[0].figure, ("trained", "untrained", "paper"), "", "printed")
    return axes


def grid(rows: int, columns: int, *, width: float, height: float, **options: str) -> np.ndarray:
    """Panels of the book's style, always as a table; size in inches."""
    sns.set_theme(style="ticks", rc=STYLE)
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False, **options)[1]  # type: ignore[call-overload]


def legend(figure: Figure, kinds: Sequence[str], null: str, paper: str) -> None:
    """One line above the panels that says what each colour is."""
    names = {"null": null, "paper": paper}
    handles = [Line2D([], [], color=COLOURS[k], lw=3, label=names.get(k, k)) for k in kinds]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(kinds), frameon=False)


def class_balance(table: pd.DataFrame) -> np.ndarray:
    """How much longer and how much more frequent the words of class 1 are, one dot a sub-function.

    `table` has the columns ``subfunction, function, label, length, frequency`` of `controls.by_label`;
    rows are in the order of their functions.
    """
    sns.set_theme(style="ticks", rc=STYLE)
    axes = plt.subplots(1, 2, figsize=(7.0, 3.2))[1]
    one, zero = (table.query(f"label == {k}").set_index(["function", "subfunction"]) for k in (1, 0))
    difference = (one - zero).reset_index()
    labels = {"length": "words a sentence", "frequency": "mean log₁₀ word frequency"}
    look = {"order": list(dict.fromkeys(table["function"])), "color": COLOURS["trained"], "alpha": 0.5, "size": 4}
    for measure, ax in zip(labels, axes, strict=True):
        ax.axvline(0, color=COLOURS["null"], lw=1)
        sns.stripplot(difference, x=measure, y="function", ax=ax, **look)
        reach = 1.1 * max(np.abs(np.asarray(difference[measure])).max(), 1e-3)
        ax.set(xlabel=f"{labels[measure]},\nclass 1 minus class 0", ylabel="", xlim=(-reach, reach))
    axes[1].set(yticklabels=[])
    return axes


def baselines(table: pd.DataFrame, limit: float = 0.9) -> Axes:
    """Balanced accuracy of simple classifiers, one dot a sub-function; nothing should lie right of `limit`.

    `table` has the columns ``function``, in whose order the rows are, ``subfunction``, and one column a baseline.
    """
    axes = _axes(None)
    long = table.melt(["function", "subfunction"], var_name="baseline", value_name="accuracy").dropna()
    order = list(dict.fromkeys(long["function"]))
    colours = ("#0072B2", "#56B4E9", "#D55E00", "#009E73")
    sns.stripplot(
        long, x="accuracy", y="function", hue="baseline", order=order, dodge=True, palette=colours, size=4, ax=axes
    )
    axes.axvline(0.5, color=COLOURS["null"], lw=1)
    axes.axvline(limit, color=COLOURS["null"], lw=1, ls=":")
    axes.annotate("too easy", (limit, len(order) - 0.55), xytext=(4, 0), textcoords="offset points", fontsize=9)
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
        ax.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}", minor_formatter="")
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


def router_load(logs: pd.DataFrame, entropy: pd.DataFrame, share: pd.DataFrame, limit: float = 0.9) -> np.ndarray:
    """How evenly Switch's routers load the experts: z-loss and entropy over steps, and the load at the end.

    `logs` has the columns ``seed, step, z_loss`` (of both layers); `entropy` has ``seed, layer, step, entropy`` (a
    share of its maximum); `share` has ``seed, layer, expert, share`` of the tokens.
    """
    sns.set_theme(style="ticks", rc=STYLE)
    axes = plt.subplots(1, 3, figsize=(7.6, 3.2))[1]
    sns.lineplot(logs, x="step", y="z_loss", units="seed", estimator=None, color=COLOURS["other"], lw=1, ax=axes[0])
    axes[0].set(xscale="log", yscale="log", ylabel="z-loss of the routers")
    layers = sorted(entropy["layer"].unique())
    colours = dict(zip(layers, ("#56B4E9", COLOURS["trained"]), strict=False))
    sns.lineplot(
        entropy, x="step", y="entropy", hue="layer", units="seed", estimator=None, palette=colours, lw=1, ax=axes[1]
    )
    axes[1].axhline(limit, color=COLOURS["null"], lw=1, ls=":")
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


def start_and_end(table: pd.DataFrame) -> np.ndarray:
    """Best predictivity of untrained and trained models, with intervals; one panel a function.

    `table` has the columns ``model, function, init, value, low, high``; ``init`` is ``untrained`` or ``trained``.
    """
    sns.set_theme(style="ticks", rc=STYLE)
    axes = plt.subplots(1, len(FUNCTIONS), figsize=(7.6, 3.2))[1]
    for function, ax in zip(FUNCTIONS, axes, strict=True):
        rows = table.query("function == @function")
        names = list(dict.fromkeys(rows["model"]))
        for init, shift in (("untrained", -0.1), ("trained", 0.1)):
            part = rows[rows["init"] == init]
            places = [names.index(m) + shift for m in part["model"]]
            errors = [part["value"] - part["low"], part["high"] - part["value"]]
            ax.errorbar(places, part["value"], errors, fmt="o", color=COLOURS[init], ms=5, lw=1.5, label=init)
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
