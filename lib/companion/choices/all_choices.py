"""Every choice that text and code make differently, rows of the audit (``data/choices.yml``), and what each changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import yaml
from tqdm import tqdm

from companion.choices import expert_choices, lesion_choices, routing_choices, score_choices
from companion.choices.choice_setup import Effect, Setup
from companion.functions import sources


@dataclass(frozen=True)
class Row:
    """One row of the audit."""

    id: str  # D1 to D28
    topic: str
    text: str  # what the paper's text says
    other: str  # what the authors' code does, or what else there is
    switch: str = ""  # the function that makes the choice, with its parameters where it is one
    measure: Callable[[Setup], Effect] | None = None
    reason: str = ""  # why it is not measured


MEASURES = {m.__name__.rpartition(".")[2]: m for m in (score_choices, expert_choices, lesion_choices, routing_choices)}


def _rows() -> tuple[Row, ...]:
    text = (sources.data_folder() / "choices.yml").read_text(encoding="utf-8")
    made = []
    for fields in yaml.safe_load(text):
        module, _, name = fields.pop("measure", "").partition(".")
        made.append(Row(**fields, measure=getattr(MEASURES[module], name) if name else None))
    return tuple(made)


ROWS = _rows()
MEASURED = tuple(row for row in ROWS if row.measure)


def measured_effects(setup: Setup, only: Sequence[str] | None = None) -> dict[str, Effect]:
    """Row → its effect, of every row that can be measured, or of those named."""
    chosen = [row for row in ROWS if row.measure and (only is None or row.id in only)]
    bar = tqdm(chosen, desc="choices", unit="row", disable=len(chosen) == 1)
    return {row.id: row.measure(setup) for row in bar if row.measure}


def choices_table(found: Mapping[str, Effect]) -> pd.DataFrame:
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
