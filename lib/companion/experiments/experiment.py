"""What takes longer than a page may: planned in cells, computed once, shipped as a small file, rechecked by every run.

An experiment says what its cells are, how one is computed, how they make one file, and how a part of the file that
takes seconds is computed again. Everything else is the same for all of them and is here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, get_args

import numpy as np
import xarray as xr

from companion.experiments import computing
from companion.experiments.computing import Cell, Computable
from companion.functions import sources
from modularity import measure, stored_file

Recompute = Literal["slice", "full", "none"]
T = TypeVar("T")


class UnavailableError(FileNotFoundError):
    """A model or file that is needed is not on this machine; the text says which, and how to get it."""


def available(load: Callable[[], T]) -> T:
    """What `load` gives; an `UnavailableError` where the model or file that it needs is not on this machine."""
    try:
        return load()
    except FileNotFoundError as error:
        raise UnavailableError(str(error)) from error


class Experiment(Computable, Protocol):
    """What a subclass of nothing has to have; its name is that of the file ``data/FOLDER/NAME.zarr.zip``."""

    @property
    def folder(self) -> str:
        """Of the file, below ``data``."""
        ...

    @property
    def tolerance(self) -> float:
        """Largest difference of a recheck that is let pass: other processors round otherwise."""
        ...

    def cells(self) -> Sequence[Cell]:
        """What is computed and stored as one, those that pages lean on most first; an `UnavailableError` where what
        all of them need is not on this machine."""
        ...

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        """The shipped file, and how its variables are stored (`stored_file.write`)."""
        ...

    def provenance(self) -> Mapping[str, object]:
        """What the file says of where it comes from, beside the versions of measure and libraries."""
        ...

    def probes(self, shipped: xr.Dataset) -> Sequence[Cell]:
        """What a recheck draws from: parts of the file that take seconds."""
        ...

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        """Compute a part again; its largest difference from what is shipped, not a number if that is absent.

        Raises
        ------
        UnavailableError
            What it needs is not on this machine.
        """
        ...


@dataclass(frozen=True)
class Checked:
    """What a run has computed again of shipped results."""

    name: str
    cells: int = 0  # computed again
    difference: float = 0.0  # the largest
    missing: tuple[str, ...] = ()  # why others were not
    computed: bool = False  # nothing was shipped for what was asked

    def __str__(self) -> str:
        if self.computed:
            return f"{self.name}: computed now"
        cells = f"{self.cells} cell{'s' * (self.cells > 1)}"
        said = f"{self.name}: shipped and rechecked ({cells}, largest difference {self.difference:.2g})"
        if not self.cells:
            said = f"{self.name}: shipped, not rechecked"
        return "; ".join([said, *(f"not rechecked here: {reason}" for reason in self.missing)])


def write(experiment: Experiment, *, workers: int | None = None, scheduler: str | None = None) -> Path:
    """Compute all cells and put the file that is shipped in its place."""
    path = sources.data_folder() / file(experiment)
    result, encoding = compute(experiment, workers=workers, scheduler=scheduler)
    stored_file.write(
        path, result, {"experiment": experiment.name, **experiment.provenance(), **measure.key()}, encoding
    )
    return path


def file(experiment: Experiment) -> str:
    """Its file, below ``data``, as the registry names it."""
    return f"{experiment.folder}/{experiment.name}.zarr.zip"


def is_shipped(experiment: Experiment) -> bool:
    """Whether there is a file of it in this repository."""
    return file(experiment) in sources.registry()


def load(experiment: Experiment) -> xr.Dataset:
    """The shipped file of an experiment, in memory."""
    name = file(experiment)
    return stored_file.read_dataset(sources.path(name), sha256=sources.registry()[name].sha256)


def recheck(
    experiment: Experiment, shipped: xr.Dataset, probes: Sequence[Cell], *, cells: int = 3, seed: int = -1
) -> Checked:
    """Compute some of `probes`, drawn at random, again.

    Parameters
    ----------
    cells : how many.
    seed : of the draw; negative for another one each time.

    Raises
    ------
    ValueError
        One of them is not what is shipped; the cell is named.
    """
    rng = np.random.default_rng(None if seed < 0 else seed)
    largest, number, missing = 0.0, 0, dict[str, None]()
    for i in rng.permutation(len(probes)):
        if number == cells:
            break
        try:
            off = experiment.again(shipped, probes[i])
        except UnavailableError as reason:
            missing[str(reason)] = None
            continue
        if not off <= experiment.tolerance:  # not a number is not within it
            where = ", ".join(map(str, probes[i]))
            raise ValueError(
                f"what is shipped in {experiment.name} for {where} is {off:.3g} off from what is computed now, more "
                f"than {experiment.tolerance:g}; make it again with `make results ONLY={experiment.name}`"
            )
        largest, number = max(largest, off), number + 1
    return Checked(experiment.name, number, largest, tuple(missing))


def obtain(
    experiment: Experiment,
    recompute: Recompute = "slice",
    *,
    probes: Callable[[xr.Dataset], Sequence[Cell]] | None = None,
    cells: int = 3,
    workers: int | None = None,
    seed: int = -1,
) -> tuple[xr.Dataset, Checked]:
    """The results of an experiment, and what of them was computed again.

    Parameters
    ----------
    recompute : ``slice`` reads what is shipped and rechecks some cells, ``full`` computes everything, ``none`` reads.
        What is not shipped, as of another model, is computed.
    probes : to draw from; all of them if not given.
    """
    check(recompute)
    if recompute == "full" or not is_shipped(experiment):
        return compute(experiment, workers=workers)[0], Checked(experiment.name, computed=True)
    shipped = load(experiment)
    if recompute == "none":
        return shipped, Checked(experiment.name)
    chosen = (probes or experiment.probes)(shipped)
    return shipped, recheck(experiment, shipped, chosen, cells=cells, seed=seed)


def check(recompute: str) -> None:
    if recompute not in get_args(Recompute):
        raise ValueError(f"unknown recompute {recompute!r}; known: {', '.join(get_args(Recompute))}")


def compute(
    experiment: Experiment, *, workers: int | None = None, scheduler: str | None = None
) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
    """All cells, as `Experiment.assemble` joins them; what is stopped goes on where it was.

    Parameters
    ----------
    workers, scheduler : who computes, as `computing.made` takes them.
    """
    return experiment.assemble(computing.made(experiment, experiment.cells(), workers=workers, scheduler=scheduler))
