"""The experiment of the audit: what each choice between text and code changes, for this book's models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import xarray as xr

from companion.choices import all_choices
from companion.choices.choice_setup import Effect, Setup
from companion.experiments import experiment
from companion.experiments.experiment import Cell, Checked, Recompute
from companion.functions import sources
from companion.models import catalogue
from modularity import measure

WORDS = ("what", "of")
NUMBERS = tuple(f.name for f in fields(Effect) if f.name not in WORDS)


@dataclass(frozen=True)
class Audit:
    """Of a setup: a cell is a row of the audit, and so is a probe.

    A difference is the largest of a row's numbers, in its own unit or, above 1, relative.
    """

    setup: Setup = field(default_factory=Setup)
    rows: tuple[str, ...] = field(default=tuple(row.id for row in all_choices.MEASURED), repr=False)
    tolerance: float = field(default=0.02, repr=False)  # an answer on the edge may fall to the other side elsewhere
    name: str = field(default="audit", repr=False)
    folder: str = field(default="results", repr=False)

    def cells(self) -> Sequence[Cell]:
        return [(row,) for row in self.rows]

    def key(self, cell: Cell) -> Mapping[str, object] | None:
        prints = [catalogue.load(name).fingerprint for name in (self.setup.model, self.setup.routed)]
        if None in prints:
            return None
        own = f"{self.folder}/{self.name}."
        data = {name: entry.sha256 for name, entry in sources.registry().items() if not name.startswith(own)}
        return {"row": cell[0], "models": prints, "setup": asdict(self.setup), "data": data, **measure.key()}

    def compute(self, cell: Cell) -> xr.Dataset:
        (found,) = all_choices.measured_effects(self.setup, [str(cell[0])]).values()
        return xr.Dataset(asdict(found))

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        cells = self.cells()
        whole = xr.concat([made(cell) for cell in cells], "row", combine_attrs="drop")
        return whole.assign_coords(row=[str(i) for (i,) in cells]), {}

    def provenance(self) -> Mapping[str, object]:
        return {"setup": asdict(self.setup)}

    def probes(self, shipped: xr.Dataset) -> Sequence[Cell]:
        return self.cells()

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        then, now = shipped.sel(row=str(probe[0])), self.compute(probe)
        if any(then[word].item() != now[word].item() for word in WORDS):
            return float("nan")
        one, other = (np.array([table[name].item() for name in NUMBERS]) for table in (then, now))
        if (np.isnan(one) != np.isnan(other)).any():
            return float("nan")
        return float(np.nanmax(np.abs(one - other) / np.maximum(1, np.abs(one))))


def obtain(setup: Setup, recompute: Recompute = "slice", *, cells: int = 1) -> tuple[dict[str, Effect], Checked]:
    """Row → its effect: shipped and rechecked for the usual setup, else computed; and what was rechecked."""
    experiment.check(recompute)
    usual = Audit()
    if recompute == "full" or setup != usual.setup or not experiment.is_shipped(usual):
        _ = setup.loaded, setup.switch  # a model that is none of these kinds is refused before others are measured
        found, checked = all_choices.measured_effects(setup), Checked(usual.name, computed=True)
        return found, checked
    table, checked = experiment.obtain(usual, recompute, cells=cells)
    rows = {str(i): table.sel(row=i) for i in table["row"].to_numpy()}
    return {i: Effect(**{f.name: row[f.name].item() for f in fields(Effect)}) for i, row in rows.items()}, checked
