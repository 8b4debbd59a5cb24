"""How much the share of functional experts hangs on choices that the paper makes once (Section 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import xarray as xr
from tqdm import tqdm

from companion.models import planted
from companion.sections import functional_expert_tables
from modularity import capture, experts, moefication, partition_null, predictivity, specialists
from modularity.experts import ALPHA
from modularity.nulls import Null

SHARES = (0.005, 0.01, 0.02, 0.05)
ALPHAS = (0.05, 0.01, 0.001, 0.0001)
DEFAULTS = {"score": "labels", "pooling": "max"}


def one_at_a_time(
    reading: xr.Dataset,
    partitions: Mapping[tuple[str, int], xr.DataArray],
    variants: Mapping[tuple[str, str], xr.Dataset],
    *,
    null: Null = "permutation",
    draws: int = 100,
    seed: int = 0,
    shares: Sequence[float] = SHARES,
) -> pd.DataFrame:
    """Proportion of functional experts when one choice is changed and all others stay as in the paper.

    Parameters
    ----------
    reading : of the model, with its own experts.
    partitions : (choice, setting) → the expert of every neuron, as `partitions.obtain` gives them.
    variants : (choice, setting) → top neurons of the same sub-functions, as `variants.obtain` gives them.
    draws : random partitions behind ``chance``.
    shares : of top neurons.

    Returns
    -------
    ``choice, setting, function, proportion, degree, chance, changed``; ``chance`` is the mean proportion of random
    partitions, ``changed`` false where the setting is the paper's.
    """
    usual, own = specialists.top_neurons(reading), reading["own"]
    rows: list[tuple[str, object, xr.DataArray, xr.DataArray, float]] = []
    rows += [("top neurons", f"{s:.1%}", specialists.top_neurons(reading, s), own, ALPHA) for s in shares]
    rows += [("alpha", alpha, usual, own, alpha) for alpha in ALPHAS]
    rows += [(choice, to, usual, groups, ALPHA) for (choice, to), groups in partitions.items()]
    for choice, default in DEFAULTS.items():
        rows.append((choice, default, usual, own, ALPHA))
        rows += [
            (c, s, usual.copy(data=specialists.top_neurons(t)), own, ALPHA)
            for (c, s), t in variants.items()
            if c == choice
        ]
    made = []
    for choice, setting, members, groups, alpha in tqdm(rows, desc="choices", unit="setting"):
        found = experts.summary(experts.functional_experts(members, groups, null=null, alpha=alpha))
        number = int(groups.max()) + 1
        drawn = partition_null.random_partitions(members, number, draws=draws, null=[null], alpha=alpha, seed=seed)
        chance = drawn["proportion"].isel(null=0, drop=True).mean("draw")
        table = xr.Dataset({"proportion": found["proportion"], "degree": found["degree"], "chance": chance})
        changed = not (members.equals(usual) and groups.equals(own) and alpha == ALPHA)
        made.append(table.to_dataframe().reset_index().assign(choice=choice, setting=str(setting), changed=changed))
    return pd.concat(made, ignore_index=True)


def planted_check(*, null: Sequence[Null] = functional_expert_tables.NULLS, seed: int = 0) -> pd.DataFrame:
    """Number of functional experts in models whose modules are known, of which ``planted`` are right.

    Returns
    -------
    A row for each kind of `planted.load`, and for ``blocks`` asked with permuted labels, for the blocks as built and as
    MoEfication finds them: ``kind, partition, tests, planted`` and a column for each null.
    """
    made = []
    rng = np.random.default_rng(seed)
    for kind in get_args(planted.Kind):
        built = planted.load(kind, seed=seed)
        pairs = list(capture.stream(built.model, built.subfunctions))
        by_weights = moefication.experts(built.model, planted.BLOCKS, seed=seed, starts=4)
        as_built = by_weights.copy(data=np.tile(built.partition, (len(by_weights), 1)))
        right = len(by_weights) * sum(map(len, built.functional.values())) if kind == "blocks" else 0
        asked = {kind: (pairs, right)}
        if kind == "blocks":
            permuted = [(replace(s, labels=rng.permutation(s.labels)), pooled) for s, pooled in pairs]
            asked["labels permuted"] = (permuted, 0)
        for name, (scored, true) in asked.items():
            members = specialists.top_neurons(predictivity.scores(scored))
            for label, partition in (("as built", as_built), ("by weights", by_weights)):
                tested = {n: experts.functional_experts(members, partition, null=n)["functional"] for n in null}
                row = {"kind": name, "partition": label, "tests": tested[null[0]].size, "planted": true}
                made.append(row | {n: int(t.sum()) for n, t in tested.items()})
    return pd.DataFrame(made)
