"""The printed numbers that the authors' result files hold, computed again and put beside the print."""

from typing import Any

import pandas as pd

from companion.functions.prompts import SEEN, UNSEEN
from companion.released import published
from companion.released.release_files import CHECKPOINTS, Release


def figure2(release: Release) -> pd.DataFrame:
    """Figure 2 recomputed: ``panel, order, number, accuracy`` at every number of experts that was run."""
    return means(by_panel(release.perturbed), ["panel", "order", "number"], "accuracy")


def recomputed(release: Release) -> pd.DataFrame:
    """Every printed number that the files hold, beside the number computed from them.

    Returns
    -------
    ``where, item, printed, recomputed, difference, rounding``: half a unit of the last printed digit; two millionths
    for Figure 4, whose curves were averaged in single precision; ``agrees``.
    """
    ours = figure2(release).assign(share=lambda t: t["number"] / 96).rename(columns={"accuracy": "recomputed"})
    keys = ["panel", "order", "share"]
    first = published.figure2().merge(ours, "left", keys).rename(columns={"accuracy": "printed"})
    first["item"] = first["order"] + ", " + first["number"].astype("Int64").astype(str) + " of 96"
    curves = means(release.stabilization, ["model", "function", "level", "share"], "value")
    keys = ["model", "function", "level", "checkpoint"]  # the last is called 199,999 in the figure
    fourth = _numbered(published.figure4()).merge(_numbered(curves), "left", keys, suffixes=("", "_"))
    fourth = fourth.rename(columns={"value": "printed", "value_": "recomputed"})
    fourth["item"] = fourth["level"] + " at " + fourth["share"].map("{:.1%}".format)
    third: Any = published.tables2_and_3().merge(tables(release), "left", ["task", "strategy"], suffixes=("", "_"))
    by_task = third["task"] != "avg"
    rows = third["task"] + ", " + third["strategy"]
    parts = [
        first.assign(where="Figure 2, " + first["panel"], rounding=5e-11),
        fourth.assign(where="Figure 4, " + fourth["model"] + ", " + fourth["function"], rounding=2e-6),
        _pair(third[~by_task], rows, "mean", "mean_", "Table 2", 0.005),
        _pair(third[by_task], rows + ", mean", "mean", "mean_", "Table 3", 0.005),
        _pair(third[by_task], rows + ", sd", "sd", "sd_", "Table 3", 0.5),
    ]
    made: Any = pd.concat(parts, ignore_index=True)[["where", "item", "printed", "recomputed", "rounding"]]
    made.insert(4, "difference", made["recomputed"] - made["printed"])
    # A half is rounded either way; what is missing is no agreement.
    return made.assign(agrees=made["difference"].abs() <= made["rounding"] * (1 + 1e-6))


def tables(release: Release) -> pd.DataFrame:
    """Tables 2 and 3 recomputed, in percent: ``task`` (avg is Table 2) ``, strategy, mean, sd`` over eight seeds.

    The standard deviation is that of the sample (divided by seven), which rounds to all printed ones.
    """
    by = ["task", "strategy"]
    parts: Any = release.reported.groupby(by)["accuracy"]
    made = (100 * parts.agg(["mean", "std"])).reset_index().set_axis([*by, "mean", "sd"], axis=1)
    return pd.concat([made, means(made, ["strategy"], "mean").assign(task="avg")])


def means(table: pd.DataFrame, by: list[str], column: str) -> pd.DataFrame:
    """Mean of a column by others, in long form."""
    return pd.DataFrame(table.groupby(by)[column].mean()).reset_index()


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """`recomputed` by figure panel or table: ``numbers, agree, largest difference, rounding``."""
    by: Any = table.assign(difference=table["difference"].abs()).groupby("where", sort=False)
    made = by.agg(numbers=("agrees", "size"), agree=("agrees", "sum"), largest=("difference", "max"))
    return made.assign(rounding=by["rounding"].max()).rename(columns={"largest": "largest difference"})


def _numbered(curves: pd.DataFrame) -> pd.DataFrame:
    return curves.assign(checkpoint=(curves["share"] * CHECKPOINTS).round().astype(int))


def _pair(table: pd.DataFrame, items: pd.Series, printed: str, ours: str, where: str, rounding: float) -> pd.DataFrame:
    made = table.rename(columns={printed: "printed", ours: "recomputed"})[["printed", "recomputed"]]
    return made.assign(item=items, where=where, rounding=rounding)


def by_panel(perturbed: pd.DataFrame) -> pd.DataFrame:
    """With ``panel``: seen or unseen as in Figure 2, else the task itself (RTE was run, and is not in the figure)."""
    panels = dict.fromkeys(SEEN, "seen") | dict.fromkeys(UNSEEN, "unseen")
    return perturbed.assign(panel=[panels.get(task, task) for task in perturbed["task"]])
