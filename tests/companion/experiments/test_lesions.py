"""Accuracies under perturbation are those of the plain model where nothing is perturbed, and comparable elsewhere."""

import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from companion.experiments import answering, lesions
from companion.functions import tracks
from modularity import capture, perturb
from modularity.models import Model


def test_the_last_third_is_rounded_up(untrained):
    assert lesions.last_third(untrained) == [2, 3]


def test_accuracy_is_that_of_the_plain_loop(trained):
    masks = {"none": {}, "some": {2: range(400), 3: range(400)}}
    made = lesions.accuracies(trained, masks, ["qqp", "mnli"], draws=2, rows=12)
    for (j, task), draw in ((pair, draw) for pair in enumerate(["qqp", "mnli"]) for draw in range(2)):
        rows = tracks.task_table(task).sample(12, random_state=np.random.default_rng([0, draw, j]))
        for name, mask in masks.items():
            with perturb.neurons(trained, mask, rng=np.random.default_rng([0, draw, j, 1])):
                right = np.mean(answering.predictions(trained, task, rows) == rows["label"])
            assert made.sel(mask=name, task=task, draw=draw).item() == right


def test_a_mask_for_each_draw_is_taken_in_turn(trained):
    one, other = {3: range(1280)}, {}
    made = lesions.accuracies(trained, {"both": [one, other], "one": one, "other": other}, ["qqp"], draws=4, rows=20)
    for draw in range(4):
        same = "one" if draw % 2 == 0 else "other"
        assert (made.sel(mask="both", draw=draw) == made.sel(mask=same, draw=draw)).all()
    assert not (made.sel(mask="one") == made.sel(mask="other")).all()


def test_the_seed_draws_other_rows(trained):
    made = [lesions.accuracies(trained, {"none": {}}, ["mnli"], draws=3, rows=20, seed=s) for s in (0, 0, 1)]
    assert made[0].equals(made[1])
    assert not made[0].equals(made[2])


def states(model, sentences):
    ids = capture.tokenize(model, sentences)
    with torch.inference_mode():
        return capture.encoded(model, ids, range(len(ids)))[0]


def test_remembered_layers_run_once_for_each_batch(untrained, sentences):
    runs = []
    handle = untrained.encoder.block[1].layer[0].register_forward_hook(lambda *_: runs.append(1))
    plain = states(untrained, sentences)
    with lesions.remembered(untrained, range(2)):
        assert torch.equal(states(untrained, sentences), plain)
        with perturb.neurons(untrained, {2: range(500)}):
            perturbed = states(untrained, sentences)
        assert len(runs) == 2
        other = states(untrained, sentences[:2])
        assert len(runs) == 3
        assert not torch.equal(other, plain[:2])
    with perturb.neurons(untrained, {2: range(500)}):
        assert torch.equal(states(untrained, sentences), perturbed)
    assert len(runs) == 4
    handle.remove()


def test_nothing_is_remembered_after_an_error(untrained):
    with pytest.raises(RuntimeError), lesions.remembered(untrained, range(3)):
        raise RuntimeError
    assert not any("forward" in vars(block) for block in untrained.encoder.block)


def test_a_task_without_label_words_is_named(trained):
    with pytest.raises(ValueError, match="there is no mini task 'boolq'"):
        lesions.accuracies(trained, {"none": {}}, ["boolq"])


WORDS = ["<pad>", "<unk>", "sense", "nonsense", "great", "dull", "acceptable", "unacceptable", "positive", "negative"]
D = len(WORDS) + 2


@pytest.fixture
def two_modules(monkeypatch):
    """A T5 with four neurons that carry cola, four that carry sst2, and eight that do nothing.

    A word's embedding is its own direction. A module responds to its word and writes a direction that the decoder,
    looking at all words alike, hands on to the answer; the other answer has the decoder's start token behind it.
    """
    config = T5Config(
        vocab_size=len(WORDS), d_model=D, d_kv=D, d_ff=16, num_layers=1, num_decoder_layers=1, num_heads=1,
        dropout_rate=0.0, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    module = T5ForConditionalGeneration(config).eval().requires_grad_(False)
    ids = {word: i for i, word in enumerate(WORDS)}
    for stack in (module.encoder, module.decoder):
        for name, parameter in stack.block.named_parameters():
            parameter.fill_(1.0 if "layer_norm" in name else 0.0)
    module.shared.weight.copy_(10 * torch.eye(D)[: len(WORDS)])
    part = module.encoder.block[0].layer[-1].DenseReluDense
    cross = module.decoder.block[0].layer[1].EncDecAttention
    cross.v.weight.copy_(torch.eye(D))
    cross.o.weight.copy_(torch.eye(D))
    module.lm_head = torch.nn.Linear(D, len(WORDS), bias=False).requires_grad_(False)  # apart from the embeddings
    module.lm_head.weight.zero_()
    for first, word, direction, yes, no in ((0, "sense", D - 2, "acceptable", "unacceptable"),
                                            (4, "great", D - 1, "positive", "negative")):  # fmt: skip
        part.wi.weight[first : first + 4, ids[word]] = 1.0
        part.wo.weight[direction, first : first + 4] = 10.0
        module.lm_head.weight[ids[yes], direction] = 100.0
        module.lm_head.weight[ids[no], ids["<pad>"]] = 1.0
    text = Tokenizer(WordLevel(ids, unk_token="<unk>"))
    text.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=text, pad_token="<pad>", unk_token="<unk>")
    tables = {
        "cola": pd.DataFrame({"sentence": ["sense x", "nonsense x"] * 10, "label": [1, 0] * 10}),
        "sst2": pd.DataFrame({"sentence": ["great x", "dull x"] * 10, "label": [1, 0] * 10}),
    }
    monkeypatch.setattr(tracks, "task_table", lambda name, **_: tables[name])
    return Model("two-modules", module, tokenizer)


@pytest.mark.parametrize("how", ["zero", "mean"])
def test_only_the_task_of_a_module_falls_with_it(two_modules, how):
    masks = {"none": {}, "cola": {0: range(4)}, "sst2": {0: range(4, 8)}, "idle": {0: range(8, 16)}}
    means = {0: np.zeros(16, dtype=np.float32)}
    found = lesions.accuracies(two_modules, masks, ["cola", "sst2"], how=how, means=means, draws=2, rows=20)
    expected = {"none": [1, 1], "cola": [0.5, 1], "sst2": [1, 0.5], "idle": [1, 1]}
    for mask, right in expected.items():
        assert found.sel(mask=mask).mean("draw").to_numpy().tolist() == right
