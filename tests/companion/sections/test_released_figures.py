"""The figures of the authors' files show every order, comparison, model and level with its own numbers."""

import numpy as np
import pandas as pd
import pytest
from drawn import across, alike, around, band, bars, line, lines, said, shows, table, titles, where
from matplotlib.colors import to_hex

from companion.sections import released_figures as figures
from companion.sections.figures import COLOURS, FUNCTIONS
from companion.sections.perturbing_t5_figures import ORDER_COLOURS
from companion.sections.released_figures import LEVELS

pytestmark = pytest.mark.usefixtures("figures")
PANELS = ["seen", "unseen"]
BLUE = COLOURS["trained"]


def test_what_the_paper_leaves_out_is_hollow():
    rows = around(table("accuracy", panel=PANELS, order=ORDER_COLOURS, number=[2, 4, 8]), "accuracy")
    rows = rows.assign(printed=rows["number"] != 4)
    axes = figures.perturbed(rows, pd.DataFrame({"panel": PANELS[::-1], "chance": [0.4, 0.3]}))
    assert titles(axes) == ["seen data sets", "unseen data sets"]
    for panel, ax in zip(PANELS, axes, strict=True):
        for order, colour in ORDER_COLOURS.items():
            part = where(rows, panel=panel, order=order)
            assert shows(ax, part, "number", "accuracy", colour)
            full, hollow = lines(ax, colour, "None", "o")
            assert full[:, 0].tolist() == [2, 8]
            assert hollow.tolist() == part.loc[part["number"] == 4, ["number", "accuracy"]].to_numpy().tolist()
        best = where(rows, panel=panel, order="Avg (4)")
        assert np.allclose(list(band(ax, ORDER_COLOURS["Avg (4)"]).values()), best[["low", "high"]])
    assert [across(ax) for ax in axes] == [[0.3], [0.4]]
    assert said(axes[0].figure) == {order: to_hex(colour) for order, colour in ORDER_COLOURS.items()}
    markers = [one for one in axes[0].lines if one.get_marker() == "o"]
    white = {x for one in markers if alike(one.get_markerfacecolor(), "white") for x in one.get_xdata()}
    assert white == {4}


def test_comparisons_have_both_intervals_in_points():
    rows = around(table("difference", panel=PANELS, against=["random", "neurons"], number=[2, 4]), "difference")
    rows = rows.assign(printed=rows["number"] == 2)
    rows = rows.assign(**{"low tasks": rows["low"] - 0.1, "high tasks": rows["high"] + 0.1})
    axes = figures.against(rows)
    assert titles(axes[0]) == ["minus random", "minus neurons"]
    for i, panel in enumerate(PANELS):
        assert axes[i, 0].get_ylabel().startswith(f"{panel}\n")
        for against, ax in zip(("random", "neurons"), axes[i], strict=True):
            part = where(rows, panel=panel, against=against)
            thin, thick = sorted(ax.collections, key=lambda c: c.get_linewidth()[0])
            for drawn, names in ((thin, ["low tasks", "high tasks"]), (thick, ["low", "high"])):
                assert np.allclose(np.array(drawn.get_segments())[:, :, 1], 100 * part[names])
            found = np.concatenate(lines(ax, BLUE, "None", "o"))
            assert np.allclose(found, np.column_stack([part["number"], 100 * part["difference"]]))


def test_variance_is_a_colour_a_number_of_experts():
    rows = around(table("icc", model=["T5", "Switch"], experts=[96, 12], layer=[0, 1, 2]), "icc")
    for model, ax in zip(("T5", "Switch"), figures.variance(rows), strict=True):
        assert ax.get_title() == model
        for number, colour in ((12, COLOURS["trained"]), (96, COLOURS["untrained"])):
            part = where(rows, model=model, experts=number)
            found, ends = bars(ax, colour)
            assert np.allclose(found, part[["layer", "icc"]])
            assert np.allclose(ends[:, :, 1], part[["low", "high"]])
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["12 experts", "96 experts"]


def test_curves_are_a_row_a_model_and_a_look_a_level():
    rows = table("value", model=["t5", "switch"], function=FUNCTIONS, level=LEVELS, share=[1.0, 0.5, 0.1])
    axes = figures.stabilization(rows, level=0.85)
    assert titles(axes[0]) == list(FUNCTIONS)
    for i, model in enumerate(("t5", "switch")):
        assert axes[i, 0].get_ylabel().lower().startswith(model)
        for function, ax in zip(FUNCTIONS, axes[i], strict=True):
            for level, (colour, style, _) in LEVELS.items():
                part = where(rows, model=model, function=function, level=level)
                assert shows(ax, part, "share", "value", colour, style)
            assert across(ax) == [0.85]
            assert len(line(ax, LEVELS["random"][0])) == 3
    assert list(said(axes[0, 0].figure)) == [name for *_, name in LEVELS.values()]
