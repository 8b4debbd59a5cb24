"""The figures of the order in time show their tables, each line in the look that the legend gives it."""

import numpy as np
import pytest
from drawn import across, around, bars, line, said, shows, table, titles, where
from matplotlib.colors import to_hex

from companion.sections import emergence_order_figures as figures
from companion.sections.emergence_order_figures import LEVEL_COLOURS, LEVEL_NAMES
from companion.sections.figures import CATEGORIES, FUNCTIONS

pytestmark = pytest.mark.usefixtures("figures")
SHARES = (0.0, 0.4, 1.0)
MODELS = ["a", "b"]


def test_order_is_a_row_a_model_and_a_dot_stands_at_each_time():
    curves = table("value", model=MODELS, function=FUNCTIONS, level=LEVEL_COLOURS, share=SHARES)
    path = curves.assign(value=curves["value"] / 2).query("level != 'top'")
    times = table("time", model=MODELS, function=FUNCTIONS, level=LEVEL_COLOURS)
    times.loc[(times["model"] == "b") & (times["level"] == "top"), "time"] = np.nan
    axes = figures.order(curves, path, times)
    assert titles(axes[0]) == list(FUNCTIONS)
    for name, row in zip(MODELS, axes, strict=True):
        assert row[0].get_ylabel().startswith(name)
        for function, ax in zip(FUNCTIONS, row, strict=True):
            assert across(ax) == [0.5]
            for level, colour in LEVEL_COLOURS.items():
                here = {"model": name, "function": function, "level": level}
                assert shows(ax, where(curves, **here), "share", "value", colour)
                if level != "top":
                    assert shows(ax, where(path, **here), "share", "value", colour, "--")
                found = [one for one in ax.lines if one.get_marker() == "o" and one.get_color() == colour]
                at = [x for one in found for x in one.get_xdata()]
                assert at == where(times, **here)["time"].dropna().tolist()
    names = {LEVEL_NAMES[k]: to_hex(c) for k, c in LEVEL_COLOURS.items()}
    assert said(axes[0, 0].figure) == names | {"random path": "#555555"}


def test_what_a_correction_carries_far_is_cut():
    curves = table("value", model=["a"], function=FUNCTIONS, level=LEVEL_COLOURS, share=SHARES)
    curves.loc[curves["share"] == 0, "value"] = 9.0
    axes = figures.order(curves, curves, table("time", model=["a"], function=FUNCTIONS, level=LEVEL_COLOURS))
    assert line(axes[0, 0], LEVEL_COLOURS["top"])[0, 1] == figures.LIMITS[1]


def test_leads_are_a_panel_a_model_with_intervals():
    rows = around(table("time", model=MODELS, function=FUNCTIONS, comparison=["one", "other"]), "time")
    rows.loc[rows["function"] == "knowledge", ["low", "high"]] = np.nan
    axes = figures.leads(rows)
    assert titles(axes) == MODELS
    assert [one.get_text() for one in axes[0, 0].get_yticklabels()] == ["semantic", "task"]
    for name, ax in zip(MODELS, axes[0], strict=True):
        for kind, colour in zip(("one", "other"), CATEGORIES, strict=False):
            part = where(rows, model=name, comparison=kind).dropna()
            points, ends = bars(ax, colour)
            np.testing.assert_allclose(points[:, 0], part["time"])
            np.testing.assert_allclose(ends[:, :, 0], part[["low", "high"]])
    assert list(said(axes[0, 0].figure)) == ["one", "other"]


def test_rates_are_a_style_a_schedule():
    rows = table(
        "value", schedule=["decaying", "constant"], function=FUNCTIONS, level=["expert", "random"], step=[0, 9]
    )
    axes = figures.rates(rows)
    assert titles(axes) == list(FUNCTIONS)
    for function, ax in zip(FUNCTIONS, axes[0], strict=True):
        for schedule, style in (("decaying", "-"), ("constant", "--")):
            for level in ("expert", "random"):
                part = where(rows, function=function, schedule=schedule, level=level)
                assert shows(ax, part, "step", "value", LEVEL_COLOURS[level], style)


def test_loads_are_a_colour_a_layer_beside_the_orders():
    rows = table("value", run=[0, 1], layer=[1, 3], share=SHARES)
    curves = table("value", function=FUNCTIONS, level=LEVEL_COLOURS, share=SHARES)
    ax = figures.routers(rows, curves)
    for layer, colour in zip((1, 3), CATEGORIES, strict=False):
        assert shows(ax, where(rows, layer=layer), "share", "value", colour)
    for level, colour in LEVEL_COLOURS.items():
        assert shows(ax, where(curves, function="semantic", level=level), "share", "value", colour)
    assert list(said(ax.figure))[:2] == ["loads, layer 1", "loads, layer 3"]
