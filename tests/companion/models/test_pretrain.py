"""A run is deterministic in its seed, and one that was stopped ends where it would have ended."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from places import TESTS
from safetensors.torch import load_file, save_file
from tiny_runs import NANO, SWITCH, train

from companion.models import attention_start, catalogue, model_folder
from companion.models.recipe import RECIPES, Recipe
from modularity import neurons


def weights(folder):
    return load_file(folder / "model.safetensors")


def equal(a, b) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def logged(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module", params=["t5", "switch"])
def recipe(request) -> Recipe:
    return NANO if request.param == "t5" else SWITCH


@pytest.fixture(scope="module")
def whole(tmp_path_factory, recipe):
    return train(recipe, tmp_path_factory.mktemp("whole"), save_every=5)


def test_a_stopped_run_ends_in_the_same_bits(whole, recipe, tmp_path):
    assert train(recipe, tmp_path, save_every=5, stop_after=8) == tmp_path
    assert not (tmp_path / "final").exists()
    final = train(recipe, tmp_path, save_every=5)  # goes on from step 5
    assert equal(weights(final), weights(whole))
    steps = [entry["step"] for entry in logged(tmp_path)]
    assert steps == sorted(set(steps))
    for step in recipe.checkpoints():
        assert equal(*(weights(f / "steps" / f"{step:08d}") for f in (tmp_path, whole.parent)))


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import tiny_runs
tiny_runs.train(tiny_runs.replace(tiny_runs.NANO, steps=24), Path(sys.argv[2]), save_every=1)
"""


@pytest.mark.slow
def test_a_run_killed_at_any_moment_ends_in_the_same_bits(tmp_path):
    """Killed, not asked: whatever it was writing stays half-written."""
    long = replace(NANO, steps=24)
    command = [sys.executable, "-c", SCRIPT, str(TESTS), str(tmp_path / "killed")]
    state = tmp_path / "killed/state.safetensors"
    for wait in (0.02, 0.1):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = state.stat().st_mtime_ns if state.exists() else 0
        while (not state.exists() or state.stat().st_mtime_ns == before) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "killed/final").exists()
    assert equal(weights(train(long, tmp_path / "killed")), weights(train(long, tmp_path / "whole")))


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path):
    """Each takes half of every batch, and their gradients are averaged: equal but for rounding."""
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.replace("steps=24", "steps=4"))
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    arguments = [str(script), str(TESTS), str(tmp_path / "two")]
    done = subprocess.run([*launch, *arguments], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = weights(train(replace(NANO, steps=4), tmp_path / "one")), weights(tmp_path / "two/final")
    start = weights(tmp_path / "one/steps/00000000")
    for name in one:
        moved = (one[name].float() - start[name].float()).abs().max()
        assert (one[name].float() - two[name].float()).abs().max() <= 0.25 * moved + 1e-3, name


def test_another_seed_ends_in_other_weights(whole, recipe, tmp_path):
    assert not equal(weights(train(replace(recipe, seed=1), tmp_path)), weights(whole))


def test_training_lowers_the_losses(recipe, tmp_path):
    train(replace(recipe, steps=100, warmup=10, batch=8), tmp_path)
    first, *_, last = logged(tmp_path)
    for key in ("loss", "task_loss") if recipe.tasks else ("loss",):
        assert last[key] < 0.8 * first[key]
    assert last["tokens_per_s"] > 0


def test_routers_are_logged_layer_by_layer(tmp_path):
    train(SWITCH, tmp_path)
    (entry,) = logged(tmp_path)
    assert len(entry["load"]) == len(entry["load_entropy"]) == len(entry["dropped"]) == 1
    assert sum(entry["load"][0]) == pytest.approx(1, abs=1e-3)
    assert 0 < entry["load_entropy"][0] <= 1
    assert entry["z_loss"] > 0


def test_every_checkpoint_and_the_end_load(whole, recipe):
    run = whole.parent
    assert catalogue.steps(run) == recipe.checkpoints()
    last = catalogue.load(str(run), step=recipe.steps)
    assert last.fingerprint == catalogue.load(str(whole)).fingerprint
    assert len(neurons.feed_forward(last)) == recipe.layers
    assert json.loads((whole / "recipe.json").read_text()) == asdict(recipe)
    first = catalogue.load(str(run), step=0).module.state_dict()
    for name, value in recipe.build(len(catalogue.tokenizer())).state_dict().items():
        assert torch.equal(first[name], value.to(torch.bfloat16).float())


def test_tied_weights_are_stored_once(whole, recipe):
    parameters = sum(p.numel() for p in recipe.build(len(catalogue.tokenizer())).parameters())
    assert (whole / "model.safetensors").stat().st_size == pytest.approx(2 * parameters, rel=0.2, abs=40_000)


def test_a_run_may_be_made_longer_before_its_decay_begins(tmp_path):
    train(NANO, tmp_path / "a", save_every=4, stop_after=4)
    longer = replace(NANO, steps=20)
    assert equal(weights(train(longer, tmp_path / "a")), weights(train(longer, tmp_path / "b")))


def test_a_state_of_another_recipe_is_refused(tmp_path):
    train(NANO, tmp_path, save_every=4, stop_after=4)
    with pytest.raises(ValueError, match=r"belongs to another run: \{'lr': \(0.03, 0.1\)\}"):
        train(replace(NANO, lr=0.1), tmp_path)


def test_a_damaged_state_is_named(tmp_path):
    train(NANO, tmp_path, save_every=4, stop_after=4)
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"state.safetensors is damaged .* delete it"):
        train(NANO, tmp_path)


def test_a_state_without_a_recipe_is_named(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "state.safetensors")
    with pytest.raises(ValueError, match=r"state.safetensors is damaged"):
        train(NANO, tmp_path)


def test_the_learning_rate_rises_stays_and_falls_to_zero():
    rates = [replace(NANO, steps=100, warmup=10).learning_rate(i) for i in range(101)]
    assert rates[0] == pytest.approx(0.003)
    assert rates[10:50] == [0.03] * 40
    assert rates[100] == 0


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_shipped_recipes_have_the_papers_number_of_checkpoints(name):
    steps = RECIPES[name].checkpoints()
    assert len(steps) == 41
    assert steps[0] == 0
    assert steps[-1] == RECIPES[name].steps
    gaps = np.diff(steps)
    assert (np.diff(gaps[1:15]) >= 0).all()  # early ones lie ever further apart
    assert gaps[-20:].max() - gaps[-20:].min() <= 1  # late ones evenly


def test_the_shipped_sizes_are_those_promised():
    t5, switch = RECIPES["t5-mini"], RECIPES["switch-mini"]
    assert t5.d_ff >= 512
    assert 4 <= t5.layers <= 6
    assert switch.experts == 16
    assert switch.experts * switch.d_ff >= 1024
    assert switch.tasks == 0
    assert t5.tasks > 0


def test_an_untrained_copy_with_prepared_attention_is_the_run_before_its_first_step(tmp_path):
    for recipe in (NANO, SWITCH):
        run = tmp_path / str(recipe.experts)
        train(recipe, run)
        begun = catalogue.load(str(run), step=0)
        copy = catalogue.load(str(run / "final"), untrained=True, seed=recipe.seed)
        ordinary = copy.module.encoder.block[0].layer[0].SelfAttention.o.weight.clone()
        attention_start.prepare_attention(copy.module)
        assert not torch.allclose(ordinary, copy.module.encoder.block[0].layer[0].SelfAttention.o.weight)
        for name, weight in copy.module.state_dict().items():
            torch.testing.assert_close(weight, begun.module.state_dict()[name], rtol=2**-8, atol=0)  # bfloat16


def test_the_start_attends_to_the_like():
    """From `prepare_attention`: a word's second occurrence draws attention to the first."""
    recipe = replace(RECIPES["t5-mini"], d_ff=16, layers=1)
    for prepared, expected in ((True, True), (False, False)):
        model = recipe.build(4196) if prepared else model_folder.fresh(recipe.config(4196), 0)
        ids = torch.tensor([[900, 1000, 1100, 1200, 900, 1300]])
        model.set_attn_implementation("eager")
        with torch.inference_mode():
            attention = model.get_encoder()(ids, output_attentions=True).attentions[0][0].mean(0)
        assert (attention[4].argmax().item() == 0) == expected
