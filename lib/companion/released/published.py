"""The numbers that the paper prints, each table with where it stands; nothing here is computed."""

from collections.abc import Iterable
from itertools import combinations_with_replacement

import pandas as pd

from companion.experiments.lesion_orders import AVG, MOE, Order
from companion.functions import sources

NEURONS = {"t5": 3072, "switch": 16 * 3072}  # of a layer that is read of the paper's models


OF_ITS_SIZE = {"mpnet-base": "t5"}  # another architecture with as many layers and neurons as T5-base's encoder


def counterpart(name: str) -> str:
    """The paper's model that a model of this book stands for: ``t5``, ``switch``, or ``""`` for none."""
    known = {"switch": "switch", "t5": "t5"} | OF_ITS_SIZE
    return next((model for part, model in known.items() if part in name.lower()), "")


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


def figure2() -> pd.DataFrame:
    """Figure 2, T5: ``panel`` (seen, unseen), ``order`` (as in `lesion_orders.ORDERS`), ``share`` of the neurons of the
    last four layers that are perturbed, ``accuracy``, mean over the data sets of the panel."""
    table = _read("figure2")
    names = {"Random": str(Order()), "Avg": str(AVG), "MoE": str(MOE)}
    names |= {c: str(Order("neurons", c.lower().replace("-", ""))) for c in ("SST-2", "MRPC", "CoLA", "QQP")}
    columns = {"share": table["experts_of_96"] / 96, "order": table["curve"].replace(names)}
    columns |= {"panel": table["panel"].str[2:], "accuracy": table["mean_accuracy"]}
    return pd.DataFrame(columns)


def tables2_and_3() -> pd.DataFrame:
    """Tables 2 and 3, Switch: ``task`` (avg is Table 2), ``strategy``, ``mean`` and ``sd`` of the accuracy over eight
    seeds, both in percent; the paper prints its standard deviations as fractions."""
    table = _read("table2_table3")
    strategies = table["strategy"].replace({"NoFunction": "No Function"})
    columns = {"task": table["dataset"], "strategy": strategies, "mean": table["paper_mean_pct"]}
    return pd.DataFrame(columns | {"sd": 100 * table["paper_sd_printed"]})


def figure4() -> pd.DataFrame:
    """Figure 4: ``model`` (t5, switch), ``function, level`` (expert, random, neuron), ``share`` of the run at the later
    checkpoint, ``value``; of 40 checkpoints 5,000 steps apart. The neurons of Switch are those of all its layers, the
    experts those of every other one."""
    table = _read("figure4")
    columns = {
        "model": table["model"].replace({"T5_step": "t5", "switchT5_step": "switch"}),
        "function": table["function"],
        "level": table["level"].replace({"random_partition": "random"}),
        "share": table["step_to"] / table["step_to"].max(),
        "value": table["as_plotted"],
    }
    return pd.DataFrame(columns)


def table1() -> pd.DataFrame:
    """Table 1: ``model`` (t5, switch), ``pretrained, partition`` (random, pre-MoE, post-MoE), ``function, proportion``
    of functional experts and modularization ``degree``. Untrained models have random partitions only."""
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
