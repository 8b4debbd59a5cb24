"""The effects that evidence measures, as the paper prints them: from its tables and figures, so without intervals."""

from typing import Any

import numpy as np
import pandas as pd

from companion.claims import effects as evidence
from companion.claims.emergence_effects import HALF
from companion.claims.expert_effects import expected_precision
from companion.claims.perturbation_effects import ABOVE, TENTH
from companion.experiments.lesion_orders import SINGLE
from companion.released import published
from companion.sections import emergence_tables
from companion.sections.intervals import NAN
from companion.sections.noise_tables import LATE
from modularity import emergence

MODELS = ("t5", "switch")
EXPERTS = 16  # a layer
UNTRAINED_OVERLAP = 0.01  # "around", for all pairs of functions (caption of Figure 1)
LOWEST_LAYER, HIGHER_LAYERS = 0.6, 0.0  # clustering scores of Switch; of higher layers "close to" (Appendix A.6)
GUESSING = 0.5  # all seen tasks have two answers


def effects() -> pd.DataFrame:
    """Every effect that can be computed from what is printed: a table of evidence, models ``t5`` and
    ``switch``."""
    made = [_figure1(), _experts(), _figure2(), _tables2_and_3(), _figure4(), _figure7()]
    rows = [(claim, model, float(value), NAN, NAN) for part in made for (claim, model), value in part]
    return evidence.as_table(rows)


Effects = list[tuple[tuple[str, str], Any]]


def _figure1() -> Effects:
    made: Effects = []
    best: Any = published.figure1_left().pivot_table("mean_best_ap", ["model", "function", "layer"], "init")
    right: Any = published.figure1_right().set_index(["model", "function", "other"])["value"]
    for model in MODELS:
        gains = (best["pretrained"] - best["random_init"]).loc[model].groupby("function", sort=False).mean()
        made += [((f"{function}-gain", model), gain) for function, gain in gains.items()]
        curves = best["pretrained"].loc[model].unstack("layer")
        rise = curves.iloc[:, -1] - curves.iloc[:, 0]
        made.append((("task-rises", model), rise["task"]))
        made.append((("task-over-others", model), rise["task"] - rise.drop("task").mean()))
        pairs = right.loc[model]
        same = [function == other for function, other in pairs.index]
        within, across = pairs[same].mean(), pairs[np.logical_not(same)].mean()
        values = (within - across, within - across, within - UNTRAINED_OVERLAP)
        claims = ("within-over-across", "groups-emerge", "within-over-untrained")
        made += [((claim, model), value) for claim, value in zip(claims, values, strict=True)]
        made.append((("knowledge-task-shared", model), pairs["knowledge", "task"] - UNTRAINED_OVERLAP))
    return made


def _experts() -> Effects:
    made: Effects = []
    first: Any = published.table1()
    fourth: Any = published.table4()
    fifth: Any = published.table5()
    for model in MODELS:
        rows = first[first["model"] == model]
        own, random, before = (
            part.set_index("function")[["proportion", "degree"]]
            for part in (
                rows.query("partition != 'random'"),
                rows.query("pretrained and partition == 'random'"),
                rows.query("not pretrained"),
            )
        )
        excess = own - random
        made += [((f"{function}-experts", model), value) for function, value in excess["proportion"].items()]
        made.append((("degree-over-random", model), excess["degree"].mean()))
        made.append((("experts-over-untrained", model), (own - before)["proportion"].mean()))
        made.append((("random-over-untrained", model), (random - before)["proportion"].mean()))
        precision = fifth[fifth["model"] == model].set_index("function")["average_ap"]
        by_chance = [expected_precision(EXPERTS * share, EXPERTS) for share in own["proportion"].loc[precision.index]]
        made.append((("experts-predictive", model), (precision - by_chance).mean()))
        lone = fourth[fourth["model"] == model].set_index(["partition", "function"])["proportion"].unstack("partition")
        made.append(
            (("subfunctional-experts", model), (lone.drop(columns="random").iloc[:, 0] - lone["random"]).mean())
        )
    return made


def _figure2() -> Effects:
    table: Any = published.figure2().pivot_table("accuracy", ["panel", "share"], "order")
    plain = table.loc["seen", "random"].iloc[0]
    seen, unseen = table.loc["seen"], table.loc["unseen"]
    tenth = seen["MoE (4)"].iloc[np.argmin(np.abs(seen.index.to_numpy() - TENTH))]
    late, both = seen.index.to_numpy() > ABOVE, (seen + unseen) / 2
    points = {
        "experts-over-random": (seen["random"] - seen["MoE (4)"])[late],
        "unseen-too": (unseen["random"] - unseen["MoE (4)"])[late],
        "experts-over-neurons": (both["Avg (4)"] - both["MoE (4)"])[late],
        "avg-over-single": both[list(SINGLE)].mean(axis=1) - both["Avg (4)"],
    }
    made = [((claim, "t5"), float(100 * values.mean())) for claim, values in points.items()]
    return [(("perturbing-experts-guessing", "t5"), (plain - tenth) / (plain - GUESSING)), *made]


def _tables2_and_3() -> Effects:
    table: Any = published.tables2_and_3().query("task == 'avg'").set_index("strategy")["mean"]
    whole, without, only = (table[strategy] for strategy in ("Original", "No Function", "Function"))
    values = {
        "switch-without": whole - without,
        "switch-only": only - whole,
        "switch-with-over-without": only - without,
    }
    return [((claim, "switch"), value) for claim, value in values.items()]


def _figure4() -> Effects:
    made: Effects = []
    table: Any = published.figure4()
    firsts: Any = emergence_tables.printed(table, emergence.LEVEL).set_index(["model", "level", "function"])["first"]
    for model in MODELS:
        of_function = firsts.clip(upper=1).loc[model].unstack("level")
        at = of_function.mean()
        made.append((("experts-early", model), HALF - at["expert"]))
        leads = of_function["neuron"] - of_function["expert"]
        made += [((f"{function}-experts-before-neurons", model), lead) for function, lead in leads.items()]
        made.append((("experts-before-random", model), at["random"] - at["expert"]))
        rows = table[(table["model"] == model) & table["level"].isin(["expert", "neuron"])]
        curve = rows[rows["share"] > LATE].groupby("share")["value"].mean()
        made.append((("stabilises", model), curve.iloc[-1] - curve.iloc[0]))
    return made


def _figure7() -> Effects:
    return [
        (("lowest-organised", "switch"), LOWEST_LAYER),
        (("higher-not", "switch"), LOWEST_LAYER - HIGHER_LAYERS),
    ]
