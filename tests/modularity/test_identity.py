"""A model's fingerprint differs wherever its activations can, and there is none where nothing names its state."""

import copy
import functools
import types
from dataclasses import replace

import layouts
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers.pre_tokenizers import PreTokenizer
from tokenizers.processors import TemplateProcessing
from torch import nn
from torch.nn.utils import parametrizations, prune
from transformers.models.bert.modeling_bert import BertIntermediate
from transformers.models.t5.modeling_t5 import T5DenseActDense

from companion.experiments import rerouting, stored_scores
from companion.models import catalogue, planted
from modularity import capture, identity, neurons, perturb, predictivity, store
from modularity.models import Model
from modularity.subfunction import SubFunction

TEXTS = tuple(
    f"{a} {b} sat on the {c} ." for a in ("The", "a") for b in ("cat", "dog", "bird") for c in ("mat", "tree")
)
ASKED = [SubFunction("x", "semantic", TEXTS, np.array([1, 0] * 6))]


def stored_is_computed(model: Model) -> bool:
    """Whether `stored_scores.of_model` gives what the model gives now."""
    return np.array_equal(stored_scores.of_model(model, ASKED), predictivity.scores(capture.stream(model, ASKED)))


@pytest.fixture(params=layouts.KINDS)
def kind(request):
    return request.param


@pytest.fixture
def folder(kind, tmp_path):
    return layouts.folder(kind, tmp_path / "model")


@pytest.fixture
def model(kind):
    return copy.deepcopy(layouts.loaded(kind))


def first(model: Model) -> nn.Linear:
    """W_I of the first layer."""
    return neurons.feed_forward(model)[0].w_in[0]


def norm(model: Model) -> nn.Module:
    return next(part for part in model.encoder.modules() if "Norm" in type(part).__name__)


def layers_of(model: Model) -> nn.ModuleList:
    return next(part for part in model.encoder.modules() if isinstance(part, nn.ModuleList))


def activation(model: Model) -> None:
    for part in model.encoder.modules():
        for name in ("act", "intermediate_act_fn"):
            if isinstance(getattr(part, name, None), nn.Module):
                setattr(part, name, nn.Tanh().eval())


def one_bit(model: Model) -> None:
    weight = first(model).weight.data
    weight[0, 0] = torch.nextafter(weight[0, 0], torch.tensor(9.0))


def scale_of_norms(model: Model) -> None:
    part = norm(model)
    name = "eps" if hasattr(part, "eps") else "variance_epsilon"
    setattr(part, name, 2 * getattr(part, name))


def unended(model: Model) -> None:
    model.tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A", special_tokens=[])


IN_MEMORY = {
    "a weight, by one bit": one_bit,
    "a weight tuned in place": lambda m: first(m).weight.mul_(-1),
    "a weight exchanged": lambda m: setattr(first(m), "weight", nn.Parameter(-first(m).weight, requires_grad=False)),
    "a copy that is rounded": lambda m: m.module.to(torch.bfloat16).to(torch.float32),
    "half precision": lambda m: m.module.to(torch.bfloat16),
    "a layer left out": lambda m: layers_of(m).__delitem__(1),
    "the activation function": activation,
    "a constant of the norms": scale_of_norms,
    "a value of the configuration": lambda m: setattr(m.module.config, "vocab_size", 9999),
    "texts without an end mark": unended,
    "texts cut at their start": lambda m: setattr(m.tokenizer, "truncation_side", "left"),
    "special tokens read as text": lambda m: setattr(m.tokenizer, "split_special_tokens", True),
    "another word added": lambda m: m.tokenizer.add_tokens(["sat on"]),
    "another gap": lambda m: setattr(m.tokenizer, "mask_token", "the"),
    "another padding": lambda m: setattr(m.tokenizer, "pad_token", "the"),
}


@pytest.mark.parametrize("change", IN_MEMORY)
def test_what_changes_in_memory_changes_the_fingerprint(model, change):
    before = model.fingerprint
    assert before
    assert stored_is_computed(model)
    IN_MEMORY[change](model)
    assert model.fingerprint
    assert model.fingerprint != before
    assert stored_is_computed(model)


def tensors(folder, change):
    file = folder / "model.safetensors"
    weights = load_file(file)
    key = next(key for key in weights if key.endswith(("wi.weight", "intermediate.dense.weight")))
    save_file(weights | {key: change(weights[key])}, file, {"format": "pt"})


def other_activation(folder):
    layouts.edit(folder / "config.json", feed_forward_proj="gelu", dense_act_fn="gelu", hidden_act="relu")


def eps(folder):
    layouts.edit(folder / "config.json", layer_norm_epsilon=0.1, layer_norm_eps=0.1)


ON_DISK = {
    "weights": lambda folder: tensors(folder, lambda w: -w),
    "weights, rounded": lambda folder: tensors(folder, lambda w: w.half()),
    "the activation function": other_activation,
    "a constant of the norms": eps,
    "the tokenizer": lambda folder: layouts.edit(
        folder / "tokenizer.json", post_processor={"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}
    ),
    "the side at which texts are cut": lambda folder: layouts.edit(
        folder / "tokenizer_config.json", truncation_side="left"
    ),
}


@pytest.mark.parametrize("change", ON_DISK)
def test_what_changes_on_disk_changes_the_fingerprint(folder, change):
    before = catalogue.load(str(folder))
    assert stored_is_computed(before)
    ON_DISK[change](folder)
    after = catalogue.load(str(folder))
    assert after.fingerprint
    assert after.fingerprint != before.fingerprint
    assert stored_is_computed(after)


def test_two_models_of_one_name_share_nothing(model):
    other = Model(model.name, copy.deepcopy(model.module), model.tokenizer)
    assert other.fingerprint == model.fingerprint  # the same content is the same model
    first(other).weight.neg_()
    assert other.fingerprint != model.fingerprint
    assert stored_is_computed(model)
    assert stored_is_computed(other)
    assert len(list(store.folder().iterdir())) == 2


def test_reading_naming_copying_and_saving_change_nothing(folder, model):
    before = model.fingerprint
    capture.pooled_activations(model, ["one", "one two <extra_id_0>"])
    model.encoder(torch.tensor([[5, 6, 7]]), output_hidden_states=True)  # the library leaves its recorders behind
    assert model.fingerprint == before
    assert replace(model, name="other", seed=3, step=7).fingerprint == before
    assert Model("copy", copy.deepcopy(model.module), copy.deepcopy(model.tokenizer)).fingerprint == before
    assert catalogue.load(str(folder)).fingerprint == before
    model.module.save_pretrained(folder / "again")
    model.tokenizer.save_pretrained(folder / "again")
    assert catalogue.load(str(folder / "again")).fingerprint == before


def test_bfloat16_has_one_fingerprint_before_and_after_a_reading(folder):
    model = catalogue.load(str(folder), dtype="bfloat16")
    before = model.fingerprint
    capture.pooled_activations(model, ["one", "one two"])
    assert before
    assert model.fingerprint == before


def test_a_change_undone_is_the_model_it_was(model):
    before = model.fingerprint
    first(model).weight.neg_()
    first(model).weight.neg_()
    assert model.fingerprint == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_has_the_same_fingerprint(model):
    before = model.fingerprint
    model.module.to("cuda")
    assert model.fingerprint == before
    first(model).weight.data[0, 0] += 1
    assert model.fingerprint != before


# Where there is none


def by_hook(model, register):
    return getattr(first(model), register)(lambda *_: None)


def hook_of_the_librarys_name(model):
    def hook(*_):
        return None

    hook.__module__ = identity.RECORDERS
    first(model).register_forward_hook(hook)


class Own(nn.Linear):
    """Not of the library: what its forward pass does may change without a version."""


class OwnTokenizer:
    mask_token, pad_token_id = None, 0

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __getattr__(self, name):
        return getattr(self.tokenizer, name)

    def __call__(self, *arguments, **options):
        return self.tokenizer(*arguments, **options)


def replaced(model):
    """W_I of a class of one's own."""
    own = Own(first(model).in_features, first(model).out_features, first(model).bias is not None)
    own.load_state_dict(first(model).state_dict())
    target = next(name for name, part in model.module.named_modules() if part is first(model))
    model.module.set_submodule(target, own.eval())


def another_forward(model):
    part = first(model)
    part.forward = types.MethodType(lambda self, x: nn.functional.linear(x, self.weight, self.bias) * 2, part)


def forward_of_another(model):
    other = nn.Linear(first(model).in_features, first(model).out_features)
    first(model).forward = other.forward


UNNAMED = {
    "a hook": lambda m: by_hook(m, "register_forward_hook"),
    "a hook before": lambda m: by_hook(m, "register_forward_pre_hook"),
    "a hook of another name": hook_of_the_librarys_name,
    "training": lambda m: m.module.train(),
    "a part in training": lambda m: first(m).train(),
    "a parametrization": lambda m: parametrizations.orthogonal(first(m)),
    "pruning": lambda m: prune.l1_unstructured(first(m), "weight", 0.5),
    "another forward": another_forward,
    "the forward of another module": forward_of_another,
    "a class of one's own": replaced,
    "a function of one's own": lambda m: setattr(first(m), "scale", lambda x: x),
    "an object of no kind known": lambda m: setattr(first(m), "_state", object()),
    "no content": lambda m: m.module.to("meta"),
}


@pytest.mark.parametrize("change", UNNAMED)
def test_a_state_that_cannot_be_named_has_no_fingerprint(model, change):
    UNNAMED[change](model)
    assert model.fingerprint is None
    with pytest.raises(identity.UnnamedError):
        identity.fingerprint(model.module, model.tokenizer)


def test_a_tokenizer_that_draws_its_pieces_has_no_fingerprint():
    model = copy.deepcopy(layouts.loaded("roberta"))
    assert model.fingerprint
    model.tokenizer.backend_tokenizer.model.dropout = 0.5
    assert model.fingerprint is None


class OwnSplit:
    def pre_tokenize(self, text):
        text.split(lambda _, part: [part])


def test_a_tokenizer_of_ones_own_has_no_fingerprint(model):
    assert replace(model, tokenizer=OwnTokenizer(model.tokenizer)).fingerprint is None
    other = replace(model, tokenizer=copy.deepcopy(model.tokenizer))
    other.tokenizer.tokenize = lambda text: text.split()
    assert other.fingerprint is None
    assert model.fingerprint
    model.tokenizer.backend_tokenizer.pre_tokenizer = PreTokenizer.custom(OwnSplit())
    assert model.fingerprint is None


@pytest.mark.parametrize(("cls", "kind"), [(T5DenseActDense, "t5"), (BertIntermediate, "bert")])
def test_code_put_into_the_library_has_no_fingerprint(monkeypatch, cls, kind):
    model = layouts.loaded(kind)
    before = model.fingerprint

    @functools.wraps(cls.forward)  # which gives it the library's name
    def mine(_self, x):
        return x

    for forward in (lambda _self, x: x, mine):
        with monkeypatch.context() as patch:
            patch.setattr(cls, "forward", forward)
            assert model.fingerprint is None
    assert model.fingerprint == before


def test_what_holds_for_all_modules_leaves_none_its_fingerprint(model):
    before = model.fingerprint
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    assert model.fingerprint is None
    handle.remove()
    with torch.autocast("cpu", torch.bfloat16):
        assert model.fingerprint is None
    assert model.fingerprint == before


@pytest.mark.parametrize("how", ["zero", "gaussian", "shuffle"])
def test_a_perturbed_model_is_computed_and_not_stored(untrained, how):
    before = stored_scores.of_model(untrained, ASKED)
    stored = set(store.folder().iterdir())
    with perturb.neurons(untrained, {0: range(100)}, how=how):
        assert untrained.fingerprint is None
        assert not np.array_equal(stored_scores.of_model(untrained, ASKED), before)
    assert set(store.folder().iterdir()) == stored
    assert stored_is_computed(untrained)


def test_a_switch_that_is_routed_otherwise_is_not_stored():
    switch = catalogue.load("switch-mini", untrained=True)
    with rerouting.routing(switch, {1: [0, 1]}):
        assert switch.fingerprint is None
        assert stored_is_computed(switch)
    assert not store.folder().exists()


@pytest.mark.parametrize("kind", ["blocks", "shuffled", "rotated"])
def test_planted_models_have_a_fingerprint_each(kind):
    made = [planted.load(kind, seed=seed, sentences=1).model.fingerprint for seed in (0, 0, 1)]
    assert made[0]
    assert made[0] == made[1] != made[2]
