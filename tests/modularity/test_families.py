"""Every family is read at what its down projection reads: recomputed by hand from the weights of a tiny model."""

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    BertConfig,
    BertForSequenceClassification,
    CamembertConfig,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    MixtralConfig,
    MPNetConfig,
    MT5Config,
    MT5EncoderModel,
    Olmo2Config,
    OlmoConfig,
    OlmoeConfig,
    OPTConfig,
    Qwen2Config,
    Qwen2MoeConfig,
    Qwen3Config,
    Qwen3MoeConfig,
    RobertaConfig,
    SwitchTransformersConfig,
    SwitchTransformersForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
    UMT5Config,
    UMT5EncoderModel,
    XLMRobertaConfig,
)

import modularity
from companion.models import catalogue
from modularity import capture, families, neurons, self_check
from modularity.models import Model

WORDS = len(catalogue.tokenizer())
SMALL = {"vocab_size": WORDS, "num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 32}
WIDE = SMALL | {"intermediate_size": 48}
DECODER = WIDE | {"num_key_value_heads": 1, "pad_token_id": 0}
SPARSE = DECODER | {"moe_intermediate_size": 12, "num_experts": 4, "num_experts_per_tok": 2}
T5 = {"vocab_size": WORDS, "d_model": 32, "d_ff": 48, "d_kv": 16, "num_layers": 2, "num_heads": 2}
CONFIGS = {  # name → configuration, its class of model
    "t5": (T5Config(**T5), T5ForConditionalGeneration),
    "flan-t5": (T5Config(**T5, feed_forward_proj="gated-gelu"), T5ForConditionalGeneration),
    "mt5": (MT5Config(**T5), MT5EncoderModel),
    "umt5": (UMT5Config(**T5), UMT5EncoderModel),
    "switch": (
        SwitchTransformersConfig(**T5, num_experts=4, num_sparse_encoder_layers=1, num_sparse_decoder_layers=1),
        SwitchTransformersForConditionalGeneration,
    ),
    "bert": (BertConfig(**WIDE), AutoModel),
    "bert with a head": (BertConfig(**WIDE), BertForSequenceClassification),
    "roberta": (RobertaConfig(**WIDE, pad_token_id=0), AutoModel),
    "xlm-roberta": (XLMRobertaConfig(**WIDE, pad_token_id=0), AutoModel),
    "camembert": (CamembertConfig(**WIDE, pad_token_id=0), AutoModel),
    "electra": (ElectraConfig(**WIDE, embedding_size=16), AutoModel),
    "mpnet": (MPNetConfig(**WIDE, pad_token_id=0), AutoModel),
    "distilbert": (
        DistilBertConfig(vocab_size=WORDS, dim=32, hidden_dim=48, n_layers=2, n_heads=2),
        DistilBertForSequenceClassification,
    ),
    "gpt2": (GPT2Config(vocab_size=WORDS, n_embd=32, n_inner=48, n_layer=2, n_head=2), AutoModelForCausalLM),
    "gpt-neox": (GPTNeoXConfig(**WIDE), AutoModelForCausalLM),
    "opt": (
        OPTConfig(**SMALL, ffn_dim=48, word_embed_proj_dim=32, pad_token_id=0),
        AutoModelForCausalLM,
    ),
    "llama": (LlamaConfig(**DECODER), AutoModelForCausalLM),
    "mistral": (MistralConfig(**DECODER), AutoModelForCausalLM),
    "qwen2": (Qwen2Config(**DECODER), AutoModelForCausalLM),
    "qwen3": (Qwen3Config(**DECODER, head_dim=16), AutoModelForCausalLM),
    "olmo": (OlmoConfig(**DECODER), AutoModelForCausalLM),
    "olmo2": (Olmo2Config(**DECODER), AutoModelForCausalLM),
    "mixtral": (MixtralConfig(**DECODER, num_local_experts=4, num_experts_per_tok=2), AutoModelForCausalLM),
    "olmoe": (OlmoeConfig(**DECODER, num_experts=4, num_experts_per_tok=2), AutoModelForCausalLM),
    "qwen2-moe": (Qwen2MoeConfig(**SPARSE, shared_expert_intermediate_size=16), AutoModelForCausalLM),
    "qwen3-moe": (Qwen3MoeConfig(**SPARSE, head_dim=16), AutoModelForCausalLM),
}


def built(name):
    config, cls = CONFIGS[name]
    torch.manual_seed(0)
    module = cls.from_config(config) if cls in (AutoModel, AutoModelForCausalLM) else cls(config)
    for parameter in module.parameters():  # biases begin at zero, which would hide a missing one
        parameter.data += 0.05 * torch.randn_like(parameter)
    return modularity.wrap(module, catalogue.tokenizer(), name)


def by_hand(name, block, hidden):
    """Activations of one layer from its weights and its input, written down family by family."""
    if name in ("t5", "flan-t5", "mt5", "umt5", "switch"):
        part = block.layer[-1]
        part = part.mlp if name == "switch" else part.DenseReluDense
        if hasattr(part, "router"):
            return torch.cat([torch.relu(hidden @ e.wi.weight.T) for e in part.experts.values()], dim=-1)
        if hasattr(part, "wi"):
            return torch.relu(hidden @ part.wi.weight.T)
        return functional.gelu(hidden @ part.wi_0.weight.T, approximate="tanh") * (hidden @ part.wi_1.weight.T)
    if name in ("gpt2", "gpt-neox", "opt", "distilbert"):
        weight, bias = {
            "gpt2": lambda: (block.mlp.c_fc.weight.T, block.mlp.c_fc.bias),
            "gpt-neox": lambda: (block.mlp.dense_h_to_4h.weight, block.mlp.dense_h_to_4h.bias),
            "opt": lambda: (block.fc1.weight, block.fc1.bias),
            "distilbert": lambda: (block.ffn.lin1.weight, block.ffn.lin1.bias),
        }[name]()
        act = {"opt": torch.relu, "gpt2": lambda x: functional.gelu(x, approximate="tanh")}.get(name, functional.gelu)
        return act(hidden @ weight.T + bias)
    if hasattr(block, "intermediate"):
        return functional.gelu(hidden @ block.intermediate.dense.weight.T + block.intermediate.dense.bias)
    if hasattr(block.mlp, "experts"):
        parts = []
        for weight in block.mlp.experts.gate_up_proj:
            gate, up = (hidden @ weight.T).chunk(2, dim=-1)
            parts.append(gate * torch.sigmoid(gate) * up)
        return torch.cat(parts, dim=-1)
    gate = hidden @ block.mlp.gate_proj.weight.T
    return gate * torch.sigmoid(gate) * (hidden @ block.mlp.up_proj.weight.T)


def blocks(model):
    """The layers of a model, and the module of each whose first input is what the feed-forward part is given."""
    called = model.encoder
    if hasattr(called, "block"):
        return [
            (b, b.layer[-1].mlp if hasattr(b.layer[-1], "mlp") else b.layer[-1].DenseReluDense) for b in called.block
        ]
    if hasattr(called, "encoder"):
        inner = called.encoder
        if hasattr(inner, "block"):
            return [(b, b.layer[-1].DenseReluDense) for b in inner.block]
        return [(b, b.intermediate) for b in inner.layer]
    if hasattr(called, "transformer"):
        return [(b, b.ffn) for b in called.transformer.layer]
    if hasattr(called, "h"):
        return [(b, b.mlp) for b in called.h]
    if hasattr(called, "decoder"):
        return [(b, b.fc1) for b in called.decoder.layers]
    return [(b, b.mlp) for b in called.layers]


@pytest.mark.parametrize("name", CONFIGS)
@torch.inference_mode()
def test_activations_are_those_of_the_weights(name):
    model = built(name)
    sentence = "The old red cat sat on the wet mat."
    ids = torch.tensor(capture.tokenize(model, [sentence]))
    given = {}
    handles = [
        part.register_forward_pre_hook(lambda _m, inputs, i=i: given.update({i: inputs[0]}))
        for i, (_, part) in enumerate(blocks(model))
    ]
    model.encoder(input_ids=ids, attention_mask=torch.ones_like(ids))
    for handle in handles:
        handle.remove()
    read = capture.pooled_activations(model, [sentence, "Short."])
    for layer in read["layer"].to_numpy():
        expected = by_hand(name, blocks(model)[layer][0], given[layer].reshape(len(ids[0]), -1)).amax(0)
        np.testing.assert_allclose(read.sel(layer=layer)[0], expected, atol=1e-5)
    part = neurons.feed_forward(model)[int(read["layer"][0])]
    assert part.neurons == read.sizes["neuron"] == len(part.input_weights)


def test_every_family_is_tested():
    assert set(families.FAMILIES) == {config.model_type for config, _ in CONFIGS.values()}


@pytest.mark.parametrize("name", ["gpt2", "llama", "bert", "mixtral"])
def test_padding_changes_nothing(name):
    model = built(name)
    both = capture.pooled_activations(model, ["Short.", "The old red cat sat on the wet mat and slept."])
    np.testing.assert_allclose(both[:, 0], capture.pooled_activations(model, ["Short."])[:, 0], atol=1e-5)


def test_routed_only_zeroes_what_a_token_was_not_sent_to():
    model = built("olmoe")
    part = neurons.feed_forward(model)[0]
    seen, chosen = [], []
    handles = [
        part.read(seen.append, routed_only=True),
        part.whole.register_forward_pre_hook(lambda _module, inputs: chosen.append(inputs[1])),
    ]
    ids = torch.tensor(capture.tokenize(model, ["The old red cat sat on the wet mat."]))
    with torch.inference_mode():
        model.encoder(input_ids=ids, attention_mask=torch.ones_like(ids))
    for handle in handles:
        handle.remove()
    fired = seen[0].unflatten(-1, (4, -1)).abs().sum(-1) > 0
    assert (fired.sum(-1) == 2).all()
    assert (fired == functional.one_hot(chosen[0], 4).sum(1).bool()).all()


# What `wrap` refuses.


@pytest.fixture
def adapter():
    """Registers an adapter until the test is over."""
    before = dict(families.FAMILIES)
    yield families.adapter
    families.FAMILIES.clear()
    families.FAMILIES.update(before)


def test_an_unknown_family_is_listed_and_can_be_registered(adapter, monkeypatch):
    model = built("gpt2")
    monkeypatch.setattr(model.module.config, "model_type", "mine")  # other tests have the same model
    with pytest.raises(ValueError, match=r"type 'mine'.*known: bert, .*help\(modularity\.families\)"):
        neurons.feed_forward(model)
    adapter("mine")(families.gpt2)
    self_check.check(model)


def swapped(called):
    for i, block in enumerate(called.encoder.layer):
        part = block.attention.output
        yield neurons.FeedForward(i, (block.intermediate.dense,), (part.dense,), torch.relu, block.output)


def without_gate(called):
    for i, block in enumerate(called.layers):
        yield neurons.FeedForward(i, (block.mlp.up_proj,), (block.mlp.up_proj,), torch.relu, block.mlp)


@pytest.mark.parametrize(("name", "kind", "wrong"), [("bert", "bert", swapped), ("llama", "llama", without_gate)])
def test_a_wrong_adapter_is_found(adapter, name, kind, wrong):
    adapter(kind)(wrong)
    with pytest.raises(ValueError, match=r"feed-forward output of layer 0 of .* (differs|has shape)"):
        built(name)


@pytest.mark.parametrize("name", ["bert", "distilbert"])
def test_a_chunked_layer_is_found(name):
    config, cls = CONFIGS[name]
    chunked = type(config).from_dict(config.to_dict() | {"chunk_size_feed_forward": 2})
    module = cls.from_config(chunked) if cls is AutoModel else cls(chunked)
    with pytest.raises(ValueError, match="chunk_size_feed_forward"):
        modularity.wrap(module, catalogue.tokenizer())


def test_a_foreign_hook_is_found_with_its_layer():
    model = built("gpt2")
    model.encoder.h[1].mlp.c_proj.register_forward_hook(lambda _m, _i, output: output * 1.5)
    with pytest.raises(ValueError, match=r"layer 1 of gpt2 differs .* by 0\.33 of the largest value"):
        modularity.wrap(model.module, catalogue.tokenizer(), "gpt2")


def test_half_precision_is_allowed_its_rounding():
    model = built("mixtral")
    self_check.check(Model("half", model.module.to(torch.bfloat16), model.tokenizer))


def test_what_is_no_model_is_said():
    with pytest.raises(TypeError, match="got a Linear"):
        modularity.wrap(torch.nn.Linear(2, 2), catalogue.tokenizer())
    with pytest.raises(TypeError, match="got a str"):
        modularity.wrap(built("gpt2").module, "gpt2")
    small = AutoModel.from_config(BertConfig(**(WIDE | {"vocab_size": 100})))
    with pytest.raises(ValueError, match=r"tokens and .* 100 embeddings"):
        modularity.wrap(small, catalogue.tokenizer())
