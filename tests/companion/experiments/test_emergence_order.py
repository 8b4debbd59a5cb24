"""What experiments of the order in time compute: planted routes and readings, and rechecks of what is shipped."""

import numpy as np
import pytest

from companion.experiments import emergence_order, experiment, histories, router_history
from companion.experiments.emergence_order import EmergenceOrder
from companion.experiments.experiment import UnavailableError
from companion.experiments.router_history import RouterHistory, kappa, of_routers

KINDS = 30


def routes(rng, stable):
    """Tokens of 30 kinds; the last route is by kind, and of the first one so many kinds go as in the last."""
    tokens = rng.integers(KINDS, size=6000)
    end = rng.integers(8, size=KINDS)
    start = np.where(np.arange(KINDS) < stable, end, (end + 1 + rng.integers(7, size=KINDS)) % 8)
    return tokens, {0: start[tokens][None], 9: end[tokens][None]}


def test_routes_that_stay_are_saturated_and_follow_their_words(rng):
    tokens, made = routes(rng, KINDS)
    table = of_routers(made, tokens)
    assert dict(table.sizes) == {"moment": 2, "router": 1}
    np.testing.assert_allclose(table["saturation"], 1)
    np.testing.assert_allclose(table["vocabulary"], 1)
    np.testing.assert_allclose(table["words"], 1, atol=0.05)  # minus what shuffled kinds explain by chance


def test_routes_that_all_change_are_below_chance(rng):
    tokens, made = routes(rng, 0)
    assert of_routers(made, tokens)["saturation"][0, 0] < 0
    assert of_routers(made, tokens)["saturation"][1, 0] == 1


def test_routes_at_random_follow_no_words(rng):
    tokens, made = routes(rng, KINDS)
    made[0] = rng.integers(8, size=(1, len(tokens)))
    table = of_routers(made, tokens).isel(moment=0, router=0)
    assert abs(table["words"]) < 0.02
    assert abs(table["saturation"]) < 0.05


def test_kappa_by_hand():
    one, other = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    # Three of four agree; by chance 1/2 x 1/4 + 1/2 x 3/4 = 1/2 do.
    assert kappa(one, other, 2) == pytest.approx((3 / 4 - 1 / 2) / (1 - 1 / 2))
    assert kappa(one, one, 2) == 1
    assert kappa(np.zeros(4, int), np.zeros(4, int), 2) == 1


def test_a_reading_goes_with_itself_as_it_is_reliable(rng):
    signal = rng.standard_normal((1, 3, 2, 64))
    scores = 0.5 + 0.05 * (signal + 0.5 * rng.standard_normal((3, 3, 2, 64)))
    groups = np.tile(np.arange(64) // 8, (2, 1))
    other = 0.5 + 0.05 * rng.standard_normal((3, 3, 2, 64))
    table = emergence_order.along({0: other, 9: scores}, groups).transpose("moment", "pair", "level", "subfunction")
    np.testing.assert_allclose(table.sel(moment=9, pair="across"), table.sel(moment=9, pair="reliability"))
    assert table.sel(moment=9, level="neuron").min() > 0.6
    assert np.abs(table.sel(moment=0, level="neuron")).max() < 0.3


def test_the_ends_of_a_path_are_the_start_and_the_end_of_its_run(untrained):
    made = EmergenceOrder("t5-mini")
    start = histories.SHIPPED["t5-mini-1"]._at_hand(0, 7000)
    for one, other in ((made.on_path(1, 0), start), (made.on_path(1, 7000), made.on_path(1, 7000))):
        weights = [dict(m.module.named_parameters()) for m in (one, other)]
        assert all(np.allclose(weights[0][n], weights[1][n], atol=1e-6) for n in weights[0])


def test_only_a_switch_is_routed(untrained):
    with pytest.raises(ValueError, match="has no routers; expected a Switch"):
        router_history.routed(untrained, ["A sentence."])


def test_every_token_has_an_expert_whatever_the_batches():
    model = RouterHistory().start()
    text = ["A short one.", "This sentence has a few more words than the other ones do.", "Middle, of both."]
    many, few = (router_history.routed(model, text, batch_tokens=n) for n in (1000, 1))
    assert many.shape == (2, len(router_history.token_ids(model, text)))
    np.testing.assert_array_equal(many, few)
    assert many.max() < 16


def test_models_and_runs_that_are_not_there_are_named(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="'all-mpnet-base-v2' has no history of run 0; there are those of t5-mini"):
        EmergenceOrder("all-mpnet-base-v2").cells()
    monkeypatch.setenv("MODULARITY_RUNS", str(tmp_path))
    with pytest.raises(UnavailableError, match="has no checkpoint of step 0; python -m companion.models.pretrain"):
        RouterHistory().cells()


@pytest.mark.parametrize("name", emergence_order.SHIPPED)
def test_a_wrong_reading_is_found(name):
    one = emergence_order.SHIPPED[name]
    shipped = experiment.load(one)
    probes = [(0, emergence_order.OTHER, "rte"), (1, "1225", "rte")]
    assert experiment.recheck(one, shipped, probes, cells=2).cells == 2
    shipped["experts"] += 0.02
    shipped["with_end"] += 0.02
    for probe in probes:
        with pytest.raises(ValueError, match=f"{one.name} for {probe[0]}, {probe[1]}, rte is"):
            experiment.recheck(one, shipped, [probe], cells=1)


def test_wrong_routes_are_found():
    shipped = experiment.load(router_history.SHIPPED)
    assert experiment.recheck(router_history.SHIPPED, shipped, [(0, "rte")]).cells == 1
    shipped["words"] += 0.02
    with pytest.raises(ValueError, match="order_routers for 0, rte is"):
        experiment.recheck(router_history.SHIPPED, shipped, [(0, "rte")])
