"""The tables of Section 6 say what the curves they are made of say."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from toys import history_of, likeness

from companion.experiments import history_file
from companion.released import published
from companion.sections import emergence_figures as plots
from companion.sections import emergence_tables as report
from companion.sections import noise_figures, noise_tables, organization_figures, organization_tables
from modularity import effect_sizes, emergence, reliability

matplotlib.use("agg")
STEPS = tuple(range(0, 110, 10))


@pytest.fixture
def runs(rng):
    """Two runs with what halves add to a history."""
    return history_file.together([with_halves(rng, history_of(rng, STEPS, subfunctions=16)[0]) for _ in range(2)])


def with_halves(rng, history):
    names = history["subfunction"].to_numpy()[1:]
    pairs = [*reliability.PAIRS, "reliability"]
    shape = (len(pairs), len(reliability.LEVELS), len(names), history.sizes["step"])
    data = {
        "agreement": (("pair", "level", "halved", "step"), 0.5 + 0.1 * rng.random(shape)),
        "between_share": (("halved", "step"), 0.1 + 0.1 * rng.random(shape[2:])),
        "stability_rest": (("halved", "rest", "step"), rng.random((len(names), 1, shape[3]))),
    }
    functions = ("halved", history["function"].to_numpy()[1:])
    coordinates = {"pair": pairs, "level": list(reliability.LEVELS), "halved": names, "function_halved": functions}
    made = history.assign(xr.Dataset(data, coordinates)).assign_coords(rest=[7], kept=history["subfunction"][:2].data)
    return made


def test_the_curves_of_figure_4_are_means_over_layers(runs):
    curves = report.stabilization(runs)
    assert curves.dims == ("level", "run", "subfunction", "step")
    assert curves["step"].to_numpy().tolist() == list(STEPS[1:])
    expected = runs["stability"].mean("layer").sel(step=50)
    np.testing.assert_allclose(curves.sel(level="neuron", step=50), expected)
    by_run = report.by_run(curves).query("level == 'neuron' and function == 'task' and run == 1 and step == 50")
    task = (runs["function"] == "task").to_numpy()
    assert by_run["value"].item() == pytest.approx(expected[1, task].mean().item())
    assert by_run["share"].item() == 0.5


def steps_up(at):
    """Curves of three sub-functions in two runs that are above .9 from the step `at` on."""
    steps = np.array(STEPS[1:])
    values = np.broadcast_to(np.where(steps >= at, 0.95, 0.5), (2, 3, len(steps)))
    dims = ("run", "subfunction", "step")
    made = xr.DataArray(values, {"step": steps, "function": ("subfunction", ["task"] * 3)}, dims)
    return made.expand_dims(level=["expert"])


def test_where_a_curve_stabilises_is_a_share_of_the_run():
    row = report.stabilised(steps_up(30), draws=20).iloc[0]
    assert row[["first", "low", "high", "never"]].tolist() == [0.3, 0.3, 0.3, 0]
    row = report.stabilised(steps_up(999), draws=20).iloc[0]
    assert row[["first", "low", "high", "never"]].tolist() == [np.inf, np.inf, np.inf, 1]


def test_the_interval_spans_what_sub_functions_say():
    curves = steps_up(30).copy(deep=True)
    curves.data = curves.data.copy()
    curves[0, :, 0] = steps_up(80)[0, :, 0]  # one of three sub-functions settles late
    row = report.stabilised(curves, draws=400).iloc[0]
    assert row["low"] == 0.3  # not drawn at all
    assert row["first"] == row["high"] == 0.8


def test_the_papers_curves_cross_where_they_do():
    table = published.figure4()
    firsts = report.printed(table).set_index(["model", "function", "level"])["first"]
    assert firsts["t5", "semantic", "expert"] == pytest.approx(0.125, abs=1e-4)
    assert firsts["t5", "semantic", "neuron"] == pytest.approx(0.675, abs=1e-4)
    assert len(firsts) == 18
    assert (table.groupby(["model", "function", "level"]).size() == 40).all()


def test_all_layers_weigh_alike(runs):
    both = report.all_layers(runs)
    names = runs["halved"].to_numpy()
    inner = runs["stability"].sel(subfunction=names).mean("layer")
    expected = (2 * inner + runs["stability_rest"].sel(rest=7, drop=True).rename(halved="subfunction")) / 3
    np.testing.assert_allclose(
        both.sel(level="neuron, all layers"), expected.transpose("run", "subfunction", "step")[..., 1:]
    )
    assert report.all_layers(runs.drop_vars("stability_rest"))["level"].to_numpy().tolist() == ["neuron"]


def test_functional_experts_of_every_run_and_of_random_partitions(rng):
    runs = [history_of(rng)[0] for _ in range(2)]
    own, dealt = report.functional_by_step(runs, alpha=0.3), report.functional_by_step(runs, random=3, alpha=0.3)
    assert own.groupby(["kind", "function", "run"]).size().eq(3).all()
    assert set(own["partition"]) == {"model"}
    assert set(dealt["partition"]) == {"random"}
    groups = runs[1]["partition_of"].sel(partition="model", drop=True)
    expected = report.functional_experts(runs[1], groups, alpha=0.3)["proportion"]
    row = own.query("run == 1 and step == 20 and function == 'task' and kind == 'functional'")["proportion"].item()
    assert row == expected.sel(kind="functional", step=20, function="task").item()


def test_half_way_is_where_half_of_the_highest_is_reached():
    columns = {"share": [0, 0.25, 0.5, 1], "proportion": [0, 0.1, 0.2, 0.15]}
    table = pd.DataFrame(columns).assign(kind="functional", model="m", function="task")
    assert report.half_way(table).loc[("m", "task")].tolist() == [0.25, 0.15]
    other = table.assign(model="n", share=[0, 0.3, 0.6, 1])
    assert report.half_way(pd.concat([table, other])).loc[("n", "task")].tolist() == [0.3, 0.15]
    nothing = report.half_way(table.assign(proportion=0.0)).loc[("m", "task")]
    assert nothing.isna().tolist() == [True, False]


def test_averaging_neurons_at_random_does_not_make_them_stable(rng):
    """Neurons that move by half of their variance: groups of any size do the same."""
    history, _ = history_of(rng, STEPS, neurons=1024, number=8, top=10)
    values = rng.standard_normal((1024,))
    rows = []
    for _ in STEPS:
        values = np.sqrt(0.5) * values + np.sqrt(0.5) * rng.standard_normal(values.shape)
        rows.append(np.broadcast_to(values, (2, 2, 1024)))
    history["neurons"] = (("kept", "layer", "neuron", "step"), np.stack(rows, -1))
    history = history.assign_coords(kept=history["subfunction"][:2].to_numpy())
    table = noise_tables.by_group_size(history_file.together([history]), draws=20)
    np.testing.assert_allclose(table.drop(columns="experts"), np.sqrt(0.5), atol=0.1)


def test_noise_is_corrected_by_the_reliability_of_both_checkpoints(runs):
    table = noise_tables.noise(runs).query("function == 'task' and level == 'expert'").set_index(["pair", "step"])
    means = runs["agreement"].mean("run").sel(level="expert")
    means = means[:, (runs["function_halved"] == "task").to_numpy()].mean("halved")
    across = means.sel(pair="across", step=50).item()
    reliable = [means.sel(pair="reliability", step=step).item() for step in (40, 50)]
    assert table.loc[("across", 50), "value"] == pytest.approx(across)
    assert table.loc[("corrected", 50), "value"] == pytest.approx(across / np.sqrt(np.prod(reliable)))
    end = noise_tables.last(table.reset_index(), ["pair"])
    assert end.loc["task", "corrected"] == table.loc[("corrected", 100), "value"]


def test_parts_are_divided_by_their_own_spread(runs):
    table = noise_tables.parts(runs).query("function == 'task'").set_index(["level", "pair", "step"])["value"]
    chosen = (runs["function_halved"] == "task").to_numpy()
    share = runs["between_share"].mean("run")[chosen].mean("halved")
    whole = runs["agreement"].mean("run").sel(pair="whole", level="within")[chosen].mean("halved")
    spread = np.sqrt((1 - share.sel(step=40)) * (1 - share.sel(step=50))).item()
    assert table["within", "whole", 50] == pytest.approx(whole.sel(step=50).item() / spread)
    assert table["share", "whole", 50] == pytest.approx(share.sel(step=50).item())


def test_a_lead_is_the_mean_difference_with_an_interval(runs):
    table = noise_tables.leads(runs, draws=50)
    row = table.query("function == 'semantic' and comparison == 'expert − neuron' and pair == 'whole'").iloc[0]
    chosen = (runs["function_halved"] == "semantic").to_numpy()
    means = runs["agreement"].mean("run").sel(pair="whole")[:, chosen].mean("halved").sel(step=slice(20, None))
    expected = (means.sel(level="expert") - means.sel(level="neuron")).mean().item()
    assert row["difference"] == pytest.approx(expected)
    assert row["low"] <= row["difference"] <= row["high"]
    assert len(table) == 8


def test_organisation_is_told_from_both_kinds_of_chance(rng):
    """Sub-functions of a topic are alike and have their best neurons in the same expert; then anywhere."""
    topic = np.repeat(range(4), 4)
    alike = likeness(rng, 16) + 5.0 * (topic[:, None] == topic)
    groups = xr.DataArray(np.repeat(range(8), 20)[None], {"layer": [0]}, ("layer", "neuron"))
    inside = (groups.to_numpy()[0] // 2)[None] == topic[:, None]
    scores = xr.DataArray(
        rng.random((16, 1, 160)) + 0.5 * inside[:, None],
        {"subfunction": alike["subfunction"], "layer": [0], "function": ("subfunction", ["semantic"] * 16)},
        ("subfunction", "layer", "neuron"),
    )
    drawn = [groups.copy(data=rng.permuted(groups.to_numpy(), axis=1)) for _ in range(30)]
    random = xr.concat([effect_sizes.expert_predictivity(scores, g) for g in drawn], "draw", coords="minimal")
    random = random.assign_coords(draw=range(30))
    own = effect_sizes.expert_predictivity(scores, groups)
    row = organization_tables.organization([own], [random], alike, draws=200).loc[0]
    assert row["own"] > 0.2
    assert row["p (words)"] < 0.01
    assert row["p (partition)"] < 0.1
    assert row["own"] > row["random"] + 0.05
    row = organization_tables.organization([random.sel(draw=0, drop=True)], [random], alike, draws=200).loc[0]
    assert row["p (partition)"] > 0.1  # like sub-functions still share neurons, wherever they are
    assert row["p (words)"] < 0.05


def test_clustering_over_steps_is_that_of_each(runs, rng):
    names = runs["subfunction"].to_numpy()[(runs["function"] == "semantic").to_numpy()].tolist()
    alike = likeness(rng, len(names)).assign_coords(subfunction=names, other=names)
    table = organization_tables.clustering(runs, alike).set_index(["partition", "layer", "run", "step"])["value"]
    one = organization_tables.semantic_experts(runs).isel(run=1, layer=0, step=3).sel(partition="random")
    assert table["random", 0, 1, 30] == pytest.approx(emergence.clustering_score(alike, one).mean().item())
    band = organization_tables.clustering_chance(runs, alike, draws=20)
    assert (band["low"] < band["high"]).all()
    assert len(band) == 2 * len(STEPS)


def test_every_figure_is_drawn(runs, rng):
    losses = {"t5-mini": report.loss(runs), "switch-mini": report.loss(runs)}
    parts = [history_of(rng, STEPS)[0] for _ in range(2)]
    table = report.functional_by_step(parts, alpha=0.3).assign(function="semantic")
    both = pd.concat([table.assign(model=name) for name in losses])
    assert plots.modularity(both.query("kind == 'functional'"), losses).shape == (3, 4)
    scores = report.stabilization(runs)
    curves, settled = report.by_run(scores), report.stabilised(scores, 0.9)
    settled["first as printed"] = np.nan
    printed = published.figure4().query("model == 't5'")
    assert plots.stabilization(curves, losses["t5-mini"], printed, settled).shape == (4, 3)
    assert (
        plots.stabilization(curves, losses["t5-mini"], printed.head(0), settled)[0, 2].get_title() == "nothing printed"
    )
    assert noise_figures.noise(noise_tables.noise(runs)).shape == (3, 3)
    assert noise_figures.parts(noise_tables.parts(runs)).shape == (2, 3)
    schedules = report.stacked({"decaying": curves, "constant": curves}, "schedule")
    assert plots.schedules(schedules.query("level != 'random'")).shape == (2, 3)
    names = runs["subfunction"].to_numpy()[(runs["function"] == "semantic").to_numpy()].tolist()
    alike = likeness(rng, len(names)).assign_coords(subfunction=names, other=names)
    chance = organization_tables.clustering_chance(runs, alike, draws=20)
    axes = organization_figures.clustering(
        organization_tables.clustering(runs, alike), chance, losses["t5-mini"], "corpus"
    )
    assert "corpus" in axes[0, 0].get_title()
    matplotlib.pyplot.close("all")
