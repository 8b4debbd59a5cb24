"""What Section 4 reports, against the plain computation."""

import numpy as np
import pytest
from toys import reading_of, scores_of

from companion.sections import specialization_tables
from modularity import predictivity, specialists
from modularity.subfunction import SubFunction


@pytest.fixture
def runs(rng):
    functions = ["semantic"] * 12 + ["task"] * 4
    return [reading_of(scores_of(rng.uniform(0.5, 1, size=(16, 2, 30)), functions), kept=1) for _ in range(3)]


def test_best_by_layer_is_the_mean_of_the_best(runs):
    made = specialization_tables.best_by_layer(runs).set_index(["function", "layer"])
    for layer in range(2):
        of_runs = [run["score"].to_numpy()[:12, layer].max(1).mean() for run in runs]
        row = made.loc["semantic", layer]
        assert row["value"] == pytest.approx(np.mean(of_runs))
        assert (row["least"], row["most"]) == pytest.approx((min(of_runs), max(of_runs)))
        assert row["low"] < row["value"] < row["high"]


def test_one_subfunction_has_no_interval(runs):
    made = specialization_tables.best_by_layer([runs[0].isel(subfunction=[0])])
    assert (made["low"] == made["value"]).all()


def test_gain_is_paired(runs):
    """Sub-functions differ much, the gain does not: its interval is narrow."""
    lower = [run.assign(score=run["score"] - 0.1) for run in runs]
    made = specialization_tables.gain(runs, lower)
    assert made[["gain", "low", "high"]].to_numpy() == pytest.approx(0.1)


def test_the_floor_is_a_mean_over_subfunctions():
    sentences = tuple(f"sentence {i}" for i in range(20))
    one, other = np.repeat([1, 0], 10), np.repeat([1, 0], [5, 15])
    subfunctions = [SubFunction("a", "semantic", sentences, one), SubFunction("b", "semantic", sentences, other)]
    made = specialization_tables.floor(subfunctions, 50, draws=300).iloc[0]
    rng = np.random.default_rng(0)
    drawn = [predictivity.best_of_null(*size, 50, draws=300, rng=rng) for size in ((10, 10), (5, 15))]
    assert made["value"] == pytest.approx(np.mean(drawn))
    means = np.mean(drawn, axis=0)
    assert ((made["low"] < means) & (means < made["high"])).mean() == pytest.approx(0.95, abs=0.03)


def test_what_is_held_out_has_no_luck(rng):
    """Useless neurons: the best of a half is lucky there, and like any other on the other half."""
    halves = [scores_of(rng.uniform(0.5, 0.7, size=(200, 1, 100)), ["semantic"] * 200) for _ in range(2)]
    reading = reading_of(halves[0], halves=halves)
    made = specialization_tables.held_out(reading)["value"].item()
    assert made == pytest.approx(0.6, abs=0.01)
    assert specialization_tables.best_by_layer([reading])["value"].item() > 0.69


def test_overlaps_are_means_of_pairs(runs):
    made = specialization_tables.overlaps(runs, 0.1).set_index(["function", "other"])
    tables = [specialists.overlap(specialists.top_neurons(run, 0.1)).mean("layer").to_numpy() for run in runs]
    table = np.mean(tables, axis=0)
    within = [table[a, b] for a in range(12) for b in range(12) if a != b]
    row = made.loc["semantic", "semantic"]
    assert row["value"] == pytest.approx(np.mean(within))
    assert row["chance"] == pytest.approx(0.1)
    assert made.loc[("semantic", "task"), "value"] == pytest.approx(table[:12, 12:].mean())
    assert list(made.index) == [("semantic", "semantic"), ("semantic", "task"), ("task", "task")]


def test_a_function_of_one_subfunction_has_no_overlap_with_itself(runs):
    alone = specialization_tables.overlaps([run.isel(subfunction=[0, 1, -1]) for run in runs], 0.1)
    assert alone.query("function == 'task' and other == 'task'")["value"].isna().all()
    assert alone.query("function == 'semantic'")["value"].notna().all()


def test_intervals_of_overlaps_cover(rng):
    """Sub-functions drawn from a population with a known mean overlap."""
    hits = 0
    for _ in range(60):
        liking = rng.random((40, 1)) < 0.5  # half of the sub-functions like the first ten neurons, half none
        values = rng.random((40, 1, 100)) + 2 * (liking[..., None] & (np.arange(100) < 10))
        row = specialization_tables.overlaps([reading_of(scores_of(values, ["semantic"] * 40))], 0.1).iloc[0]
        hits += row["low"] <= 0.25 + 0.75 * 0.1 <= row["high"]
    assert hits >= 50
