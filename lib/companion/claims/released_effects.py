"""What the authors' result files say of the paper's claims, as the effects of `perturbation_effects` and
`emergence_effects`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from companion.claims import effects as evidence
from companion.claims import perturbation_effects
from companion.claims.emergence_effects import of_curves, table_of
from companion.functions.prompts import SEEN, UNSEEN
from companion.released.release_files import Release
from companion.sections import intervals
from companion.sections.intervals import DRAWS
from companion.sections.released_tables import guessing, paired
from modularity import emergence

T5, SWITCH = "T5-base, released", "Switch-base-16, released"
TRAINED = {"t5": "T5 of the authors, released", "switch": "Switch of the authors, released"}
# What stands together where there is room for one of a kind only.
KINDS = {
    T5: "T5, released",
    TRAINED["t5"]: "T5, released",
    SWITCH: "Switch, released",
    TRAINED["switch"]: "Switch, released",
}
EXPERTS = 96


def released_table(release: Release, *, seed: int = 0) -> pd.DataFrame:
    """All evidence of the files, ``claim, model, estimate, low, high``.

    Intervals of perturbed models are over data sets, because the claims are about tasks and not about these ones:
    repeats of the noise and seeds of the examples are averaged first. Those of stabilisation are over layers, the same
    for experts and neurons: there is one training run of each model.
    """
    rows = paired(release, (1.0,))
    over_tasks = rows[rows["task"] == "other tasks"].assign(task="avg")
    stabilised = [stabilization_effects(release, model, seed=seed) for model in TRAINED]
    parts = [perturbed(release), perturbation_effects.switch(over_tasks, SWITCH), *stabilised]
    return pd.concat(parts, ignore_index=True)


def perturbed(release: Release) -> pd.DataFrame:
    """Figure 2 as effects, as `perturbation_effects.t5`, with the intervals of `over_panels`."""
    values: Any = by_task(release).set_index(["claim", "task"])["effect"]
    claims = dict.fromkeys(values.index.get_level_values("claim"))
    return evidence.as_table((claim, T5, *over_panels(values.loc[claim])) for claim in claims)


def by_task(release: Release) -> pd.DataFrame:
    """The effects of Figure 2 of each data set, ``claim, task, effect``, in percentage points but the first, which is a
    share; mean over repeats, over every number of experts at which all data sets of the claim were run."""
    grid = _grid(release.perturbed)
    above = perturbation_effects.ABOVE * EXPERTS
    parts = {
        "experts-over-random": (SEEN, "MoE (4)", ["random"], above),
        "unseen-too": (UNSEEN, "MoE (4)", ["random"], above),
        "experts-over-neurons": ((*SEEN, *UNSEEN), "MoE (4)", ["Avg (4)"], above),
        "avg-over-single": ((*SEEN, *UNSEEN), "Avg (4)", perturbation_effects.SINGLE, 0.0),
    }
    values = {"perturbing-experts-guessing": lost(grid)} | {name: costlier(grid, *part) for name, part in parts.items()}
    return pd.concat(values, names=["claim", "task"]).rename("effect").reset_index()


def over_panels(values: pd.Series) -> tuple[float, float, float]:
    """Mean of data sets and its 95 % interval over data sets, those of a panel drawn among their own kind.

    The seen data sets are those by which neurons were chosen. Effects on them and on unseen ones may differ in mean and
    in spread, so the variance of the mean is put together from both (Welch's t, with Satterthwaite's degrees of
    freedom); with one panel this is Student's t.

    Parameters
    ----------
    values : of each data set, by name; at least two of a panel.
    """
    seen, numbers = values.index.isin(SEEN), values.to_numpy()
    parts = [part for part in (numbers[seen], numbers[~seen]) if len(part)]
    if min(map(len, parts)) < 2:
        raise ValueError(f"got the data sets {', '.join(values.index)}, expected at least two of each panel")
    variances = np.array([(len(part) / len(values)) ** 2 * part.var(ddof=1) / len(part) for part in parts])
    middle, variance = float(values.mean()), variances.sum()
    if variance == 0:
        return middle, middle, middle
    free = variance**2 / sum(v**2 / (len(part) - 1) for v, part in zip(variances, parts, strict=True))
    reach = float(stats.t.ppf(0.5 + intervals.CONFIDENCE / 2, free) * variance**0.5)
    return middle, middle - reach, middle + reach


def lost(grid: xr.DataArray) -> pd.Series:
    """`perturbation_effects.share_lost` of the seen data sets, of each what makes their mean the share of the means.

    A ratio of means is no mean of ratios, so each data set counts with its linear part in the former: its own loss
    less the common share of what it can lose, both relative to what can be lost on average.
    """
    chance = float(guessing().set_index("panel").loc["seen", "chance"])
    means = _whole(grid, SEEN).mean(["seed", "draw"])
    plain = means.isel(order=0).sel(number=0)
    loss = plain - means.sel(order="MoE (4)", number=round(perturbation_effects.TENTH * EXPERTS))
    room = plain - chance
    share = loss.mean() / room.mean()
    return (share + (loss - share * room) / room.mean()).to_series()


def costlier(grid: xr.DataArray, tasks: Sequence[str], ours: str, others: Sequence[str], above: float) -> pd.Series:
    """`perturbation_effects.costlier` of each data set, in percentage points, mean over repeats and over the numbers at
    which all of `tasks` were run."""
    whole = _whole(grid, tasks)
    of_task = {t: perturbation_effects.costlier(whole.sel(task=[t]), ours, others, above).mean() for t in tasks}
    return 100 * pd.Series(of_task)


def _grid(runs: pd.DataFrame) -> xr.DataArray:
    """Dims ``(seed, task, order, number, draw)``; the unperturbed model, run once, stands for each order and repeat."""
    by = ["task", "order", "number", "repeat"]
    means: Any = runs.groupby(by)["accuracy"].mean()
    grid = means.rename_axis([*by[:3], "draw"]).to_xarray()
    plain = grid.sel(order="random", number=0, draw=0, drop=True)
    return xr.where(grid["number"] == 0, plain, grid).transpose("task", "order", "number", "draw").expand_dims(seed=[0])


def _whole(grid: xr.DataArray, tasks: Sequence[str]) -> xr.DataArray:
    """Of these tasks, without the numbers at which not all of them were run."""
    part = grid.sel(task=list(tasks))
    return part.where(part.notnull().all("task"))


def stabilization_effects(
    release: Release, model: str, level: float = emergence.LEVEL, *, draws: int = DRAWS, seed: int = 0
) -> pd.DataFrame:
    """Figure 4 as effects, as `emergence_effects.stabilization_effects`; neurons of the layers with experts; a
    bootstrap over these layers, drawn alike for all functions and levels."""
    rows = release.stabilization.query("model == @model")
    places = rows.loc[rows["level"] == "expert", "layer"].unique()
    rows = rows[rows["layer"].isin(places)]
    by = ["function", "level", "layer", "share"]
    values = rows.set_index(by)["value"].to_xarray().sel(level=["expert", "random", "neuron"])
    shares = values["share"].to_numpy()
    drawn = intervals.redrawn(len(places), draws, rng=np.random.default_rng(seed))
    weights = np.concatenate([np.full((1, len(places)), 1 / len(places)), drawn])  # the estimate first
    means = np.einsum("dl,fkls->fdks", weights, values.to_numpy())
    of_function = zip(values["function"].to_numpy().tolist(), means, strict=True)
    made = table_of({name: of_curves(part, shares, level) for name, part in of_function}, TRAINED[model])
    made = made.set_index("claim")
    first = ["experts-early", "experts-before-random", "stabilises"]  # as the shipped table has its rows
    return made.loc[[*first, *made.index.difference(first, sort=False)]].reset_index()
