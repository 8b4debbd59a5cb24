"""Experts that are put first are found first, beyond what a path gives; and no earlier where they are not."""

import numpy as np
import pytest
import xarray as xr

from companion.claims import order_effects, verdicts


def times(rng, experts, neurons, spread=0.02):
    values = np.array([experts, neurons, neurons])[:, None] + spread * rng.standard_normal((3, 500))
    values[:, 0] = experts, neurons, neurons
    made = np.stack([values, values + 0.2])
    return xr.DataArray(
        made, {"function": ["semantic", "task"], "level": ["expert", "random", "top"]}, ("function", "level", "draw")
    )


def verdict(table, claim):
    row = table.set_index("claim").loc[claim]
    return verdicts.verdict(row["estimate"], row["low"], row["high"])


@pytest.mark.parametrize(
    ("path", "expected"), [((0.1, 0.15), "holds"), ((0.1, 0.3), "not shown"), ((0.1, 0.5), "not in this model")]
)
def test_a_lead_is_compared_with_that_of_the_path(rng, path, expected):
    table = order_effects.first_in_time(times(rng, 0.3, 0.5), times(rng, *path), "a")
    row = table.set_index("claim").loc["experts-first-in-time"]
    assert row["estimate"] == pytest.approx(0.2)
    assert verdict(table, "experts-first-in-time") == "holds"
    assert verdict(table, "experts-first-beyond-rate") == expected


def test_no_lead_and_no_time_have_no_verdict_of_a_lead(rng):
    none = order_effects.first_in_time(times(rng, 0.4, 0.4), times(rng, 0.2, 0.2), "a")
    assert verdict(none, "experts-first-in-time") == "not shown"
    never = order_effects.first_in_time(times(rng, 0.4, np.nan), times(rng, 0.2, 0.2), "a")
    assert verdict(never, "experts-first-in-time") == ""
