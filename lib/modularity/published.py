"""The numbers that the paper prints, each table with where it stands; nothing here is computed."""

from collections.abc import Iterable
from itertools import combinations_with_replacement

import pandas as pd

from modularity import sources


def counterpart(name: str) -> str:
    """The paper's model that a model of this book stands for: ``t5``, ``switch``, or ``""`` for none."""
    return next((known for known in ("switch", "t5") if known in name.lower()), "")


def of(names: Iterable[str], table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Name → the rows of a printed table for the paper's model that it stands for; no rows where there is none."""
    return {name: table[table["model"] == counterpart(name)].assign(model=name) for name in names}


def figure1_left() -> pd.DataFrame:
    """Figure 1, left: mean over sub-functions of the best predictivity in a layer.

    Returns
    -------
    Columns ``model`` (t5, switch), ``function``, ``init`` (pretrained, random_init), ``layer`` (0-based, the figure
    counts from 1), ``mean_best_ap``; read off the vector figure to six digits.
    """
    table = _read("figure1_left")
    return table.assign(layer=table["layer"] - 1)


def figure1_right() -> pd.DataFrame:
    """Figure 1, right: overlap of the top 1 % neurons, ``model, function, other, value``, each pair once."""
    table = _read("figure1_right").rename(columns={"row": "function", "column": "other", "mean_overlap": "value"})
    pairs = list(combinations_with_replacement(dict.fromkeys(table["function"]), 2))
    return table.set_index(["function", "other"]).loc[pairs].reset_index()


def table1() -> pd.DataFrame:
    """Table 1: ``model`` (t5, switch), ``pretrained, partition`` (random, pre-MoE, post-MoE), ``function, proportion``
    of functional experts and modularization ``degree``."""
    return _read("table1")


def table4() -> pd.DataFrame:
    """Table 4: the same of sub-functional experts, pre-trained models only."""
    return _read("table4")


def table5() -> pd.DataFrame:
    """Table 5: ``model, function, average_ap`` of functional experts ranked by predictivity."""
    return _read("table5")


def _read(name: str) -> pd.DataFrame:
    table = pd.read_csv(sources.path(f"published/{name}.csv"), comment="#")
    return table.replace({"model": {"T5": "t5", "SwitchTransformer": "switch"}})
