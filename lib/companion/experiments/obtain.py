"""What a page starts from: readings of the runs of some models and of untrained copies, shipped or computed."""

import inspect
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from companion.experiments import experiment, reading_file, shipped_readings
from companion.experiments.experiment import Checked, Recompute
from companion.experiments.piecewise import Pieces
from companion.experiments.shipped_readings import Copy, content
from companion.models import catalogue
from modularity import measure, readings
from modularity.models import Model
from modularity.subfunction import SubFunction

DEFAULTS = inspect.unwrap(readings.read).__kwdefaults__ or {}


class Runs(NamedTuple):
    """Readings of one model: of its trained runs, and of untrained copies. A reading lists the best neurons of its own
    run, so that runs have no array in common."""

    trained: Sequence[xr.Dataset]
    untrained: Sequence[xr.Dataset]


Scored = Mapping[str, Runs]  # of models by name


def runs(
    names: Sequence[str | PathLike[str]],
    subfunctions: Sequence[SubFunction],
    *,
    seeds: int = 3,
    copies: int = shipped_readings.COPIES,
    seed: int = 0,
    recompute: Recompute = "slice",
    cells: int = 1,
    **options: Any,
) -> tuple[dict[str, Runs], list[Checked]]:
    """Readings of the trained runs of models and of untrained copies: shipped and rechecked, or computed and stored.

    Parameters
    ----------
    names : as `catalogue.load` takes them.
    seeds : at most so many runs of a companion model; any other model is one run.
    copies : with fresh weights of `seed` and the following.
    recompute : ``slice`` rechecks `cells` cells of each model's shipped readings, ``none`` none; ``full`` computes all.
    options : those of `readings.read`; others than its defaults are computed.

    Returns
    -------
    model → readings of its runs and of its untrained copies; and what was rechecked, for each model.
    """
    experiment.check(recompute)
    made: dict[str, Runs] = {}
    checked: list[Checked] = []
    options = {k: v for k, v in options.items() if v != DEFAULTS.get(k)}  # the same reading for every page
    usual = not options and not seed
    for name in map(catalogue.known_as, names) if subfunctions else ():
        wanted = shipped_readings.copies_of(name, seeds=seeds, untrained=copies, seed=seed)
        shipped = shipped_readings.SHIPPED.get(name) if recompute != "full" and usual else None
        file = experiment.load(shipped) if shipped and experiment.is_shipped(shipped) else None
        found = None if file is None else _select(file, subfunctions, wanted)
        if shipped and file is not None and found is not None:
            labels, rows = {str(c) for c in wanted}, {(s.function, s.name) for s in subfunctions}
            probes = [
                p
                for p in shipped.probes(file)
                if p[0] in labels and (p[1] == shipped_readings.PARTITION or p[1:] in rows)
            ]
            number = cells if recompute == "slice" else 0
            checked.append(experiment.recheck(shipped, file, probes, cells=number))
        else:
            found = [_stored(copy.load(name), subfunctions, seed, options) for copy in wanted]
            checked.append(Checked(name, computed=True))
        trained = sum(not copy.untrained for copy in wanted)
        made[name] = Runs(found[:trained], found[trained:])
    return made, checked


def _select(
    shipped: xr.Dataset, subfunctions: Sequence[SubFunction], wanted: Sequence[Copy]
) -> list[xr.Dataset] | None:
    """The readings asked for where all of them are shipped: of whole functions, whose sums are of all sub-functions."""
    functions_ = list(dict.fromkeys(s.function for s in subfunctions))
    if not {str(copy) for copy in wanted} <= set(shipped["copy"].to_numpy().tolist()):
        return None
    chosen = np.flatnonzero(shipped["function"].isin(functions_).to_numpy())
    if shipped["content"].to_numpy()[chosen].tolist() != [content(s) for s in subfunctions]:
        return None
    part = shipped.isel(subfunction=chosen).drop_dims("of", errors="ignore")
    trained = [copy for copy in wanted if not copy.untrained]
    made = []
    for copy in wanted:
        one = reading_file.without_gaps(part.sel(copy=str(copy), drop=True).drop_vars("content"))
        if "run" in one.dims:
            one = one.drop_dims("run") if copy.untrained else one.isel(run=trained.index(copy))
        made.append(one)
    return made


def _stored(model: Model, subfunctions: Sequence[SubFunction], seed: int, options: Mapping[str, Any]) -> xr.Dataset:
    """Computed now, each sub-function stored once it is read, or from the store of this machine."""
    draws = shipped_readings.DRAWS if any(s.function == "semantic" for s in subfunctions) and not model.untrained else 0
    key = None
    if (fingerprint := model.fingerprint) is not None:
        key = {"model": fingerprint, "seed": seed, "draws": draws, **options, **measure.key()}
    pieces = Pieces(f"reading-{model.stem}", key, subfunctions)

    def by(model: Model, _: Sequence[SubFunction], groups: xr.DataArray, **options: Any) -> xr.Dataset:
        return readings.joined(pieces.each(model, lambda one: readings.read(model, [one], groups, **options)))

    return pieces.whole(lambda: shipped_readings.read(model, subfunctions, draws=draws, seed=seed, by=by, **options))
