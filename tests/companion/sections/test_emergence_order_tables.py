"""Times are found where they were put, whatever the noise, and none is earlier where none was put earlier."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from companion.experiments import emergence_order, histories
from companion.experiments.experiment import load
from companion.models.recipe import Recipe
from companion.sections import emergence_order_tables as section

STEPS = np.arange(0, 1001, 50)


def planted(rng, times, *, runs=3, subfunctions=12, noise=0.02, reliabilities=(0.3, 0.6)):
    """Orders that come to be by a logistic curve, read with a reliability that grows; level → when half is there."""
    share = STEPS / STEPS[-1]
    halves = np.linspace(reliabilities[0], reliabilities[1], len(STEPS))
    whole = 2 * halves / (1 + halves)
    made = []
    for time in times.values():
        truth = 1 / (1 + np.exp(-12 * (share - time)))
        seen = truth / truth[-1] * np.sqrt(whole) * 0.7  # .7: what other sentences let through
        made.append(seen + noise * rng.standard_normal((runs, subfunctions, len(STEPS))))
    dims = ("level", "run", "subfunction", "step")
    data = {"with_last": (dims, np.array(made)), "reliability": (dims, np.broadcast_to(halves, np.shape(made)))}
    names = [f"s{i}" for i in range(subfunctions)]
    table = xr.Dataset(data, {"level": list(times), "step": STEPS, "subfunction": names}, {"lengthened": 1})
    return table.assign_coords(function=("subfunction", ["semantic"] * subfunctions))


def test_half_times_are_found_where_they_were_put(rng):
    table = planted(rng, {"expert": 0.3, "random": 0.5})
    drawn = section.weights(table, draws=200)
    times = section.half_times(table, drawn)
    found = section.summary(times).set_index("level")
    assert found["time"].to_dict() == pytest.approx({"expert": 0.3, "random": 0.5}, abs=0.02)
    lead = section.summary(section.later(times)).iloc[0]
    assert lead["low"] < 0.2 < lead["high"]
    assert lead["low"] > 0.1


def test_nothing_comes_first_where_nothing_was_put_first(rng):
    table = planted(rng, {"expert": 0.4, "random": 0.4}, noise=0.1)
    lead = section.summary(section.later(section.half_times(table, section.weights(table, draws=200)))).iloc[0]
    assert lead["low"] < 0 < lead["high"]


def test_unreliable_readings_alone_look_late_and_are_corrected(rng):
    """Neurons that are read with a reliability that grows more look later than experts, until that is divided out."""
    table = planted(rng, {"expert": 0.4, "random": 0.4}, noise=0)
    growing = table["reliability"].sel(level="random") * np.linspace(0.3, 1, len(STEPS))
    spoiled = table["with_last"].sel(level="random") * np.sqrt(
        (2 * growing / (1 + growing)) / (2 * table["reliability"][1] / (1 + table["reliability"][1]))
    )
    table["with_last"].loc[{"level": "random"}] = spoiled
    uncorrected = section.later(section.half_times(table, section.weights(table, draws=2)))
    table["reliability"] = table["reliability"].copy()
    table["reliability"].loc[{"level": "random"}] = growing
    corrected = section.later(section.half_times(table, section.weights(table, draws=2)))
    assert uncorrected.isel(draw=0).item() > 0.03
    assert abs(corrected.isel(draw=0).item()) < 0.005


def test_half_is_reached_for_good():
    curve = np.array([0.6, 0.2, 0.4, 0.8, 1.0])
    assert section.half_time(curve, np.arange(5.0)) == pytest.approx(2.25)  # .4 → .8 passes .5 after a quarter
    assert section.half_time(np.array([0.7, 0.6, 1]), np.arange(3.0)) == 0
    assert np.isnan(section.half_time(np.array([0.7, 0.6, 0.4]), np.arange(3.0)))
    assert section.half_time(np.array([0.1, np.nan, 0.9, 1]), np.arange(4.0)) == 2  # no number is not above


def test_a_last_checkpoint_without_an_order_has_no_times(rng):
    table = planted(rng, {"expert": 0.4}, reliabilities=(0.01, 0.04))
    assert np.isnan(section.fraction(table)).all()
    found = section.summary(section.half_times(table, section.weights(table, draws=20))).iloc[0]
    assert found[["time", "low", "high"]].isna().all()


def test_a_path_is_timed_by_the_clock_of_its_rate(rng):
    """Half of the moments of a decaying rate are over before half of the training, of a constant one at half of it."""
    recipe = Recipe(steps=1000, warmup=1, decay=0.9)
    moments = section.random_path.clock(recipe)[STEPS]
    table = planted(rng, {"expert": 0.5}, noise=0)
    table["with_last"][:] = np.sqrt(2 * table["reliability"] / (1 + table["reliability"])) * moments
    drawn = section.weights(table, draws=2)
    decaying = section.path_times(table, drawn, recipe).isel(draw=0).item()
    constant = section.path_times(table, drawn, recipe, along=Recipe(steps=1000, warmup=1, decay=0)).isel(draw=0).item()
    assert decaying < 0.3
    assert constant == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", emergence_order.SHIPPED)
def test_what_is_shipped_goes_with_its_histories(name):
    shipped = load(emergence_order.SHIPPED[name])
    runs = [load(histories.SHIPPED[f"{name}-{seed}"]) for seed in range(2)]
    table = section.measured(runs, shipped)
    assert table.sizes["run"] == 2
    assert table["with_last"].to_numpy().max() <= 1
    lone = section.single(runs, shipped)
    np.testing.assert_allclose(
        lone["with_last"].sel(level="expert"),
        table["with_last"].sel(level="expert", subfunction=lone["subfunction"].to_numpy()),
    )
    with pytest.raises(ValueError, match="make it again"):
        section.measured([run.isel(step=slice(1, None)) for run in runs], shipped)


def test_a_step_without_a_checkpoint_is_named():
    with pytest.raises(ValueError, match="no step 4901; expected one of 0, 9"):
        section.same_sentences(load(histories.SHIPPED["t5-mini-constant-0"]), 4901)


def test_loads_are_compared_with_the_last_ones():
    last = [0.4, 0.3, 0.2, 0.1]
    log = pd.DataFrame({"step": [50, 100, 150], "load": [[last[::-1]], [[0.35, 0.3, 0.2, 0.15]], [last]]})
    table = section.loads([log], [1])
    assert table["step"].tolist() == [50, 100]
    assert table["value"].tolist() == pytest.approx([-1, 0.98], abs=0.01)
    with pytest.raises(ValueError, match="the log of run 0 has no loads of experts; give that of a Switch"):
        section.loads([log.drop(columns="load")], [1])
