"""What the authors' result files say of the paper's claims, as the effects of `evidence_perturbed` and
`evidence_emergence`."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from modularity import emergence, evidence, evidence_perturbed, lesion_report
from modularity.evidence import DRAWS, ENDS, Row
from modularity.evidence_emergence import HALF, LATE
from modularity.release_files import Release
from modularity.released_questions import guessing, paired
from modularity.released_report import SEEN, UNSEEN

T5, SWITCH = "T5-base, released", "Switch-base-16, released"
TRAINED = {"t5": "T5 of the authors, released", "switch": "Switch of the authors, released"}
EXPERTS = 96


def table(release: Release, *, seed: int = 0) -> pd.DataFrame:
    """All evidence of the files, ``claim, model, estimate, low, high``.

    Intervals of T5 are over five repeats of the noise, those of Switch over eight seeds, those of stabilisation over
    layers, the same for experts and neurons.
    """
    rows = paired(release, (1.0,))
    stabilised = [stabilisation(release, model, seed=seed) for model in TRAINED]
    return pd.concat([perturbed(release), evidence_perturbed.switch(rows, SWITCH), *stabilised], ignore_index=True)


def perturbed(release: Release) -> pd.DataFrame:
    """Figure 2 as effects, as `evidence_perturbed.t5`, over every number of experts of which all data sets were run."""
    every = (*SEEN, *UNSEEN)
    grid = _grid(release.perturbed)
    tenth = round(evidence_perturbed.TENTH * EXPERTS)
    chance = float(guessing().set_index("panel").loc["seen", "chance"])
    lost = evidence_perturbed.share_lost(_whole(grid, SEEN), tenth, chance)
    above = evidence_perturbed.ABOVE * EXPERTS
    parts = {
        "experts-over-random": (SEEN, "MoE (4)", ["random"], above),
        "unseen-too": (UNSEEN, "MoE (4)", ["random"], above),
        "experts-over-neurons": (every, "MoE (4)", ["Avg (4)"], above),
        "avg-over-single": (every, "Avg (4)", evidence_perturbed.SINGLE, 0.0),
    }
    rows: list[Row] = [("perturbing-experts-guessing", T5, *lesion_report.interval(lost))]
    for claim, (tasks, ours, others, least) in parts.items():
        points = 100 * evidence_perturbed.costlier(_whole(grid, tasks), ours, others, least)
        rows.append((claim, T5, *lesion_report.interval(points)))
    return evidence.table(rows)


def _grid(runs: pd.DataFrame) -> xr.DataArray:
    """Dims ``(seed, task, order, number, draw)``; the unperturbed model, run once, stands for each order and repeat."""
    by = ["task", "order", "number", "repeat"]
    means: Any = runs.groupby(by)["accuracy"].mean()
    grid = means.rename_axis([*by[:3], "draw"]).to_xarray()
    plain = grid.sel(order="random", number=0, draw=0, drop=True)
    return xr.where(grid["number"] == 0, plain, grid).transpose("task", "order", "number", "draw").expand_dims(seed=[0])


def _whole(grid: xr.DataArray, tasks: tuple[str, ...]) -> xr.DataArray:
    """Of these tasks, without the numbers at which not all of them were run."""
    part = grid.sel(task=list(tasks))
    return part.where(part.notnull().all("task"))


def stabilisation(
    release: Release, model: str, level: float = emergence.LEVEL, *, draws: int = DRAWS, seed: int = 0
) -> pd.DataFrame:
    """Figure 4 as effects, mean over functions, as `evidence_emergence.stabilisation`; neurons of the layers with
    experts; a bootstrap over these layers, drawn alike for all functions and levels."""
    rows = release.stabilization.query("model == @model")
    places = rows.loc[rows["level"] == "expert", "layer"].unique()
    rows = rows[rows["layer"].isin(places)]
    by = ["function", "level", "layer", "share"]
    values = rows.set_index(by)["value"].to_xarray().sel(level=["expert", "random", "neuron"])
    shares = values["share"].to_numpy()
    drawn = np.random.default_rng(seed).multinomial(len(places), np.full(len(places), 1 / len(places)), size=draws)
    weights = np.concatenate([np.ones((1, len(places))), drawn]) / len(places)  # the estimate first
    means = np.einsum("dl,fkls->fdks", weights, values.to_numpy())
    expert, random, neuron = np.moveaxis(np.minimum(emergence.first_above(means, shares, level), 1), -1, 0)
    both = means[:, :, [0, 2]].mean(2)
    effects = {
        "experts-early": HALF - expert,
        "experts-before-neurons": neuron - expert,
        "experts-before-random": random - expert,
        "stabilises": both[..., -1] - both[..., np.argmax(shares > LATE)],
    }
    return evidence.table(
        (claim, TRAINED[model], float(row.mean(0)[0]), *np.quantile(row.mean(0)[1:], ENDS).tolist())
        for claim, row in effects.items()
    )
