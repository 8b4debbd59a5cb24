"""Losses are read against the plain model, and a diagonal stands out only where functions lose by their own."""

import numpy as np
import pytest
import xarray as xr

from companion.claims import perturbation_effects
from companion.experiments.encoder_masks import FUNCTIONS, ORDERS
from companion.experiments.encoder_plan import EVERY, FIFTH, FINE, MANY
from companion.experiments.lesion_orders import Order
from companion.sections import perturbing_encoders_figures as figures
from companion.sections import perturbing_encoders_tables as section
from companion.sections import written_variance

SETTINGS = ["scaled", "text", "zero", "zero, all layers", "kept"]


def a_grid(rng, own=10.0, others=4.0, random=2.0, noise=0.01):
    """Losses in points at a fifth, growing with the number, of six sub-functions of each function."""
    names = [f"{f} {i}" for f in FUNCTIONS for i in range(6)]
    functions = [f for f in FUNCTIONS for _ in range(6)]
    numbers = sorted({0, *EVERY, *MANY})
    sizes = {"setting": SETTINGS, "subfunction": names, "order": list(ORDERS), "number": numbers, "draw": range(2)}
    lost = xr.DataArray(np.zeros([len(v) for v in sizes.values()]), sizes, tuple(sizes))
    lost = lost.assign_coords(function=("subfunction", functions))
    for name, order in ORDERS.items():
        mine = np.array([order.by == f for f in functions])
        cost = np.full(len(names), random) if not order.by else np.where(mine, own, others)
        scale = {"": 1.0, "least": 0.1, "permuted": 0.3}.get(order.variant, 0.8)
        lost.loc[{"order": name}] = (scale * cost)[:, None, None] * np.array(numbers)[:, None] / FIFTH
    lost = lost + lost.copy(data=noise * rng.normal(size=lost.shape)).where(lost["number"] > 0, 0)
    return 0.9 - lost / 100


@pytest.fixture
def lost(rng):
    return section.losses(a_grid(rng))


def test_the_matrix_has_rows_of_what_is_hit(lost):
    table = section.matrix(lost, "scaled", FIFTH / FINE)
    assert table.index.tolist() == [*FUNCTIONS, section.RANDOM]
    np.testing.assert_allclose(np.diag(table), 10, atol=0.1)
    np.testing.assert_allclose(table.loc[section.RANDOM], 2, atol=0.1)
    assert table.loc["semantic", "task"] == pytest.approx(4, abs=0.1)


def test_own_experts_stand_out_where_they_do(rng, lost):
    own, low, high = section.own_over_others(lost, "zero", FIFTH / FINE)
    assert own == pytest.approx(6, abs=0.1)
    assert low > 5.8 < high
    alike = section.losses(a_grid(rng, own=4.0, noise=1.0))
    own, low, high = section.own_over_others(alike, "zero", FIFTH / FINE)
    assert low < 0 < high


def test_own_minus_others_is_said_of_every_setting_that_perturbs_them(lost):
    experts_only = (lost["setting"] != "text") | ~lost["order"].str.startswith("neurons")
    table = section.over_others(lost[experts_only], FIFTH / FINE)
    assert table.index.tolist() == ["scaled", "text", "zero", "zero, all layers"]  # not "kept"
    assert table.columns.tolist()[:3] == [("experts", name) for name in ("own minus others", "low", "high")]
    np.testing.assert_allclose(table["experts", "own minus others"], 6, atol=0.1)
    assert table["neurons", "own minus others"].isna().tolist() == [False, True, False, False]
    assert (table["experts", "low"] <= table["experts", "high"]).all()


def test_each_comparison_changes_one_thing(lost):
    table = section.compared(lost, "scaled", FIFTH / FINE).set_index("against")["difference"]
    expected = {section.RANDOM: 8, "as many neurons": 0, "neurons of equal mass": 2, "neurons of equal output": 2}
    expected |= {"a random partition's experts": 7, "the least predictive experts": 9}
    assert table.to_dict() == pytest.approx(expected, abs=0.1)


def test_a_share_that_was_not_computed_is_named(lost):
    with pytest.raises(ValueError, match=r"nothing was computed for 'zero' at a share of 0.33; there are \[0.01"):
        section.matrix(lost, "zero", 0.33)


def test_kinds_of_neurons_are_averaged_by_setting(lost):
    table = section.by_setting(lost[lost["setting"] != "text"], FIFTH / FINE)
    assert table.index.tolist() == [s for s in SETTINGS if s != "text"]
    expected = [2, 10, 10, 4, 4]
    assert list(table) == [
        section.RANDOM,
        "own experts",
        "own neurons",
        *(f"{u} of other functions" for u in section.UNITS),
    ]
    np.testing.assert_allclose(table, np.tile(expected, (len(table), 1)), atol=0.1)


def test_what_neurons_write_adds_up(monkeypatch, rng):
    """Two layers of 96 experts of two neurons; the neurons of the first expert write all of layer 0."""
    layers, width = [4, 5], 192
    groups = xr.DataArray(np.tile(np.arange(width) // 2, (2, 1)), {"layer": layers}, ("layer", "neuron"))
    ranked = xr.DataArray(
        np.zeros((3, 2, width)), {"subfunction": list(FUNCTIONS), "layer": layers}, ("subfunction", "layer", "neuron")
    ).assign_coords(function=("subfunction", list(FUNCTIONS)), neuron=range(width))
    ranked.loc[{"subfunction": "knowledge", "neuron": [0, 1]}] = 1
    ranked.loc[{"subfunction": "task", "neuron": [190, 191]}] = 1
    monkeypatch.setattr(written_variance.encoder_masks, "totals", lambda _name, _layers: ranked)
    written = np.full((2, width), 1 / width)
    written[0] = [0.5, 0.5, *np.zeros(width - 2)]
    grid = xr.Dataset({"experts": groups, "written": (("perturbed", "neuron"), written)}, {"perturbed": layers})
    table = written_variance.written(grid, "a", 1)
    assert list(table) == layers
    np.testing.assert_allclose(table.loc["knowledge experts"], [1, 2 / width])
    np.testing.assert_allclose(table.loc["task neurons"], [0, 2 / width])
    lost = section.losses(a_grid(rng))
    loud = written_variance.loudness(lost, grid, "a").set_index(["neurons", "number"])
    assert loud.loc[("knowledge experts", 1), "written"] == pytest.approx((1 + 2 / width) / 2)
    of_order = lost.query(
        "setting == 'scaled' and order == @order", local_dict={"order": str(Order("neurons", "task"))}
    )
    expected = of_order[np.isclose(of_order["share"], FIFTH / FINE)]["loss"].mean()
    assert loud.loc[("task neurons", FIFTH), "loss"] == pytest.approx(expected)


def test_only_what_every_subfunction_has_is_a_probe(rng):
    grid = xr.concat([a_grid(rng)] * 3, "read_out").assign_coords(read_out=["accuracy", "area", "similarity"])
    assert section.probed(grid, "area")["read_out"] == "area"
    with pytest.raises(ValueError, match="unknown read-out 'similarity' of probes; known: accuracy, area"):
        section.probed(grid, "similarity")


def test_what_is_kept_ends_at_the_plain_model(rng):
    table = section.kept(a_grid(rng), "kept")
    assert set(table["kind"]) == {"random neurons", "own experts", "own neurons"}
    assert table.loc[table["share"] == 1, "value"].tolist() == pytest.approx([0.9] * 9)


def test_claims_read_the_same_losses(rng):
    grid = a_grid(rng)
    rows = perturbation_effects.encoder(grid, FINE, FIFTH, "a").set_index("claim")
    assert rows.loc["own-experts", "estimate"] == pytest.approx(6, abs=0.1)
    late = np.mean([n for n in EVERY if n / FINE > perturbation_effects.ABOVE]) / FIFTH
    assert rows.loc["experts-over-random", "estimate"] == pytest.approx(8 * late, abs=0.1)
    assert rows.loc["experts-over-neurons", "estimate"] == pytest.approx(0, abs=0.1)
    tenth = 10 * round(0.1 * FINE) / FIFTH / 40
    assert rows.loc["perturbing-experts-guessing", "estimate"] == pytest.approx(tenth, abs=0.01)


def test_figures_show_what_tables_have(rng, lost):
    axes = figures.curves(section.curves(lost), {"scaled": "noise", "zero": "zero"})
    assert axes.shape == (2, 3)
    line = next(line for line in axes[0, 1].lines if line.get_color() == figures.FUNCTION_COLOURS["knowledge"])
    assert line.get_ydata()[-1] == pytest.approx(10 * 48 / FIFTH, abs=0.2)  # experts of the judged function
    axes = figures.matrices({"a": section.matrix(lost, "scaled", FIFTH / FINE)})
    assert axes[0].texts[0].get_text() == "10.0"
    axes = figures.differences({"a": section.compared(lost, "scaled", FIFTH / FINE)})
    assert axes[0].get_yticklabels()[0].get_text() == section.RANDOM
    axes = figures.kept(section.kept(a_grid(rng), "kept"), 0.5)
    assert len(axes) == len(FUNCTIONS)
    assert str(Order("experts", "task")) in ORDERS
