"""A reading holds what all scores say, without holding all scores."""

import numpy as np
import pytest
import xarray as xr
from toys import groups_of, reading_of, scores_of

from companion.functions import tracks
from companion.models import catalogue
from modularity import capture, effect_sizes, neurons, predictivity, readings, specialists, subfunction

EACH = 2  # sub-functions of a function


@pytest.fixture(scope="module")
def few():
    return tracks.load_all(per_class=20, limit=EACH)


@pytest.fixture(scope="module")
def all_scores(untrained, few):
    return predictivity.scores(capture.stream(untrained, few))


@pytest.fixture(scope="module")
def groups(untrained):
    width = neurons.layers(untrained)[0].neurons
    rng = np.random.default_rng(0)
    parts = [groups_of([rng.permutation(np.repeat(np.arange(16), width // 16)) for _ in range(4)]) for _ in range(2)]
    return xr.concat(parts, "partition").assign_coords(partition=["own", "random"])


@pytest.fixture(scope="module")
def reading(untrained, few, groups):
    return readings.read(untrained, few, groups)


def test_a_reading_says_what_all_scores_say(reading, all_scores, groups):
    np.testing.assert_array_equal(specialists.best(reading), all_scores.max("neuron"))
    for share in (0.01, 0.05):
        np.testing.assert_array_equal(
            specialists.top_neurons(reading, share), specialists.top_neurons(all_scores, share)
        )
    for which in ("own", "random"):
        means = effect_sizes.expert_predictivity(all_scores, groups.sel(partition=which, drop=True))
        np.testing.assert_allclose(reading["expert_mean"].sel(partition=which), means)
    np.testing.assert_allclose(reading["mean"], all_scores.mean("neuron"))
    np.testing.assert_allclose(reading["variance"], all_scores.var("neuron"))
    of = all_scores.groupby("function").mean("subfunction")
    np.testing.assert_allclose(reading["total"], of.sel(function=reading["of"].to_numpy()))


def test_a_table_of_scores_makes_the_same_reading(reading, all_scores, groups):
    made = readings.of_scores(all_scores, groups)
    xr.testing.assert_allclose(made, reading[[*made.data_vars]].drop_vars("half", errors="ignore"))


def test_halves_are_those_of_the_subfunctions(reading, untrained, few, groups):
    # Of the same activations: read again in other batches they round otherwise, and near ties change places.
    whole = list(capture.stream(untrained, few))
    chosen = [subfunction.first_half(s) for s, _ in whole]
    first, second = (
        predictivity.scores(
            (s.only(mask), values.isel(sentence=mask)) for (s, values), mask in zip(whole, masks, strict=True)
        )
        for masks in (chosen, [~mask for mask in chosen])
    )
    for here, there, half in ((first, second, "first"), (second, first, "second")):
        np.testing.assert_array_equal(
            specialists.top_neurons(reading, half=half), specialists.top_neurons(here), err_msg=half
        )
        best = here.argmax("neuron")
        np.testing.assert_allclose(reading["held_out"].sel(half=half), there.isel(neuron=best), atol=1e-6)
        means = effect_sizes.expert_predictivity(here, groups.sel(partition="own", drop=True))
        np.testing.assert_allclose(reading["half_expert_mean"].sel(half=half), means, atol=1e-6)


def test_readings_of_single_sub_functions_join_to_the_same_bits(untrained, few, reading, groups):
    parts = (readings.read(untrained, [one], groups) for one in few)
    xr.testing.assert_identical(readings.joined(parts), reading)


def test_layers_are_read_a_few_at_a_time_where_memory_is_short(untrained, few, reading, monkeypatch):
    asked = []
    whole = capture.pooled_activations

    def spy(model, sentences, *, layers, **options):
        asked.append(list(layers))
        return whole(model, sentences, layers=layers, **options)

    monkeypatch.setattr(capture, "pooled_activations", spy)
    width = neurons.layers(untrained)[0].neurons
    made = readings.read(untrained, few[:1], room=4 * width * len(few[0].sentences) * 2)
    assert asked == [[0, 1], [2, 3]]
    np.testing.assert_array_equal(made["top"], reading["top"].isel(subfunction=[0]))


def test_a_reading_does_not_grow_with_neurons_times_subfunctions(rng):
    functions_of = ["semantic"] * 40
    sizes = {}
    for neurons_of in (1000, 2000):
        scores = scores_of(rng.random((40, 1, neurons_of)), functions_of)
        made = readings.of_scores(scores, kept=0.05)
        sizes[neurons_of] = (made.nbytes, scores.nbytes)
    assert sizes[2000][0] < sizes[2000][1] / 5


def test_more_than_was_kept_is_refused(rng):
    reading = reading_of(scores_of(rng.random((2, 1, 100)), ["semantic"] * 2), kept=0.05)
    assert specialists.top_neurons(reading, 0.05).sum() == 10
    with pytest.raises(ValueError, match=r"kept the best 5 of 100 neurons.*read again with kept=0.06"):
        specialists.top_neurons(reading, 0.06)


def test_nothing_to_read_and_a_class_of_one_sentence_are_refused(untrained, few):
    with pytest.raises(ValueError, match="got no sub-functions"):
        readings.read(untrained, [])
    with pytest.raises(ValueError, match="got no sub-functions"):
        readings.joined([])
    single = few[0].only(np.arange(len(few[0].labels)) != 0)
    while (single.labels == 1).sum() > 1:
        single = single.only(np.arange(len(single.labels)) != int(np.flatnonzero(single.labels == 1)[0]))
    with pytest.raises(ValueError, match="a class of one sentence"):
        readings.read(untrained, [single])


def test_switch_is_read_in_its_layers_with_experts(few):
    model = catalogue.load("switch-mini", untrained=True)
    made = readings.read(model, few[:1])
    np.testing.assert_array_equal(made["layer"], list(neurons.layers(model)))
    assert made.attrs["neurons"] == next(iter(neurons.layers(model).values())).neurons
