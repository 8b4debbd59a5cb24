"""A model and labelled sentences, from activations to functional experts, in one call."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from modularity import (
    chance,
    measure,
    moefication,
    neurons,
    nulls,
    partition_null,
    ranking,
    readings,
    specialists,
    spread,
    store,
)
from modularity import experts as testing
from modularity.experts import ALPHA
from modularity.models import Model
from modularity.nulls import Null
from modularity.predictivity import Score
from modularity.subfunction import SubFunction


@dataclass(frozen=True)
class Analysis:
    """What a model has read, its experts, and the test that is asked of them; tables come from its methods."""

    reading: xr.Dataset = field(repr=False)  # of `readings.read`
    partition: xr.DataArray = field(repr=False)  # the expert of each neuron, dims ``(layer, neuron)``
    sizes: tuple[tuple[int, int], ...] = field(repr=False)  # sentences of class 1 and of class 0 of each sub-function
    null: Null
    alpha: float = ALPHA
    share: float = specialists.SHARE
    seed: int = 0

    @property
    def top(self) -> xr.DataArray:
        """Which neurons are the best of their layer, bool of dims ``(subfunction, layer, neuron)``."""
        return specialists.top_neurons(self.reading, self.share)

    def tested(self) -> xr.Dataset:
        """Every expert, functional or not (`experts.functional_experts`), dims ``(function, layer, expert)``."""
        return testing.functional_experts(self.top, self.partition, null=self.null, alpha=self.alpha)

    def functional_experts(self) -> pd.DataFrame:
        """The experts that hold more of a function's top neurons than chance allows (Section 5).

        Returns
        -------
        ``function, layer, expert, count, expected, p, degree``, the smallest p first: top neurons in the expert, how
        many an expert has on average, the chance of so many, and their ratio (Equation 2). Empty if there are none.
        """
        table = self.tested()[["functional", "count", "expected", "p", "degree"]].to_dataframe().reset_index()
        columns = ["function", "layer", "expert", "count", "expected", "p", "degree"]
        return table.loc[table["functional"], columns].sort_values("p", kind="stable", ignore_index=True)

    def summary(self, *, draws: int = 200) -> pd.DataFrame:
        """Proportion of functional experts and modularization degree, beside those of random partitions (Table 1).

        Parameters
        ----------
        draws : random partitions into as many experts.

        Returns
        -------
        A row a function, indexed by it: ``proportion``, ``degree``, ``pooled_degree`` as `experts.summary` has them;
        ``random_proportion``, ``random_degree``, means over partitions; ``low`` and ``high``, between which 95 % of
        their proportions lie.
        """
        own = testing.summary(self.tested()).to_dataframe()
        number = int(self.partition.max()) + 1
        options = {"draws": draws, "null": [self.null], "alpha": self.alpha, "seed": self.seed}
        random = partition_null.random_partitions(self.top, number, **options).sel(null=self.null, drop=True)
        beside = random[["proportion", "degree"]].mean("draw").to_dataframe().add_prefix("random_")
        ends = random["proportion"].quantile([0.025, 0.975], "draw").to_series().unstack("quantile")
        ends.columns = ["low", "high"]
        return own.join(beside).join(ends)

    def best(self, *, draws: int = 100_000) -> pd.DataFrame:
        """The best neuron of each layer for each sub-function (Section 4).

        Parameters
        ----------
        draws : of chance-level neurons, for each pair of class sizes.

        Returns
        -------
        ``function, subfunction, layer, neuron, predictivity``; ``held_out``, the predictivity on sentences that did not
        choose the neuron, mean over two halves; ``chance``, what the best of as many chance-level neurons reaches.
        """
        first = self.reading[["top", "score"]].isel(rank=0, drop=True)
        table = first.assign(held_out=self.reading["held_out"].mean("half")).to_dataframe().reset_index()
        width = int(self.reading.attrs["neurons"])
        drawn = {pair: chance.chance_level(*pair, draws=draws, seed=self.seed) for pair in set(self.sizes)}
        floors = [chance.best_of(drawn[pair], width) for pair in self.sizes]
        floor = pd.Series(floors, self.reading["subfunction"].to_numpy())
        table["chance"] = floor.loc[table["subfunction"]].to_numpy()
        table = table.rename(columns={"top": "neuron", "score": "predictivity"})
        return table.loc[:, ["function", "subfunction", "layer", "neuron", "predictivity", "held_out", "chance"]]

    def overlap(self) -> pd.DataFrame:
        """How many top neurons two sub-functions share, mean over layers and pairs (Figure 1, right).

        Returns
        -------
        ``function, other, overlap, chance``: the share within a function, of different sub-functions, and between
        functions; by chance it is that of the top neurons among all. Missing where a function has one sub-function.
        """
        table = specialists.overlap(self.top).mean("layer").to_numpy()
        functions = self.reading["function"].to_numpy()
        apart = ~np.eye(len(table), dtype=bool)
        names = list(dict.fromkeys(functions.tolist()))
        expected = specialists.number(self.reading.attrs["neurons"], self.share) / self.reading.attrs["neurons"]
        made = []
        for i, one in enumerate(names):
            for other in names[i:]:
                pairs = table[np.outer(functions == one, functions == other) & apart]
                made.append((one, other, pairs.mean() if pairs.size else np.nan, expected))
        return pd.DataFrame(made, columns=["function", "other", "overlap", "chance"])


def analyse(
    model: Model,
    subfunctions: SubFunction | Sequence[SubFunction],
    *,
    experts: int | None = None,
    null: Null = "permutation",
    alpha: float = ALPHA,
    share: float = specialists.SHARE,
    score: Score = "labels",
    seed: int = 0,
    scheduler: str | None = None,
) -> Analysis:
    """Read every sentence once, group the neurons, and find the functional experts (Sections 3 to 5).

    The reading is stored, and found again for the same model, sentences and options.

    Parameters
    ----------
    model : of `models.wrap`.
    subfunctions : of one or several functions, each with two sentences of a class or more.
    experts : of a layer, of equal size; if not given those that a model with experts has, or 16.
    null : what chance is, ``binomial`` (the paper), ``exact`` or ``permutation`` (`experts.functional_experts`).
    alpha : an expert is functional if its chance is at most this.
    share : of a layer's neurons, which are its top neurons.
    score : as `predictivity.predictivity` takes it.
    seed : of the partition, the halves of sentences, and random partitions.
    scheduler : address of a Dask scheduler, as ``tcp://host:8786``, whose workers read the sentences, a sub-function
        each (`spread.read`). A model without a fingerprint is read here all the same.

    Raises
    ------
    ConnectionError, ModuleNotFoundError
        No scheduler answers; the package distributed is missing.
    TypeError
        A model that is not wrapped, or a table in the place of sub-functions.
    ValueError
        No sub-functions, two of one name, a class of one sentence; experts that do not divide the neurons; an unknown
        null or score; an alpha or a share outside (0, 1).
    """
    asked = [subfunctions] if isinstance(subfunctions, SubFunction) else list(subfunctions)
    given = [(model, Model, "modularity.wrap"), *((one, SubFunction, "SubFunction.from_table") for one in asked)]
    for one, kind, how in given:
        if not isinstance(one, kind):
            raise TypeError(f"expected a {kind.__name__}, got {type(one).__name__}; make it with {how}")
    if twice := [s.name for i, s in enumerate(asked) if s.name in {other.name for other in asked[:i]}]:
        raise ValueError(f"two sub-functions are called {twice[0]!r}; give each a name of its own")
    testing.check_alpha(alpha)
    nulls.check(null)
    ranking.check(score)
    specialists.number(next(iter(neurons.layers(model).values())).neurons, share)
    groups = moefication.experts(model, experts, seed=seed)
    options: dict[str, Any] = {"score": score, "kept": max(readings.KEPT, share), "seed": seed}
    what = [[s.name, s.function, list(s.sentences), s.labels] for s in asked]
    named = {"subfunctions": what, "groups": groups.to_numpy(), **options, **measure.key()}
    key = None if (fingerprint := model.fingerprint) is None else {"model": fingerprint, **named}
    by = readings.read if scheduler is None or key is None else partial(spread.read, scheduler)
    own = groups.expand_dims(partition=["own"])
    found = store.cached_dataset(f"analysis-{model.stem}", key, lambda: by(model, asked, own, **options))
    return Analysis(found, groups, tuple(s.sizes for s in asked), null, alpha, share, seed)
