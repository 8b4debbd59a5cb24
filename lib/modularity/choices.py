"""Every choice that text and code make differently, the rows of the audit: what each side is, and what it changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from tqdm import tqdm

from modularity import choices_experts, choices_lesions, choices_routing, choices_scores
from modularity.choices_setup import Effect, Setup


@dataclass(frozen=True)
class Row:
    """One row of the audit."""

    id: str  # D1 to D28
    topic: str
    text: str  # what the paper's text says
    other: str  # what the authors' code does, or what else there is
    switch: str  # the function that makes the choice, with its parameters where it is one
    measure: Callable[[Setup], Effect] | None = None
    reason: str = ""  # why it is not measured


ROWS = (
    Row(
        "D1",
        "average precision",
        "of a and of −a",
        "labels inverted",
        "predictivity.predictivity(score)",
        choices_scores.average_precision,
    ),
    Row("D2", "useless neurons", "0.5", "best of a layer", "summaries.floor(neurons)", choices_scores.useless),
    Row("D3", "order of MNLI", "premise, hypothesis", "exchanged", "functions.load(mnli)", choices_scores.mnli_order),
    Row(
        "D4",
        "untrained: sub-functions",
        "all",
        "first 30",
        "functions.load_all(limit)",
        choices_scores.first_subfunctions,
    ),
    Row("D5", "untrained: copies", "three", "own step 0", "obtain.runs(copies)", choices_scores.initialisations),
    Row("D6", "end mark", "read", "masked", "choices_scores.unended", choices_scores.end_mark),
    Row("D7", "top 1 %", "rounded down", "1 in 96", "specialists.top_neurons(share)", choices_scores.top_share),
    Row("D8", "noise", "added, variance 4", "shuffled, times 4", "perturb.neurons(how)", choices_lesions.noise),
    Row(
        "D9",
        "sum of predictivities",
        "4 data sets",
        "8 sub-functions",
        "orders.by_predictivity(subfunctions)",
        choices_lesions.summed_datasets,
    ),
    Row(
        "D10",
        "single data set",
        "its questions",
        "the first",
        "orders.by_predictivity(subfunctions)",
        choices_lesions.first_question,
    ),
    Row("D11", "rows that judge", "all", "a part", "lesions.accuracies(rows)", choices_lesions.part_of_the_rows),
    Row("D12", "horizontal axis", "per cent", "experts of 96", "lesion_report.curves(fine)", choices_lesions.axis),
    Row("D13", "repeats", "five", "five others", "lesions.accuracies(draws, seed)", choices_lesions.repeats),
    Row("D14", "±", "points", "fractions", "fewshot_report.table", choices_routing.spread),
    Row(
        "D15",
        "layers of routers",
        "last with experts",
        "in the last third",
        "perturb.routing(allowed)",
        choices_routing.routed_layers,
    ),
    Row(
        "D16",
        "functional experts",
        "of sub-functions",
        "of their mean",
        "experts.functional_experts or experts.subfunctional_experts",
        choices_experts.test_of_the_mean,
    ),
    Row(
        "D17",
        "gates, capacity",
        "renormalised, kept",
        "original, dropped",
        "perturb.routing(gates, capacity)",
        choices_routing.gates,
    ),
    Row("D18", "router jitter", "none", "±1 %", "choices_routing.jittered(noise)", choices_routing.jitter),
    Row(
        "D19",
        "evaluation",
        "best",
        "chosen elsewhere",
        "fewshot_report.best or fewshot_report.fair",
        choices_routing.best_evaluation,
    ),
    Row("D20", "cloze template", "premise first", "hypothesis first", "fewshot.tune(mnli)", choices_routing.template),
    Row("D21", "ranked by", "training rows", "rows that judge", "functions.load(part)", choices_lesions.ranking_part),
    Row("D22", "random partitions", "1,000", "30", "report.by_chance(draws)", choices_experts.number_of_partitions),
    Row("D23", "Table 4, random", "drawn", "constant", "report.subfunctional_by_chance", choices_experts.constants),
    Row(
        "D24", "Table 1, untrained", "untrained", "trained", "models.load(untrained)", choices_experts.untrained_experts
    ),
    Row(
        "D25",
        "Switch's neurons",
        "layers with experts",
        "all layers",
        "emergence_report.all_layers",
        choices_experts.layers_of_neurons,
    ),
    Row("D26", "degree", "over experts", "over layers", "experts.summary", choices_experts.degree),
    Row(
        "D27",
        "not released",
        "described",
        "absent",
        "",
        reason="There is no code or result of the authors to hold ours against.",
    ),
    Row(
        "D28",
        "first layer",
        "1 in Figure 1",
        "0 in Figure 7",
        "published.figure1_left",
        reason="Names of layers change no number; printed layers are counted from 0 when they are read.",
    ),
)
MEASURED = tuple(row for row in ROWS if row.measure)


def effects(setup: Setup, only: Sequence[str] | None = None) -> dict[str, Effect]:
    """Row → its effect, of every row that can be measured, or of those named."""
    chosen = [row for row in ROWS if row.measure and (only is None or row.id in only)]
    bar = tqdm(chosen, desc="choices", unit="row", disable=len(chosen) == 1)
    return {row.id: row.measure(setup) for row in bar if row.measure}


def table(found: Mapping[str, Effect]) -> pd.DataFrame:
    """Effects as a table, the largest share of its claim's effect first, rows that have none to compare with last.

    Returns
    -------
    ``row, topic, what, text, other, difference, low, high, scale, of``, as `Effect` has them; ``relative``,
    ``relative_low`` and ``relative_high``, the difference and its interval as shares of ``scale``; and ``clear``,
    whether the interval leaves out 0.
    """
    topics = {row.id: row.topic for row in ROWS}
    rows = pd.DataFrame(
        [
            (i, topics[i], e.what, e.text, e.other, e.difference, e.low, e.high, e.scale, e.of, e.relative)
            for i, e in found.items()
        ],
        columns="row topic what text other difference low high scale of relative".split(),
    )
    for end in ("low", "high"):
        rows[f"relative_{end}"] = rows[end] / rows["scale"].abs()
    rows["clear"] = (rows["low"] > 0) | (rows["high"] < 0)
    return rows.sort_values("relative", key=abs, ascending=False, ignore_index=True)
