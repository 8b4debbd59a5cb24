"""Tuning learns, restores everything, and keeps what it must not touch."""

import numpy as np
import pytest
import torch

from companion.experiments import answering, fewshot
from companion.functions import prompts, tracks
from companion.models import catalogue
from modularity import neurons

EVERY = {3: range(16)}


@pytest.fixture(scope="module")
def switch():
    return catalogue.load("switch-mini")


@pytest.fixture(scope="module")
def rows():
    return tracks.task_table("sst2", "train").sample(48, random_state=0)


def weights(model):
    return {name: p.clone() for name, p in model.module.named_parameters()}


def same(model, before):
    return [n for n, p in model.module.named_parameters() if not torch.equal(p, before[n])]


def test_it_learns_its_examples_and_leaves_no_trace(switch, rows):
    before = weights(switch)
    options = {"allowed": EVERY, "layers": [2, 3], "steps": 40, "every": 20, "rate": 1e-2}
    found = fewshot.tune(switch, "sst2", rows, {"own": rows, "again": rows}, **options)
    assert found.dims == ("rows", "step")
    assert found["step"].to_numpy().tolist() == [0, 20, 40]
    assert found.sel(rows="own", step=40) > 0.9
    assert (found.sel(rows="own") == found.sel(rows="again")).all()
    assert same(switch, before) == []
    assert not any(p.requires_grad for p in switch.module.parameters())


def test_only_w_o_and_routers_of_the_layers_learn(switch):
    before = weights(switch)
    with fewshot.learning(switch, [2, 3]) as tuned:
        assert sum(p.requires_grad for p in switch.module.parameters()) == len(tuned) == 1 + 16 + 1
        with torch.no_grad():
            for weight in tuned:
                weight += 1
        changed = same(switch, before)
    assert all(".2." in n or ".3." in n for n in changed)
    assert all("wo.weight" in n or "router" in n for n in changed)
    assert not any(n.startswith("decoder") for n in changed)
    assert same(switch, before) == []


def test_weights_are_restored_after_an_error(switch):
    before = weights(switch)
    with pytest.raises(RuntimeError), fewshot.learning(switch, [3]) as tuned, torch.no_grad():
        raise RuntimeError(tuned[0].zero_())
    assert same(switch, before) == []


def test_the_first_accuracy_is_that_of_the_plain_model(switch, rows):
    """One row at a time, through the whole model, without anything remembered."""
    found = fewshot.tune(switch, "sst2", rows, {"own": rows}, allowed=EVERY, layers=[3], steps=1, every=1)
    words = [first for (first,) in answering.asked(switch, "sst2", rows, style="cloze").answers]
    gap = switch.tokenizer.convert_tokens_to_ids("<extra_id_0>")
    said = []
    for sentence in rows["sentence"]:
        ids = switch.tokenizer(f"{sentence} It was <extra_id_0> .", return_tensors="pt").input_ids
        with torch.no_grad():
            logits = switch.module(input_ids=ids, decoder_input_ids=torch.tensor([[0, gap]])).logits
        said.append(int(logits[0, -1, words].argmax()))
    assert found.isel(step=0).item() == pytest.approx(np.mean(said == rows["label"]), abs=1 / 48)


def test_the_seed_decides(switch, rows):
    options = {"allowed": EVERY, "layers": [3], "steps": 6, "every": 1, "rate": 1e-2}
    runs = [fewshot.tune(switch, "sst2", rows, {"own": rows}, seed=seed, **options) for seed in (0, 0, 1)]
    assert runs[0].equals(runs[1])
    assert not runs[0].equals(runs[2])


def test_restricted_routers_learn_too(switch, rows):
    found = fewshot.tune(
        switch, "sst2", rows, {"own": rows}, allowed={3: [0, 5]}, gates="renormalised", capacity=True, layers=[2, 3],
        steps=30, every=30, rate=1e-2,
    )  # fmt: skip
    assert found[0, -1] > found[0, 0]


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        ("boolq", {}, "task 'boolq' has no label words of style 'cloze'"),
        ("sst2", {"allowed": {3: []}}, "no expert of layer 3 is allowed"),
        ("sst2", {"allowed": {2: [0]}}, "layer 2 of switch-mini has no experts to choose from"),
        ("sst2", {"layers": [9]}, "switch-mini has no encoder layer 9"),
        ("sst2", {"examples": 0}, "got no examples of 'sst2'"),
    ],
)
def test_bad_input_is_named_and_leaves_no_trace(switch, rows, task, options, message):
    before = weights(switch)
    chosen = {"allowed": EVERY, "layers": [2, 3], "steps": 1, "every": 1} | options
    examples = rows.head(chosen.pop("examples", 4))
    with pytest.raises(ValueError, match=message):
        fewshot.tune(switch, task, examples, {"own": rows}, **chosen)
    assert same(switch, before) == []
    assert not any("forward" in vars(block) for block in switch.encoder.block)


def test_label_words_that_begin_alike_are_named(switch, rows, monkeypatch):
    monkeypatch.setattr(prompts, "answer", lambda *_, **__: "great")
    with pytest.raises(ValueError, match=r"the label words great, great of 'sst2' begin with the same token"):
        answering.asked(switch, "sst2", rows, style="cloze")


def test_parts_are_where_they_are_looked_for(switch):
    assert neurons.feed_forward(switch)[3].experts == 16
    assert neurons.feed_forward(switch)[2].experts == 1
