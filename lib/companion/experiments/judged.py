"""The questions that are put to a sentence encoder while it is perturbed, each with what its probe may learn from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Int

from companion.experiments import read_outs
from companion.functions import prompts, tracks
from modularity import store
from modularity.models import Model

SEMANTIC = 6  # pairs of words, spread evenly over the list
# Where a probe of the unperturbed encoder finds nothing, nothing can be lost. Of 29 relations these are six that both
# encoders tell best (areas of .80 to .97), and of the eight tasks all but CoLA and QNLI, which stood at chance.
KNOWLEDGE = ("city-country", "continent", "field", "is-a", "located-in", "same-noun")
TASKS = ("mnli-contradiction", "mnli-neutral", "mrpc", "qqp", "rte", "sst2")
FITTED = 250  # items of a class that a probe is fitted on, where there are as many
JUDGED = {"semantic": 50, "knowledge": 75, "task": 50}  # items of a class of them that are judged, perturbed or not
PARAPHRASES = ("mrpc", "qqp")  # judged by similarity too


@dataclass(frozen=True)
class Judged:
    """Items of two classes, an item a sentence or a pair of them."""

    name: str
    function: str
    texts: tuple[tuple[str, ...], ...] = field(repr=False)  # one or two sentences an item
    labels: Int[np.ndarray, "item"] = field(repr=False)
    groups: tuple[str, ...] = field(repr=False)  # items made from one source or entity, which no fold tears apart
    rows: Int[np.ndarray, "judged"] = field(repr=False)  # of the items, those that are judged

    @property
    def content(self) -> str:
        """A short digest of everything that decides what is read."""
        return store.digest([self.name, self.texts, self.labels, self.groups, self.rows])[:16]


def first(one: Judged, fitted: int = FITTED, per_class: int | None = None) -> Judged:
    """The same with at most so many items of a class, of which the first are judged."""
    kept = _first(one.labels, fitted)
    labels = one.labels[kept]
    rows = _first(labels, JUDGED[one.function] if per_class is None else per_class)
    texts, groups = (tuple(of[i] for i in kept) for of in (one.texts, one.groups))
    return Judged(one.name, one.function, texts, labels, groups, rows)  # type: ignore[arg-type]


def _first(labels: np.ndarray, number: int) -> np.ndarray:
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:number] for label in (0, 1)]))


@cache
def judged() -> tuple[Judged, ...]:
    """All of them, one function after another."""
    made = []
    semantic, knowledge = (tracks.table_of(f) for f in ("semantic", "knowledge"))
    pairs = sorted(semantic["name"].unique())
    some = [pairs[i] for i in np.linspace(0, len(pairs) - 1, SEMANTIC).round().astype(int)]
    for function, table, names in (("semantic", semantic, some), ("knowledge", knowledge, KNOWLEDGE)):
        for name in names:
            rows: Any = table[table["name"] == name]
            groups = rows["head"] if function == "knowledge" else range(len(rows))
            texts = tuple((text,) for text in rows["sentence"])
            made.append(_judged(name, function, texts, rows["label"].to_numpy(), groups))
    for task in prompts.FUNCTION_TASKS:
        fields = prompts.task(task).fields
        table: Any = tracks.task_table(task)
        for name, negative, positive in prompts.classes(task):
            rows = table[table["label"].isin([*negative, *positive])]
            texts = tuple(rows[list(fields)].itertuples(index=False, name=None))
            labels = rows["label"].isin(positive).to_numpy()
            if name in TASKS:
                made.append(_judged(name, "task", texts, labels, rows["source"]))
    return tuple(made)


def _judged(
    name: str, function: str, texts: tuple[tuple[str, ...], ...], labels: np.ndarray, groups: Iterable[object]
) -> Judged:
    every = np.arange(len(labels))
    return first(Judged(name, function, texts, labels.astype(np.int8), tuple(map(str, groups)), every))


def _read(model: Model, one: Judged, items: Sequence[int]) -> list[np.ndarray]:
    """The states of some items, of each of their sentences."""
    return [read_outs.states(model, column) for column in zip(*(one.texts[i] for i in items), strict=True)]


_PROBES: dict[tuple[str, str], read_outs.Probe] = {}  # the last one that was fitted


def probe(model: Model, one: Judged) -> read_outs.Probe:
    """Fitted on the plain model, once for all settings of a sub-function that follow one another."""
    if (key := (model.name, one.content)) not in _PROBES:
        plain = read_outs.features(_read(model, one, range(len(one.texts))))
        _PROBES.clear()
        _PROBES[key] = read_outs.fit(plain, one.labels, one.groups)
    return _PROBES[key]


def judge(model: Model, one: Judged, by: read_outs.Probe) -> np.ndarray:
    """The read-outs of a sub-function by the model as it is now: accuracy, area under the ROC curve, and that of the
    cosine of two sentences, not a number where there are not two that may mean the same."""
    columns = _read(model, one, one.rows.tolist())
    alike = np.nan
    if one.name in PARAPHRASES:
        one_side, other_side = columns
        alike = read_outs.similarity(one_side, other_side, one.labels[one.rows])
    return np.array([*by.judge(read_outs.features(columns), one.rows), alike])
