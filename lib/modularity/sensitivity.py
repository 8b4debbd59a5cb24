"""How much the share of functional experts hangs on choices that the paper makes once (Section 5)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd
import xarray as xr
from tqdm import tqdm

from modularity import capture, experts, moefication, neurons, planted, predictivity, report, specialists, sweep
from modularity.experts import ALPHA
from modularity.models import Model
from modularity.nulls import Null
from modularity.subfunction import SubFunction

SHARES = (0.005, 0.01, 0.02, 0.05)
ALPHAS = (0.05, 0.01, 0.001, 0.0001)
NUMBERS = (8, 16, 32, 64)
SEEDS = range(5)
SCORES = ("labels", "signs", "auroc")
POOLINGS = ("max", "mean", "last")


def one_at_a_time(
    model: Model,
    subfunctions: Sequence[SubFunction],
    *,
    null: Null = "permutation",
    draws: int = 100,
    seed: int = 0,
) -> pd.DataFrame:
    """Proportion of functional experts when one choice is changed and all others stay as in the paper.

    Parameters
    ----------
    draws : random partitions behind ``chance``.

    Returns
    -------
    ``choice, setting, function, proportion, degree, chance``; ``chance`` is the mean proportion of random partitions.
    Number of experts and seed of k-means are left out for a Switch, whose experts are its own.
    """
    made = []
    own = max(part.experts for part in neurons.layers(model).values()) > 1
    settings = list(_settings(own))
    for choice, setting, options in tqdm(settings, desc=f"choices for {model.label}", unit="setting"):
        scores = sweep.scores(model, subfunctions, **options.get("score", {}))
        share, alpha = options.get("share", specialists.SHARE), options.get("alpha", ALPHA)
        partition = moefication.experts(model, **options.get("experts", {}))
        made.append(
            _row(scores, partition, share, alpha, null, draws, seed).assign(choice=choice, setting=str(setting))
        )
    return pd.concat(made, ignore_index=True)


def _settings(own: bool) -> Iterator[tuple[str, object, dict[str, Any]]]:
    for share in SHARES:
        yield "top neurons", f"{share:.1%}", {"share": share}
    for alpha in ALPHAS:
        yield "alpha", alpha, {"alpha": alpha}
    if not own:
        for number in NUMBERS:
            yield "experts", number, {"experts": {"number": number}}
        for which in SEEDS:
            yield "k-means seed", which, {"experts": {"seed": which}}
    for score in SCORES:
        yield "score", score, {"score": {"score": score}}
    for pooling in POOLINGS:
        yield "pooling", pooling, {"score": {"pooling": pooling}}


def _row(
    scores: xr.DataArray, partition: xr.DataArray, share: float, alpha: float, null: Null, draws: int, seed: int
) -> pd.DataFrame:
    options: dict[str, Any] = {"share": share, "null": [null], "alpha": alpha, "seed": seed}
    table = report.functional([scores], [partition], draws=0, **options)
    chance = report.by_chance([scores], [partition], draws=draws, **options)
    return table[["function", "proportion", "degree"]].assign(chance=chance["proportion"])


def planted_check(*, null: Sequence[Null] = report.NULLS, seed: int = 0) -> pd.DataFrame:
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
