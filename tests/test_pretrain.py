"""A run is deterministic in its seed, and one that was stopped ends where it would have ended."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from modularity import models, pretrain

NANO = pretrain.Recipe(
    steps=12, batch=4, length=24, warmup=2, decay=0.5, lr=0.03, d_model=16, d_ff=32, layers=2, decoder_layers=1, heads=2
)
DOCS = [
    [f"The {a} {b} sat on the {c}.", f"A {c} is no {a}."]
    for a in ("red", "old", "wet")
    for b in ("cat", "dog", "hen")
    for c in ("mat", "hat", "log", "bog")
]


def weights(folder):
    return load_file(folder / "model.safetensors")


def equal(a, b) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return pretrain.pretrain(NANO, tmp_path_factory.mktemp("whole"), DOCS, save_every=5)


def test_a_stopped_run_ends_in_the_same_bits(whole, tmp_path):
    assert pretrain.pretrain(NANO, tmp_path, DOCS, save_every=5, stop_after=8) == tmp_path
    assert not (tmp_path / "final").exists()
    final = pretrain.pretrain(NANO, tmp_path, DOCS, save_every=5)  # goes on from step 5
    assert equal(weights(final), weights(whole))
    steps = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))


def test_another_seed_ends_in_other_weights(whole, tmp_path):
    other = pretrain.pretrain(replace(NANO, seed=1), tmp_path, DOCS)
    assert not equal(weights(other), weights(whole))


def test_training_lowers_the_loss(tmp_path):
    pretrain.pretrain(replace(NANO, steps=150, warmup=20, batch=8), tmp_path, DOCS)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.8 * losses[0]


def test_the_final_folder_is_a_model_that_loads(whole):
    loaded = models.load(str(whole))
    assert len(loaded.output_projections) == NANO.layers
    assert json.loads((whole / "recipe.json").read_text())["d_ff"] == NANO.d_ff


def test_a_run_may_be_made_longer_before_its_decay_begins(tmp_path):
    pretrain.pretrain(NANO, tmp_path / "a", DOCS, save_every=4, stop_after=4)
    longer = replace(NANO, steps=20)
    resumed = pretrain.pretrain(longer, tmp_path / "a", DOCS, save_every=4)
    assert equal(weights(resumed), weights(pretrain.pretrain(longer, tmp_path / "b", DOCS)))


def test_a_state_of_another_recipe_is_refused(tmp_path):
    pretrain.pretrain(NANO, tmp_path, DOCS, save_every=4, stop_after=4)
    with pytest.raises(ValueError, match=r"belongs to another run: \{'lr': \(0.03, 0.1\)\}"):
        pretrain.pretrain(replace(NANO, lr=0.1), tmp_path, DOCS)


def test_the_learning_rate_rises_stays_and_falls_to_zero():
    rates = [pretrain.learning_rate(i, replace(NANO, steps=100, warmup=10)) for i in range(101)]
    assert rates[0] == pytest.approx(0.003)
    assert rates[10:50] == [0.03] * 40
    assert rates[100] == 0
