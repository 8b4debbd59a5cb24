"""What the grid of perturbed sentence encoders says, function by function (Section 5)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from companion.experiments.encoder_plan import FINE, SETTINGS
from companion.experiments.lesion_orders import Order, Unit, Variant
from companion.functions.tracks import FUNCTIONS
from companion.sections import intervals

OWN = "own"  # perturbed by the function that is judged
UNITS: tuple[Unit, ...] = ("experts", "neurons")
PROBED = ("accuracy", "area")
Comparison = tuple[str, Unit, Variant]
# What experts of a function are compared with: its name, and how the neurons of the same function are taken instead.
COMPARED: tuple[Comparison, ...] = (
    ("as many neurons", "neurons", ""),
    ("neurons of equal mass", "neurons", "equal mass"),
    ("neurons of equal output", "neurons", "equal output"),
    ("a random partition's experts", "experts", "permuted"),
    ("the least predictive experts", "experts", "least"),
)
RANDOM = "random neurons"


def probed(grid: xr.DataArray, read_out: str) -> xr.DataArray:
    """A grid's read-out by probes, which every sub-function has.

    Raises
    ------
    ValueError
        It is none of these; the similarity of paraphrases is of two sub-functions only.
    """
    if read_out not in PROBED:
        raise ValueError(f"unknown read-out {read_out!r} of probes; known: {', '.join(PROBED)}")
    return grid.sel(read_out=read_out)


def losses(grid: xr.DataArray) -> pd.DataFrame:
    """What each sub-function loses, in percentage points of the read-out, mean over draws.

    Parameters
    ----------
    grid : one read-out, dims ``(setting, subfunction, order, number, draw)``; number 0 is the plain model.

    Returns
    -------
    ``setting, function, subfunction, order, share, loss``; what was not computed is left out.
    """
    plain = grid.sel(number=0).isel(order=0, draw=0, drop=True)
    lost = (100 * (plain - grid.sel(number=grid["number"] > 0))).mean("draw")
    table: Any = lost.rename("loss").to_dataframe().reset_index().dropna(subset="loss")
    return table.assign(share=table["number"] / FINE)[["setting", "function", "subfunction", "order", "share", "loss"]]


def plain(grid: xr.DataArray) -> pd.DataFrame:
    """The read-outs of the plain model: a row a sub-function, a column a read-out."""
    values = grid.isel(setting=0, order=0, draw=0).sel(number=0)
    table: Any = values.to_pandas() if values.dims[0] == "subfunction" else values.to_pandas().T
    return table.assign(function=grid["function"].to_numpy())[["function", *grid["read_out"].to_numpy()]]


def curves(lost: pd.DataFrame) -> pd.DataFrame:
    """Mean loss over sub-functions: ``setting, function, order, share, loss, low, high`` (bootstrap)."""
    made = []
    groups: Any = lost.groupby(["setting", "function", "order", "share"], sort=False)
    for by, rows in groups:
        values = rows["loss"].to_numpy()
        low, high = intervals.mean(values)
        made.append((*by, values.mean(), float(low), float(high)))
    return pd.DataFrame(made, columns=["setting", "function", "order", "share", "loss", "low", "high"])


def matrix(lost: pd.DataFrame, setting: str, share: float, unit: Unit = "experts") -> pd.DataFrame:
    """What sub-functions of each function (columns) lose by the neurons of each function (rows), and by random ones if
    the setting has them."""
    names = {str(Order(unit, function)): function for function in FUNCTIONS} | {str(Order()): RANDOM}
    found = _at(lost, setting, share)
    table = found[found["order"].isin(list(names))].pivot_table("loss", "order", "function")
    rows = [names[order] for order in names if order in table.index]
    return table.rename(index=names).loc[rows, list(FUNCTIONS)].rename_axis(None).rename_axis(None, axis=1)


def own_over_others(lost: pd.DataFrame, setting: str, share: float, unit: Unit = "experts") -> intervals.Interval:
    """Diagonal minus off-diagonal of `matrix`: what a sub-function loses by the neurons of its own function, minus the
    mean of what it loses by those of the other two; mean over functions, jackknife over sub-functions."""
    table = _wide(lost, setting, share)
    functions = table.index.get_level_values("function").to_numpy()
    values = table[[str(Order(unit, function)) for function in FUNCTIONS]].to_numpy()
    mine = functions[:, None] == np.array(FUNCTIONS)
    contrast = values[mine] - np.where(mine, 0, values).sum(1) / (len(FUNCTIONS) - 1)
    return intervals.jackknife(functions, _mean_of_functions(contrast, functions))[0]


def over_others(lost: pd.DataFrame, share: float) -> pd.DataFrame:
    """`own_over_others` in every setting that perturbs the parts of all functions at this share: a row a setting,
    columns ``(unit, own minus others | low | high)``. Not of settings that keep them and perturb the rest, in which a
    function that needs its own parts loses less by them."""
    made: dict[str, dict[str, intervals.Interval]] = {unit: {} for unit in UNITS}
    for setting in dict.fromkeys(lost["setting"]):
        there = set(lost.loc[(lost["setting"] == setting) & np.isclose(lost["share"], share), "order"])
        for unit in UNITS:
            if not SETTINGS[setting].kept and {str(Order(unit, function)) for function in FUNCTIONS} <= there:
                made[unit][setting] = own_over_others(lost, setting, share, unit)
    columns = ["own minus others", "low", "high"]
    return pd.concat({unit: pd.DataFrame(rows, index=columns).T for unit, rows in made.items()}, axis=1)


def compared(lost: pd.DataFrame, setting: str, share: float) -> pd.DataFrame:
    """How much more a sub-function loses by its own function's experts than by what they are compared with.

    Returns
    -------
    ``against, difference, low, high``; `RANDOM` and those of `COMPARED` that the setting has; mean over functions,
    jackknife over sub-functions.
    """
    table = _wide(lost, setting, share)
    functions = table.index.get_level_values("function").to_numpy()
    experts = _own(table, functions, "experts", "")
    made = []
    if str(Order()) in table:
        made.append((RANDOM, experts - table[str(Order())].to_numpy()))
    for name, unit, variant in COMPARED:
        if all(str(Order(unit, f, variant)) in table for f in FUNCTIONS):
            made.append((name, experts - _own(table, functions, unit, variant)))
    rows = [(name, *intervals.jackknife(functions, _mean_of_functions(v, functions))[0]) for name, v in made]
    return pd.DataFrame(rows, columns=["against", "difference", "low", "high"])


def by_setting(lost: pd.DataFrame, share: float) -> pd.DataFrame:
    """Mean loss over all sub-functions: a row a setting that has this share, a column a kind of neurons; `OWN` ones are
    of the function that is judged, and the experts of others the mean of both."""
    here: Any = lost[np.isclose(lost["share"], share)]
    order, function = here["order"], here["function"]
    mine, others = [], []
    for unit in UNITS:
        names = [str(Order(unit, name)) for name in FUNCTIONS]
        own = order == [str(Order(unit, name)) for name in function]
        mine.append((f"{OWN} {unit}", own))
        others.append((f"{unit} of other functions", order.isin(names) & ~own))
    made = {}
    for kind, rows in ((RANDOM, order == str(Order())), *mine, *others):
        made[kind] = here[rows].groupby("setting", sort=False)["loss"].mean()
    return pd.DataFrame(made).reindex(list(dict.fromkeys(here["setting"]))).rename_axis(None)


def kept(grid: xr.DataArray, setting: str) -> pd.DataFrame:
    """The read-out with all but some neurons set to 0: ``function, kind, share, value``; `OWN` experts and neurons
    are those of the function that is judged, and the plain model keeps all."""
    values = grid.sel(setting=setting).mean("draw").rename("value")
    table: Any = values.to_dataframe().reset_index().dropna(subset="value")
    made = [table[table["order"] == str(Order())].assign(kind="random neurons")]
    for unit in UNITS:
        own = table["order"] == [str(Order(unit, function)) for function in table["function"]]
        made.append(table[own].assign(kind=f"{OWN} {unit}"))
    rows: Any = pd.concat(made).assign(share=lambda t: np.where(t["number"] == 0, 1, t["number"] / FINE))
    return rows.groupby(["function", "kind", "share"], sort=False)["value"].mean().reset_index()


def _at(lost: pd.DataFrame, setting: str, share: float) -> pd.DataFrame:
    rows: Any = lost[(lost["setting"] == setting) & np.isclose(lost["share"], share)]
    if rows.empty:
        of_setting: Any = lost.loc[lost["setting"] == setting, "share"]
        known = sorted(of_setting.unique().round(3).tolist())
        raise ValueError(f"nothing was computed for {setting!r} at a share of {share:g}; there are {known}")
    return rows


def _wide(lost: pd.DataFrame, setting: str, share: float) -> pd.DataFrame:
    """A row a sub-function, a column an order."""
    return _at(lost, setting, share).pivot_table("loss", ["function", "subfunction"], "order", sort=False)


def _own(table: pd.DataFrame, functions: np.ndarray, unit: Unit, variant: Variant) -> np.ndarray:
    columns = [str(Order(unit, function, variant)) for function in functions]
    return np.array([table[column].iloc[i] for i, column in enumerate(columns)])


def _mean_of_functions(values: np.ndarray, functions: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    names: Sequence[str] = list(dict.fromkeys(functions.tolist()))

    def statistic(kept: np.ndarray) -> np.ndarray:
        return np.array([np.mean([values[kept & (functions == name)].mean() for name in names])])

    return statistic
