"""The figures of perturbed models show each order, task and strategy with its own numbers."""

import numpy as np
import pandas as pd
import pytest
from drawn import across, around, band, bars, line, said, titles, upright, where
from drawn import table as made_table
from matplotlib.colors import to_hex

from companion.sections import perturbing_switch_figures, perturbing_t5_figures
from companion.sections.figures import COLOURS
from companion.sections.perturbing_switch_figures import STRATEGY_COLOURS
from companion.sections.perturbing_t5_figures import ORDER_COLOURS

pytestmark = pytest.mark.usefixtures("figures")
BLUE = COLOURS["trained"]
TASKS = ["sst2", "cola", "qqp"]


def test_curves_are_a_colour_an_order_and_the_printed_ones_are_below():
    ours = around(made_table("accuracy", panel=["seen", "new"], order=ORDER_COLOURS, share=[0.0, 0.1, 0.2]), "accuracy")
    printed = made_table("accuracy", order=ORDER_COLOURS, share=[0.0, 0.1, 0.2], panel=["seen", "new"])
    lines = pd.DataFrame({"panel": ["new", "seen"], "chance": [0.31, 0.33], "majority": [0.51, 0.53]})
    axes = perturbing_t5_figures.curves(ours, printed, lines)
    assert titles(axes) == ["seen tasks, here", "new tasks, here", "seen tasks, printed", "new tasks, printed"]
    for row, source in zip(axes, (ours, printed), strict=True):
        for ax, panel in zip(row, ("seen", "new"), strict=True):
            for order, colour in ORDER_COLOURS.items():
                part = where(source, panel=panel, order=order)
                drawn = [one for one in _lines(ax, colour) if len(one) == 3]
                assert np.allclose(drawn, [np.column_stack([100 * part["share"], part["accuracy"]])])
    assert [across(ax) for ax in axes[0]] == [[0.33, 0.53], [0.31, 0.51]]
    best = where(ours, panel="new", order="MoE (4)")
    found = band(axes[0, 1], ORDER_COLOURS["MoE (4)"])
    assert np.allclose(list(found.values()), best[["low", "high"]])
    assert said(axes[0, 0].figure) == {order: to_hex(colour) for order, colour in ORDER_COLOURS.items()}
    assert perturbing_t5_figures.curves(ours, printed.head(0), lines).shape == (1, 2)


def _lines(ax, colour):
    return [np.asarray(one.get_xydata()) for one in ax.lines if to_hex(one.get_color()) == to_hex(colour)]


def test_differences_are_in_points_with_their_extremes():
    rows = around(made_table("difference lowest highest", against=["random", "Avg (4)"], number=[4, 8]), "difference")
    axes = perturbing_t5_figures.differences(rows, 40, "points")
    assert axes[0, 0].get_ylabel() == "points"
    assert [ax.get_visible() for ax in axes.flat] == [True, True, False]
    for against, ax in zip(("random", "Avg (4)"), axes.flat, strict=False):
        part = where(rows, against=against)
        assert ax.get_title() == f"minus {against}"
        found, ends = bars(ax, BLUE)
        assert np.allclose(found, np.column_stack([[10, 20], 100 * part["difference"]]))
        assert np.allclose(ends[:, :, 1], 100 * part[["low", "high"]])
        extremes = [one.get_ydata() for one in ax.lines if one.get_marker() == "_" and one.get_alpha() == 0.6]
        assert np.allclose(extremes, 100 * part[["lowest", "highest"]].to_numpy().T)


def test_dissociation_is_a_matrix_with_its_diagonal_framed():
    numbers = np.arange(9).reshape(3, 3) / 100 - 0.03
    tables = {name: pd.DataFrame(k * numbers, TASKS, TASKS) for name, k in (("neurons", 1), ("experts", -2))}
    for (name, table), ax in zip(tables.items(), perturbing_t5_figures.dissociation(tables), strict=True):
        assert ax.get_title() == f"{name} perturbed"
        mesh = ax.collections[0]
        assert np.allclose(np.reshape(mesh.get_array(), (3, 3)), 100 * table)
        assert mesh.get_clim() == pytest.approx((-10, 10))
        assert [float(t.get_text().replace("−", "-")) for t in ax.texts] == pytest.approx(
            100 * table.to_numpy().ravel(), abs=0.05
        )
        assert [t.get_text() for t in ax.get_xticklabels()] == TASKS
        assert [patch.get_xy() for patch in ax.patches] == [(0, 0), (1, 1), (2, 2)]


def test_settings_show_every_order_and_the_plain_model():
    rows = around(made_table("accuracy", setting=["weak", "strong"], order=["none", "random", "Avg (4)"]), "accuracy")
    panels = perturbing_t5_figures.settings(rows).figure.axes
    assert titles(panels) == ["weak", "strong"]
    assert [t.get_text() for t in panels[0].get_yticklabels()] == ["none", "random", "Avg (4)"]
    for setting, ax in zip(("weak", "strong"), panels, strict=True):
        part = where(rows, setting=setting)
        found, ends = bars(ax, BLUE)
        assert np.allclose(found, np.column_stack([part["accuracy"], range(3)]))
        assert np.allclose(ends[:, :, 0], part[["low", "high"]])
        assert upright(ax) == [part["accuracy"].iloc[0]]


def test_strategies_keep_their_colour_and_row():
    rows = made_table("mean sd", name=["here", "printed"], task=TASKS, strategy=STRATEGY_COLOURS)
    tables = {name: where(rows, name=name) for name in ("here", "printed")}
    axes = perturbing_switch_figures.strategies(tables)
    assert [t.get_text() for t in axes[0].get_yticklabels()] == TASKS
    for (name, table), ax in zip(tables.items(), axes, strict=True):
        assert ax.get_title() == name
        for strategy, colour in STRATEGY_COLOURS.items():
            part = where(table, strategy=strategy)
            found, ends = bars(ax, colour)
            assert found[:, 0].tolist() == part["mean"].tolist()
            assert np.round(found[:, 1]).tolist() == [0, 1, 2]
            assert np.allclose(ends[:, 1, 0] - ends[:, 0, 0], 2 * part["sd"])
    (legend,) = axes[0].figure.legends
    assert [t.get_text() for t in legend.get_texts()] == list(STRATEGY_COLOURS)


def test_pairs_are_a_column_each():
    names = ["Function less Original", "Function less No Function"]
    rows = around(made_table("difference", of=["here", "printed"], pair=names, task=TASKS), "difference")
    axes = perturbing_switch_figures.pairs({of: where(rows, of=of) for of in ("here", "printed")}, names)
    assert titles(axes[0]) == names
    for i, of in enumerate(("here", "printed")):
        assert axes[i, 0].get_ylabel() == of
        for pair, ax in zip(names, axes[i], strict=True):
            part = where(rows, of=of, pair=pair)
            found, ends = bars(ax, BLUE)
            assert np.allclose(found, np.column_stack([part["difference"], range(3)]))
            assert np.allclose(ends[:, :, 0], part[["low", "high"]])
            assert upright(ax) == [0]
            assert len(line(ax, BLUE, "None")) == 3
