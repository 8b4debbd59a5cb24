"""The figures of Section 3: one neuron, chance-level neurons, and what else the classes differ by."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import seaborn as sns
from jaxtyping import Float, Int
from matplotlib.axes import Axes

from companion.sections.figure_data import with_data
from companion.sections.figures import CATEGORIES, COLOURS, alone, grid

TOO_EASY = 0.9  # accuracy of a simple classifier beyond which a function is none


@with_data
def activation_by_label(
    activations: Float[np.ndarray, "sentence"],
    labels: Int[np.ndarray, "sentence"],
    names: tuple[str, str],
    predictivity: float,
) -> Axes:
    """Histogram of one neuron's pooled activation for the two classes (`names` of class 1, then class 0)."""
    axes = alone()
    bins = np.histogram_bin_edges(activations, bins=24)
    for value, name, colour in zip((1, 0), names, CATEGORIES[:2], strict=True):
        sns.histplot(x=activations[labels == value], bins=bins, color=colour, label=name, alpha=0.6, ax=axes)
    axes.set(
        xlabel="maximum activation over the sentence",
        ylabel="sentences",
        title=f"one neuron, predictivity {predictivity:.2f}",
    )
    axes.legend(title="hidden word", frameon=False)
    return axes


@with_data
def null_of_best(single: Float[np.ndarray, "draw"], best: Mapping[int, Float[np.ndarray, "draw"]]) -> Axes:
    """Distribution of the predictivity of one chance-level neuron, and of the best of several numbers of them."""
    axes = alone()
    sns.kdeplot(x=single, color=COLOURS["null"], fill=True, alpha=0.3, label="one neuron", ax=axes, warn_singular=False)
    colours = sns.color_palette("crest", len(best))
    for (number, draws), colour in zip(sorted(best.items()), colours, strict=True):
        sns.kdeplot(x=draws, color=colour, label=f"best of {number:,}", ax=axes, warn_singular=False)
    axes.set(xlabel="predictivity of chance-level neurons", ylabel="density", xlim=(0.45, 0.75))
    axes.legend(frameon=False)
    return axes


@with_data
def class_balance(table: pd.DataFrame) -> np.ndarray:
    """How much longer and how much more frequent the words of class 1 are, one dot a sub-function.

    `table` has the columns ``subfunction, function, label, length, frequency`` of `controls.by_label`;
    rows are in the order of their functions.
    """
    axes = grid(1, 2, width=7.0, height=3.2)[0]
    one, zero = (table.query(f"label == {k}").set_index(["function", "subfunction"]) for k in (1, 0))
    difference = (one - zero).reset_index()
    labels = {"length": "words a sentence", "frequency": "mean log₁₀ word frequency"}
    look = {"order": list(dict.fromkeys(table["function"])), "color": COLOURS["trained"], "alpha": 0.5, "size": 4}
    for measure, ax in zip(labels, axes, strict=True):
        ax.axvline(0, color=COLOURS["null"], lw=1)
        sns.stripplot(difference, x=measure, y="function", ax=ax, **look)
        wide = 1.1 * max(np.abs(np.asarray(difference[measure])).max(), 1e-3)
        ax.set(xlabel=f"{labels[measure]},\nclass 1 minus class 0", ylabel="", xlim=(-wide, wide))
    axes[1].set(yticklabels=[])
    return axes


@with_data
def baselines(table: pd.DataFrame) -> Axes:
    """Balanced accuracy of simple classifiers, one dot a sub-function; nothing should lie right of `TOO_EASY`.

    `table` has the columns ``function``, in whose order the rows are, ``subfunction``, and one column a baseline.
    """
    axes = alone()
    long = table.melt(["function", "subfunction"], var_name="baseline", value_name="accuracy").dropna()
    order = list(dict.fromkeys(long["function"]))
    colours = CATEGORIES[:4]
    sns.stripplot(
        long, x="accuracy", y="function", hue="baseline", order=order, dodge=True, palette=colours, size=4, ax=axes
    )
    axes.axvline(0.5, color=COLOURS["null"], lw=1)
    axes.axvline(TOO_EASY, color=COLOURS["null"], lw=1, ls=":")
    axes.annotate("too easy", (TOO_EASY, len(order) - 0.55), xytext=(4, 0), textcoords="offset points", fontsize=9)
    axes.set(xlabel="balanced accuracy on sentences not fitted", ylabel="", xlim=(0.25, 1))
    axes.legend(frameon=False, title="", ncols=4, loc="lower center", bbox_to_anchor=(0.45, 1))
    return axes
