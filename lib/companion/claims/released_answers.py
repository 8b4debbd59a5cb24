"""The experiment of the authors' result files: tables that are shipped, and computed again where the files are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from companion.claims import released_effects
from companion.experiments import experiment
from companion.experiments.experiment import Cell, UnavailableError
from companion.released import recomputed, release
from companion.released.release_files import Release, read
from companion.sections import released_audit, released_partitions, released_stabilization, released_tables
from modularity import stored_file

NOWHERE = f"{release.ENVIRONMENT} names no folder with the authors' files"
TABLES: dict[str, Callable[[Release, int], pd.DataFrame]] = {  # of the files, and a seed of permutations and bootstraps
    "recomputed": lambda files, _: recomputed.recomputed(files),
    "variance": lambda files, seed: pd.concat(
        [
            released_partitions.variance_explained(files.predictivity, part, seed=seed)
            for part in files.partitions.values()
        ],
        ignore_index=True,
    ),
    "refinement": lambda files, seed: released_partitions.refinement(
        files.partitions[96], files.partitions[16], seed=seed
    ),
    "perturbed": lambda files, _: released_tables.all_numbers(files),
    "against": lambda files, _: released_tables.against(files),
    "paired": lambda files, _: released_tables.paired(files),
    "curves": lambda files, _: released_stabilization.curves(files),
    "stabilised": lambda files, seed: released_stabilization.stabilised(files, seed=seed),
    "by_task": lambda files, _: released_effects.by_task(files),
    "evidence": lambda files, seed: released_effects.released_table(files, seed=seed),
    "audit": lambda files, _: released_audit.rows(files).rename_axis("name").rename("value").reset_index(),
}
Answers = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Released:
    """Of the authors' files: a cell is one of `TABLES`, and so is a probe.

    A difference is that of `apart`.
    """

    seed: int = 0  # of permutations and bootstrap draws
    source: str = ""  # the files' folder, as `release.find` takes it
    tolerance: float = field(default=1e-6, repr=False)
    name: str = field(default="released", repr=False)
    folder: str = field(default="results", repr=False)

    def files(self) -> Release:
        """What the authors' files hold; `UnavailableError` without them."""
        if (found := release.find(self.source)) is None:
            raise UnavailableError(f"{NOWHERE}; `python -m companion.released --fetch` downloads them (4 MB)")
        return _read(found)

    def cells(self) -> list[Cell]:
        self.files()
        return [(name,) for name in TABLES]

    def key(self, cell: Cell) -> None:
        """None: a table takes a second or two, and is never stored."""

    def compute(self, cell: Cell) -> xr.Dataset:
        return as_dataset(str(cell[0]), TABLES[str(cell[0])](self.files(), self.seed))

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        return xr.merge([made((name,)) for name in TABLES]), {}

    def provenance(self) -> Mapping[str, object]:
        return {"commit": release.COMMIT, "seed": self.seed}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        return [(name,) for name in TABLES]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        name = str(probe[0])
        return apart(TABLES[name](self.files(), self.seed), as_table(name, shipped))


@lru_cache(maxsize=1)
def _read(folder: Path) -> Release:
    return read(folder)


def as_dataset(name: str, table: pd.DataFrame) -> xr.Dataset:
    """A variable ``NAME.COLUMN`` for each column of a table, of the dim ``NAME``; `ValueError` if a word is missing."""
    if absent := [c for c in table if table[c].dtype.kind not in "bif" and bool(table[c].isna().any())]:
        raise ValueError(
            f"the column {absent[0]!r} of {name} lacks words, which a file cannot tell from the word 'nan'"
        )
    return xr.Dataset({f"{name}.{c}": (name, table[c].to_numpy(), {"place": i}) for i, c in enumerate(table)})


def as_table(name: str, shipped: xr.Dataset) -> pd.DataFrame:
    """The table that `as_dataset` was given; an empty one if there is none of this name."""
    columns = [v for v in shipped.data_vars.values() if str(v.name).startswith(f"{name}.")]
    columns.sort(key=lambda v: v.attrs["place"])
    values = (v.to_numpy() if v.dtype.kind in "bif" else v.to_numpy().tolist() for v in columns)  # words become strings
    return pd.DataFrame(dict(zip((str(v.name).removeprefix(f"{name}.") for v in columns), values, strict=True)))


def apart(one: pd.DataFrame, other: pd.DataFrame) -> float:
    """The largest difference of two tables' numbers, in their own unit or, above 1, relative.

    Not a number if columns, rows or words are others, or a number is missing in one of them only.
    """
    if list(one) != list(other) or len(one) != len(other):
        return float("nan")
    largest = 0.0
    for a, b in ((one[column].to_numpy(), other[column].to_numpy()) for column in one):
        if a.dtype.kind in "if" and b.dtype.kind in "if":
            if (np.isnan(a) != np.isnan(b)).any():
                return float("nan")
            largest = float(np.nanmax(np.abs(a - b) / np.maximum(1, np.abs(a)), initial=largest))
        elif a.tolist() != b.tolist():
            return float("nan")
    return largest


def obtain(folder: str = "", *, seed: int = 0) -> tuple[Answers, str]:
    """The tables, and in words where they come from.

    Computed from the files of `folder`, or of the variable ``MODULARITY_RELEASED``, or fetched before; with the
    shipped seed they must be what is shipped. Without any files, the shipped ones. Nothing is downloaded.

    Raises
    ------
    FileNotFoundError, ValueError
        What `release_files.read` raises; or the tables are not the shipped ones.
    """
    wanted = Released(seed, folder)
    kept, shipped_seed = shipped()
    if release.find(folder) is None:
        return kept, f"shipped with this book; {NOWHERE}"
    made = {name: table(wanted.files(), seed) for name, table in TABLES.items()}
    if seed == shipped_seed:
        compare(made, kept, wanted.tolerance)
    return made, f"computed now from the authors' files at commit {release.COMMIT}"


def shipped() -> tuple[Answers, int]:
    """The shipped tables and the seed that they were made with."""
    file = experiment.load(Released())
    return {name: as_table(name, file) for name in TABLES}, stored_file.provenance(file)["key"]["seed"]


def compare(made: Mapping[str, pd.DataFrame], kept: Mapping[str, pd.DataFrame], tolerance: float) -> None:
    """`ValueError` if two sets of tables differ by more than other processors round."""
    for name, table in made.items():
        if not (off := apart(table, kept[name])) <= tolerance:  # not a number is not within it
            raise ValueError(
                f"the shipped table {name!r} is {off:.3g} off from what the files give now, more than {tolerance:g}; "
                "make it again with `make results ONLY=released`, and say why it moved in CHANGELOG.md"
            )
