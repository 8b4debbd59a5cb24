"""What Section 4 compares: trained models, untrained copies, chance level, and what the paper prints (its Figure 1)."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import xarray as xr

from companion.experiments.obtain import Runs, Scored
from companion.released import published
from companion.sections import specialization_tables as section
from modularity.ranking import Score
from modularity.subfunction import SubFunction

PRINTED = {"t5": "T5-base, printed", "switch": "Switch-base-16, printed"}


def left(
    scored: Scored, subfunctions: Sequence[SubFunction], *, score: Score = "labels", seed: int = 0
) -> pd.DataFrame:
    """Best predictivity by layer: everything that the left of Figure 1 shows.

    Parameters
    ----------
    scored : readings of `subfunctions`, as `obtain.runs` returns them.

    Returns
    -------
    ``model, kind, function, layer, value, low, high``. The kinds are ``trained``, ``untrained``, ``null`` (the best of
    as many chance-level neurons as a layer has, the same in every layer) and ``paper`` (the pre-trained model that a
    model stands for, as printed, with its own layers and without an interval).
    """
    made = [
        section.best_by_layer(runs, seed=seed).drop(columns=["least", "most"]).assign(model=name, kind=kind)
        for name, kind, runs in _each(scored)
    ]
    for name, (trained, _) in scored.items():
        null = section.floor(subfunctions, trained[0].attrs["neurons"], score=score, seed=seed)
        layers = pd.Series(trained[0]["layer"].to_numpy(), name="layer")
        made.append(null.merge(layers, how="cross").assign(model=name, kind="null"))
    printed = published.figure1_left().query("init == 'pretrained'").drop(columns="init")
    printed = printed.rename(columns={"mean_best_ap": "value"}).assign(kind="paper")
    made += published.of(scored, printed).values()
    columns = ["model", "kind", "function", "layer", "value", "low", "high"]
    return pd.concat(made, ignore_index=True).reindex(columns=columns)


def right(scored: Scored) -> pd.DataFrame:
    """Overlap of the top neurons: everything that the right of Figure 1, and Figure 5, show.

    Returns
    -------
    ``model, init`` (trained, untrained, paper), ``function, other, value, low, high, chance``.
    """
    made = [section.overlaps(runs).assign(model=name, init=kind) for name, kind, runs in _each(scored)]
    made += published.of(scored, published.figure1_right().assign(init="paper")).values()
    return pd.concat(made, ignore_index=True)


def gains(
    scored: Scored, subfunctions: Sequence[SubFunction], *, score: Score = "labels", seed: int = 0
) -> pd.DataFrame:
    """`specialization_tables.gain` of every model, with its ``model`` and the ``chance level`` of its layers."""
    made = []
    for name, (trained, untrained) in scored.items():
        null = section.floor(subfunctions, trained[0].attrs["neurons"], score=score, seed=seed)
        beside: Any = null.rename(columns={"value": "chance level"})[["function", "chance level"]]
        made.append(section.gain(trained, untrained, seed=seed).assign(model=name).merge(beside, on="function"))
    return pd.concat(made, ignore_index=True) if made else pd.DataFrame(columns=["model", "function"])


def printed_gains(names: Iterable[str]) -> pd.DataFrame:
    """The same of the paper's models that `names` stand for: means over the layers of its Figure 1, no intervals.

    The chance level is computed, at the paper's numbers of neurons, sub-functions and sentences.
    """
    curves = published.figure1_left()
    means = curves.pivot_table("mean_best_ap", ["model", "function"], "init")
    made = []
    for kind in dict.fromkeys(k for name in names if (k := published.counterpart(name))):
        null = section.floor_of_paper(published.NEURONS[kind]).set_index("function")["value"]
        names_of = {"pretrained": "trained", "random_init": "untrained"}
        table: Any = means.loc[kind].rename(columns=names_of).loc[null.index]
        table["gain"] = table["trained"] - table["untrained"]
        table["chance level"], table["model"] = null, PRINTED[kind]
        made.append(table.reset_index())
    return pd.concat(made, ignore_index=True) if made else pd.DataFrame(columns=["model", "function"])


def _each(scored: Scored) -> list[tuple[str, str, Sequence[xr.Dataset]]]:
    """Every model's trained runs and untrained copies."""
    return [(name, kind, runs) for name, pair in scored.items() for kind, runs in zip(Runs._fields, pair, strict=True)]
