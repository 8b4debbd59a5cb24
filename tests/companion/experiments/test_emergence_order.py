"""What the experiment of the order in time computes: planted readings, and rechecks of what is shipped."""

import numpy as np
import pytest

from companion.experiments import emergence_order, experiment, histories
from companion.experiments.emergence_order import EmergenceOrder


def test_a_reading_goes_with_itself_as_it_is_reliable(rng):
    signal = rng.standard_normal((1, 3, 2, 64))
    scores = 0.5 + 0.05 * (signal + 0.5 * rng.standard_normal((3, 3, 2, 64)))
    groups = np.tile(np.arange(64) // 8, (2, 1))
    other = 0.5 + 0.05 * rng.standard_normal((3, 3, 2, 64))
    table = emergence_order.along({0: other, 9: scores}, groups).transpose("moment", "pair", "level", "walked")
    np.testing.assert_allclose(table.sel(moment=9, pair="across"), table.sel(moment=9, pair="reliability"))
    assert table.sel(moment=9, level="neuron").min() > 0.6
    assert np.abs(table.sel(moment=0, level="neuron")).max() < 0.3


def test_the_ends_of_a_path_are_the_start_and_the_end_of_its_run(untrained):
    made = EmergenceOrder("t5-mini")
    start = histories.SHIPPED["t5-mini-1"].at_hand(0, 7000)
    for one, other in ((made.on_path(1, 0), start), (made.on_path(1, 7000), made.on_path(1, 7000))):
        weights = [dict(m.module.named_parameters()) for m in (one, other)]
        assert all(np.allclose(weights[0][n], weights[1][n], atol=1e-6) for n in weights[0])


def test_a_model_without_histories_is_named():
    with pytest.raises(ValueError, match="'all-mpnet-base-v2' has no history of run 0; there are those of t5-mini"):
        EmergenceOrder("all-mpnet-base-v2").cells()


@pytest.mark.parametrize("name", emergence_order.SHIPPED)
def test_a_wrong_reading_is_found(name):
    one = emergence_order.SHIPPED[name]
    shipped = experiment.load(one)
    probes = [(0, emergence_order.OTHER, "rte"), (1, 1225, "art/region")]
    assert experiment.recheck(one, shipped, probes, cells=2).cells == 2
    shipped["experts"] += 0.02
    shipped["with_end"] += 0.02
    for probe in probes:
        with pytest.raises(ValueError, match=f"{one.name} for {probe[0]}, {probe[1]}, {probe[2]} is"):
            experiment.recheck(one, shipped, [probe], cells=1)
