"""The curves of Section 6 are the means of their rows, each in the colour and style that the legend gives it."""

import numpy as np
import pandas as pd
import pytest
from drawn import across, band, line, outside, said, shows, table, titles, where
from matplotlib.colors import to_hex

from companion.sections import emergence_figures, noise_figures, organization_figures
from companion.sections.emergence_figures import LEVEL_COLOURS, LEVEL_NAMES
from companion.sections.figures import COLOURS, FUNCTIONS
from companion.sections.functional_expert_figures import FUNCTION_COLOURS
from companion.sections.noise_figures import PAIRS

pytestmark = pytest.mark.usefixtures("figures")
SHARES = (0.1, 0.4, 1.0)
LOSS = table("value", run=[0, 1], share=SHARES)
GREY = "#555555"
SETTLED = table("first", function=FUNCTIONS, level=LEVEL_COLOURS).assign(**{"first as printed": np.nan})


def test_modularity_is_a_column_a_model_and_scale():
    rows = table("proportion degree", model=["a", "b"], partition=["model", "random"], function=FUNCTIONS, share=SHARES)
    losses = {"a": LOSS, "b": LOSS.assign(value=2 * LOSS["value"])}
    axes = emergence_figures.modularity(rows, losses)
    assert titles(axes[0]) == ["a", "a", "b", "b"]
    assert [ax.get_xscale() for ax in axes[2]] == ["linear", "log"] * 2
    for j, model in enumerate("aabb"):
        for ax, measure in zip(axes[:, j], ("proportion", "degree"), strict=False):
            for partition, style in (("model", "-"), ("random", ":")):
                for function in FUNCTIONS:
                    part = where(rows, model=model, partition=partition, function=function)
                    assert shows(ax, part, "share", measure, FUNCTION_COLOURS[function], style)
        assert shows(axes[2, j], losses[model], "share", "value", "black")
    colours = {function: to_hex(FUNCTION_COLOURS[function]) for function in FUNCTIONS}
    assert said(axes[0, 0].figure) == colours | {"random partition": "#000000"}


def test_a_band_is_from_the_lowest_to_the_highest_run():
    rows = table("value", function=FUNCTIONS, level=LEVEL_COLOURS, run=[0, 1, 2], share=SHARES)
    ax = emergence_figures.stabilization(rows, LOSS, rows.head(0), SETTLED)[1, 0]
    part = rows.query("function == 'knowledge' and level == 'expert'").groupby("share")["value"]
    found = band(ax, LEVEL_COLOURS["expert"])
    assert found == {x: (part.min()[x], part.max()[x]) for x in SHARES}


def test_stabilization_is_a_row_a_function_and_the_printed_curves_are_last():
    rows = table("value", function=FUNCTIONS, level=LEVEL_COLOURS, run=[0, 1], share=SHARES)
    printed = table("value", level=LEVEL_COLOURS, share=SHARES, function=FUNCTIONS)
    axes = emergence_figures.stabilization(rows, LOSS, printed, SETTLED, level=0.85)
    for i, function in enumerate(FUNCTIONS):
        assert axes[i, 0].get_ylabel().startswith(function)
        for ax, source in zip(axes[i], (rows, rows, printed), strict=True):
            for level, colour in LEVEL_COLOURS.items():
                part = where(source, function=function, level=level)
                assert shows(ax, part, "share", "value", colour)
            assert across(ax) == [0.85]
            assert ax.get_ylim() == (0, 1)
    assert [ax.get_xscale() for ax in axes[0]] == ["linear", "log", "linear"]
    assert [shows(ax, LOSS, "share", "value", "black") for ax in axes[3, :2]] == [True, True]
    assert titles(axes[0]) == ["here", "here, log", "as printed"]
    assert emergence_figures.stabilization(rows, LOSS, printed.head(0), SETTLED)[0, 2].get_title() == "nothing printed"
    assert said(axes[0, 0].figure) == {LEVEL_NAMES[k]: to_hex(c) for k, c in LEVEL_COLOURS.items()}


def test_a_dot_stands_where_a_curve_settles_and_its_crossing_can_be_seen():
    rows = table("value", function=FUNCTIONS, level=LEVEL_COLOURS, run=[0], share=SHARES)
    rows.loc[rows["share"] == 1, "value"] = 1.0  # as in a run that has stopped
    settled = SETTLED.assign(**{"first as printed": SETTLED["first"] / 2})
    settled.loc[settled["level"] == "neuron", "first"] = np.inf
    axes = emergence_figures.stabilization(rows, LOSS, rows, settled, level=0.9)
    for ax, function in zip(axes[:3].T.ravel(), 3 * FUNCTIONS, strict=True):
        column = "first as printed" if ax in axes[:, 2] else "first"
        for level, colour in LEVEL_COLOURS.items():
            expected = where(settled, function=function, level=level)[column]
            found = line(ax, colour, "None", "o") if np.isfinite(expected).all() else np.empty((0, 2))
            assert found.tolist() == [[x, 0.9] for x in expected if np.isfinite(x)]
        assert outside([ax]) == []
        bottom, crossing, top = (
            ax.transAxes.inverted().transform(ax.transData.transform((0, y)))[1] for y in (0, 0.9, 1)
        )
        assert bottom == pytest.approx(0)
        assert top == pytest.approx(1)
        assert crossing < 0.6  # on a linear axis it would be .9
    (last,) = (
        one
        for one in axes[0, 0].get_lines()
        if len(one.get_xdata()) == len(SHARES) and one.get_color() == LEVEL_COLOURS["neuron"]
    )
    assert np.isfinite(axes[0, 0].transData.transform(last.get_xydata())).all()


def test_noise_is_a_style_a_pair_and_what_is_corrected_is_cut():
    rows = table("value", level=LEVEL_COLOURS, function=FUNCTIONS, pair=[*PAIRS, "corrected"], share=SHARES)
    rows.loc[(rows["pair"] == "corrected") & (rows["share"] == 1), "value"] = 3.0
    axes = noise_figures.noise(rows)
    assert titles(axes[0]) == list(FUNCTIONS)
    for i, (level, colour) in enumerate(LEVEL_COLOURS.items()):
        assert axes[i, 0].get_ylabel() == LEVEL_NAMES[level]
        for ax, function in zip(axes[i], FUNCTIONS, strict=True):
            part = where(rows, level=level, function=function).set_index("pair")
            for pair, (_, style) in PAIRS.items():
                assert shows(ax, part.loc[pair], "share", "value", colour, style)
            assert line(ax, "black")[:, 1].tolist() == [*part.loc["corrected", "value"].iloc[:2], 1.2]


def test_parts_are_a_colour_and_their_correction_a_style():
    colours = {"between": COLOURS["trained"], "within": COLOURS["neuron"]}
    rows = table(
        "value", function=FUNCTIONS, level=["between", "within", "share"], pair=["whole", "corrected"], share=SHARES
    ).query("level != 'share' or pair == 'whole'")
    axes = noise_figures.parts(rows)
    for function, above, below in zip(FUNCTIONS, *axes, strict=True):
        part = rows[rows["function"] == function].set_index(["level", "pair"]).sort_index()
        assert above.get_title() == function
        assert shows(below, part.loc["share"], "share", "value", "black")
        for level, colour in colours.items():
            assert shows(above, part.loc[(level, "whole")], "share", "value", colour)
            assert shows(above, part.loc[(level, "corrected")], "share", "value", colour, "--")
    names = {f"{k} experts": to_hex(c) for k, c in colours.items()}
    assert said(axes[0, 0].figure) == names | {"corrected": GREY}


def test_a_later_panel_of_a_row_may_have_the_highest_shares():
    rows = table("value", function=FUNCTIONS, level=["between", "within", "share"], pair=["whole"], share=SHARES)
    rows["value"] *= rows["function"].map(dict(zip(FUNCTIONS, (0.1, 1, 0.3), strict=True)))
    assert outside(noise_figures.parts(rows)) == []


def test_schedules_are_a_style_each():
    rows = table(
        "value", schedule=["decaying", "constant"], function=FUNCTIONS, level=["neuron", "expert"], step=[1000, 2000]
    )
    axes = emergence_figures.schedules(rows)
    assert axes.shape == (2, 3)
    assert outside(axes) == []
    for i, level in enumerate(("expert", "neuron")):
        for ax, function in zip(axes[i], FUNCTIONS, strict=True):
            for schedule, style in (("decaying", "-"), ("constant", "--")):
                part = where(rows, level=level, function=function, schedule=schedule)
                assert shows(ax, part, "step", "value", LEVEL_COLOURS[level], style)
    drawn = axes[0, 0].figure.legends[0]
    assert [t.get_text() for t in drawn.get_texts()] == ["decaying", "constant"]
    assert [handle.get_linestyle() for handle in drawn.legend_handles] == ["-", "--"]


def test_clustering_has_a_colour_a_layer_over_its_band_of_chance():
    rows = table("value", partition=["model", "random"], layer=[0, 2], run=[0, 1], share=[0.0, *SHARES])
    chance = table("low", partition=["model", "random"], share=SHARES)
    chance = pd.DataFrame(chance.assign(high=chance["low"] + np.linspace(0.01, 0.02, len(chance))))
    axes = organization_figures.clustering(rows, chance, LOSS, "corpus")
    colours = said(axes[0, 0].figure)
    assert len(set(colours.values())) == 3
    for i, partition in enumerate(("model", "random")):
        dealt = chance[chance["partition"] == partition].set_index("share")
        for ax in axes[i]:
            for layer in (0, 2):
                part = where(rows, partition=partition, layer=layer)
                assert shows(ax, part, "share", "value", colours[f"layer {layer}"])
            assert band(ax, COLOURS["null"]) == {x: tuple(dealt.loc[x, ["low", "high"]]) for x in SHARES}
            low, high = ax.get_ylim()
            assert low < min(rows["value"].min(), chance["low"].min())
            assert high > rows["value"].max()
    assert [ax.get_xscale() for ax in axes[0]] == ["linear", "log"]
    assert axes[0, 0].get_title() == "words alike by corpus"
    assert [shows(ax, LOSS, "share", "value", "black") for ax in axes[2]] == [True, True]
