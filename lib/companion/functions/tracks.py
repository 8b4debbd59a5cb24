"""The three functions of the paper and their sub-functions, on the mini track and on the paper's own data.

Two controls stand beside them on the mini track, and are no functions of the paper: ``balanced``, knowledge with false
triples that no single entity gives away, and ``topics``, one visible word in articles of two topics.
"""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from companion.functions import glue, learnable, onesec, prompts, sources, trex
from companion.functions.prompts import MnliOrder
from modularity.subfunction import SENTINEL, SubFunction

Function = Literal["semantic", "knowledge", "task"]
Control = Literal["balanced", "topics"]
Track = Literal["mini", "paper", "learnable"]
Part = Literal["train", "validation"]
FUNCTIONS: tuple[Function, ...] = get_args(Function)
CONTROLS: tuple[Control, ...] = get_args(Control)
OF_BALANCED = " (balanced)"  # ends the name of such a sub-function: names are unique


def load(
    function: Function | Control,
    track: Track = "mini",
    *,
    part: Part | None = None,
    seed: int = 0,
    mnli: MnliOrder = "paper",
) -> list[SubFunction]:
    """All sub-functions of `function` in the order of their names.

    Parameters
    ----------
    function : or one of ``CONTROLS``, which only the mini track has. ``balanced`` has the true triples of
        ``knowledge``, and other false ones; its names end in ``(balanced)``.
    track : ``mini`` reads what is shipped in ``data/``; ``paper`` reads OneSeC, T-REx and GLUE from the folder that
        ``MODULARITY_PAPER`` names, or fetches them where that is allowed; ``learnable`` has tasks only, which few
        examples can teach a small model (`learnable`).
    part : of a mini function with two parts that share no entity (knowledge, balanced) or source (task). Without it:
        all of a knowledge or balanced sub-function, the validation part of a task.
    seed : of what the paper's data sets are sampled with; the mini track is fixed.
    mnli : the order of MNLI's two sentences, see `prompts.prompt`.

    Raises
    ------
    ValueError
        An unknown function, track or part; a part of what has none; a control of the paper's own data.
    """
    for value, name, known in (
        (function, "function", (*get_args(Function), *CONTROLS)),
        (track, "track", get_args(Track)),
        (part, "part", (*get_args(Part), None)),
    ):
        if value not in known:
            raise ValueError(f"unknown {name} {value!r}; known: {', '.join(map(str, known))}")
    if track != "mini" and function in CONTROLS:
        raise ValueError(f"the control {function!r} is of track 'mini' only; leave out track={track!r}")
    if track == "learnable":
        if function != "task":
            raise ValueError(f"track 'learnable' has tasks only, and nothing of {function!r}; use track='mini'")
        return learnable.subfunctions(part)
    if part and (function in ("semantic", "topics") or (track, function) == ("paper", "knowledge")):
        raise ValueError(f"the {function} function of track {track!r} has no parts; leave out part={part!r}")
    if track == "paper":
        if function == "semantic":
            return onesec.load(seed=seed)
        if function == "knowledge":
            return trex.load(seed=seed)
        return glue.subfunctions(part=part, seed=seed, mnli=mnli)
    provenance = sources.registry()[f"functions/{function}.parquet"].source
    if function == "task":
        table = table_of("task")
        chosen = {name: _task(table, name, part or "validation") for name in prompts.FUNCTION_TASKS}
        options = {"per_label": len(table), "mnli": mnli, "provenance": provenance}
        made = [s for name, rows in chosen.items() for s in glue.binary(name, rows, **options)]
        return sorted(made, key=lambda s: s.name)
    table = table_of(function)
    if part:
        table = table.query("part == @part")
    made = []
    for key, rows in table.groupby("name", observed=True, sort=True):
        origin = f"{rows['source'].iloc[0]}, {rows['relation'].iloc[0]}" if "relation" in rows else provenance
        name = f"{key}{OF_BALANCED}" if function == "balanced" else str(key)
        made.append(SubFunction(name, function, tuple(rows["sentence"]), rows["label"].to_numpy(), origin))
    return made


def load_all(
    track: Track = "mini",
    *,
    per_class: int | None = None,
    limit: int | None = None,
    controls: bool = False,
    seed: int = 0,
) -> list[SubFunction]:
    """The sub-functions of all three functions, one function after another.

    Parameters
    ----------
    per_class : the first so many sentences of each class, or all there are. Without it the sizes of the paper: 100 of
        each sense, 200 true and 200 false triples, and of a task up to 1,000 of each label of its data set, so that
        mnli-neutral, in which one label stands against two, has 1,000 against 2,000.
    limit : the first so many sub-functions of each function.
    controls : whether ``CONTROLS`` follow the three functions.

    Raises
    ------
    ValueError
        `per_class` is below 1, or what `load` raises.
    """
    if per_class is not None and per_class < 1:
        raise ValueError(f"per_class is {per_class}, expected at least one sentence of each class, or None")
    names = (*get_args(Function), *(CONTROLS if controls else ()))
    loaded = [s for name in names for s in load(name, track, seed=seed)[:limit]]
    return [s if per_class is None else first(s, per_class) for s in loaded]


def load_controls(
    track: Track = "mini", *, per_class: int | None = None, limit: int | None = None
) -> list[SubFunction]:
    """Those of `load_all` that ``controls=True`` adds; none of the paper's own data."""
    if track == "paper":
        return []
    everything = load_all(track, per_class=per_class, limit=limit, controls=True)
    return [s for s in everything if s.function in CONTROLS]


def of_relation(subfunction: SubFunction) -> str:
    """The relation of a knowledge sub-function or of its control, which is the name of the former."""
    return subfunction.name.removesuffix(OF_BALANCED)


def first(subfunction: SubFunction, per_class: int) -> SubFunction:
    """The sub-function with the first `per_class` sentences of each class only."""
    labels = subfunction.labels
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == label)[:per_class] for label in (0, 1)]))
    return replace(subfunction, sentences=tuple(subfunction.sentences[i] for i in chosen), labels=labels[chosen])


def table_of(function: Function | Control) -> pd.DataFrame:
    """The shipped table behind a function, with what its sentences were made from."""
    return pd.read_parquet(sources.path(f"functions/{function}.parquet"))


def task_table(name: str, part: Part = "validation", track: Track = "mini") -> pd.DataFrame:
    """One part of a task: its text columns and ``label`` as in GLUE; of a task of this book also ``source`` and
    ``kind``."""
    if track == "learnable":
        return learnable.table(name, part)
    if track == "paper":
        return glue.read(name, "train" if part == "train" else None)
    if name not in prompts.FUNCTION_TASKS:
        raise ValueError(f"there is no mini task {name!r}; there are {', '.join(prompts.FUNCTION_TASKS)}")
    return _task(table_of("task"), name, part)


def tasks(track: Track = "mini") -> tuple[str, ...]:
    """The tasks of a track that a Switch is taught."""
    return tuple(prompts.LEARNABLE) if track == "learnable" else prompts.FUNCTION_TASKS


def _task(table: pd.DataFrame, name: str, part: Part) -> pd.DataFrame:
    fields = dict(zip(("text_1", "text_2"), prompts.task(name).fields, strict=False))
    rows = table.query("task == @name and part == @part").rename(columns=fields)
    return rows.loc[:, [*fields.values(), "label", "source", "kind"]].reset_index(drop=True)


def evaluation_sentences() -> set[str]:
    """Every corpus sentence that a sub-function uses, as it stands in the corpus; pre-training leaves these out."""
    table = pd.read_parquet(sources.path("functions/semantic.parquet"))
    pairs = zip(table["sentence"], table["keyword"].astype(str), strict=True)
    return {sentence.replace(SENTINEL, keyword) for sentence, keyword in pairs}
