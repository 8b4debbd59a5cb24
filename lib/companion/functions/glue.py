"""GLUE and SuperGLUE: the paper's task sub-functions, and the data sets that Section 5 tests (Section 3)."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyarrow import parquet

from companion.functions import downloads, prompts
from companion.functions.prompts import MnliOrder
from modularity.subfunction import SubFunction


def read(name: str, split: str | None = None) -> pd.DataFrame:
    """One split of a GLUE or SuperGLUE data set: its text columns and ``label``.

    From ``glue/NAME/`` or ``super_glue/NAME/`` of the local folder (the hub's parquet files), or, where that has no
    such folder, through `datasets`.

    Raises
    ------
    ValueError
        An unknown task; a file that is no parquet; missing columns, unknown labels, no text, a row twice; with file
        and row.
    FileNotFoundError, ConnectionError
        The local folder lacks the file; there is neither a local folder nor a network.
    """
    task = prompts.task(name)
    split = split or task.split
    folder = downloads.paper_part(task.collection)
    if folder is None:
        where = f"{downloads.HUB[task.collection][0]} {name} {split}"
        parts: dict[str, Any] = {where: downloads.hub_dataset(task.collection, name, split).to_pandas()}
    else:
        if not (files := downloads.files(folder / name, f"{split}-*.parquet")):
            raise FileNotFoundError(f"{folder / name} holds no {split}-*.parquet; put the hub's files there")
        parts = {str(file): _parquet(file) for file in files}
    for where, part in parts.items():
        if missing := [c for c in (*task.fields, "label") if c not in part]:
            raise ValueError(f"{where} has no column {missing[0]!r}; it has {', '.join(map(str, part.columns))}")
    table = pd.concat(parts.values(), ignore_index=True)
    places = [f"{where}, row {row}" for where, part in parts.items() for row in range(len(part))]
    for field in task.fields:
        _check(places, field, table[field], lambda text: isinstance(text, str), "text")
    known = range(len(task.words))
    _check(places, "label", table["label"], known.__contains__, f"0 to {len(known) - 1} (a test split has no labels)")
    if "idx" in table:  # SuperGLUE's are records
        indices = table["idx"].map(str).tolist()
        first = {index: row for row, index in reversed(list(enumerate(indices)))}
        again = [f"{index} again" if first[index] < row else "" for row, index in enumerate(indices)]
        _check(places, "idx", again, lambda what: what == "", "each row once")
    # A few questions of QQP are empty.
    said = [all(text.strip() for text in row) for row in zip(*(table[f] for f in task.fields), strict=True)]
    return table.loc[said, [*task.fields, "label"]].reset_index(drop=True)


def _parquet(file: Path) -> pd.DataFrame:
    """The table of a file; a `ValueError` if it is none, or holds text that is no UTF-8."""
    try:
        parquet.read_table(file).validate(full=True)  # pandas would find such a text later, and name nothing
        return pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{file} is cut short, no parquet file, or holds text that is no UTF-8 ({error}); fetch it again"
        ) from error


def _check(places: list[str], name: str, column: Iterable, good: Callable[[object], bool], expected: str) -> None:
    """Stop at the first value of a column that is not good."""
    for place, value in zip(places, column, strict=True):
        if not good(value):
            raise ValueError(f"{place}: {name!r} is {value!r}, expected {expected}")


def subfunctions(
    *, per_label: int = 1000, part: str | None = None, seed: int = 0, mnli: MnliOrder = "paper"
) -> list[SubFunction]:
    """The eight task sub-functions, with T5's prompts and at most `per_label` instances of a label.

    `part` is ``train`` or ``validation`` (the default, and what the authors' scripts read).
    """
    made = []
    for name in prompts.FUNCTION_TASKS:
        table = read(name, "train" if part == "train" else None)
        made += binary(name, table, per_label=per_label, seed=seed, mnli=mnli, provenance=f"GLUE {name}")
    return sorted(made, key=lambda s: s.name)


def binary(
    name: str, table: pd.DataFrame, *, per_label: int, seed: int = 0, mnli: MnliOrder = "paper", provenance: str = ""
) -> list[SubFunction]:
    """The binary questions of one task; rows stay in the order of the table, labels are GLUE's."""
    rng = np.random.default_rng(seed)
    keep = [
        rng.choice(rows, per_label, replace=False) if len(rows) > per_label else rows
        for _, rows in sorted(table.groupby("label").indices.items())
    ]
    table = table.iloc[np.sort(np.concatenate(keep))]
    fields = prompts.task(name).fields
    rows = (dict(zip(fields, texts, strict=True)) for texts in zip(*(table[f] for f in fields), strict=True))
    texts = np.array([prompts.prompt(name, row, mnli=mnli) for row in rows], dtype=object)
    made = []
    for subfunction, negative, positive in prompts.classes(name):
        mask = table["label"].isin([*negative, *positive]).to_numpy()
        labels = table["label"].isin(positive).to_numpy()[mask].astype(np.int8)
        made.append(SubFunction(subfunction, "task", tuple(texts[mask]), labels, provenance))
    return made
