"""The figures of a Switch tuned with some of its experts (Section 5, Tables 2 and 3)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from companion.sections.figure_data import with_data
from companion.sections.figures import COLOURS, grid, legend, reach

STRATEGY_COLOURS = {"Original": COLOURS["null"], "No Function": COLOURS["other"], "Function": COLOURS["trained"]}


@with_data
def strategies(tables: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """Accuracy of each task under the three strategies, mean and standard deviation over draws, a panel a table.

    Each table has ``task, strategy, mean, sd`` in percent.
    """
    axes = grid(1, len(tables), width=7.8, height=3.9, sharey="row", sharex="all")[0]
    tasks = list(dict.fromkeys(next(iter(tables.values()))["task"]))
    for (name, table), ax in zip(tables.items(), axes, strict=True):
        for (strategy, colour), shift in zip(STRATEGY_COLOURS.items(), (-0.22, 0, 0.22), strict=True):
            part = table[table["strategy"] == strategy].set_index("task").reindex(tasks)
            places = np.arange(len(tasks)) + shift
            ax.errorbar(part["mean"], places, xerr=part["sd"], fmt="o", color=colour, ms=4, lw=1.3)
        ax.set(title=name, yticks=range(len(tasks)), yticklabels=tasks, ylim=(len(tasks) - 0.5, -0.5))
    axes[len(tables) // 2].set(xlabel="accuracy, %")
    legend(axes, {name: {"color": colour, "ls": "", "marker": "o"} for name, colour in STRATEGY_COLOURS.items()})
    return axes


@with_data
def pairs(tables: Mapping[str, pd.DataFrame], names: Sequence[str]) -> np.ndarray:
    """Paired differences in percentage points with intervals: a row a table, a column a pair of strategies.

    Each table has ``task, pair, difference, low, high``.
    """
    tasks = list(dict.fromkeys(task for table in tables.values() for task in table["task"]))
    axes = grid(len(tables), len(names), width=7.8, height=2.3 * len(tables) + 0.4, sharey="row", sharex="all")
    for i, (title, table) in enumerate(tables.items()):
        for name, ax in zip(names, axes[i], strict=True):
            part = table[table["pair"] == name].set_index("task").reindex(tasks)
            ax.axvline(0, color=COLOURS["null"], lw=1)
            look = {"fmt": "o", "color": COLOURS["trained"], "ms": 4, "lw": 1.3}
            ax.errorbar(part["difference"], range(len(tasks)), xerr=reach(part, "difference"), **look)
            ax.set(yticks=range(len(tasks)), yticklabels=tasks, ylim=(len(tasks) - 0.5, -0.5))
            if i == 0:
                ax.set(title=name)
        axes[i, 0].set(ylabel=title)
    axes[-1, len(names) // 2].set(xlabel="difference in accuracy, percentage points")
    return axes
