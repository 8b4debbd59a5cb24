"""A history holds what its checkpoints give, to the precision it says, and is resumed where it was."""

import hashlib
import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from places import ROOT
from scipy import stats
from tiny_runs import NANO, SWITCH, train

from companion import results
from companion.experiments import experiment, histories, history_file, stored_scores
from companion.experiments import halves as split
from companion.functions import followed
from companion.models import catalogue, pretrain
from companion.models.recipe import RECIPES
from modularity import capture, neurons, partition, predictivity, stored_file
from modularity.subfunction import SubFunction


@pytest.fixture(scope="module")
def subfunctions():
    texts = tuple(
        f"The {a} {b} sat on the {c}." for a in ("red", "old") for b in ("cat", "dog") for c in ("mat", "log")
    )
    labels = {"cat": "cat", "red": "red", "mat": "mat"}
    return [
        SubFunction(f"{function}-{word}", function, texts, np.array([int(word in t) for t in texts]))
        for function in ("semantic", "task")
        for word in labels
    ]


@pytest.fixture(scope="module", params=["t5", "switch"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    recipe = NANO if request.param == "t5" else SWITCH
    train(recipe, folder)
    return folder


@pytest.fixture(scope="module")
def made(run, subfunctions):
    return histories.compute(run, subfunctions, steps=[0, 3, 12], experts=4, top=1 / 32)


def test_it_holds_what_the_checkpoints_give(run, made, subfunctions):
    for step in (0, 12):
        scores = stored_scores.of_model(catalogue.load(str(run), step=step), subfunctions)
        now = made.sel(step=step)
        np.testing.assert_allclose(now["best"], scores.max("neuron"))
        np.testing.assert_allclose(now["neurons"], scores.sel(subfunction=now["kept"].to_numpy()))
        values, top = scores.to_numpy(), now["top"].to_numpy().astype(int)
        chosen = np.take_along_axis(values, top, axis=2)
        np.testing.assert_allclose(np.sort(values)[:, :, -top.shape[2] :].sum(2), chosen.sum(2))
        for kind in ("model", "random"):
            groups = made["partition_of"].sel(partition=kind, layer=made["layer"][0])
            expected = scores.isel(layer=0).groupby(groups.rename("expert").drop_vars(("partition", "layer"))).mean()
            found = now["experts"].sel(partition=kind).isel(layer=0)
            np.testing.assert_allclose(found, expected.transpose("subfunction", "expert"), atol=1e-6)


def test_stability_is_the_rank_correlation_with_the_checkpoint_before(run, made, subfunctions):
    now, before = (stored_scores.of_model(catalogue.load(str(run), step=step), subfunctions) for step in (12, 3))
    for subfunction in range(len(subfunctions)):
        for layer in range(now.sizes["layer"]):
            pair = (table.isel(subfunction=subfunction, layer=layer) for table in (now, before))
            expected = stats.spearmanr(*pair).statistic
            assert made["stability"].sel(step=12)[subfunction, layer].item() == pytest.approx(expected)
    np.testing.assert_allclose(made["stability"].sel(step=0), 1)


def test_halves_are_compared_as_they_are_at_two_checkpoints(run, made, subfunctions):
    halved = followed.every_other(subfunctions)
    assert made["halved"].to_numpy().tolist() == [s.name for s in halved]
    assert made["function_halved"].to_numpy().tolist() == [s.function for s in halved]
    before, now = (split.half_scores(capture.stream(catalogue.load(str(run), step=step), halved)) for step in (3, 12))
    found = made["agreement"].sel(step=12, level="neuron")
    pairs = {"whole": [(0, 0)], "same": [(1, 1), (2, 2)], "across": [(1, 2), (2, 1)]}
    for pair, halves in pairs.items():
        for i in range(len(halved)):
            rows = [
                stats.spearmanr(before[a, i, layer], now[b, i, layer]).statistic
                for a, b in halves
                for layer in range(now.sizes["layer"])
            ]
            assert found.sel(pair=pair)[i].item() == pytest.approx(np.mean(rows), abs=1e-6)
    reliable = [stats.spearmanr(now[1, 0, layer], now[2, 0, layer]).statistic for layer in range(now.sizes["layer"])]
    assert found.sel(pair="reliability")[0].item() == pytest.approx(np.mean(reliable), abs=1e-6)


def test_layers_without_experts_are_followed_too(run, made, subfunctions):
    last = catalogue.load(str(run), step=12)
    rest = sorted(set(neurons.feed_forward(last)) - set(made["layer"].to_numpy().tolist()))
    assert ("stability_rest" in made) == bool(rest)
    for layer in rest:
        pair = [
            stored_scores.of_model(
                catalogue.load(str(run), step=step), followed.every_other(subfunctions), layers=[layer]
            )[0, 0]
            for step in (3, 12)
        ]
        found = made["stability_rest"].sel(step=12, rest=layer)[0].item()
        assert found == pytest.approx(stats.spearmanr(*pair).statistic)


def test_the_models_own_experts_are_those_of_its_last_checkpoint(run, made):
    model = catalogue.load(str(run), step=12)
    for layer, part in neurons.layers(model).items():
        found = made["partition_of"].sel(partition="model", layer=layer)
        if part.experts > 1:
            expected = partition.by_router(part.neurons, part.experts)
        else:
            expected = partition.by_weights(part.input_weights.numpy(), 4)
        np.testing.assert_array_equal(found, expected)


def test_the_file_keeps_its_precision(made, tmp_path):
    path = tmp_path / "history.zarr.zip"
    stored_file.write(path, made, {"model": "x"}, history_file.encoding(made))
    back = stored_file.read_dataset(path)
    for name in ("top", "partition_of", "loss"):
        xr.testing.assert_identical(back[name].drop_attrs(), made[name].drop_attrs())
    for name, (step, _) in history_file.STEPS.items():
        if name not in made:
            continue  # of a Switch only
        assert np.abs(back[name] - made[name]).max() <= step / 2 + 1e-6
        assert np.abs(back[name] - made[name]).max() > 0 or name == "best"


def test_a_stopped_history_does_not_compute_again(run, subfunctions, monkeypatch):
    histories.compute(run, subfunctions, steps=[0, 3], experts=4, top=1 / 32)

    def again(*_arguments, **_options):
        raise AssertionError("computed again")

    monkeypatch.setattr(predictivity, "scores", again)
    monkeypatch.setattr(split, "half_scores", again)
    histories.compute(run, subfunctions, steps=[0, 3], experts=4, top=1 / 32)


@pytest.fixture
def named(run, tmp_path, monkeypatch):
    """The run as one of ``runs/``, that of seed 2 of a model ``nano``; its file is not among this repository's."""
    (tmp_path / "runs/nano").mkdir(parents=True)
    (tmp_path / "runs/nano/seed-2").symlink_to(run)
    monkeypatch.setenv("MODULARITY_RUNS", str(tmp_path / "runs"))
    return histories.History("nano", 2, steps=(0, 3, 12), experts=4, top=1 / 32, folder=str(tmp_path))


def test_a_run_becomes_the_file_of_its_name(named, run, made, subfunctions, tmp_path):
    known = {named.name: replace(named, subfunctions=tuple(subfunctions))}
    assert results.main(["nano-2", "--workers", "1"], known) == 0
    file = stored_file.read_dataset(tmp_path / "nano-2.zarr.zip")
    for name, table in made.data_vars.items():
        np.testing.assert_allclose(file[name], table, atol=history_file.STEPS.get(str(name), (0, 0))[0] / 2 + 1e-6)
    key = stored_file.provenance(file)["key"]
    weights = hashlib.sha256((run / "steps/00000012/model.safetensors").read_bytes()).hexdigest()
    assert (key["experiment"], key["run"], key["seed"], key["model"]) == ("nano-2", "nano", 2, weights)


def test_a_lean_history_is_that_of_every_other_subfunction(named, made, subfunctions):
    lean, _ = experiment.compute(replace(named, subfunctions=tuple(subfunctions), lean=True), workers=1)
    kept = [s.name for s in followed.every_other(subfunctions)]
    assert lean["subfunction"].to_numpy().tolist() == lean["halved"].to_numpy().tolist() == kept
    assert set(made.data_vars) - set(lean.data_vars) == {"top", "neurons"}
    for name in lean.data_vars:
        np.testing.assert_array_equal(
            lean[name], made[name].sel(subfunction=kept) if "subfunction" in lean[name].dims else made[name]
        )


def test_missing_ones_are_named(run, tmp_path, subfunctions):
    with pytest.raises(ValueError, match="no shipped history of t5-mini, seed 77; there are"):
        history_file.load("t5-mini", seed=77)
    with pytest.raises(FileNotFoundError, match="has no checkpoints"):
        histories.compute(tmp_path, subfunctions)
    shutil.copytree(run, tmp_path / "copy")
    with pytest.raises(FileNotFoundError, match="no checkpoint of step 999"):
        histories.compute(tmp_path / "copy", subfunctions, steps=[0, 999])
    shutil.rmtree(tmp_path / "copy" / "steps" / "00000003")
    with pytest.raises(ValueError, match="the history lacks step 3 of"):
        histories.compute(tmp_path / "copy", subfunctions)
    with pytest.raises(ValueError, match="expected at least 2 to compare"):
        histories.compute(run, subfunctions, steps=[0])


@pytest.mark.parametrize("name", histories.SHIPPED)
def test_shipped_histories_are_what_their_models_give(name):
    one = histories.SHIPPED[name]
    shipped = experiment.load(one)
    assert shipped["subfunction"].to_numpy().tolist() == [s.name for s in one.chosen()[0]]
    probes = one.probes(shipped)
    steps = sorted({step for step, _ in probes})
    assert steps == ([0] if one.lean else [0, 7000])
    chosen = [probe for step in steps for probe in [p for p in probes if p[0] == step][-1:]]
    said = experiment.recheck(one, shipped, chosen, cells=len(chosen))
    assert (said.cells, said.missing) == (len(steps), ())


def test_a_wrong_history_is_found():
    one = histories.SHIPPED["switch-mini-1"]
    shipped = experiment.load(one)
    probe = one.probes(shipped)[0]
    for name in ("experts", "best"):
        assert 0.009 < one.again(shipped.assign({name: shipped[name] + 0.01}), probe) < 0.011
        assert np.isnan(one.again(shipped.assign({name: shipped[name].where(shipped["layer"] > 1)}), probe))
    with pytest.raises(ValueError, match=f"switch-mini-1 for 0, {probe[1]} is 0.01"):
        experiment.recheck(one, shipped.assign(best=shipped["best"] + 0.01), [probe])
    gone = shipped.assign_coords(subfunction=[f"{s}?" for s in shipped["subfunction"].to_numpy()])
    assert np.isnan(one.again(gone, one.probes(gone)[0]))


@pytest.mark.parametrize(("name", "step"), [("t5-mini-0", 12), ("t5-mini-constant-0", 4900)])
def test_checkpoints_that_are_not_shipped_are_named(name, step):
    one = histories.SHIPPED[name]
    shipped = experiment.load(one)
    with pytest.raises(
        experiment.UnavailableError, match=f"step {step} of {name} is not shipped; `make pretrain-{name}`"
    ):
        one.again(shipped, (step, str(shipped["subfunction"][0].item())))


def test_the_constant_rate_is_followed_as_it_is_shipped():
    one, shipped = histories.SHIPPED["t5-mini-constant-0"], history_file.load("t5-mini-constant")
    assert shipped["step"].to_numpy().tolist() == list(one.steps)
    assert shipped["subfunction"].to_numpy().tolist() == shipped["halved"].to_numpy().tolist()
    assert not {"kept", "rank"} & set(shipped.dims)


@pytest.mark.parametrize("name", histories.SHIPPED)
def test_every_history_has_the_target_that_its_errors_name(name):
    run = subprocess.run(["make", "-n", f"pretrain-{name}"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"-m companion.results {name}\n" in run.stdout


def test_what_is_no_number_stays_none(tmp_path):
    shipped = history_file.load("t5-mini-constant").drop_attrs()
    shipped = shipped.assign(agreement=shipped["agreement"].where(shipped["step"] > 0))
    for variable in shipped.variables.values():
        variable.encoding = {}
    stored_file.write(tmp_path / "history", shipped, {}, history_file.encoding(shipped))
    xr.testing.assert_identical(stored_file.read_dataset(tmp_path / "history").drop_attrs(), shipped)


@pytest.mark.slow
def test_a_shipped_checkpoint_is_that_of_its_recipe(tmp_path):
    """Train the shipped recipe anew to its first checkpoint: other processors round otherwise, so not bit for bit, but
    what is off is little beside the precision that is shipped and what was learned, and no other checkpoint is as near.
    """
    shipped = history_file.load("t5-mini")
    step = RECIPES["t5-mini"].checkpoints()[1]
    pretrain.pretrain(RECIPES["t5-mini"], tmp_path, stop_after=step)
    kept = shipped["kept"].to_numpy()
    chosen = [s for s in followed.subfunctions() if s.name in kept]
    scores = stored_scores.of_model(catalogue.load(str(tmp_path), step=step), chosen).sel(subfunction=kept)
    best = shipped["best"].sel(subfunction=kept)
    neurons = shipped["neurons"].rename(kept="subfunction")
    for name, then, now in (("best", best, scores.max("neuron")), ("neurons", neurons, scores)):
        off = np.abs(then - now).mean(now.dims)
        moved = float(np.abs(then.sel(step=step) - then.isel(step=0)).mean())
        precision, _ = history_file.STEPS[name]
        assert off.sel(step=step) < precision / 4 + moved / 4  # rounding is off by a quarter of its step on average
        assert off.idxmin("step") == step
    np.testing.assert_allclose(scores.max("neuron"), best.sel(step=step).transpose("subfunction", "layer"), atol=0.002)


def test_the_followed_subfunctions_are_those_of_the_shipped_histories():
    """Sentences and labels included: pinned when the balanced triples still were the knowledge function."""
    made = hashlib.sha256()
    for s in followed.subfunctions():
        made.update(json.dumps([s.name, s.function, list(s.sentences), s.labels.tolist()], ensure_ascii=False).encode())
    assert made.hexdigest() == "ffc035f6e08eafb669b862ad9ce5e3c9ec6a3c99e22f91a73b3ae173c9828c8d"
    shipped = history_file.load()
    pairs = [(s.name, s.function) for s in followed.subfunctions()]
    assert pairs == list(zip(shipped["subfunction"].to_numpy(), shipped["function"].to_numpy(), strict=True))


def test_routers_are_read_layer_by_layer():
    rows = [
        {"step": 50, "loss": 8.0},
        {"step": 100, "load_entropy": [0.9, 0.8], "dropped": [0.0, 0.1], "load": [[0.5, 0.5], [0.25, 0.75]]},
    ]
    over_time, last = history_file.routers(pd.DataFrame(rows), (1, 3))
    assert over_time.query("layer == 3")[["step", "entropy", "dropped"]].to_numpy().tolist() == [[100, 0.8, 0.1]]
    assert last.query("layer == 3").set_index("expert")["share"].to_dict() == {0: 0.25, 1: 0.75}


@pytest.mark.parametrize("name", catalogue.MINI)
def test_shipped_histories_are_whole(name):
    for seed in catalogue.seeds(name):
        made = history_file.load(name, seed=seed)
        assert made.sizes["step"] == 41
        assert (np.diff(made["step"]) > 0).all()
        assert made["best"].min() > 0.4
        assert (made["loss"].isnull() == (made["step"] < 50)).all()  # the log has every fiftieth step
        assert history_file.log(name, seed=seed)["step"].max() == made["step"].max()
