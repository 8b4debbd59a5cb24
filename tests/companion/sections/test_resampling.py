"""Random partitions, fewer and other sub-functions: against the plain tests, and against what must come out."""

import numpy as np
import pytest
from toys import groups_of, scores_of

from companion.sections import resampling
from modularity import experts, partition_null, specialists

NULLS = ("binomial", "exact", "permutation")


def test_a_random_partition_is_tested_as_any_other(shared):
    made = partition_null.random_partitions(shared, 8, draws=3, seed=5)
    rng = np.random.default_rng(5)
    for draw in range(3):
        groups = groups_of([rng.permutation(np.repeat(np.arange(8, dtype=np.uint16), 30)) for _ in range(2)])
        alone = experts.summary(experts.subfunctional_experts(shared, groups))
        for measure in partition_null.MEASURES:
            for null in NULLS:
                expected = experts.summary(experts.functional_experts(shared, groups, null=null))[measure]
                np.testing.assert_allclose(made[measure].sel(null=null, draw=draw), expected)
            np.testing.assert_allclose(made[f"sub_{measure}"].sel(draw=draw), alone[measure])


def test_functions_in_any_order_are_kept_apart(shared):
    mixed = shared.isel(subfunction=np.random.default_rng(1).permutation(70))
    made = partition_null.random_partitions(mixed, 8, draws=200)["proportion"].mean("draw")
    plain = partition_null.random_partitions(shared, 8, draws=200)["proportion"].mean("draw")
    np.testing.assert_allclose(made.sel(function=["semantic", "task"]), plain, atol=0.05)


def test_only_the_permutation_null_survives_shared_neurons(shared):
    """The paper's null takes sub-functions for independent; where they share neurons it finds experts in noise."""
    rates = partition_null.random_partitions(shared, 8, draws=400)["proportion"].mean("draw").sel(function="semantic")
    assert rates.sel(null="permutation") < 0.003
    assert rates.sel(null="binomial") > 0.05
    assert rates.sel(null="exact") >= rates.sel(null="binomial")


def test_every_null_survives_independent_neurons(rng):
    members = specialists.top_neurons(scores_of(rng.random((40, 1, 320)), ["semantic"] * 40), 0.05)
    rates = partition_null.random_partitions(members, 8, draws=500)["proportion"].mean("draw")
    assert (rates < 0.003).all()


def test_all_subfunctions_are_the_whole(shared, dealt):
    made = resampling.fewer(shared, dealt, [5, 10, 60], draws=2)
    whole = experts.summary(experts.functional_experts(shared, dealt))
    for measure in partition_null.MEASURES:
        np.testing.assert_allclose(made[measure].sel(function="semantic", number=60), whole[measure][0])
        np.testing.assert_allclose(made[measure].sel(function="task", number=10), whole[measure][1])
    assert made["proportion"].sel(function="task", number=60).isnull().all()


def test_standard_errors_are_those_of_a_mean(rng):
    """Half of the sub-functions have their one top neuron in expert 0, so its degree is a mean of coin tosses."""
    place = np.where(rng.random(50) < 0.5, 0, rng.integers(1, 8, size=50))
    flags = np.zeros((50, 1, 32), dtype=bool)
    flags[np.arange(50), 0, place * 4] = True
    members, groups = scores_of(flags, ["semantic"] * 50), groups_of([np.repeat(np.arange(8), 4)])
    tested = experts.functional_experts(members, groups)
    assert np.flatnonzero(tested["functional"]).tolist() == [0]
    share = (place == 0).mean()
    made = resampling.standard_errors(members, groups, draws=100)
    assert made["degree"].item() == pytest.approx(8 * np.sqrt(share * (1 - share) / 49), rel=0.25)
    assert made["proportion"].item() == 0


def test_too_few_subfunctions_have_no_error(shared, dealt):
    few = shared.isel(subfunction=[*range(10), 60, 61])
    made = resampling.standard_errors(few, dealt, draws=4)
    assert np.isfinite(made["proportion"].sel(function="semantic"))
    assert np.isnan(made["proportion"].sel(function="task"))


def test_bad_input_is_named(shared):
    with pytest.raises(ValueError, match="240 neurons do not divide into 7"):
        partition_null.random_partitions(shared, 7, draws=1)
