"""The tables that a figure is drawn from, as CSV in the figure's own output.

Where a notebook shows the figure, its output has the table beside the picture, as a second form of the same thing.
Viewers take the picture, so the table is not shown, but it stays in the executed notebook; the book links it.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

MIME = "text/csv"
ROWS = 20_000  # of a table; a longer one is left out
CHARACTERS = 200_000  # of a figure's CSV; what makes it longer is left out
Given = ParamSpec("Given")
Axes = TypeVar("Axes")


def with_data(draw: Callable[Given, Axes]) -> Callable[Given, Axes]:
    """A figure function whose figure carries the tables that it is given, for whatever shows the figure.

    They are written only when IPython shows it.
    """
    parameters = inspect.signature(draw)

    @functools.wraps(draw)
    def drawn(*given: Given.args, **options: Given.kwargs) -> Axes:
        axes = draw(*given, **options)
        tables = parameters.bind(*given, **options).arguments
        figure: Any = np.ravel(np.asarray(axes, object))[0].figure
        figure._repr_mimebundle_ = lambda **_: {MIME: as_csv(tables)}  # IPython adds the picture
        return axes

    return drawn


def as_csv(given: Mapping[str, object], *, characters: int = CHARACTERS) -> str:
    """One CSV of the tables among a figure's arguments, with six digits and at most so many characters.

    Several are put one below the other, under all their columns; the column ``table`` has the argument's name. A table
    that is too long is replaced by one row that says so, in the column ``left out``.
    """
    tables = {name: table for name, value in given.items() if (table := tidy(value)) is not None}
    long = [name for name, table in tables.items() if len(table) > ROWS]
    while True:
        for name in long:
            tables[name] = pd.DataFrame({"left out": [f"{len(tables[name]):,} rows"]})
        text = _stacked(tables, "table").to_csv(index=False, float_format="%.6g", lineterminator="\n")
        if len(text) <= characters:
            return text
        long = [max(tables, key=lambda name: tables[name].size)]


def tidy(given: object) -> pd.DataFrame | None:
    """A table, an array, or a mapping of these or of numbers, as a table without an index; None of anything else.

    The key of a mapping of tables is in the column ``part``, that of a mapping of numbers in ``key``.
    """
    match given:
        case pd.DataFrame():
            return _plain(given)
        case pd.Series():
            return _plain(given.to_frame(given.name if given.name is not None else "value"))
        case xr.Dataset() if given.sizes:
            return _plain(given.to_dataframe())
        case xr.DataArray() if given.ndim:
            return _plain(given.to_dataframe(name="value"))
        case np.ndarray() if given.ndim:
            return tidy(xr.DataArray(given))
        case Mapping() if given and all(isinstance(value, int | float | np.number) for value in given.values()):
            return pd.DataFrame({"key": list(given), "value": list(given.values())})
        case Mapping():
            parts = {_named(key): table for key, value in given.items() if (table := tidy(value)) is not None}
            return _stacked(parts, "part") if parts else None
    return None


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """With an index that says something as columns, and each column's name as one text."""
    numbered = list(table.index.names) == [None] and pd.api.types.is_integer_dtype(table.index)
    table = table.reset_index(drop=True) if numbered else table.reset_index(allow_duplicates=True)
    table.columns = [_named(column) for column in table.columns]
    return table


def _named(key: object) -> str:
    return " ".join(map(str, key)).strip() if isinstance(key, tuple) else str(key)


def _stacked(tables: Mapping[str, pd.DataFrame], column: str) -> pd.DataFrame:
    """One below the other, each with its name in `column`; one alone needs no name at the top of a figure."""
    if len(tables) == 1 and column == "table":
        return next(iter(tables.values()))
    parts = [table.copy() for table in tables.values()]
    for part, name in zip(parts, tables, strict=True):
        part.insert(0, column, name, allow_duplicates=True)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
