"""Which comes first, experts or neurons: an experiment, for each companion model whose histories are shipped.

It adds to the histories what they lack: the last checkpoint read with sentences that no history was read with, so that
its correlation with an earlier one holds nothing but the model; and models on a random path between the start and the
end of each run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Integer
from numcodecs import Zstd
from scipy.stats import rankdata

from companion.experiments import experiment, histories, history_arrays, stored_scores
from companion.experiments.experiment import Cell
from companion.experiments.shipped_readings import content
from companion.functions import followed, other_sentences
from companion.models import catalogue, random_path
from companion.models.recipe import RECIPES
from modularity import effect_sizes, identity, measure, ranks, reliability
from modularity.models import Model
from modularity.subfunction import SubFunction

OTHER = "other"  # the last checkpoint, read with other sentences
# Steps at whose moment the random path is read; the last is the end of the run.
MOMENTS = (0, 700, 1225, 1750, 2275, 3062, 4375, 7000)
LEVELS = ("expert", "random", "neuron")
WALKED = "semantic"  # the function of which the path is read: elsewhere halves agree too little in one of the models
STEP = 5e-4  # of a shipped number; half of it is the precision


@cache
def others() -> tuple[SubFunction, ...]:
    """The sub-functions of which histories hold correlations of halves, with other sentences, if there are enough."""
    return tuple(other_sentences.others(followed.every_other(followed.subfunctions())))


@cache
def walked() -> tuple[SubFunction, ...]:
    """Those that models on a random path are read with, with the sentences of the histories."""
    names = {s.name for s in others() if s.function == WALKED}
    return tuple(s for s in followed.subfunctions() if s.function == WALKED and s.name in names)


@dataclass(frozen=True)
class EmergenceOrder:
    """Of a companion model: a cell is a run, and the last checkpoint with other sentences or a moment of the random
    path; a probe one sub-function of it. A difference is the largest of what is shipped of it."""

    model: str
    seeds: tuple[int, ...] = (0, 1, 2)
    moments: tuple[int, ...] = field(default=MOMENTS, repr=False)  # steps
    tolerance: float = field(default=0.01, repr=False)
    folder: str = field(default="results", repr=False)

    @property
    def name(self) -> str:
        return f"order_{self.model}"

    def cells(self) -> list[Cell]:
        """`ValueError` for a model without shipped histories."""
        if missing := [s for s in self.seeds if f"{self.model}-{s}" not in histories.SHIPPED]:
            known = ", ".join(catalogue.MINI)
            raise ValueError(f"{self.model!r} has no history of run {missing[0]}; there are those of {known}")
        return [(seed, what) for seed in self.seeds for what in (OTHER, *self.moments)]

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        end = identity.weights(catalogue.load(self.model, seed=int(cell[0])).module)
        read = [content(s) for s in (others() if cell[1] == OTHER else walked())]
        return {"weights": end, "subfunctions": read, "what": cell[1], **measure.key()}

    def compute(self, cell: Cell) -> xr.Dataset:
        """``scores`` (subfunction, layer, neuron), or ``halves`` (half, subfunction, layer, neuron)."""
        if cell[1] == OTHER:
            scores = stored_scores.compute(catalogue.load(self.model, seed=int(cell[0])), others())
            return scores.astype(np.float32).to_dataset(name="scores")
        halves = stored_scores.compute(self.on_path(int(cell[0]), int(cell[1])), walked(), halves=histories.SPLIT)
        return halves.astype(np.float32).to_dataset(name="halves")

    def on_path(self, seed: int, step: int) -> Model:
        """The model at the moment of a step of the random path of a run."""
        end = catalogue.load(self.model, seed=seed)
        recipe = replace(RECIPES[self.model], seed=seed)
        if step == recipe.steps:
            return end
        # As its history has the start: checkpoints are kept in bfloat16.
        start = recipe.build(len(end.tokenizer)).to(torch.bfloat16).to(torch.float32)  # type: ignore[arg-type]
        ends = [{n: p.data for n, p in module.named_parameters()} for module in (start, end.module)]
        moment = float(random_path.clock(recipe)[step])
        start.load_state_dict(random_path.at(ends[0], ends[1], moment, recipe, seed=(seed, step)), strict=False)
        start.tie_weights()  # type: ignore[operator]
        start.eval().requires_grad_(False)
        return Model(self.model, start, end.tokenizer, step=step)

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        """Dims as the functions below have them, with ``run`` in front.

        ``experts`` and ``chosen``, of `other_readings`; ``with_end``, of `along`; ``neurons``, of `neurons_with_last`.
        """
        runs = []
        for seed in self.seeds:
            history = experiment.load(histories.SHIPPED[f"{self.model}-{seed}"])
            scores = made((seed, OTHER))["scores"]
            halves = {step: made((seed, step))["halves"].to_numpy() for step in self.moments}
            groups = history["partition_of"].sel(partition="model").to_numpy()
            run = other_readings(history, scores)
            run["with_end"] = along(halves, groups)
            runs.append(run)
        whole = xr.concat(runs, "run", join="exact", coords="minimal", compat="override").assign_coords(
            run=list(self.seeds),
            content=("subfunction", [content(s) for s in others()]),
            walked=[s.name for s in walked()],
            walked_content=("walked", [content(s) for s in walked()]),
            weights=("run", [identity.weights(catalogue.load(self.model, seed=s).module) for s in self.seeds]),
        )
        whole = whole.drop_vars("function", errors="ignore").assign_coords(
            function=("subfunction", [s.function for s in others()])
        )
        packed = {"dtype": "i2", "scale_factor": STEP, "_FillValue": -(2**15), "compressors": [Zstd(level=22)]}
        return whole, {str(n): packed | {"chunks": whole[n].shape} for n in whole.data_vars}

    def provenance(self) -> Mapping[str, object]:
        return {"model": self.model}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        runs = shipped["run"].to_numpy().tolist()
        read = [(OTHER, name) for name in shipped["subfunction"].to_numpy().tolist()]
        steps, names = (shipped[dim].to_numpy().tolist() for dim in ("moment", "walked"))
        return [(seed, *rest) for seed in runs for rest in (*read, *((s, name) for s in steps for name in names))]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        seed, what, name = int(probe[0]), probe[1], str(probe[2])
        end = catalogue.load(self.model, seed=seed)
        dim, label, known = (
            ("subfunction", "content", others()) if what == OTHER else ("walked", "walked_content", walked())
        )
        then, one = shipped.sel({"run": seed, dim: name}), [s for s in known if s.name == name]
        if not one or content(one[0]) != then[label].item() or identity.weights(end.module) != then["weights"].item():
            return float("nan")
        groups = experiment.load(histories.SHIPPED[f"{self.model}-{seed}"])["partition_of"]
        if what == OTHER:
            now = _experts(stored_scores.compute(end, one), groups).isel(subfunction=0)
            return float(np.abs(now - then["experts"]).max())
        steps = [int(what), self.moments[-1]]
        halves = {
            s: stored_scores.compute(self.on_path(seed, s), one, halves=histories.SPLIT).to_numpy() for s in steps
        }
        now = along(halves, groups.sel(partition="model").to_numpy()).sel(moment=steps[0]).isel(walked=0)
        return float(np.abs(now - then["with_end"].sel(moment=steps[0])).max())


def other_readings(history: xr.Dataset, scores: xr.DataArray) -> xr.Dataset:
    """What other sentences say of the last checkpoint, and how what was good at each step does on them.

    Parameters
    ----------
    history : of a run, `history_file.load`.
    scores : of the last checkpoint with other sentences, dims ``(subfunction, layer, neuron)``.

    Returns
    -------
    ``experts`` (partition, subfunction, layer, expert): mean predictivity. ``chosen`` (subfunction, step): the mean
    rank of the neurons that are a layer's top ones at a step, from −1 (lowest) to 1; 0 is chance; mean over layers.
    ``neurons`` (kept, step): rank correlation of all neurons of a layer with the step, mean over layers, for the
    sub-functions of which histories keep every neuron.
    """
    names = scores["subfunction"].to_numpy().tolist()
    made = _experts(scores, history["partition_of"]).to_dataset(name="experts")
    ranked = rankdata(scores.transpose("subfunction", "layer", "neuron").to_numpy(), axis=-1)
    place = (2 * ranked - scores.sizes["neuron"] - 1) / (scores.sizes["neuron"] - 1)
    top = history["top"].sel(subfunction=names).transpose("subfunction", "layer", "step", "rank").to_numpy()
    chosen = np.take_along_axis(place[:, :, None, :], top.astype(np.intp), axis=-1).mean((1, 3))
    made["chosen"] = (("subfunction", "step"), chosen)
    kept = [name for name in history["kept"].to_numpy().tolist() if name in names]
    then = ranks.centred(history["neurons"].sel(kept=kept).transpose("kept", "layer", "step", "neuron").to_numpy())
    now = ranks.centred(scores.sel(subfunction=kept).transpose("subfunction", "layer", "neuron").to_numpy())
    made["neurons"] = (("kept", "step"), np.vecdot(then, now[:, :, None, :]).mean(1))
    return made.assign_coords(step=history["step"], kept=kept)


def _experts(scores: xr.DataArray, groups: xr.DataArray) -> xr.DataArray:
    """Mean predictivity of the experts of each partition."""
    tables = [effect_sizes.expert_predictivity(scores, one) for one in groups.transpose("partition", ...)]
    return xr.concat(tables, groups["partition"]).drop_vars("function")


def along(
    halves: Mapping[int, Float[np.ndarray, "half subfunction layer neuron"]],
    groups: Integer[np.ndarray, "layer neuron"],
) -> xr.DataArray:
    """Correlations with the last of several readings, one half of the sentences at one and the other at the other.

    Parameters
    ----------
    halves : step → predictivities, in the order of time (`halves.half_scores`).
    groups : the expert of each neuron.

    Returns
    -------
    Dims ``(moment, pair, level, walked)``: pairs ``across`` and ``reliability``, levels `LEVELS`, as
    `reliability.agreement` has them.
    """
    every = history_arrays.groups(groups)
    ranked = {step: reliability.ranked(scores, every) for step, scores in halves.items()}
    end = ranked[max(ranked)]
    tables = [reliability.agreement(end, one)["agreement"] for one in ranked.values()]
    made = xr.concat(tables, xr.IndexVariable("moment", list(ranked)))
    return made.sel(pair=["across", "reliability"], level=list(LEVELS)).rename(subfunction="walked").rename("with_end")


SHIPPED = {name: EmergenceOrder(name) for name in catalogue.MINI}


def obtain(
    names: Sequence[str], recompute: experiment.Recompute = "slice", *, cells: int = 2
) -> tuple[dict[str, xr.Dataset], list[experiment.Checked]]:
    """Model → what is shipped of it, rechecked or computed; and what was rechecked."""
    made, checked = {}, []
    for name in names:
        made[name], said = experiment.obtain(EmergenceOrder(name), recompute, cells=cells)
        checked.append(said)
    return made, checked
