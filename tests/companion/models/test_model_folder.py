"""What is read has to be in a model folder; heads, poolers and a decoder that nobody asks for need not."""

import json
import shutil
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForSequenceClassification,
    T5Config,
    T5EncoderModel,
    T5ForConditionalGeneration,
)

from companion.experiments import answering, obtain
from companion.functions import tracks
from companion.models import catalogue
from modularity import capture, neurons

WORDS = len(catalogue.tokenizer())
SMALL = {"vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
WIDE = SMALL | {"intermediate_size": 64}
T5 = T5Config(vocab_size=WORDS, d_model=32, d_ff=64, num_layers=2, num_heads=2, d_kv=16)
HEADS = {
    "classifier": (BertForSequenceClassification, BertConfig(**WIDE)),
    "answers": (BertForQuestionAnswering, BertConfig(**WIDE)),
    "roberta": (RobertaForSequenceClassification, RobertaConfig(**WIDE, pad_token_id=0)),
    "roberta with words": (RobertaForMaskedLM, RobertaConfig(**WIDE, pad_token_id=0)),
    "encoder": (T5EncoderModel, T5),
    "whole": (T5ForConditionalGeneration, T5),
    "distilbert": (
        DistilBertForMaskedLM,
        DistilBertConfig(vocab_size=WORDS, dim=32, hidden_dim=64, n_layers=2, n_heads=2),
    ),
    "gpt2": (GPT2LMHeadModel, GPT2Config(vocab_size=WORDS, n_embd=32, n_inner=64, n_layer=2, n_head=2)),
    "llama": (LlamaForCausalLM, LlamaConfig(**WIDE, num_key_value_heads=1)),
}


def saved(name, folder):
    cls, config = HEADS[name][0], deepcopy(HEADS[name][1])  # a T5 without decoder writes that into it
    torch.manual_seed(0)
    module = cls(config).eval()
    module.save_pretrained(folder)
    catalogue.tokenizer().save_pretrained(folder)
    if "bert" in name or name in ("classifier", "answers"):  # whose mask token is their own
        text = (folder / "tokenizer_config.json").read_text()
        (folder / "tokenizer_config.json").write_text(text.replace("{", '{"mask_token": "<extra_id_0>",', 1))
    return module


@pytest.mark.parametrize("name", HEADS)
def test_a_checkpoint_loads_whatever_is_on_top_of_what_is_read(name, tmp_path):
    module = saved(name, tmp_path)
    if name == "roberta with words":  # older ones carry a pooler beside the head
        file = tmp_path / "model.safetensors"
        pooler = {"roberta.pooler.dense.weight": torch.zeros(32, 32), "roberta.pooler.dense.bias": torch.zeros(32)}
        save_file(load_file(file) | pooler, file, {"format": "pt"})
    model = catalogue.load(tmp_path)
    states = dict(module.named_parameters())
    for part in neurons.feed_forward(model).values():
        assert any(torch.equal(part.w_in[0].weight, weight) for weight in states.values() if weight.dim() == 2)
    assert capture.pooled_activations(model, ["A cat sat.", "Rain."]).notnull().all()


def test_a_layer_too_many_is_no_head(tmp_path):
    saved("classifier", tmp_path)
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"num_hidden_layers": 2', '"num_hidden_layers": 1'))
    with pytest.raises(ValueError, match=r"do not fit config.json: .*unexpected.*layer\.1\."):
        catalogue.load(tmp_path)


def test_a_decoder_of_random_weights_never_answers(tmp_path):
    saved("encoder", tmp_path)
    with pytest.raises(ValueError, match="has no decoder and answers nothing"):
        answering.accuracy(catalogue.load(tmp_path), "sst2", rows=2)


def test_a_config_that_is_no_json_is_named(tmp_path):
    saved("gpt2", tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config.json is no JSON"):
        catalogue.load(tmp_path)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("[1]", r"config.json holds a list, expected an object"),
        ({"model_type": ["gpt2"]}, r"holds a model of type \['gpt2'\], expected one of"),
        ({"n_embd": "wide"}, r"config.json does not describe a gpt2: .*n_embd"),
        ({"n_head": 0}, r"the weights .*model.safetensors do not load"),
        ({"n_layer": 10**9}, r"config.json has 1,000,000,000 for 'n_layer', expected at most 1,000"),
        (
            {"n_inner": 10**12},
            r"do not load: config.json describes [\d,]{15,} weights, and [\d,]+ bytes cannot hold them",
        ),
        (
            {"quantization_config": {"quant_method": "bitsandbytes"}},
            r"config.json has 'quantization_config': give .*plain",
        ),
    ],
    ids=["list", "types", "text", "no head", "layers", "width", "quantised"],
)
def test_a_config_that_cannot_be_is_named(given, says, tmp_path):
    saved("gpt2", tmp_path)
    file = tmp_path / "config.json"
    file.write_text(given if isinstance(given, str) else json.dumps(json.loads(file.read_text()) | given))
    with pytest.raises(ValueError, match=says):
        catalogue.load(tmp_path)


def test_a_config_does_not_choose_code(tmp_path):
    saved("gpt2", tmp_path)
    expected = catalogue.load(tmp_path).fingerprint
    file = tmp_path / "config.json"
    asked = {"auto_map": {"AutoModel": "evil.Model"}, "attn_implementation": "someone/kernel"}
    file.write_text(json.dumps(json.loads(file.read_text()) | asked), encoding="utf-8-sig")
    assert catalogue.load(tmp_path).fingerprint == expected


@pytest.mark.parametrize(
    ("index", "kind", "says"),
    [
        (
            {"weight_map": {"a": "../outside.safetensors"}},
            ValueError,
            r"names '../outside.safetensors', which is not a file",
        ),
        (
            {"weight_map": {"a": "model-2.safetensors"}},
            FileNotFoundError,
            r"names 'model-2.safetensors', which is missing",
        ),
        ({"weight_map": ["a"]}, ValueError, r"index.json has no 'weight_map'"),
        (["a"], ValueError, r"index.json holds a list, expected an object"),
    ],
)
def test_a_list_of_weight_files_names_files_beside_it(index, kind, says, tmp_path):
    saved("gpt2", tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(kind, match=says):
        catalogue.load(tmp_path)


def test_a_folder_in_the_working_directory_does_not_stand_for_a_pinned_model(tmp_path, monkeypatch):
    saved("gpt2", tmp_path / "google-t5/t5-base")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConnectionError, match="google-t5/t5-base is not on this machine"):
        catalogue.load("google-t5/t5-base")
    assert catalogue.load("./google-t5/t5-base").module.config.model_type == "gpt2"


@pytest.mark.parametrize("spelt", [str, Path])
def test_a_path_is_a_name_everywhere(spelt, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    saved("gpt2", tmp_path / "mine")
    model = catalogue.load(spelt("~/mine"))
    assert model.label == str(tmp_path / "mine")
    assert model.stem == "mine"
    few = [tracks.first(s, 3) for s in tracks.load("semantic")[:2]]
    found, _ = obtain.runs([spelt(tmp_path / "mine")], few, copies=1, recompute="none")
    assert list(found) == [model.label]
    (run,) = catalogue.load_runs(spelt(tmp_path / "mine"), 2)
    assert run.fingerprint == model.fingerprint
    shutil.rmtree(tmp_path / "mine")
    with pytest.raises(ValueError, match=r"unknown model '.*/mine'"):
        catalogue.load(spelt("~/mine"))


def test_no_more_tokens_are_read_than_there_are_positions(tmp_path):
    torch.manual_seed(0)
    config = BertConfig(**(WIDE | {"max_position_embeddings": 16}))
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    catalogue.tokenizer().save_pretrained(tmp_path)
    text = (tmp_path / "tokenizer_config.json").read_text()
    (tmp_path / "tokenizer_config.json").write_text(text.replace("{", '{"mask_token": "<extra_id_0>",', 1))
    model = catalogue.load(tmp_path)
    assert len(capture.tokenize(model, ["word " * 40])[0]) == model.max_tokens == 16
    np.testing.assert_array_equal(*[capture.pooled_activations(model, [w * 40])[0, 0] for w in ("word ", "word ")])
