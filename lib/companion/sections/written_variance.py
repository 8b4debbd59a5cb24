"""What share of a layer's output some neurons of a sentence encoder write, and what noise in them costs (Section 5)."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from companion.experiments import encoder_masks
from companion.experiments.encoder_plan import DRAWS, EVERY, FINE
from companion.experiments.lesion_orders import Order
from companion.sections.perturbing_encoders_tables import RANDOM


def written(shipped: xr.Dataset, name: str, number: int) -> pd.DataFrame:
    """Share of the variance written by a layer's neurons that those of some experts write, or as many others.

    Parameters
    ----------
    shipped : a grid with ``written`` and ``experts``, of the model `name`.
    number : of experts.

    Returns
    -------
    A row a kind of neurons, a column a layer; the mean of draws at random.
    """
    layers = shipped["perturbed"].to_numpy().tolist()
    groups = shipped["experts"].sel(layer=layers)
    ranked = encoder_masks.totals(name, layers)
    made = {}
    for order in encoder_masks.CURVES:
        found = encoder_masks.masks(order, number, ranked=ranked, groups=groups, draws=DRAWS)
        shares = [[float(shipped["written"].sel(perturbed=i)[mask[i]].sum()) for i in layers] for mask in found]
        made[_called(order)] = np.mean(shares, axis=0)
    return pd.DataFrame(made, layers).T


def loudness(lost: pd.DataFrame, shipped: xr.Dataset, name: str) -> pd.DataFrame:
    """What neurons write beside what noise in units of their own costs there.

    Returns
    -------
    ``neurons, number, written, loss``: a kind of neurons, as many as so many experts have; the share of `written`, mean
    over layers; and the mean loss of all sub-functions in the setting ``scaled``.
    """
    scaled: Any = lost[lost["setting"] == "scaled"]
    means: Any = scaled.groupby(["order", "share"])["loss"].mean()
    made = []
    for number in EVERY:
        shares: Any = written(shipped, name, number).mean(axis=1)
        for order in encoder_masks.CURVES:
            kind = _called(order)
            made.append((kind, number, float(shares[kind]), float(means[str(order), number / FINE])))
    return pd.DataFrame(made, columns=["neurons", "number", "written", "loss"])


def _called(order: Order) -> str:
    return f"{order.by} {order.unit}" if order.by else RANDOM
