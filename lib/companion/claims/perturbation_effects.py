"""What a run says of the paper's claims on perturbed models (second half of Section 5)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from companion.claims import effects
from companion.claims.effects import Row
from companion.experiments.lesion_orders import SINGLE, Order
from companion.sections import intervals, perturbing_encoders_tables, perturbing_t5_tables

ABOVE = 0.06  # share of the neurons beyond which the paper compares experts with neurons
GUESSED = 0.5  # accuracy of guessing between two classes
TENTH = 0.1  # share at which it finds T5 to guess


def t5(grid: xr.DataArray, fine: int, reach: int, guessing: pd.DataFrame, name: str) -> pd.DataFrame:
    """Figure 2 as effects, and the double dissociation; mean over runs, intervals by Student's t over draws.

    - ``perturbing-experts-guessing``: with noise as the text has it on a tenth of the neurons by experts, the share
      of what can be lost on seen tasks (plain model less guessing) that is lost.
    - ``experts-over-random``: seen tasks; ``unseen-too``: unseen ones; ``experts-over-neurons``: both. By how much the
      accuracy is lower when experts are perturbed than when random neurons, or those of Avg (4), are; mean over the
      shares above `ABOVE`.
    - ``avg-over-single``: by how much it is lower under Avg (4) than under the rankings of single tasks, mean over
      these, all tasks and all shares.
    - ``own-experts``: `perturbing_t5_tables.dissociation` of experts.

    All but the first are in percentage points, with the noise of the setting ``strong``, under which there is
    something to compare.

    Parameters
    ----------
    grid : dims ``(setting, seed, task, order, number, draw)``.
    fine, reach : experts a layer, and the highest number of them perturbed.
    guessing : of `perturbing_t5_tables.guessing`.
    """
    panels = perturbing_t5_tables.panels(grid["task"].to_numpy().tolist())
    text, strong = grid.sel(setting="text"), grid.sel(setting="strong")
    chance: Any = guessing.set_index("panel").loc["seen", "chance"]
    lost = share_lost(text.sel(task=panels["seen"]), round(TENTH * fine), float(chance))
    every = [*panels["seen"], *panels["unseen"]]
    parts = {
        "experts-over-random": (panels["seen"], "MoE (4)", ["random"], ABOVE),
        "unseen-too": (panels["unseen"], "MoE (4)", ["random"], ABOVE),
        "experts-over-neurons": (every, "MoE (4)", ["Avg (4)"], ABOVE),
        "avg-over-single": (every, "Avg (4)", SINGLE, 0.0),
    }
    rows: list[Row] = [("perturbing-experts-guessing", name, *intervals.student(lost))]
    for claim, (tasks, ours, others, above) in parts.items():
        if tasks:
            points = 100 * costlier(strong.sel(task=tasks), ours, others, above * fine)
            rows.append((claim, name, *intervals.student(points)))
    own = perturbing_t5_tables.dissociation(perturbing_t5_tables.drops(strong, "experts", reach))
    rows.append(("own-experts", name, 100 * own["difference"], 100 * own["low"], 100 * own["high"]))
    return effects.as_table(rows)


def encoder(accuracy: xr.DataArray, fine: int, reach: int, name: str) -> pd.DataFrame:
    """What a perturbed sentence encoder says of the same claims; means over functions, jackknife over sub-functions.

    - ``perturbing-experts-guessing``: with noise as the text has it on a tenth of the neurons by the experts of the
      function that is judged, the share of what can be lost (accuracy above one half) that is lost.
    - ``experts-over-random`` and ``experts-over-neurons``: how much more own experts cost than random neurons and than
      as many neurons of the same function, mean over the shares above `ABOVE` up to a fifth.
    - ``own-experts``: `perturbing_encoders_tables.own_over_others` with a fifth of the neurons perturbed.

    The last three are in percentage points, with noise of the setting ``scaled``.

    Parameters
    ----------
    accuracy : dims ``(setting, subfunction, order, number, draw)``, with the coordinate ``function``.
    fine, reach : experts a layer, and the number of them that is a fifth.
    """
    lost = perturbing_encoders_tables.losses(accuracy)
    late: Any = lost[(lost["share"] > ABOVE) & (lost["share"] <= reach / fine)]
    keys = ["setting", "function", "subfunction", "order"]
    mean = late.groupby(keys, sort=False)["loss"].mean().reset_index().assign(share=0.0)
    against = perturbing_encoders_tables.compared(mean, "scaled", 0.0).set_index("against")
    neurons = perturbing_encoders_tables.COMPARED[0][0]
    own = perturbing_encoders_tables.own_over_others(lost, "scaled", reach / fine)
    return effects.as_table(
        [
            ("perturbing-experts-guessing", name, *_guessing(accuracy, round(TENTH * fine))),
            ("experts-over-random", name, *against.loc[perturbing_encoders_tables.RANDOM]),
            ("experts-over-neurons", name, *against.loc[neurons]),
            ("own-experts", name, *own),
        ]
    )


def _guessing(accuracy: xr.DataArray, number: int) -> intervals.Interval:
    """Share of the accuracy above one half that is lost by the text's noise at own experts, over all sub-functions."""
    functions = accuracy["function"].to_numpy()
    text = accuracy.sel(setting="text").mean("draw")
    plain = text.isel(order=0).sel(number=0).to_numpy()
    order = [str(Order("experts", function)) for function in functions]
    left = np.array([float(text.isel(subfunction=i).sel(order=o, number=number)) for i, o in enumerate(order)])
    return intervals.jackknife(
        functions, lambda kept: np.array([(plain - left)[kept].sum() / (plain[kept] - GUESSED).sum()])
    )[0]


def share_lost(grid: xr.DataArray, number: int, chance: float, order: str = "MoE (4)") -> np.ndarray:
    """Accuracy that is lost with `number` experts' neurons perturbed as a share of what can be lost, draw by draw.

    Parameters
    ----------
    grid : dims ``(seed, task, order, number, draw)``.
    chance : what guessing reaches.
    """
    means = grid.mean(["seed", "task"])
    plain = means.isel(order=0).sel(number=0)
    lost = plain - means.sel(order=order, number=number)
    return (lost / (plain.mean() - chance)).to_numpy()


def costlier(grid: xr.DataArray, ours: str, others: Sequence[str], above: float) -> np.ndarray:
    """Accuracy under `others` less that under `ours`, draw by draw: mean over tasks, runs, `others` and the numbers
    above `above` that all of these orders have."""
    means = grid.mean(["seed", "task"]).sel(order=[ours, *others])
    there = means.notnull().all(["order", "draw"]) & (means["number"] > above)
    if not there.any():
        raise ValueError(f"no number of experts above {above:g} has {ours} and {', '.join(others)}; compute one")
    chosen = means.isel(number=np.flatnonzero(there)).mean("number")
    return (chosen.sel(order=list(others)).mean("order") - chosen.sel(order=ours)).to_numpy()


def switch(paired: pd.DataFrame, name: str, *, strict: bool = False) -> pd.DataFrame:
    """Table 2 as effects, in percentage points: the mean of all tasks.

    ``switch-without``: Original minus No Function; ``switch-only``: Function minus Original;
    ``switch-with-over-without``: Function minus No Function.

    Parameters
    ----------
    paired : of `perturbing_switch_tables.paired`.
    strict : it is of accuracies at a step chosen on other rows, and not of the best that the paper reports: each claim
        has ``-strict`` behind its name.
    """
    suffix = "-strict" if strict else ""
    rows: Any = paired[paired["task"] == "avg"].set_index("pair")[["difference", "low", "high"]]
    only, both = (rows.loc[f"Function − {other}"].tolist() for other in ("Original", "No Function"))
    difference, low, high = rows.loc["No Function − Original"]
    return effects.as_table(
        [
            (f"switch-without{suffix}", name, -difference, -high, -low),
            (f"switch-only{suffix}", name, *only),
            (f"switch-with-over-without{suffix}", name, *both),
        ]
    )
