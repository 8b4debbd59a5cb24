"""What the authors' files say: every printed number, and further questions whose answers are known by construction."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from scipy import stats

from companion import results
from companion.claims import released_answers, released_effects
from companion.claims.released_answers import Released
from companion.experiments import experiment
from companion.functions import prompts
from companion.released import __main__ as released
from companion.released import published, recomputed, release, release_files
from companion.released.release_files import CHECKPOINTS, LAYERS, NEURONS, Release
from companion.sections import (
    intervals,
    released_audit,
    released_figures,
    released_partitions,
    released_stabilization,
    released_tables,
)
from modularity import stored_file


def layers(values) -> xr.DataArray:
    return xr.DataArray(np.atleast_2d(values), {"layer": range(len(np.atleast_2d(values)))}, ("layer", "neuron"))


@pytest.fixture(scope="session")
def anew(tmp_path_factory):
    """A folder as the authors' scripts write it, with other numbers."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("anew")

    def save(name, value):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        torch.save(value, folder / name)

    keys = [f"encoder.block.{i}.layer.1.DenseReluDense.wi.weight" for i in range(LAYERS)]
    for name, number in (("MoEfication/T5.bin", 16), ("Perturbation4T5/t5_encoder_cluster_96_weight.bin", 96)):
        save(name, {key: rng.permutation(NEURONS).astype(np.int32) % number for key in keys})
    for i in range(LAYERS):
        save(f"Perturbation4T5/average_predictivity/{i}.bin", rng.normal(4.8, 0.1, NEURONS))
    save("Perturbation4T5/t5_96_task_expert.bin", [[np.float64(150.0)] * 96] * LAYERS)
    kinds = [("random", "sst2"), ("ap_avg", "sst2"), ("moe", "sst2"), *(("ap", task) for task in prompts.SEEN)]
    runs = [(how, by, n, r) for how, by in kinds for n in (2, 4, 10) for r in range(5)] + [("random", "sst2", 0, 0)]
    lines = [
        f"{task} {how} {number} {repeat} 4.0 {by} {0.9 - number / 100 - repeat / 1000}"
        for task in (*prompts.SEEN, *prompts.UNSEEN, "rte")
        for how, by, number, repeat in runs
    ]
    lines.append("sst2 moe 4 0 4.0 sst2 0.5")  # run twice
    (folder / "Perturbation4T5/results.txt").write_text("\n".join(lines) + "\n")
    for task in release_files.TASKS:
        for part in release_files.STRATEGIES:
            for seed in range(8):
                name = f"Perturbation4SwitchTransformer/save/{task}_128training/{part}"
                curve = np.maximum.accumulate(rng.uniform(0.5, 0.8, 100) + 0.05 * (part == "Function"))
                save(f"{name}/validation_{seed}.bin", curve.tolist())
                (folder / name / f"result_{seed}.txt").write_text(f"accuracy = {curve[-1]}\nepoch = 1")
    for model in release_files.MODELS:
        for kind in release_files.LEVELS:
            for function in ("semantic", "knowledge", "task"):
                for layer in range(LAYERS):
                    late = kind == "neuron" and layer % 2 == 0
                    curve = np.linspace(0, 1, CHECKPOINTS) ** (8 if late else 0.1)
                    save(f"Stabilization/Spearman/{model}/{kind}/{function}/{layer}.bin", torch.tensor(curve).float())
    return folder


@pytest.fixture(scope="session")
def files(anew) -> Release:
    return release_files.read(anew, verify=False)


def test_every_printed_number_comes_out_of_the_authors_files(authors, capsys):
    assert released.main([str(authors)]) == 0
    out = capsys.readouterr().out
    assert "all 823 printed numbers agree within rounding" in out
    assert "Figure 4, switch, task" in out


def test_what_is_shipped_is_what_the_files_give(authors):
    made, origin = released_answers.obtain(str(authors))
    assert origin.startswith("computed now")
    kept, _ = released_answers.shipped()
    assert set(made) == set(kept)  # obtain compared the values
    moved = {**made, "variance": made["variance"].assign(icc=0.5)}
    with pytest.raises(ValueError, match=r"the shipped table 'variance' is 0.\d+ off from what .*ONLY=released"):
        released_answers.compare(moved, kept, 1e-6)


def test_the_shipped_tables_are_rechecked(authors, monkeypatch):
    monkeypatch.setenv(release.ENVIRONMENT, str(authors))
    usual, (file, said) = Released(), experiment.obtain(Released(), cells=2)
    assert str(said).startswith("released: shipped and rechecked (2 cells, largest difference ")
    wrong = file.assign({"refinement.purity": file["refinement.purity"] + 1e-5})
    with pytest.raises(ValueError, match="shipped in released for refinement is 1e-05 off"):
        experiment.recheck(usual, wrong, [("refinement",)])
    monkeypatch.delenv(release.ENVIRONMENT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(authors / "nowhere"))
    said = experiment.recheck(usual, file, usual.probes(file))
    assert str(said).startswith("released: shipped, not rechecked; not rechecked here: MODULARITY_RELEASED names no")
    with pytest.raises(experiment.UnavailableError, match="--fetch` downloads them"):
        usual.cells()


def test_a_file_of_tables_is_made_from_the_files(anew, files, tmp_path, monkeypatch, capsys):
    """Of numbers, words and truths exactly, missing ones too; columns in their order."""
    monkeypatch.setattr(released_answers, "read", lambda folder: files)
    one = Released(3, str(anew), folder=str(tmp_path))
    known = {"released": one}
    assert (
        results.main(["released", "--workers", "1"], known) == 2
    )  # what is printed and not in these files has no words
    assert "error: the column 'item' of recomputed lacks words" in capsys.readouterr().err
    monkeypatch.delitem(released_answers.TABLES, "recomputed")
    assert results.main(["released", "--workers", "1"], known) == 0
    file = stored_file.read_dataset(tmp_path / "released.zarr.zip")
    for name, table in released_answers.TABLES.items():
        expected = table(files, 3)
        pd.testing.assert_frame_equal(released_answers.as_table(name, file), expected, check_exact=True)
        assert one.again(file, (name,)) == 0
    key = stored_file.provenance(file)["key"]
    assert (key["commit"], key["seed"]) == (release.COMMIT, 3)


def test_how_far_tables_are_apart_by_hand():
    table = pd.DataFrame({"word": ["a", "b"], "large": [1000.0, np.nan], "small": [0.5, 0.25], "count": [2, 3]})

    def moved(**columns):
        return released_answers.apart(table, table.assign(**columns))

    assert moved() == 0
    assert moved(small=[0.5, 0.35]) == pytest.approx(0.1)
    assert moved(large=[1001.0, np.nan]) == pytest.approx(0.001)  # relative
    assert moved(count=[2, 4], small=[0.5, 0.35]) == pytest.approx(1 / 3)
    assert np.isnan(moved(large=[1000.0, 1.0]))
    assert np.isnan(moved(word=["a", "c"]))
    assert np.isnan(moved(count=["2", "3"]))
    for other in (table[:1], table.drop(columns="count"), table[["small", "large", "word", "count"]], pd.DataFrame()):
        assert np.isnan(released_answers.apart(table, other))


def test_without_files_the_shipped_tables_are_read(monkeypatch):
    monkeypatch.setattr(release, "find", lambda named: None)
    tables, origin = released_answers.obtain()
    assert origin.startswith("shipped with this book")
    assert tables["recomputed"]["agrees"].all()


def test_other_numbers_disagree_and_end_non_zero(anew, capsys):
    assert released.main([str(anew), "--unverified"]) == 1
    assert "numbers disagree beyond rounding" in capsys.readouterr().out


def test_other_bytes_are_an_error(anew, capsys):
    assert released.main([str(anew)]) == 2
    assert "is altered or cut short" in capsys.readouterr().err


def test_a_wrong_folder_is_an_error(tmp_path, capsys, monkeypatch):
    assert released.main([str(tmp_path)]) == 2
    assert "none of the" in capsys.readouterr().err
    monkeypatch.setattr(release, "find", lambda named: None)
    assert released.main([]) == 2
    assert "no folder given: name one" in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["nothing", "difference", "missing"])
def test_a_difference_beyond_rounding_is_seen(files, broken):
    """Runs that have the printed accuracies agree with Figure 2; one that is off, or not there, is the one found."""
    panels = {"seen": prompts.SEEN, "unseen": prompts.UNSEEN}
    runs = [
        (task, row.order, round(row.share * 96), 0, row.accuracy)
        for row in published.figure2().itertuples()
        for task in panels[row.panel]
    ]
    perturbed = pd.DataFrame(runs, columns=["task", "order", "number", "repeat", "accuracy"])
    at = (perturbed["order"] == "MoE (4)") & (perturbed["number"] == 6) & perturbed["task"].isin(panels["seen"])
    if broken == "difference":
        perturbed.loc[at, "accuracy"] += 1.1 * 5e-11
    elif broken == "missing":
        perturbed = perturbed[~at]
    table = recomputed.recomputed(replace(files, perturbed=perturbed))
    off = table[table["where"].str.startswith("Figure 2") & ~table["agrees"]]
    assert off["where"].tolist() == ([] if broken == "nothing" else ["Figure 2, seen"])
    assert table["agrees"].sum() >= 57


def swap(folder, tmp_path, name, body):
    """The folder with one file replaced."""
    copy = tmp_path / "copy"
    for file in folder.rglob("*"):
        if file.is_file():
            (copy / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            (copy / file.relative_to(folder)).symlink_to(file)
    (copy / name).unlink()
    if isinstance(body, str):
        (copy / name).write_text(body)
    else:
        torch.save(body, copy / name)
    return copy


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("MoEfication/T5.bin", {"a": 1}, "holds no partition of the 12 encoder layers"),
        ("Perturbation4T5/average_predictivity/3.bin", np.zeros(7), r"holds float64 of shape \(7,\), expected 3072"),
        ("Perturbation4T5/average_predictivity/3.bin", np.full(NEURONS, np.nan), "holds numbers outside"),
        ("Perturbation4T5/results.txt", "sst2 ap 2\n", "results.txt"),
        ("Perturbation4T5/results.txt", "sst2 magic 2 0 4.0 sst2 0.9\n", r"results.txt:1 is no run of a known order"),
        ("Perturbation4SwitchTransformer/save/rte_128training/Function/result_0.txt", "?", "begin with an accuracy"),
        ("Perturbation4SwitchTransformer/save/rte_128training/Function/validation_0.bin", [], "expected a row"),
        ("Stabilization/Spearman/T5_step/expert/task/0.bin", torch.full((40,), 2.0), "outside -1 to 1"),
    ],
)
def test_a_file_that_holds_something_else_is_named(anew, tmp_path, name, body, message):
    with pytest.raises(ValueError, match=message):
        release_files.read(swap(anew, tmp_path, name, body), verify=False)


def test_experts_of_unequal_size_are_named(anew, tmp_path):
    rows = {f"encoder.block.{i}.layer.1.DenseReluDense.wi.weight": np.zeros(NEURONS, np.int32) for i in range(LAYERS)}
    with pytest.raises(ValueError, match="expected 16 of equal size"):
        release_files.read(swap(anew, tmp_path, "MoEfication/T5.bin", rows), verify=False)


def test_variance_is_that_of_an_analysis_of_variance():
    rng = np.random.default_rng(1)
    groups = rng.permutation(96) % 6
    planted = rng.normal(size=96) + groups
    table = released_partitions.variance_explained(layers([planted, rng.normal(size=96)]), layers([groups] * 2))
    one_way = stats.f_oneway(*[planted[groups == g] for g in range(6)])
    assert table["F"][0] == pytest.approx(one_way.statistic)
    assert table["p"][0] == pytest.approx(1 / 2001)
    assert table["p"][1] > 0.01
    assert table["share"][0] == pytest.approx(
        1 - (planted - [planted[groups == g].mean() for g in groups]).var() / planted.var()
    )
    assert (table["low"] < table["icc"]).all()
    assert (table["icc"] < table["high"]).all()


def test_p_of_nothing_is_uniform():
    rng = np.random.default_rng(2)
    values, groups = rng.exponential(size=(200, 48)), np.tile(np.arange(48) % 4, (200, 1))
    p = released_partitions.variance_explained(layers(values), layers(groups), draws=199)["p"]
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_a_refinement_is_told_from_chance():
    rng = np.random.default_rng(3)
    fine = rng.permutation(960) % 48
    table = released_partitions.refinement(layers([fine, fine]), layers([fine // 6, rng.permutation(960) % 8]))
    assert table["whole"].tolist() == [48, 0]
    assert table["purity"][0] == 1
    assert table["p"][0] == pytest.approx(1 / 201)
    assert table["p"][1] > 0.01
    assert abs(table["purity"][1] - table["purity by chance"][1]) < 0.03


def test_what_was_run_twice_counts_once(files):
    table = released_tables.all_numbers(files).set_index(["panel", "order", "number"])
    others = [0.9 - 0.04 - r / 1000 for r in range(5)]
    sst2 = np.mean([(others[0] + 0.5) / 2, *others[1:]])
    assert table.loc[("seen", "MoE (4)", 4), "accuracy"] == pytest.approx((3 * np.mean(others) + sst2) / 4)
    assert table.loc[("rte", "MoE (4)", 4), "tasks"] == 1
    assert bool(table.loc[("seen", "MoE (4)", 2), "printed"])
    assert not table.loc[("seen", "MoE (4)", 4), "printed"]


def test_orders_are_compared_at_the_same_number(files):
    table = released_tables.against(files).query("panel == 'unseen'").set_index(["against", "number"])
    assert table.loc[("random", 4), "difference"] == pytest.approx(0)
    assert table.loc[("random", 4), "low"] < 0 < table.loc[("random", 4), "high"]


def test_strategies_are_paired_by_seed(files):
    table = released_tables.paired(files).set_index(["evaluations", "pair", "task"])
    row = table.loc[(1.0, "Function − Original", "avg")]
    assert 4 < row["difference"] < 6
    assert row["p"] == pytest.approx(2 / 256)
    assert (
        table.loc[(1.0, "Function − Original", "rte"), "p (Holm)"]
        >= table.loc[(1.0, "Function − Original", "rte"), "p"]
    )
    assert np.isnan(row["p (Holm)"])


def test_the_first_tenth_sees_fewer_evaluations(files):
    whole, first = (released_tables.accuracies(files, part) for part in (1.0, 0.1))
    assert (first <= whole).all()
    assert (first < whole).any()


def test_holm_by_hand():
    found = released_tables.holm(pd.Series([0.04, 0.01, 0.03], index=list("abc")))
    assert found.round(10).to_dict() == {"a": 0.06, "b": 0.03, "c": 0.06}


def test_the_layers_decide_when_neurons_settle(files):
    table = released_stabilization.stabilised(files, draws=50).set_index(["model", "function", "level"])["first"]
    assert table["switch", "task", "neuron, expert layers"] == table["switch", "task", "expert"]
    assert table["switch", "task", "neuron"] > table["switch", "task", "expert"]
    assert table["switch", "task", "neuron − expert"] == 0
    assert table["t5", "task", "neuron"] == table["t5", "task", "neuron, expert layers"]
    curves = released_stabilization.curves(files).query("model == 'switch' and function == 'task' and share == 0.5")
    levels = curves.set_index("level")["value"]
    assert levels["neuron, expert layers"] == pytest.approx(levels["expert"])


def test_the_audit_counts_what_is_there(files):
    rows = released_audit.rows(files)
    assert rows["d13_twice"] == 1
    assert rows["d13_moved"] == pytest.approx(100 * (0.86 - 0.5) / (4 * 5))
    assert rows["d19_rising"] == 1
    assert rows["d9_off"] > 1  # the stored sums are no sums here
    assert rows["d25_same"] < rows["d25_all"]


def test_the_audit_of_the_authors_files(authors):
    rows = released_audit.rows(release_files.read(authors))
    assert rows["d9_off"] < 1e-9
    assert 0.5 < rows["d9_eighth"] < 1 < rows["d9_quarter"]  # no predictivity is above one, so eight were summed
    assert rows["d11_thousandths"] == rows["d11_cb"] == 1


def test_evidence_of_a_planted_effect(files):
    table = released_effects.released_table(files).set_index(["claim", "model"])
    only = table.loc[("switch-only", released_effects.SWITCH)]
    assert 0 < only["low"] < only["estimate"] < only["high"]
    early = table.loc[("task-experts-before-neurons", released_effects.TRAINED["switch"])]
    assert early["low"] == early["estimate"] == early["high"] == 0  # in layers with experts both rise alike


def test_repeats_of_the_noise_do_not_make_a_claim_surer(files):
    """Intervals are over data sets: twice as many repeats that say the same say nothing about other data sets."""
    places = files.perturbed["task"].astype("category").cat.codes * (files.perturbed["order"] == "MoE (4)")
    once = files.perturbed.assign(accuracy=files.perturbed["accuracy"] - 0.01 * places)  # data sets differ
    twice = pd.concat([once, once[once["number"] > 0].assign(repeat=once["repeat"] + 5)])
    one, other = (released_effects.perturbed(replace(files, perturbed=runs)) for runs in (once, twice))
    pd.testing.assert_frame_equal(one, other)
    assert (one["high"] - one["low"]).iloc[:4].min() > 0.01


def test_the_interval_over_data_sets_by_hand():
    # Seen: mean 3, variance 2 of two; unseen: mean 6, variance 8 of two. Mean 4.5; its variance is
    # (2/4)² · 2/2 + (2/4)² · 8/2 = 0.25 + 1, with 1.25² / (0.25² + 1²) degrees of freedom.
    values = pd.Series({"sst2": 2.0, "qqp": 4.0, "mnli": 4.0, "cb": 8.0})
    reach = stats.t.ppf(0.975, 1.25**2 / (0.25**2 + 1)) * 1.25**0.5
    assert released_effects.over_panels(values) == pytest.approx((4.5, 4.5 - reach, 4.5 + reach))
    one = values[["sst2", "qqp"]]
    assert released_effects.over_panels(one) == pytest.approx(intervals.student(one.to_numpy()))
    with pytest.raises(ValueError, match="data sets sst2, qqp, cb, expected at least two of each panel"):
        released_effects.over_panels(values[["sst2", "qqp", "cb"]])


def test_no_interval_over_data_sets_has_experts_above_neurons_in_the_authors_files(authors):
    files = release_files.read(authors)
    rows = released_tables.against(files).query("against == 'Avg (4)' and panel in ('seen', 'unseen')")
    rows = rows[rows["number"].between(6, 14)]
    assert len(rows) == 10
    assert ((rows["low tasks"] < 0) & (rows["high tasks"] > 0)).all()
    table = released_effects.perturbed(files).set_index("claim").loc["experts-over-neurons"]
    assert table["low"] < 0 < table["estimate"]
    one_by_one = released_effects.by_task(files).query("claim == 'experts-over-neurons'")["effect"]
    assert one_by_one.mean() == pytest.approx(table["estimate"])


def test_evidence_of_the_authors_files_is_what_the_figure_shows(authors):
    files = release_files.read(authors)
    table = released_effects.perturbed(files).set_index("claim")
    shown = recomputed.figure2(files).set_index(["panel", "order", "number"])["accuracy"]
    plain, ten = shown["seen", "random", 0], shown["seen", "MoE (4)", 10]
    assert table.loc["perturbing-experts-guessing", "estimate"] == pytest.approx((plain - ten) / (plain - 0.5))
    seen = [shown["seen", "random", n] - shown["seen", "MoE (4)", n] for n in (6, 8, 10, 12, 14, 16, 18, 20)]
    # The panel's mean of 14 counts a key that was run twice twice, the evidence once.
    assert table.loc["experts-over-random", "estimate"] == pytest.approx(100 * np.mean(seen), abs=0.2)


def test_every_figure_is_drawn_from_the_shipped_tables():
    tables, _ = released_answers.shipped()
    shown = tables["perturbed"].query("order == 'MoE (4)'")[["panel", "number", "printed"]]
    others = tables["against"].query("panel in ('seen', 'unseen') and against != 'plain'").merge(shown)
    drawn = [
        released_figures.perturbed(tables["perturbed"], released_tables.guessing()),
        released_figures.against(others),
        released_figures.variance(tables["variance"].assign(model="T5-base")),
        released_figures.stabilization(tables["curves"]),
    ]
    for axes in drawn:
        assert all(ax.has_data() for ax in np.ravel(axes))
    hollow = [line for line in drawn[0][0].lines if line.get_markerfacecolor() == "white"]
    assert {x for line in hollow for x in line.get_xdata()} >= {4, 8, 14}
