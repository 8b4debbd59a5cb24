"""What a run says of the paper's claims on pre-training (Section 6 and Appendix A.6)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from companion.claims import effects as evidence
from companion.claims.effects import Row
from companion.released import published
from companion.sections import emergence_tables as report
from companion.sections import intervals
from companion.sections.intervals import ENDS, NAN
from companion.sections.noise_tables import LATE
from modularity import emergence

HALF = 0.5  # of the run: what is reached before is early
FEW = 10  # sub-functions of which a clustering score has no interval


def appearance(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Figure 3 as effects, of the tables of `emergence_tables.functional_by_step`; mean over functions, Student's t
    over runs.

    - ``functional-early``, ``degree-early``: `HALF` less the fraction of training at which the proportion of functional
      experts, or their degree, first reaches half of its highest value.
    - ``functional-stays``: `HALF` less the range of the proportion over the second half of the run, as a share of its
      highest value.
    - ``switch-later``: the share at which a Switch reaches half of its highest proportion less that of a T5, by
      Welch's t over the runs of both.
    """
    made: list[Row] = []
    reached = {}
    for name, every in tables.items():
        rows: pd.DataFrame = every.loc[(every["kind"] == "functional") & (every["partition"] == "model")]
        curves: dict[str, Any] = {
            m: rows.pivot_table(m, ["run", "function"], "share") for m in ("proportion", "degree")
        }
        at = {m: _by_run(table.apply(report.half_reached, axis=1)) for m, table in curves.items()}
        reached[name] = at["proportion"]
        spread = _by_run(curves["proportion"].apply(_range_late, axis=1))
        parts = {"functional-early": at["proportion"], "degree-early": at["degree"], "functional-stays": spread}
        made += [(claim, name, *intervals.student(HALF - values, lone=True)) for claim, values in parts.items()]
    for name, values in reached.items():
        others = [v for other, v in reached.items() if published.counterpart(other) == "t5"]
        if published.counterpart(name) == "switch" and others:
            made.append(("switch-later", name, *intervals.welch(values, others[0])))
    return evidence.as_table(made)


def _range_late(curve: pd.Series) -> float:
    values, share = curve.to_numpy(), curve.index.to_numpy()
    return float(np.ptp(values[share >= HALF]) / values.max()) if values.max() > 0 else NAN


def _by_run(values: pd.Series) -> np.ndarray:
    """Means over the functions that have functional experts at all, by run."""
    means: Any = values.groupby(level="run").mean()
    return means.dropna().to_numpy()


def stabilization_effects(
    curves: xr.DataArray, name: str, level: float = emergence.LEVEL, *, draws: int = intervals.DRAWS, seed: int = 0
) -> pd.DataFrame:
    """Figure 4 as effects; a bootstrap of runs and, within each function, of sub-functions.

    - ``FUNCTION-experts-before-neurons``: the fraction of training from which on the curve of neurons stays above
      `level` minus that of experts. A curve that ends below counts as reaching `level` at the end.
    - ``experts-before-random``: the same of random partitions; this and all below are means over functions.
    - ``experts-early``: `HALF` minus the share of experts.
    - ``stabilises``: the score at the last checkpoint minus that at the first one after `LATE` of the run, mean over
      experts and neurons.

    Functions can differ in how far neurons follow experts, so each has a claim of its own.

    Parameters
    ----------
    curves : of `emergence_tables.stabilization`, dims ``(level, run, subfunction, step)`` with ``function``.
    """
    rng = np.random.default_rng(seed)
    shares, number = report.share(curves["step"]), curves.sizes["run"]
    weights = intervals.redrawn(number, draws, rng=rng)
    values = curves.sel(level=list(report.LEVELS)).transpose("level", "run", "subfunction", "step").to_numpy()
    found = {}
    for function in dict.fromkeys(curves["function"].to_numpy().tolist()):
        part = values[:, :, curves["function"].to_numpy() == function]
        size = part.shape[2]
        of_parts = intervals.redrawn(size, draws, rng=rng)
        drawn = np.einsum("dr,dm,lrms->dls", weights, of_parts, part, optimize=True)
        means = np.concatenate([part.mean((1, 2))[None], drawn])  # the estimate first
        found[function] = of_curves(means, shares, level)
    return table_of(found, name)


def table_of(found: Mapping[str, np.ndarray], name: str) -> pd.DataFrame:
    """The claims of `stabilization_effects` from function → `of_curves`, the estimate first; all but the first are
    means over functions."""
    effects_of = {f"{function}-experts-before-neurons": effects[0] for function, effects in found.items()}
    shared = np.mean([effects[1:] for effects in found.values()], axis=0)  # effect, draw
    effects_of |= dict(zip(("experts-before-random", "experts-early", "stabilises"), shared, strict=True))
    return evidence.as_table(
        (claim, name, float(row[0]), *np.quantile(row[1:], ENDS).tolist()) for claim, row in effects_of.items()
    )


def of_curves(means: np.ndarray, shares: np.ndarray, level: float) -> np.ndarray:
    """The effects of `stabilization_effects` from curves of dims ``(draw, level, step)``, dims ``(effect, draw)``."""
    expert, random, neuron = np.minimum(emergence.first_above(means, shares, level), 1).T
    both = means[:, [report.LEVELS.index("expert"), report.LEVELS.index("neuron")]].mean(1)
    grown = both[:, -1] - both[:, np.argmax(shares > LATE)]
    return np.stack([neuron - expert, random - expert, HALF - expert, grown])


def between_over_within(leads: pd.DataFrame) -> pd.DataFrame:
    """``between-over-within``: by how much the correlation of adjacent checkpoints is higher for what lies between
    experts than for what lies within them, noise taken out, for word meanings: of the tables of `noise_tables.leads`
    with ``model``. A mean over the run, which says nothing about what comes first."""
    wanted = "function == 'semantic' and comparison == 'between − within' and pair == 'corrected'"
    rows = leads.query(wanted)[["model", "difference", "low", "high"]].itertuples(index=False, name=None)
    return evidence.as_table(("between-over-within", *row) for row in rows)


def organization_effects(
    own: Sequence[xr.DataArray],
    random: Sequence[xr.DataArray],
    alike: xr.DataArray,
    name: str,
    *,
    partitions: int = 10,
    draws: int = 40,
    seed: int = 0,
) -> pd.DataFrame:
    """Figure 7 as effects at the end of pre-training, mean over runs; a delete-d jackknife over sub-functions.

    - ``lowest-organised``: clustering score of the lowest layer with experts.
    - ``lowest-over-random``: the same less that of random partitions.
    - ``higher-not``: the same less that of the highest layer.

    Parameters
    ----------
    own, random : as `organization_tables.organization` takes them; the first `partitions` random ones are taken.
    alike : likeness of sub-functions, of `similarity.between`.
    """
    ends = [own[0]["layer"].to_numpy()[i] for i in (0, -1)]
    drawn = xr.concat(random, "run", coords="minimal").isel(draw=slice(partitions))
    whole = xr.concat(own, "run", coords="minimal")
    tables = [whole, *(drawn.isel(draw=i, drop=True) for i in range(drawn.sizes["draw"]))]
    every = xr.concat(tables, "partition", coords="minimal").sel(layer=ends)
    units = np.arange(every.sizes["subfunction"])
    found = intervals.delete_d(units, lambda part: _scores(alike, every.isel(subfunction=part)), draws, seed=seed)
    if len(units) < FEW:
        found[1] = NAN
    claims = ("lowest-organised", "lowest-over-random", "higher-not")
    return evidence.as_table(
        (claim, name, *intervals.of_error(*pair)) for claim, pair in zip(claims, found.T, strict=True)
    )


def _scores(alike: xr.DataArray, tables: xr.DataArray) -> np.ndarray:
    score = emergence.clustering_score(alike, tables).mean("subfunction").mean("run")  # partition, layer
    own, random = score.isel(partition=0).to_numpy(), score.isel(partition=slice(1, None)).mean("partition").to_numpy()
    return np.array([own[0], own[0] - random[0], own[0] - own[-1]])


def organised_early(curves: pd.DataFrame, name: str) -> pd.DataFrame:
    """``organised-early``: `HALF` minus the fraction of training at which the clustering score of the lowest layer, of
    the tables of `organization_tables.clustering`, first reaches half of its highest value; Student's t over runs."""
    rows: pd.DataFrame = curves.loc[(curves["partition"] == "model") & (curves["layer"] == curves["layer"].min())]
    reached: Any = rows.pivot_table("value", "run", "share").apply(report.half_reached, axis=1)
    return evidence.as_table(
        [("organised-early", name, *intervals.student(HALF - reached.dropna().to_numpy(), lone=True))]
    )
