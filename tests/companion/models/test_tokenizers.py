"""Loading says what is wrong with a model, or is right: precision, special tokens, how the forward pass is cut up."""

import json
import shutil

import layouts
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from transformers import BertTokenizer, PreTrainedTokenizerFast, T5Tokenizer

from companion.functions import sources
from companion.models import catalogue, tokenizers
from modularity import capture, neurons, tokens
from modularity.models import Model

TEXTS = ["She sat on the mat .", "the <extra_id_0> sat", "ﬁne — the “Book” , naïve 0", "a", "the cat " * 30]


@pytest.fixture(params=layouts.KINDS)
def kind(request):
    return request.param


@pytest.fixture
def folder(kind, tmp_path):
    return layouts.folder(kind, tmp_path / "model")


# The precision of weights


@pytest.mark.parametrize("named", [None, "float16", "bfloat16"])
@pytest.mark.parametrize("kept", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_have_the_numbers_of_the_file(folder, named, kept):
    file = folder / "model.safetensors"
    weights = {key: value.to(kept) if value.is_floating_point() else value for key, value in load_file(file).items()}
    for key, value in weights.items():
        if value.is_floating_point() and kept != torch.float16:
            weights[key].view(-1)[:3] = torch.tensor([1e7, 1e-20, 1 + 2**-8 + 2**-9])  # not of float16; a tie twice
    save_file(weights, file, {"format": "pt"})
    layouts.edit(folder / "config.json", dtype=named, torch_dtype=named)
    for asked in ("float32", "bfloat16"):
        found = catalogue.load(str(folder), dtype=asked).module.state_dict()
        for key, value in weights.items():
            rounded = value.to(torch.float32).to(getattr(torch, asked))
            if "router" in key:  # in float32 all the same, from rounded weights
                rounded = rounded.to(torch.float32)
            assert torch.equal(found[key], rounded), key
            assert found[key].dtype == rounded.dtype


@pytest.mark.parametrize("named", ["float16", "bfloat16"])
def test_untrained_weights_do_not_depend_on_the_precision_that_is_named(folder, named):
    expected = catalogue.load(str(folder), untrained=True).module.state_dict()
    layouts.edit(folder / "config.json", dtype=named, torch_dtype=named)
    found = catalogue.load(str(folder), untrained=True).module.state_dict()
    assert all(torch.equal(found[key], value) and found[key].dtype == value.dtype for key, value in expected.items())


# Special tokens


def test_every_type_of_model_has_its_tokenizer_and_is_tested_here():
    assert set(tokenizers.CLASSES) == set(layouts.KINDS)


def named(kind: str) -> dict[str, dict[str, object]]:
    """What ``tokenizer_config.json`` may say of special tokens, all meaning the same."""
    pad, gap = layouts.SPECIAL[kind]
    both = {"pad_token": pad} | ({} if gap == tokens.SENTINEL else {"mask_token": gap})
    return {
        "nothing": {},
        "as nothing": dict.fromkeys(both),
        "names": both,
        "another class": {"tokenizer_class": "GPT2Tokenizer"},
        "code": {"auto_map": {"AutoTokenizer": ["tokenization_own.Own", None]}, "tokenizer_class": "Own"},
    }


@pytest.mark.parametrize("says", ["nothing", "as nothing", "names", "another class", "code"])
def test_a_tokenizer_has_the_special_tokens_of_its_type(folder, kind, says):
    layouts.edit(folder / "tokenizer_config.json", **named(kind)[says])
    (folder / "tokenization_own.py").write_text("raise SystemExit")
    model = catalogue.load(str(folder))
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pad, gap = layouts.SPECIAL[kind]
    assert model.gap == gap
    assert model.tokenizer.pad_token_id == raw.token_to_id(pad)
    assert raw.token_to_id(gap) in capture.tokenize(model, ["the <extra_id_0> sat"])[0]
    assert capture.tokenize(model, TEXTS) == [raw.encode(text.replace("<extra_id_0>", gap)).ids for text in TEXTS]
    assert capture.pooled_activations(model, TEXTS).notnull().all()


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_special_tokens_that_are_only_in_the_vocabulary_are_read_as_such(folder, kind):
    layouts.edit(folder / "tokenizer.json", added_tokens=[])
    model = catalogue.load(str(folder))
    assert model.gap == layouts.SPECIAL[kind][1]
    ids = capture.tokenize(model, ["the <extra_id_0> sat"])[0]
    assert ids.count(model.tokenizer.mask_token_id) == 1
    assert model.tokenizer.pad_token_id == Tokenizer.from_file(str(folder / "tokenizer.json")).token_to_id(
        layouts.SPECIAL[kind][0]
    )


@pytest.mark.parametrize("cased", [True, False])
def test_case_is_kept_as_the_file_says(tmp_path, cased):
    """The library's own class would make any text lower case if tokenizer_config.json does not forbid it."""
    folder = layouts.folder("bert", tmp_path)
    state = json.loads((folder / "tokenizer.json").read_text())
    layouts.edit(folder / "tokenizer.json", normalizer=state["normalizer"] | {"lowercase": not cased})
    model = catalogue.load(str(folder))
    same = capture.tokenize(model, ["The cat"]) == capture.tokenize(model, ["the cat"])
    assert same is not cased
    theirs = BertTokenizer.from_pretrained(folder)
    assert theirs("The cat")["input_ids"] == theirs("the cat")["input_ids"]


def as_before(folder) -> tuple[PreTrainedTokenizerFast, Tokenizer]:
    raw = Tokenizer.from_file(str(folder / "tokenizer.json"))
    raw.no_padding()
    raw.enable_truncation(512)
    return PreTrainedTokenizerFast.from_pretrained(folder), raw


@pytest.mark.parametrize("name", ["t5-mini", "switch-mini", "all-MiniLM-L6-v2", "a copy"])
def test_our_own_models_read_what_they_always_read(name, tmp_path):
    where = sources.path("tokenizer/tokenizer.json").parent
    if name == "a copy":
        shutil.copytree(sources.data_folder() / "models/t5-mini/seed-0", tmp_path / "copy")
        catalogue.tokenizer().save_pretrained(tmp_path / "copy")
        name = str(tmp_path / "copy")
    elif name == catalogue.MINILM:
        where = catalogue.folder_of(name)
    model = catalogue.load(name, untrained=True)
    before, raw = as_before(where)
    texts = [text.replace("<extra_id_0>", model.gap) for text in [*TEXTS, "the cat " * 300, "a  b\tc <pad> </s> [SEP]"]]
    found = capture.tokenize(model, texts)
    assert found == before(texts, truncation=True, max_length=512)["input_ids"]
    assert found == [raw.encode(text).ids for text in texts]
    if "mini" in name:  # what the library's class of this type would read instead
        assert found != T5Tokenizer.from_pretrained(where)(texts, truncation=True, max_length=512)["input_ids"]


def without(folder, token):
    """The tokenizer, which reads `token` as text."""
    state = json.loads((folder / "tokenizer.json").read_text())
    added = [entry for entry in state["added_tokens"] if entry["content"] != token]
    vocabulary = state["model"]["vocab"]
    if isinstance(vocabulary, dict):
        state["model"]["vocab"] = {f"{key}?" if key == token else key: value for key, value in vocabulary.items()}
    else:
        state["model"]["vocab"] = [[f"{key}?" if key == token else key, value] for key, value in vocabulary]
    layouts.edit(folder / "tokenizer.json", added_tokens=added, model=state["model"])


def test_a_tokenizer_without_padding_is_refused_at_once(folder, kind):
    without(folder, layouts.SPECIAL[kind][0])
    with pytest.raises(ValueError, match=r"the tokenizer of the model folder .* has no token for padding; name one"):
        catalogue.load(str(folder))


def test_a_tokenizer_without_a_gap_is_refused_at_once(folder, kind):
    without(folder, layouts.SPECIAL[kind][1])
    with pytest.raises(ValueError, match=r"has no token for a hidden word: it names no mask_token, and reads '<extra_"):
        catalogue.load(str(folder))
    with pytest.raises(ValueError, match="has no token for a hidden word"):
        catalogue.load(str(folder), untrained=True)


@pytest.mark.parametrize("role", ["pad_token", "mask_token"])
def test_a_special_token_in_name_only_is_refused(folder, role):
    layouts.edit(folder / "tokenizer_config.json", **{role: "<new>"})
    with pytest.raises(ValueError, match=r"names the special token '<new>', which is not in the vocabulary"):
        catalogue.load(str(folder))


@pytest.mark.parametrize("kind", ["t5"])
@pytest.mark.parametrize(
    ("file", "content"),
    [
        *(("tokenizer.json", text) for text in ("", "{}", "[1]", '{"model": {"type": "Magic"}}', "[" * 100_000)),
        *(("tokenizer_config.json", text) for text in ("{", "[1]", '{"pad_token": 5}', '{"added_tokens_decoder": 3}')),
    ],
)
def test_a_damaged_tokenizer_is_named(folder, file, content):
    (folder / file).write_text(content)
    with pytest.raises(ValueError, match=r"the tokenizer in .* does not load .*; restore it from where it came from"):
        catalogue.load(folder)


def test_a_tokenizer_of_a_larger_model_is_refused(folder):
    made = PreTrainedTokenizerFast.from_pretrained(folder)
    made.add_tokens([f"new{i}" for i in range(layouts.ROWS)])
    made.save_pretrained(folder)
    with pytest.raises(ValueError, match=r"has .* tokens and the model 4,200 embeddings; use files of one model"):
        catalogue.load(str(folder))


def test_a_model_made_by_hand_says_which_token_is_missing(kind, folder):
    bare = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    model = Model("mine", layouts.module(kind), bare)
    assert capture.tokenize(model, ["the cat"])
    with pytest.raises(ValueError, match="the tokenizer of mine has no token for padding"):
        capture.pooled_activations(model, ["the", "the cat"])
    if layouts.SPECIAL[kind][1] != tokens.SENTINEL:
        with pytest.raises(ValueError, match="the tokenizer of mine has no token for a hidden word"):
            capture.pooled_activations(model, ["the <extra_id_0> sat"])


# How the forward pass is cut up

RUNS = {
    "in chunks": {"chunk_size_feed_forward": 3},
    "as a tuple": {"return_dict": False},
    "all that can be recorded": {"output_hidden_states": True, "output_attentions": True, "output_router_logits": True},
    "checkpointed gradients": {"gradient_checkpointing": True, "use_cache": False},
    "noise of routers, dropout": {
        "router_jitter_noise": 0.9,
        "dropout_rate": 0.9,
        "hidden_dropout_prob": 0.9,
        "attention_probs_dropout_prob": 0.9,
    },
}


@pytest.mark.parametrize("how", RUNS)
def test_how_a_forward_pass_is_run_changes_no_number(folder, how):
    expected = capture.pooled_activations(catalogue.load(str(folder)), TEXTS)
    layouts.edit(folder / "config.json", **RUNS[how])
    model = catalogue.load(str(folder))
    calls = []
    for layer, part in neurons.feed_forward(model).items():
        module = part.w_in[0] if part.sparse is None else part.sparse
        module.register_forward_hook(lambda *_, layer=layer: calls.append(layer))
    found = capture.pooled_activations(model, TEXTS, batch_tokens=10_000)
    assert sorted(calls) == list(neurons.feed_forward(model))  # each once a batch
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(found, capture.pooled_activations(model, TEXTS, batch_tokens=10_000))


def test_experts_room_is_counted_within_a_sentence(tmp_path):
    """What else is in the batch takes no room from a sentence."""
    model = catalogue.load(str(layouts.folder("switch_transformers", tmp_path)))
    together = capture.pooled_activations(model, TEXTS, routed_only=True)
    alone = capture.pooled_activations(model, TEXTS, routed_only=True, batch_tokens=1)
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_a_model_made_by_hand_that_runs_in_chunks_is_refused(kind, folder):
    module = layouts.module(kind)
    for layer in module.encoder.layer:
        layer.chunk_size_feed_forward = 1
    model = Model("mine", module, tokenizers.read(folder, kind))
    message = "the feed-forward part of layer 0 is not called once a batch on all of its tokens"
    for activation in ("post", "pre"):
        with pytest.raises(ValueError, match=message):
            capture.pooled_activations(model, TEXTS, activation=activation)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_layers_that_are_one_module_are_refused(kind, folder):
    module = layouts.module(kind)
    blocks = next(part for part in module.encoder.modules() if isinstance(part, nn.ModuleList))
    blocks[1] = blocks[0]
    with pytest.raises(ValueError, match="is not called once a batch"):
        capture.pooled_activations(Model("mine", module, tokenizers.read(folder, kind)), TEXTS)
