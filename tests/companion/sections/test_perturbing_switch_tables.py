"""Best and fair accuracies, and exact tests, against counting by hand."""

from itertools import product

import numpy as np
import pytest
import xarray as xr

from companion.sections import intervals
from companion.sections import perturbing_switch_tables as report


def grid(validation, apart):
    """dims (seed, task, strategy, draw, rows, evaluation) of one run, task and strategy."""
    values = np.stack([validation, apart], axis=1)[None, None, None]
    coordinates = {"seed": [0], "task": ["sst2"], "strategy": ["Original"], "rows": ["validation", "apart"]}
    return xr.DataArray(values, coordinates, ("seed", "task", "strategy", "draw", "rows", "evaluation"))


def test_the_best_is_of_the_rows_that_judge_and_the_fair_one_is_not():
    made = grid([[0.5, 0.6, 0.9], [0.4, 0.3, 0.2]], [[0.5, 0.7, 0.7], [0.1, 0.1, 0.3]])
    assert report.best(made).to_numpy().ravel().tolist() == [0.9, 0.4]
    assert report.fair(made).to_numpy().ravel().tolist() == [0.6, 0.2]  # the first of equals


def test_what_was_not_computed_stays_so():
    made = grid([[0.5, 0.6], [0.5, 0.4]], [[0.5, 0.7], [0.2, 0.1]]).reindex(task=["sst2", "cola"])
    assert np.isnan(report.best(made).sel(task="cola")).all()
    assert np.isnan(report.fair(made).sel(task="cola")).all()
    assert set(report.accuracy_table(report.best(made))["task"]) == {"sst2", "avg"}


@pytest.fixture
def accuracy(rng):
    coordinates = {"seed": [0, 1], "task": ["cola", "sst2"], "strategy": ["Original", "No Function", "Function"]}
    luck = rng.normal(0, 0.1, (2, 2, 1, 8))
    values = 0.6 + luck + np.array([0, -0.02, 0.03])[None, None, :, None] * (1 + 0.1 * rng.normal(size=8))
    return xr.DataArray(values, coordinates | {"draw": range(8)}, ("seed", "task", "strategy", "draw"))


def test_the_table_is_in_percent(accuracy):
    table = report.accuracy_table(accuracy).set_index(["task", "strategy"])
    rows = 100 * accuracy.mean("seed").sel(task="cola", strategy="Function").to_numpy()
    assert table.loc[("cola", "Function")].tolist() == pytest.approx([rows.mean(), rows.std(ddof=1)])
    means = [table.loc[(task, "Original"), "mean"] for task in ("cola", "sst2")]
    assert table.loc[("avg", "Original"), "mean"] == pytest.approx(np.mean(means))


def test_pairing_takes_the_luck_out(accuracy):
    table = report.paired(accuracy).set_index(["task", "pair"])
    row = table.loc[("avg", "Function − Original")]
    assert row["difference"] == pytest.approx(3, abs=0.3)
    assert row["high"] - row["low"] < 1
    assert row["p"] == pytest.approx(2 / 256)
    assert table.loc[("avg", "No Function − Original"), "difference"] == pytest.approx(-2, abs=0.3)


def test_the_sign_flip_test_counts_all_signs(rng):
    for _ in range(5):
        d = rng.normal(0.3, 1, 7)
        means = [abs(np.mean(d * np.array(s))) for s in product((1, -1), repeat=7)]
        assert intervals.sign_flip(d) == pytest.approx(np.mean(np.array(means) >= abs(d.mean()) - 1e-12))


def test_the_tests_of_experts_are_those_of_the_appendix(rng):
    groups = xr.DataArray(np.repeat(np.arange(16), 100)[None].astype(np.uint8), {"layer": [3]}, ("layer", "neuron"))
    values = rng.uniform(0.5, 0.6, 1600)
    values[700:710] = 0.9
    coordinates = {"subfunction": ["sst2"], "function": ("subfunction", ["task"]), "layer": [3]}
    scores = xr.DataArray(values[None, None], coordinates, ("subfunction", "layer", "neuron"))
    row = report.tested({"sst2": scores}, groups).iloc[0]
    assert (row["task"], row["layer"], row["functional"]) == ("sst2", 3, 1)
    assert row["most"] >= 10
    assert row["expected"] == 1


def test_tables_stand_beside_each_other_as_printed(accuracy):
    table = report.accuracy_table(accuracy)
    bare = table.assign(sd=np.nan)
    both = report.beside({"ours": table, "printed": bare})
    row = table.set_index(["task", "strategy"]).loc[("cola", "Function")]
    assert both.loc["cola", ("ours", "Function")] == f"{row['mean']:.1f} ± {row['sd']:.1f}"
    assert both.loc["avg", ("printed", "Original")] == f"{bare.iloc[-3]['mean']:.1f}"
    assert both["ours"].columns.tolist() == ["Original", "No Function", "Function"]
