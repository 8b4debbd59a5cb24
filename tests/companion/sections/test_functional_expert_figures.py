"""The figures of functional experts show the numbers they are given, each under its own null, function and setting."""

import numpy as np
import pytest
import xarray as xr
from drawn import across, around, bars, line, lines, outside, said, shows, table, titles, where
from matplotlib.colors import to_hex

from companion.sections import functional_expert_figures as figures
from companion.sections.figures import COLOURS, FUNCTIONS
from companion.sections.functional_expert_figures import FUNCTION_COLOURS, NULL_STYLES

pytestmark = pytest.mark.usefixtures("figures")


def test_counts_stand_most_first_with_the_limits_of_each_null():
    values = np.array([[3, 9, 5, 0], [2, 4, 8, 1], [7, 6, 11, 10]])
    counts = xr.DataArray(values, {"function": list(FUNCTIONS)}, ("function", "expert"))
    limits = {null: {f: 10 * i + j for j, f in enumerate(FUNCTIONS)} for i, null in enumerate(NULL_STYLES)}
    limits["permutation"] = dict(zip(FUNCTIONS, (4, 8, 6), strict=True))
    expected = xr.DataArray([2.5, 3.5, 4.5], {"function": list(FUNCTIONS)}, ("function",))
    axes = figures.counts_by_expert(counts, limits, expected)
    functional = [2, 0, 3]
    for function, row, ax, number in zip(FUNCTIONS, values, axes, functional, strict=True):
        assert ax.get_title() == function
        assert [bar.get_height() for bar in ax.patches] == sorted(row, reverse=True)
        dark = [to_hex(bar.get_facecolor()) == to_hex(COLOURS["trained"]) for bar in ax.patches]
        assert dark == [True] * number + [False] * (4 - number)
        at = {one.get_linestyle(): one.get_ydata()[0] for one in ax.lines if one.get_color() == "black"}
        assert at == {style: limits[null][function] + 0.5 for null, style in NULL_STYLES.items()}
        assert expected.sel(function=function).item() in across(ax)
    assert list(said(axes[0].figure)) == list(NULL_STYLES)


def test_proportions_lie_in_the_row_of_their_null():
    kinds = {"trained": COLOURS["trained"], "untrained": COLOURS["untrained"], "null": COLOURS["null"]}
    rows = around(
        table("proportion", model=["a", "b"], partition=[*kinds, "paper"], null=NULL_STYLES, function=FUNCTIONS),
        "proportion",
    )
    axes = figures.functional_experts(rows)
    assert titles(axes[0]) == list(FUNCTIONS)
    for i, model in enumerate("ab"):
        assert axes[i, 0].get_ylabel() == model
        assert [t.get_text() for t in axes[i, 0].get_yticklabels()] == list(NULL_STYLES)
        for function, ax in zip(FUNCTIONS, axes[i], strict=True):
            for kind, colour in (kinds | {"paper": COLOURS["paper"]}).items():
                part = where(rows, model=model, function=function, partition=kind)
                found, ends = bars(ax, colour)
                assert found[:, 0] == pytest.approx(part["proportion"])
                assert np.round(found[:, 1]).tolist() == [list(NULL_STYLES).index(null) for null in part["null"]]
                assert ends[:, :, 0] == pytest.approx(part[["low", "high"]].to_numpy())


def test_random_partitions_are_dashed_against_the_number():
    rows = table("proportion degree", kind=["own", "random"], function=FUNCTIONS, number=[4, 8], draw=[0, 1])
    own, random = where(rows, kind="own"), where(rows, kind="random")
    axes = figures.by_number(own, random)
    for ax, measure in zip(axes, ("proportion", "degree"), strict=True):
        for part, style in ((own, "-"), (random, "--")):
            for function in FUNCTIONS:
                assert shows(ax, where(part, function=function), "number", measure, FUNCTION_COLOURS[function], style)
    assert said(axes[0].figure) == {f: to_hex(FUNCTION_COLOURS[f]) for f in FUNCTIONS}


def test_settings_stand_in_their_order_on_grey_if_the_paper_has_them_and_crosses_are_chance():
    usual = {"one": "x", "two": "y", "three": "y", "four": "x"}
    rows = table("proportion chance", choice=["one", "two", "three", "four"], setting=["x", "y"], function=FUNCTIONS)
    rows["changed"] = [
        setting != usual[choice] for choice, setting in zip(rows["choice"], rows["setting"], strict=True)
    ]
    axes = figures.sensitivity(rows)
    assert axes.shape == (2, 3)
    assert [ax.get_visible() for ax in axes.flat] == [True] * 4 + [False] * 2
    for choice, ax in zip(("one", "two", "three", "four"), axes.flat, strict=False):
        assert ax.get_title() == choice
        assert [t.get_text() for t in ax.get_xticklabels()] == ["x", "y"]
        for function in FUNCTIONS:
            part = where(rows, choice=choice, function=function)
            for measure, marker in (("proportion", "o"), ("chance", "x")):
                found = line(ax, FUNCTION_COLOURS[function], "None", marker)
                assert np.round(found[:, 0]).tolist() == [0, 1]
                assert found[:, 1].tolist() == part[measure].tolist()
        assert len(lines(ax, COLOURS["null"])) == 0
        (grey,) = ax.patches
        assert to_hex(grey.get_facecolor()) == figures.USUAL.lower()
        assert grey.get_x() + grey.get_width() / 2 == pytest.approx(["x", "y"].index(usual[choice]))
    assert list(said(axes[0, 0].figure)) == [*FUNCTIONS, "random partitions", "the paper's setting"]


def test_a_later_panel_of_a_row_may_have_the_highest_values():
    rows = table("proportion chance", choice=["one", "two", "three"], setting=["x", "y"], function=FUNCTIONS)
    rows["proportion"] *= rows["choice"].map({"one": 0.05, "two": 0.3, "three": 0.1})
    rows["chance"] *= 0.01
    rows["changed"] = True
    axes = figures.sensitivity(rows)
    assert outside(axes) == []
    axes[0, 1].set_ylim(0, 0.1)
    assert [title for title, _ in outside(axes)]  # what is cut off is seen
    ticks = [axes[0, 0].yaxis.get_major_formatter()(value) for value in (0.025, 0.075)]
    assert ticks == ["2.5%", "7.5%"]
