"""What the choices of the audit are measured on, and what a measured choice is."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from companion.experiments import grids, history_source, stored_scores
from companion.functions import tracks
from companion.functions.tracks import Part
from companion.models import catalogue, suited
from companion.sections import intervals
from modularity.models import Model
from modularity.subfunction import SubFunction

NOTHING = float("nan")


@dataclass(frozen=True)
class Effect:
    """One quantity under both sides of a choice."""

    what: str  # the quantity, and its unit where it has one
    text: float  # under what the paper's text says
    other: float  # under what the authors' code does, or what else could be done
    scale: float = NOTHING  # in the same unit, how large the effect is that the paper's claim is about
    of: str = ""  # what `scale` is
    low: float = NOTHING  # 95 % interval of `other` minus `text`
    high: float = NOTHING

    @property
    def difference(self) -> float:
        return self.other - self.text

    @property
    def relative(self) -> float:
        """The difference as a share of the claim's own effect; not a number where there is none to compare with."""
        return self.difference / abs(self.scale) if self.scale else NOTHING


def paired(
    what: str,
    text: Float[np.ndarray, "unit"] | Bool[np.ndarray, "unit"],
    other: Float[np.ndarray, "unit"] | Bool[np.ndarray, "unit"],
    *,
    scale: float,
    of: str,
) -> Effect:
    """The effect on a mean over units (sub-functions, draws, tasks) that both sides have in common.

    The interval is Student's over the units' differences; not a number for a single unit.
    """
    text, other = (np.asarray(side, dtype=float) for side in (text, other))
    _, low, high = intervals.student(other - text) if len(text) > 1 else (0.0, NOTHING, NOTHING)
    return Effect(what, float(text.mean()), float(other.mean()), float(scale), of, float(low), float(high))


@dataclass(frozen=True)
class Setup:
    """On what, and on how much of it, every choice is measured; large enough to see what matters, no larger.

    What takes hours, the grids of Section 5 and the histories of Section 6, is read as it is shipped.
    """

    model: str = "t5-mini"
    routed: str = "switch-mini"
    per_class: int = 50  # sentences of each class of a sub-function
    many: int = 100  # semantic sub-functions
    limit: int = 12  # the first of them, where they are scored anew
    rows: int = 50  # validation rows of a task in one draw
    draws: int = 10  # of rows and noise
    partitions: int = 1000  # random ones
    steps: int = 64  # of tuning
    tuned: int = 3  # draws of the examples that are tuned on
    seed: int = 0

    @cached_property
    def loaded(self) -> Model:
        return suited.t5(catalogue.load(self.model))

    @cached_property
    def fresh(self) -> Model:
        """The same architecture before any training."""
        return catalogue.load(self.model, untrained=True, seed=self.seed)

    @cached_property
    def switch(self) -> Model:
        return suited.switch(catalogue.load(self.routed))

    @cached_property
    def all_semantic(self) -> list[SubFunction]:
        return [tracks.first(s, self.per_class) for s in tracks.load("semantic")[: self.many]]

    @property
    def semantic(self) -> list[SubFunction]:
        return self.all_semantic[: self.limit]

    def task(self, part: Part) -> list[SubFunction]:
        """The eight task sub-functions."""
        return [tracks.first(s, self.per_class) for s in tracks.load("task", part=part)]

    @cached_property
    def trained(self) -> xr.DataArray:
        """Predictivities of all semantic sub-functions."""
        return stored_scores.of_model(self.loaded, self.all_semantic)

    @cached_property
    def untrained(self) -> xr.DataArray:
        return stored_scores.of_model(self.fresh, self.all_semantic)

    @cached_property
    def gain(self) -> float:
        """What training adds to the best predictivity of a layer, semantic: the claim of Section 4."""
        return float((mean_best(self.trained) - mean_best(self.untrained)).mean())

    @cached_property
    def histories(self) -> dict[str, list[xr.Dataset]]:
        """The shipped histories of both companion models."""
        return {name: history_source.histories(name) for name in catalogue.MINI}

    @cached_property
    def lesions(self) -> xr.DataArray:
        """The shipped grid of Figure 2."""
        return grids.load("t5")["accuracy"]

    @cached_property
    def tuning(self) -> xr.DataArray:
        """The shipped grid of Tables 2 and 3."""
        return grids.load("switch")["accuracy"]


def mean_best(scores: xr.DataArray) -> Float[np.ndarray, "subfunction"]:
    """Best predictivity of a layer, mean over layers."""
    return scores.max("neuron").mean("layer").to_numpy()


def mean_of(scores: xr.DataArray) -> xr.DataArray:
    """The mean predictivity of one function's sub-functions as that of a single one, dims as before."""
    function = str(scores["function"].to_numpy()[0])
    mean = scores.mean("subfunction").expand_dims(subfunction=[function])
    return mean.assign_coords(function=("subfunction", [function])).transpose("subfunction", "layer", "neuron")
