"""Effects of known truth are found, with intervals that hold it; nothing is found where there is nothing."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from sklearn.metrics import average_precision_score
from toys import groups_of, reading_of, scores_of

from companion.claims import (
    counted_experts,
    effects,
    emergence_effects,
    expert_effects,
    ledger,
    perturbation_effects,
    printed_effects,
)
from companion.released import published
from companion.sections import emergence_tables, intervals, specialization_tables
from modularity import effect_sizes, emergence, experts, nulls, partition_null, specialists

FUNCTIONS = ["semantic"] * 12 + ["knowledge"] * 8 + ["task"] * 6


def by_claim(table):
    assert list(table.columns) == effects.COLUMNS
    assert not table.duplicated(["claim", "model"]).any()
    return table.set_index("claim")


# Helpers


def test_a_bootstrap_of_means_holds_the_mean_and_nothing_of_one_value(rng):
    values = rng.normal(1, 0.5, 40)
    estimate, low, high = intervals.bootstrap([(1, values), (-0.5, np.full(3, 2.0))])
    assert estimate == pytest.approx(values.mean() - 1)
    reach = 1.96 * values.std() / 40**0.5  # the other sample does not vary
    assert (low, high) == pytest.approx((estimate - reach, estimate + reach), abs=0.02)
    assert np.isnan(intervals.bootstrap([(1, values), (1, values[:1])])[1:]).all()


def test_a_jackknife_of_a_mean_is_its_standard_error(rng):
    values, functions = rng.normal(size=20), np.array(["a"] * 12 + ["b"] * 8)

    def means(kept):
        return np.array([values[kept & (functions == "a")].mean() - values[kept & (functions == "b")].mean()])

    (found,) = intervals.jackknife(functions, means)
    error = np.hypot(stats.sem(values[:12]), stats.sem(values[12:]))
    assert found == pytest.approx(intervals.of_error(means(np.ones(20, bool))[0], error))
    (few,) = intervals.jackknife(functions[[0, 1, *range(12, 20)]], lambda kept: np.array([1.0]))
    assert few[0] == 1
    assert np.isnan(few[1:]).all()


# Section 4


@pytest.fixture
def scored(rng):
    """Each function likes neurons of its own in trained runs, none in untrained ones; tasks rise by .1.

    Experts of ten neurons: trained ones hold what a function likes, untrained ones anything.
    """
    values = rng.uniform(0.5, 0.6, size=(2, 2, len(FUNCTIONS), 2, 200))
    for i, function in enumerate(dict.fromkeys(FUNCTIONS)):
        rows = np.array(FUNCTIONS) == function
        values[0][:, rows, :, 20 * i : 20 * i + 20] += 0.2
    values[0][:, np.array(FUNCTIONS) == "task", 1] += 0.1
    own = [groups_of([np.repeat(np.arange(20), 10)] * 2) for _ in range(2)]
    dealt = [groups_of([rng.permutation(np.repeat(np.arange(20), 10)) for _ in range(2)])] * 2
    return {
        "mine": tuple(
            [reading_of(scores_of(run, FUNCTIONS), g) for run, g in zip(runs, groups, strict=True)]
            for runs, groups in zip(values, (own, dealt), strict=True)
        )
    }


def test_gains_are_those_of_the_table(scored):
    found = specialization_tables.gain(*scored["mine"]).assign(model="mine")
    table = by_claim(effects.gains(found))
    assert table.index.tolist() == ["semantic-gain", "knowledge-gain", "task-gain"]
    row = found.set_index("function").loc["task"]
    assert table.loc["task-gain", ["estimate", "low", "high"]].tolist() == row[["gain", "low", "high"]].tolist()
    alone = [[run.isel(subfunction=[0]) for run in runs] for runs in scored["mine"]]
    point = by_claim(effects.gains(specialization_tables.gain(*alone).assign(model="mine")))
    assert np.isnan(point["low"].item())  # one sub-function is no sample


def test_a_rise_is_the_last_layer_less_the_first(scored):
    table = by_claim(effects.rises(scored))
    assert table["estimate"].to_numpy() == pytest.approx(0.1, abs=0.005)
    assert (table["low"] > 0.08).all()
    assert (table["high"] < 0.12).all()


def test_overlaps_are_contrasts_of_pairs(scored):
    table = by_claim(effects.shared(scored, 0.05))
    trained, untrained = (
        np.mean([specialists.overlap(specialists.top_neurons(r, 0.05)).mean("layer") for r in runs], axis=0)
        for runs in scored["mine"]
    )

    def mean(t, a, b):
        pairs = [(i, j) for i, f in enumerate(FUNCTIONS) for j, g in enumerate(FUNCTIONS) if (f, g) == (a, b)]
        return np.mean([t[i, j] for i, j in pairs if i != j])

    names = list(dict.fromkeys(FUNCTIONS))
    within = [np.mean([mean(t, f, f) for f in names]) for t in (trained, untrained)]
    across = [np.mean([mean(t, f, g) for f in names for g in names if f != g]) for t in (trained, untrained)]
    expected = {
        "within-over-across": within[0] - across[0],
        "groups-emerge": within[0] - across[0] - within[1] + across[1],
        "within-over-untrained": within[0] - within[1],
        "knowledge-task-shared": mean(trained, "knowledge", "task") - mean(untrained, "knowledge", "task"),
    }
    assert table["estimate"].to_dict() == pytest.approx(expected)
    assert (table["low"].iloc[:3] > 0.3).all()
    assert table.loc["knowledge-task-shared", "high"] < 0  # each function likes neurons of its own


# Section 5, experts


def of_experts(scored, **options):
    """Both tables of evidence on experts, by claim."""
    both = (expert_effects.functional_effects, expert_effects.appendix_effects)
    return by_claim(pd.concat([effects_of(scored, **options) for effects_of in both]))


def test_functional_experts_are_counted_as_the_tables_count_them(scored):
    table = of_experts(scored, share=0.05, alpha=0.01, partitions=200, draws=30)
    runs = scored["mine"][0]
    members = [specialists.top_neurons(run, 0.05) for run in runs]
    tested = [experts.functional_experts(m, g["own"], alpha=0.01) for m, g in zip(members, runs, strict=True)]
    dealt = [partition_null.random_partitions(m, 20, draws=200, null=["binomial"], alpha=0.01) for m in members]
    own = np.mean([experts.summary(t)["proportion"].sel(function="task") for t in tested])
    by_chance = np.mean([d["proportion"].sel(function="task").mean() for d in dealt])
    assert table.loc["task-experts", "estimate"] == pytest.approx(own - by_chance, abs=0.01)
    degree = np.mean([experts.summary(t)["degree"] for t in tested]) - np.mean([d["degree"].mean() for d in dealt])
    assert table.loc["degree-over-random", "estimate"] == pytest.approx(degree, rel=0.1)
    # Two of twenty experts hold what a function likes, and they are the most predictive: a precision of 1.
    assert table.loc["experts-predictive", "estimate"] == pytest.approx(1 - expert_effects.expected_precision(2, 20))
    lone = [experts.subfunctional_experts(m, g["own"], alpha=0.01) for m, g in zip(members, runs, strict=True)]
    own = np.mean([experts.summary(one)["proportion"] for one in lone])
    by_chance = np.mean([d["sub_proportion"].mean() for d in dealt])
    assert table.loc["subfunctional-experts", "estimate"] == pytest.approx(own - by_chance, abs=0.005)
    sure = ["degree-over-random", "experts-predictive", "experts-over-untrained", "subfunctional-experts"]
    assert (table.loc[sure, "low"] > 0).all()


def test_experts_put_together_at_random_are_no_evidence(rng, scored):
    """Intervals know that another partition that means nothing would have had another proportion."""
    hits = []
    for _ in range(12):
        dealt = [groups_of([rng.permutation(np.repeat(np.arange(20), 10)) for _ in range(2)]) for _ in range(2)]
        pair = {
            "mine": tuple([run.assign(own=g) for run, g in zip(runs, dealt, strict=True)] for runs in scored["mine"])
        }
        options = {"share": 0.05, "alpha": 0.01, "partitions": 40, "draws": 10}
        table = of_experts(pair, **options)
        hits += list(table.loc[["semantic-experts", "task-experts", "subfunctional-experts"], "low"] <= 0)
    assert np.mean(hits) > 0.9


def test_random_order_reaches_the_expected_precision(rng):
    labels = np.arange(16) < 3
    drawn = [average_precision_score(labels, rng.random(16)) for _ in range(1000)]
    assert expert_effects.expected_precision(3, 16) == pytest.approx(np.mean(drawn), abs=0.02)
    assert expert_effects.expected_precision(1, 16) == pytest.approx((1 / np.arange(1, 17)).mean())


def test_a_function_of_four_has_no_interval(scored):
    few = {"mine": tuple([run.isel(subfunction=[*range(12), 20, 21, 22, 23]) for run in r] for r in scored["mine"])}
    table = by_claim(expert_effects.functional_effects(few, share=0.05, alpha=0.01, partitions=5, draws=5))
    assert np.isnan(table.loc["task-experts", "low"])
    assert np.isfinite(table.loc["semantic-experts", "low"])


# Section 5, perturbations

TASKS = ["cola", "mnli", "qqp"]
ORDERS = ["random", "Avg (4)", "MoE (4)", *perturbation_effects.SINGLE, *(f"experts: {task}" for task in TASKS)]


def perturbed(loss, *, draws=6):
    """A grid from .8 down by `loss(setting, order, number, task)`."""
    dims = {"setting": ["text", "strong"], "seed": [0, 1], "task": TASKS, "order": ORDERS, "number": [0, 5, 10, 20]}
    shape = [len(values) for values in dims.values()]
    luck = 0.05 * np.random.default_rng(0).normal(size=(1, 2, 3, 1, 1, draws))
    grid = xr.DataArray(0.8 + luck * np.ones((*shape, draws)), dims | {"draw": range(draws)}, (*dims, "draw"))
    for s, t, o, n in np.ndindex(2, 3, len(ORDERS), 4):
        if n:
            grid[s, :, t, o, n] -= loss(dims["setting"][s], ORDERS[o], dims["number"][n], TASKS[t])
    return grid


def test_perturbations_are_compared_on_the_right_tasks_and_shares():
    losses = {"random": 0.01, "Avg (4)": 0.05, "MoE (4)": 0.1, "neurons: sst2": 0.04}

    def loss(setting, order, number, task):
        if setting == "text":
            return 0.15 * (order == "MoE (4)" and number == 10)
        if number == 5:  # below 6 %: only the comparison of rankings looks there
            return 0.9 * (order == "MoE (4)")
        if order.startswith("experts: "):
            return 0.03 * (order == f"experts: {task}")
        return losses.get(order, 0) + 0.02 * (order == "MoE (4)" and task == "mnli")

    guessing = pd.DataFrame({"panel": ["seen", "unseen"], "chance": [0.5, 1 / 3]})
    table = by_claim(perturbation_effects.t5(perturbed(loss), 100, 20, guessing, "mine"))
    plain = perturbed(loss).sel(setting="text", number=0, task=["cola", "qqp"]).mean().item()
    expected = {
        "perturbing-experts-guessing": 0.15 / (plain - 0.5),  # a tenth of 100 is 10
        "experts-over-random": 9,
        "unseen-too": 11,
        "experts-over-neurons": 100 * (0.05 + 0.02 / 3),
        "avg-over-single": 100 * (2 / 3) * (0.05 - 0.04 / 4),  # at 5, 10 and 20
        "own-experts": 3,
    }
    assert table["estimate"].to_dict() == pytest.approx(expected)
    assert (table["high"] - table["low"]).to_numpy() == pytest.approx(0, abs=1e-9)  # luck is common and falls out


def test_an_interval_is_over_draws(rng):
    grid = perturbed(lambda *_: 0.1)
    grid.loc[{"order": "random"}] += 0.1 * rng.normal(size=grid.sizes["draw"])
    table = by_claim(
        perturbation_effects.t5(grid, 100, 20, pd.DataFrame({"panel": ["seen"], "chance": [0.5]}), "mine")
    ).loc["unseen-too"]
    draws = perturbation_effects.costlier(grid.sel(setting="strong", task=["mnli"]), "MoE (4)", ["random"], 6)
    assert table[["estimate", "low", "high"]].tolist() == pytest.approx([100 * x for x in intervals.student(draws)])
    with pytest.raises(ValueError, match="no number of experts above 20"):
        perturbation_effects.costlier(grid.sel(setting="strong"), "MoE (4)", ["random"], 20)


def test_switch_is_turned_so_that_the_paper_is_positive():
    pairs = ["Function − Original", "Function − No Function", "No Function − Original"]
    rows = pd.DataFrame({"task": "avg", "pair": pairs, "difference": [1, 3, -2], "low": [0, 1, -4], "high": [2, 5, 1]})
    every = pd.concat([rows, rows.assign(task="cola", difference=9)])
    table = by_claim(perturbation_effects.switch(every, "mine"))
    assert table.loc["switch-without", ["estimate", "low", "high"]].tolist() == [2, -1, 4]
    assert table.loc["switch-only", ["estimate", "low", "high"]].tolist() == [1, 0, 2]
    assert table.loc["switch-with-over-without", "estimate"] == 3
    assert set(by_claim(perturbation_effects.switch(rows, "mine", strict=True)).index) == {
        f"{claim}-strict" for claim in table.index
    }


# Section 6


def appearing(at, late=0.0):
    """Proportions of three runs that are .01 before the share `at` + run / 100 and 1 after, less `late` at the end."""
    shares = np.arange(1, 101) / 100
    made = []
    for run in range(3):
        values = np.where(shares >= at + run / 100 - 1e-9, 1.0, 0.01) - late * (shares == 1)
        rows = {"kind": "functional", "partition": "model", "function": "task", "run": run, "share": shares}
        made.append(pd.DataFrame(rows | {"proportion": values, "degree": 2 * values}))
    other = made[0].assign(partition="random", proportion=0.3)
    return pd.concat([*made, other, made[0].assign(kind="sub-functional", proportion=0.3)])


def test_experts_appear_when_they_do():
    table = emergence_effects.appearance({"t5-mini": appearing(0.2, late=0.3), "switch-mini": appearing(0.4)})
    table = table.set_index(["claim", "model"])
    early = intervals.student(0.5 - np.array([0.2, 0.21, 0.22]))
    for claim in ("functional-early", "degree-early"):
        assert table.loc[(claim, "t5-mini")].tolist() == pytest.approx(early)
    assert table.loc[("functional-stays", "t5-mini"), "estimate"] == pytest.approx(0.2)
    assert table.loc[("functional-stays", "switch-mini"), "estimate"] == pytest.approx(0.5)
    row = table.loc[("switch-later", "switch-mini")]
    assert row["estimate"] == pytest.approx(0.2)
    assert 0.17 < row["low"] < 0.2 < row["high"] < 0.23
    assert ("switch-later", "t5-mini") not in table.index
    alone = by_claim(emergence_effects.appearance({"t5-mini": appearing(0.2).query("run == 0")}))
    assert np.isnan(alone["low"]).all()


def curves(rng, at, *, subfunctions=10):
    """Curves that rise from .2 to .99 in steps and pass .9 at the share `at` of each level."""
    shares = np.arange(1, 21) / 20
    values = [np.where(shares >= at[level] - 1e-9, 0.99, 0.2) for level in emergence_tables.LEVELS]
    table = np.array(values)[:, None, None] * np.ones((1, 2, 2 * subfunctions, 1))
    coordinates = {
        "level": list(emergence_tables.LEVELS),
        "step": 100 * np.arange(1, 21),
        "function": ("subfunction", ["semantic", "task"] * subfunctions),
    }
    return xr.DataArray(table + 0.001 * rng.random(table.shape), coordinates, ("level", "run", "subfunction", "step"))


def test_stabilisation_is_read_off_the_curves(rng):
    made = curves(rng, {"expert": 0.3, "random": 0.8, "neuron": 0.7})
    table = by_claim(emergence_effects.stabilization_effects(made, "mine", draws=50))
    expected = {"semantic-experts-before-neurons": 0.4, "task-experts-before-neurons": 0.4}
    expected |= {"experts-before-random": 0.5, "experts-early": 0.2, "stabilises": 0.79}
    assert table["estimate"].to_dict() == pytest.approx(expected, abs=0.002)
    assert (table["low"] <= table["estimate"]).all()
    never = by_claim(
        emergence_effects.stabilization_effects(curves(rng, {"expert": 2, "random": 2, "neuron": 2}), "mine")
    )
    assert never.loc["experts-early", "estimate"] == -0.5  # the end of the run
    assert never.loc["task-experts-before-neurons", ["estimate", "low", "high"]].tolist() == [0, 0, 0]


def test_functions_that_differ_have_each_their_own_lead(rng):
    """A mean over functions would say that neurons follow by a quarter of the run in both."""
    made, late = (curves(rng, {"expert": 0.3, "random": 0.8, "neuron": at}) for at in (0.3, 0.8))
    made[:, :, 1::2] = late[:, :, 1::2].to_numpy()
    table = by_claim(emergence_effects.stabilization_effects(made, "mine", draws=50))
    assert table.loc["semantic-experts-before-neurons", "high"] == 0
    assert table.loc["task-experts-before-neurons", "low"] == pytest.approx(0.5)


def test_the_bootstrap_spans_sub_functions_and_runs(rng):
    made = curves(rng, {"expert": 0.3, "random": 0.8, "neuron": 0.7}).copy(deep=True)
    made[0, :, 4:] = made[1, :, 4:].to_numpy()  # two of twenty settle early, the others at .8
    row = by_claim(emergence_effects.stabilization_effects(made, "mine")).loc["experts-early"]
    assert row["estimate"] == row["low"] == pytest.approx(-0.3)
    made[0, 1] = made[2, 1].to_numpy()
    again = by_claim(emergence_effects.stabilization_effects(made, "mine", seed=0))
    pd.testing.assert_frame_equal(again, by_claim(emergence_effects.stabilization_effects(made, "mine", seed=0)))


def test_a_lead_is_that_of_corrected_word_meanings():
    every = [
        (f, c, p, 0.1, 0.05, 0.2)
        for f in ("semantic", "task")
        for c in ("expert − neuron", "between − within")
        for p in ("whole", "corrected")
    ]
    leads = pd.DataFrame(every, columns=["function", "comparison", "pair", "difference", "low", "high"])
    leads.loc[3, "difference"] = 0.15
    row = emergence_effects.between_over_within(leads.assign(model="mine")).iloc[0]
    assert row.tolist() == ["between-over-within", "mine", 0.15, 0.05, 0.2]


@pytest.fixture
def words(rng):
    """Twenty words of two kinds, and predictivities by which the first layer's experts follow them, the last's not."""
    kind = np.arange(20) % 2
    values = rng.uniform(0.5, 0.6, size=(20, 2, 40))
    values[kind == 0, 0, :10] += 0.3
    values[kind == 1, 0, 10:20] += 0.3
    scores = scores_of(values, ["semantic"] * 20)
    names = scores["subfunction"].to_numpy()
    noise = 0.01 * rng.random((20, 20))
    matrix = (kind[:, None] == kind) + noise + noise.T
    alike = xr.DataArray(matrix, {"subfunction": names, "other": names}, ("subfunction", "other"))
    own = groups_of([np.repeat(np.arange(8), 5)] * 2)
    drawn = [own, *(own.copy(data=rng.permuted(own.to_numpy(), axis=1)) for _ in range(10))]
    tables = xr.concat([effect_sizes.expert_predictivity(scores, g) for g in drawn], "draw", coords="minimal")
    return [tables.isel(draw=0)], [tables.isel(draw=slice(1, None))], alike


def test_organisation_is_the_lowest_layers(words):
    experts_of, random, alike = words
    table = by_claim(emergence_effects.organization_effects(*words, "mine"))
    own = emergence.clustering_score(alike, experts_of[0]).mean("subfunction")
    assert table.loc["lowest-organised", "estimate"] == pytest.approx(own[0].item())
    assert table.loc["higher-not", "estimate"] == pytest.approx((own[0] - own[1]).item())
    assert (table.loc[["lowest-organised", "higher-not"], "low"] > 0).all()
    few = [experts_of[0].isel(subfunction=slice(8))], [random[0].isel(subfunction=slice(8))], alike
    assert np.isnan(by_claim(emergence_effects.organization_effects(*few, "mine"))["low"]).all()


def test_the_lowest_layer_is_the_one_that_is_early():
    shares = np.arange(1, 101) / 100
    rows = [
        {"partition": p, "layer": layer, "run": run, "share": s, "value": float(s >= at + run / 100 - 1e-9)}
        for p, layer, at in (("model", 1, 0.2), ("model", 3, 0.9), ("random", 1, 0.5))
        for run in range(3)
        for s in shares
    ]
    table = emergence_effects.organised_early(pd.DataFrame(rows), "mine")
    assert table["estimate"].item() == pytest.approx(0.29)


# What is printed


def test_printed_effects_are_those_of_the_tables():
    table = printed_effects.effects()
    assert not table.duplicated(["claim", "model"]).any()
    assert table[["low", "high"]].isna().all(axis=None)
    value = table.set_index(["claim", "model"])["estimate"]
    expected = {
        ("semantic-experts", "t5"): 0.338 - 0.252,  # Table 1
        ("task-experts", "switch"): 0.219 - 0.003,
        ("random-over-untrained", "t5"): (0.252 - 0.016 + 0.061 - 0.001 + 0.007 - 0.001) / 3,
        ("experts-over-untrained", "t5"): (0.338 - 0.016 + 0.214 - 0.001 + 0.120 - 0.001) / 3,
        ("degree-over-random", "switch"): (1.490 - 1.038 + 1.560 - 0.652 + 1.604 - 0.066) / 3,
        ("subfunctional-experts", "t5"): (0.030 + 0.038 + 0.039) / 3 - 0.001,  # Table 4
        ("within-over-across", "t5"): (0.057 + 0.095 + 0.082 - 0.019 - 0.014 - 0.044) / 3,  # Figure 1
        ("knowledge-task-shared", "switch"): 0.034 - 0.01,
        ("switch-only", "switch"): 74.45 - 73.23,  # Table 2
        ("switch-without", "switch"): 73.23 - 72.78,
        ("lowest-organised", "switch"): 0.6,
    }
    for key, number in expected.items():
        assert value[key] == pytest.approx(number, abs=1e-9), key
    # Table 5 above what experts in random order reach.
    by_chance = [expert_effects.expected_precision(16 * p, 16) for p in (0.338, 0.214, 0.120)]
    assert value["experts-predictive", "t5"] == pytest.approx((0.912 + 0.894 + 0.931 - sum(by_chance)) / 3)
    # Figure 2: 10 of 96 experts, and no guess is below one half.
    seen = published.figure2().query("panel == 'seen'").pivot_table("accuracy", "share", "order")
    lost = (seen["random"].iloc[0] - seen["MoE (4)"].loc[10 / 96]) / (seen["random"].iloc[0] - 0.5)
    assert value["perturbing-experts-guessing", "t5"] == pytest.approx(lost)
    # Figure 4: the text has about 15 % for experts and 75 % for neurons.
    assert value["experts-early", "t5"] == pytest.approx(0.35, abs=0.06)
    leads = [value[f"{f}-experts-before-neurons", "t5"] for f in ("semantic", "knowledge", "task")]
    assert np.mean(leads) == pytest.approx(0.6, abs=0.07)


def test_every_printed_effect_belongs_to_a_claim_and_supports_it():
    table = printed_effects.effects()
    assert set(table["claim"]) <= {claim.id for claim in ledger.read()}
    assert (table["estimate"] > 0).all()


def test_nothing_random_is_in_the_evidence(scored):
    """The same data give the same rows, or verdicts would flip from run to run."""
    for made in (lambda: effects.rises(scored), lambda: effects.shared(scored, 0.05)):
        pd.testing.assert_frame_equal(made(), made())
    options = {"share": 0.05, "alpha": 0.01, "partitions": 5, "draws": 5}
    one, other = (of_experts(scored, **options) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


def test_the_null_of_evidence_is_the_papers():
    """A count is called functional exactly where `experts.functional_experts` calls it so."""
    counted = counted_experts.Counted(*[np.zeros((1, 1, 8))] * 3, top=10, neurons=80)
    counts = np.arange(30)
    p = nulls.binomial(4, 10, 80, 10)[counts]
    np.testing.assert_array_equal(counted_experts.above_chance(counts, 4, counted, 0.01), p <= 0.01)
