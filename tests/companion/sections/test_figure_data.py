"""A figure carries the tables it was drawn from, whole, named and small; viewers are still given the picture."""

import ast
import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import pyplot
from places import ROOT

from companion.sections import figure_data
from companion.sections.figures import alone

FILES = [*(ROOT / "lib/companion").glob("sections/*_figures.py"), ROOT / "lib/companion/choices/choice_figure.py"]


def read(text):
    return pd.read_csv(io.StringIO(text))


def rows(text):
    return [line.split(",") for line in text.splitlines()]


TABLE = pd.DataFrame({"model": ["a", "b"], "value": [1 / 3, 2e-9]})


def test_one_table_is_written_as_it_is_with_six_digits():
    text = figure_data.as_csv({"table": TABLE.iloc[::-1], "level": 0.9, "names": ["x"], "nothing": None})
    assert text == "model,value\nb,2e-09\na,0.333333\n"


def test_several_tables_are_one_below_the_other_by_their_arguments():
    counts = xr.DataArray([[1, 2]], dims=("layer", "expert"), coords={"expert": ["e", "f"]})
    found = read(figure_data.as_csv({"own": TABLE, "counts": counts}))
    assert list(found.columns) == ["table", "model", "value", "layer", "expert"]
    assert found["table"].tolist() == ["own", "own", "counts", "counts"]
    assert found.loc[3, ["value", "expert"]].tolist() == [2, "f"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"binomial": 3, "exact": 4}, [["key", "value"], ["binomial", "3"], ["exact", "4"]]),
        ({("a", "b"): {"x": 3}, "c": {"x": 4}}, [["part", "key", "value"], ["a b", "x", "3"], ["c", "x", "4"]]),
        ({1: np.array([5, 6])}, [["part", "dim_0", "value"], ["1", "0", "5"], ["1", "1", "6"]]),
        (pd.Series([7], index=pd.Index(["m"], name="model"), name="loss"), [["model", "loss"], ["m", "7"]]),
        (
            pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("c", "")])),
            [["a b", "c"], ["1", "2"]],
        ),
        (xr.Dataset({"x": ("run", [1])}, coords={"run": ["r"]}), [["run", "x"], ["r", "1"]]),
    ],
)
def test_what_figures_take_becomes_a_plain_table(given, expected):
    assert rows(figure_data.as_csv({"given": given})) == expected


def test_what_is_no_table_leaves_an_empty_file():
    scalar, empty = xr.DataArray(1.0), xr.Dataset()
    assert figure_data.as_csv({"a": scalar, "b": empty, "c": {"x": "text"}, "d": {}, "e": np.float64(1)}).strip() == ""


def test_a_long_table_is_left_out_with_a_word_and_the_others_stay():
    long = pd.DataFrame({"x": np.arange(figure_data.ROWS + 1)})
    found = read(figure_data.as_csv({"own": TABLE, "draws": long}))
    assert found["left out"].dropna().tolist() == ["20,001 rows"]
    assert found["model"].dropna().tolist() == ["a", "b"]
    found = read(figure_data.as_csv({"own": TABLE, "draws": long.head(100)}, characters=200))
    assert found["left out"].dropna().tolist() == ["100 rows"]
    assert found["model"].dropna().tolist() == ["a", "b"]


@pytest.mark.usefixtures("figures")
def test_an_output_has_the_table_beside_the_picture():
    @figure_data.with_data
    def draw(table: pd.DataFrame, colour: str = "red"):
        """Says what it draws."""
        axes = alone()
        axes.plot(table["value"], color=colour)
        return axes

    shell = InteractiveShell.instance()
    shell.display_formatter.formatters["image/svg+xml"].for_type(pyplot.Figure, lambda _: "<svg/>")
    try:
        shown, _ = shell.display_formatter.format(draw(TABLE).figure)
        plain, _ = shell.display_formatter.format(alone().figure)
    finally:
        InteractiveShell.clear_instance()
    assert shown["text/csv"] == "model,value\na,0.333333\nb,2e-09\n"
    assert shown["image/svg+xml"] == plain["image/svg+xml"] == "<svg/>"
    assert shown.keys() - plain.keys() == {"text/csv"}
    assert draw.__doc__ == "Says what it draws."


def without_data(code):
    """The public functions of a program that draw, which is to give Axes, and do not carry their tables."""
    public = [f for f in ast.parse(code).body if isinstance(f, ast.FunctionDef) and f.name[0] != "_"]
    draws = [f for f in public if f.returns and ast.unparse(f.returns) in ("Axes", "np.ndarray")]
    return [f.name for f in draws if "with_data" not in map(ast.unparse, f.decorator_list)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_figure_of_the_pages_carries_its_tables(file):
    code = file.read_text(encoding="utf-8")
    assert without_data(code) == []
    assert without_data(code.replace("@with_data", "")) != []
