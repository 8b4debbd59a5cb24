"""Curves, paired differences and the dissociation on grids whose truth is known."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from companion.sections import intervals
from companion.sections import perturbing_t5_tables as report

TASKS = ["cola", "mnli", "qqp"]


def made(effect, *, draws=6, seeds=2, noise=0.01):
    """A grid of one setting: `effect(order, number, task)` is lost from 0.8."""
    rng = np.random.default_rng(0)
    orders = ["random", "MoE (4)", "experts: cola", "experts: mnli", "experts: qqp", "late"]
    numbers = [0, 2, 4]
    shape = (seeds, len(TASKS), len(orders), len(numbers), draws)
    grid = xr.DataArray(
        0.8 + noise * rng.normal(size=(seeds, len(TASKS), 1, 1, draws)) * np.ones(shape),
        {"seed": range(seeds), "task": TASKS, "order": orders, "number": numbers, "draw": range(draws)},
        ("seed", "task", "order", "number", "draw"),
    )
    for o, n, t in ((o, n, t) for o in orders for n in numbers[1:] for t in TASKS):
        grid.loc[{"order": o, "number": n, "task": t}] -= effect(o, n, t)
    grid.loc[{"order": "late", "number": 2}] = np.nan
    return grid


def test_an_interval_is_students(rng):
    values = rng.normal(size=9)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert intervals.student(values) == pytest.approx((values.mean(), expected.low, expected.high))
    with pytest.raises(ValueError, match="at least two"):
        intervals.student(values[:1])


def test_curves_have_seen_and_unseen_tasks_and_only_what_was_computed():
    grid = made(lambda o, n, t: 0.1 * n * (o == "MoE (4)") * (t != "mnli"), noise=0)
    table = report.curves(grid, fine=20).set_index(["panel", "order", "share"])["accuracy"]
    assert table["seen", "MoE (4)", 0.2] == pytest.approx(0.4)
    assert table["unseen", "MoE (4)", 0.2] == pytest.approx(0.8)
    assert table["seen", "random", 0.1] == pytest.approx(0.8)
    assert ("seen", "late", 0.1) not in table.index
    assert ("seen", "late", 0.2) in table.index


def test_differences_are_paired_draw_by_draw():
    grid = made(lambda o, n, t: 0.05 * (o == "MoE (4)") + 0.02 * (o == "late"), noise=0.2)
    table = report.compared(grid, "MoE (4)", ["random", "late"]).set_index(["against", "number"])
    assert table.index.tolist() == [("random", 2), ("random", 4), ("late", 4)]
    row = table.loc[("random", 4)]
    assert row.to_numpy() == pytest.approx(-0.05)  # the noise is common and falls out, interval and all
    assert table.loc[("late", 4), "difference"] == pytest.approx(-0.03)


def test_a_dissociation_is_found_and_only_where_it_is():
    own = made(lambda o, n, t: 0.3 if o == f"experts: {t}" else 0.1)
    found = report.dissociation(report.drops(own, "experts", 4))
    assert found["difference"] == pytest.approx(0.2)
    assert found["low"] <= 0.2 + 1e-9 <= found["high"] + 2e-9
    assert found["p"] == pytest.approx(1 / 6)  # of six ways to deal three rows, one is as high
    alike = made(lambda o, n, t: 0.3 if t == "qqp" else 0.1)  # one task loses more, whatever is perturbed
    flat = report.dissociation(report.drops(alike, "experts", 4))
    assert flat["difference"] == pytest.approx(0, abs=1e-9)
    assert flat["p"] == 1


def test_drops_have_the_perturbed_in_rows():
    lost = report.drops(made(lambda o, n, t: 0.2 * (o == "experts: qqp" and t == "mnli"), noise=0), "experts", 4)
    assert lost.dims == ("perturbed", "task", "seed", "draw")
    assert lost.mean(["seed", "draw"]).sel(perturbed="qqp", task="mnli").item() == pytest.approx(0.2)
    assert float(lost.mean(["seed", "draw"]).sum()) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="no 'layers' of single tasks"):
        report.drops(made(lambda *_: 0), "layers", 4)
    with pytest.raises(ValueError, match=r"shape \(3, 1\)"):
        report.dissociation(lost.sel(task=["mnli"]))


def test_guessing_is_by_panel():
    labels = {"cola": pd.Series([0, 1, 1, 1]), "mnli": pd.Series([0, 1, 2])}
    table = report.guessing(labels).set_index("panel")
    assert table.loc["seen"].tolist() == [0.5, 0.75]
    assert table.loc["unseen"].tolist() == pytest.approx([1 / 3, 1 / 3])


def test_at_most_has_the_plain_model_first():
    grid = made(lambda o, n, t: 0.1, noise=0).expand_dims(setting=["text"])
    table = report.at_most(grid, 4, ["late", "random"]).set_index("order")["accuracy"]
    assert table.index[0] == "none"
    assert table["none"] == pytest.approx(0.8)
    assert table["late"] == pytest.approx(0.7)
    assert table.index.tolist() == ["none", "random", "late"]
