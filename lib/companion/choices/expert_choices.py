"""Choices about functional experts and their emergence (Sections 5 and 6): rows D16 and D22 to D26 of the audit."""

import numpy as np
import xarray as xr

from companion.choices.choice_setup import Effect, Setup, mean_of, paired
from companion.experiments import history_file
from companion.released import published
from companion.sections import emergence_tables, intervals
from modularity import experts, moefication, nulls, partition_null, specialists

FEW = 30  # random partitions of the authors' last script; others draw 50 and 200
T5_BASE = {"neurons": 3072, "experts": 16, "top": 30, "layers": 12}
CONSTANT = 0.0205  # T5's degree of random partitions in Table 4, as it stands in the code
DRAWN = 40_000  # layers
OWN = "own minus random experts, semantic"


def test_of_the_mean(setup: Setup) -> Effect:
    """D16: an expert's test over all sub-functions of a function (Section 5), or one on their mean (Appendix A.5).

    Of T5 and the semantic function: no expert of switch-mini passes either test for tasks. Every expert is a unit.
    """
    groups = moefication.experts(setup.loaded)
    members = specialists.top_neurons(setup.trained)
    text = experts.functional_experts(members, groups)["functional"]
    other = experts.subfunctional_experts(specialists.top_neurons(mean_of(setup.trained)), groups)["functional"]
    sides = [side.to_numpy().ravel() for side in (text, other)]
    scale = sides[0].mean() - _by_chance(members, 100, setup.seed).mean()
    return paired("share of experts called functional, semantic", *sides, scale=scale, of=OWN)


def _members(history: xr.Dataset, step: int, function: str = "semantic") -> xr.DataArray:
    """Top neurons for a function at the start (0) or the end (−1) of a run, dims ``(subfunction, layer, neuron)``."""
    chosen = np.flatnonzero(history["function"].to_numpy() == function)
    made = history_file.top_neurons(history.isel(step=[step], subfunction=chosen)).isel(step=0, drop=True)
    return made.transpose("subfunction", "layer", "neuron")


def _own(history: xr.Dataset, function: str = "semantic") -> xr.Dataset:
    """Functional experts at the end of a run, under the paper's null."""
    groups = history["partition_of"].sel(partition="model", drop=True)
    return experts.summary(experts.functional_experts(_members(history, -1, function), groups))


def _by_chance(members: xr.DataArray, draws: int, seed: int) -> np.ndarray:
    """Share of functional experts in random partitions, draw by draw, under the paper's null."""
    made = partition_null.random_partitions(members, moefication.EXPERTS, draws=draws, null=["binomial"], seed=seed)
    return made["proportion"].to_numpy().ravel()


def number_of_partitions(setup: Setup) -> Effect:
    """D22: a thousand random partitions, or thirty."""
    history = setup.histories["t5-mini"][0]
    drawn = _by_chance(_members(history, -1), setup.partitions, setup.seed)
    few = drawn[: min(FEW, len(drawn) // 2)]
    reach = intervals.REACH * drawn.std(ddof=1) * np.sqrt(1 / len(few) - 1 / len(drawn))
    difference = few.mean() - drawn.mean()
    scale = float(_own(history)["proportion"].item() - drawn.mean())
    return Effect(
        "functional experts among those of random partitions, semantic",
        float(drawn.mean()),
        float(few.mean()),
        scale,
        OWN,
        float(difference - reach),
        float(difference + reach),
    )


def constants(setup: Setup) -> Effect:
    """D23: the degree of random partitions in Table 4, drawn at T5-base's sizes, or the constant in the code."""
    number, top = T5_BASE["experts"], T5_BASE["top"]
    size = T5_BASE["neurons"] // number
    limit = nulls.threshold(nulls.exact(1, top, T5_BASE["neurons"], size), experts.ALPHA)
    rng = np.random.default_rng(setup.seed)
    counts = rng.multivariate_hypergeometric([size] * number, top, size=DRAWN)
    functional = counts > limit
    degree = counts * (number / top)
    of_layer = (degree * functional).sum(1) / functional.sum(1).clip(min=1)
    reach = intervals.REACH * of_layer.std(ddof=1) / np.sqrt(DRAWN)
    difference = CONSTANT - of_layer.mean()
    own = published.table4().query("model == 't5' and partition == 'post-MoE' and function == 'semantic'")
    return Effect(
        "degree of sub-functional experts of random partitions, T5-base's sizes",
        float(of_layer.mean()),
        CONSTANT,
        float(own["degree"].iloc[0]),
        "degree of T5's own experts there, semantic",
        float(difference - reach),
        float(difference + reach),
    )


def untrained_experts(setup: Setup) -> Effect:
    """D24: functional experts of random partitions before training, which no code computes, and after it. By run."""
    sides = []
    for step in (0, -1):
        parts = [_members(history, step) for history in setup.histories["t5-mini"]]
        sides.append(np.array([_by_chance(m, min(setup.partitions, 100), setup.seed).mean() for m in parts]))
    owns = [_own(h)["proportion"].item() for h in setup.histories["t5-mini"]]
    what = "functional experts among those of random partitions, semantic, before and after training"
    return paired(what, *sides, scale=float(np.mean(owns) - sides[1].mean()), of=OWN)


def layers_of_neurons(setup: Setup) -> Effect:
    """D25: where the curve of a Switch's neurons stays above 0.9: of layers with experts, or of all layers."""
    runs = history_file.together(setup.histories["switch-mini"])
    curves = emergence_tables.all_layers(runs)
    names = runs["halved"].to_numpy()
    experts_of = emergence_tables.stabilization(runs).sel(level=["expert"], subfunction=names)
    first = {
        (row["level"], row["function"]): float(row["first"])
        for table in (curves, experts_of)
        for row in emergence_tables.stabilised(table, draws=2, seed=setup.seed).to_dict("records")
    }
    text, other = first["neuron", "semantic"], first["neuron, all layers", "semantic"]
    what = "share of the run from which on Switch's neurons are stable, semantic"
    return Effect(what, text, other, text - first["expert", "semantic"], "neurons minus experts, semantic")


def degree(setup: Setup) -> Effect:
    """D26: modularization degree as a mean over functional experts, or by layer with layers without as 0.

    By run and function.
    """
    histories = setup.histories["t5-mini"]
    tables = [_own(history, f) for history in histories for f in dict.fromkeys(history["function"].to_numpy())]
    sides = [np.array([float(t[which].item()) for t in tables]) for which in ("pooled_degree", "degree")]
    what = "modularization degree, mean over functions"
    return paired(what, *sides, scale=float(sides[0].mean() - 1), of="degree above that of a uniform layer, 1")
