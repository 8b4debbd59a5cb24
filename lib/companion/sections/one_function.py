"""Is a neuron specialised in one function only? What Section 4 says of counts of `experiments.function_counts`."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from companion.experiments.equal_footing import FUNCTIONS
from companion.experiments.function_counts import NONE

INDEPENDENT = "if independent"
PASSED = np.array([[pattern >> i & 1 for i in range(len(FUNCTIONS))] for pattern in range(1 << len(FUNCTIONS))])
NUMBER = PASSED.sum(1)  # of functions, of each pattern


def independent(counts: Float[np.ndarray, "*any layer pattern"]) -> Float[np.ndarray, "*any layer pattern"]:
    """Counts to expect where a layer has as many neurons that pass in each function, but which is at random.

    So it is with scores that are permuted among the neurons of a layer, by itself for each function.
    """
    total = counts.sum(-1, keepdims=True)
    rates = counts @ PASSED / total
    chances = np.where(PASSED, rates[..., None, :], 1 - rates[..., None, :]).prod(-1)
    return chances * total


def numbers(found: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Share of a model's neurons that pass in none of the functions, in one, in two and in three.

    Parameters
    ----------
    found : model → the counts of its copies.

    Returns
    -------
    ``model, kind`` (trained, `INDEPENDENT`, untrained), ``number, share``, and ``alone``, the share of the neurons
    that pass in any function that pass in one; means over halves of the sentences and over copies.
    """
    made = []
    for model, counts in found.items():
        whole = counts["neurons"].sel(without=NONE).astype(float)
        trained, untrained = (whole.isel(copy=_of(counts, start)).to_numpy() for start in ("run", "untrained"))
        for kind, table in (("trained", trained), (INDEPENDENT, independent(trained)), ("untrained", untrained)):
            share = [table[..., number == NUMBER].sum() / table.sum() for number in range(len(FUNCTIONS) + 1)]
            rows = {"model": model, "kind": kind, "number": range(len(share)), "share": share}
            made.append(pd.DataFrame(rows | {"alone": share[1] / max(sum(share[1:]), 1e-12)}))
    return pd.concat(made, ignore_index=True)


def in_each(found: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Share of a model's neurons that pass in each function: ``model, kind, function, share``."""
    made = []
    for model, counts in found.items():
        whole = counts["neurons"].sel(without=NONE)
        for kind, start in (("trained", "run"), ("untrained", "untrained")):
            table = whole.isel(copy=_of(counts, start)).to_numpy()
            share = (table @ PASSED).sum((0, 1, 2)) / table.sum()
            made.append(pd.DataFrame({"model": model, "kind": kind, "function": FUNCTIONS, "share": share}))
    return pd.concat(made, ignore_index=True)


def excess(counts: xr.Dataset, without: int = NONE) -> float:
    """Among the neurons of trained copies that pass in any function, the share that passes in one, minus the share to
    expect if functions were independent."""
    table = counts["neurons"].sel(without=without).isel(copy=_of(counts, "run")).to_numpy().astype(float)
    return _alone(table) - _alone(independent(table))


def _alone(table: np.ndarray) -> float:
    anything = table[..., NUMBER > 0].sum()
    return float(table[..., NUMBER == 1].sum() / anything) if anything else float("nan")


def _of(counts: xr.Dataset, start: str) -> np.ndarray:
    return np.flatnonzero(counts["copy"].str.startswith(start).to_numpy())
