"""Losses, gradients and rates are those of the minis' training, from the same batches."""

import time

import pytest
import torch
from tiny_runs import NANO

from companion.gpu import batches as gpu_batches
from companion.gpu import checks, expert_products, pieces, session_plan, training, training_step
from companion.models import catalogue, corruption, objectives, tied_weights, training_log
from companion.models.optimizer import RMSScaledAdamW


@pytest.fixture(scope="module")
def text():
    return gpu_batches.read(catalogue.tokenizer(), checks.SMALL.length, documents=40)


@pytest.mark.parametrize("recipe", [checks.SMALL, checks.SWITCH], ids=["t5", "switch"])
def test_one_batch_has_the_losses_and_gradients_of_pretrains_parts(recipe, text):
    batch = {k: torch.as_tensor(v).long() for k, v in gpu_batches.one(recipe, text, 0).items()}
    model = recipe.build(len(catalogue.tokenizer())).train()
    with expert_products.routed(model) as sparse:
        made = training_step.losses(model, batch, recipe, sparse if recipe.experts else [])
        made.total.backward()
    gradients = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    raw, hidden, spans = corruption.raw_length(recipe.length, recipe.noise, recipe.span)
    log, (inputs, targets) = training_log.Record(), (batch["inputs"], batch["targets"])
    edge = recipe.batch + recipe.facts
    windows = (
        inputs[: recipe.batch, : raw - hidden + spans + 1],
        targets[: recipe.batch, : hidden + spans + 1].contiguous(),
    )
    total = objectives.span_loss(model, *windows, recipe, log)
    total = total + objectives.span_loss(
        model, inputs[recipe.batch : edge], targets[recipe.batch : edge], recipe, log, "f"
    )
    if recipe.tasks:
        total = total + objectives.task_loss(model, inputs[edge:], targets[edge:], recipe, log)
    total.backward()
    torch.testing.assert_close(made.total, total)
    for ours, parameter in zip(gradients, model.parameters(), strict=True):
        torch.testing.assert_close(ours, parameter.grad, atol=1e-5, rtol=1e-4)


def test_rates_on_the_device_are_those_of_the_minis_optimizer():
    ends = []
    for kind in (training_step.DeviceAdamW, RMSScaledAdamW):
        torch.manual_seed(0)
        layer = torch.nn.Linear(4, 3)
        optimizer = kind(layer.parameters(), fused=True)
        for _ in range(3):
            layer(torch.ones(2, 4)).square().sum().backward()
            optimizer.scale(0.05)
            optimizer.step()
            optimizer.zero_grad()
        ends.append(layer.weight.detach())
    torch.testing.assert_close(*ends)


def test_layers_are_compiled_or_left_as_they_were():
    model = NANO.build(100)

    def broken():
        raise RuntimeError("no compiler\nat all")

    assert not training.compile_layers(model, broken, 5)
    assert not training.compile_layers(model, lambda: time.sleep(5), 0.1)
    assert all(block._compiled_call_impl is None for block in model.encoder.block)


def test_processes_make_the_batches_that_this_one_makes(text, tmp_path):
    with gpu_batches.ahead(checks.SMALL, text, tmp_path, workers=1) as batches:
        for step in range(2):
            made, expected = next(batches), gpu_batches.one(checks.SMALL, text, step)
            assert all((made[k] == expected[k]).all() for k in expected)


def test_recipes_are_larger_minis():
    for name, recipe in session_plan.MIDIS.items():
        assert (recipe.layers, recipe.d_model, recipe.length) == (8, 256, 64)
        assert recipe.d_ff * max(1, recipe.experts) == (4096 if recipe.experts else 1024)
        assert (recipe.tasks > 0) == (name == "t5-midi")
        sizes = [len(c) for c in pieces.weights(name, tied_weights.halved(recipe.build(4196).state_dict())).values()]
        assert len(sizes) == 2
        assert max(sizes) <= pieces.LIMIT
