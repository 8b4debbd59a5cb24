"""A section that is given a model it cannot take says so in one sentence, whatever the family of the model."""

import re
from functools import partial

import layouts
import matplotlib as mpl
import pytest
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    SwitchTransformersConfig,
    SwitchTransformersForConditionalGeneration,
    T5Config,
    T5EncoderModel,
    T5ForConditionalGeneration,
)

from companion import rerun
from companion.models import catalogue, suited
from companion.tools import parameters
from modularity.models import Model

SECTIONS = sorted(path.stem for path in rerun.NOTEBOOKS.glob("*.ipynb"))
ANY = {*layouts.KINDS, "gpt2"}
# Section and parameter → kinds of model folders that it takes.
TAKES = {
    ("02_models", "model"): set(),
    ("03_functionality", "model"): ANY,
    ("03_functionality", "small"): {"t5"},
    ("04_specialization", "model"): ANY,
    ("04_specialization", "beside"): ANY,
    ("05_functional_experts", "model"): ANY,
    ("05_functional_experts", "beside"): ANY,
    ("05_how_sure", "model"): ANY,
    ("05_how_sure", "beside"): ANY,
    ("05_perturbing_encoders", "model"): set(),
    ("05_perturbing_encoders", "beside"): set(),
    ("05_perturbing_encoders", "small"): set(),
    ("05_perturbing_switch", "model"): {"switch_transformers"},
    ("05_perturbing_t5", "model"): {"t5"},
    ("06_emergence", "model"): set(),
    ("06_emergence", "beside"): set(),
    ("06_organization", "model"): set(),
    ("06_organization", "beside"): set(),
    ("07_emergence_order", "model"): set(),
    ("07_emergence_order", "beside"): set(),
    ("A_choices", "model"): {"t5"},
    ("A_choices", "routed"): {"switch_transformers"},
    ("A_released", "model"): ANY - {"switch_transformers"},
}


def test_every_parameter_that_names_a_model_is_tested_here():
    declared = {s: parameters.declared(rerun.source(s)) for s in SECTIONS}
    assert {(s, p) for s in SECTIONS for p in parameters.MODELS if p in declared[s]} == set(TAKES)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Kind → a folder with a small model of it."""
    root = tmp_path_factory.mktemp("folders")
    made = {kind: layouts.folder(kind, root / kind) for kind in layouts.KINDS}
    made["gpt2"] = root / "gpt2"
    small = GPT2Config(vocab_size=layouts.ROWS, n_embd=32, n_inner=64, n_layer=2, n_head=2)
    small.bos_token_id = small.eos_token_id = 1
    GPT2LMHeadModel(small).save_pretrained(made["gpt2"])
    catalogue.tokenizer().save_pretrained(made["gpt2"])
    return made


def cells(section, given):
    """Run the code of a section in this process, with the parameters of the smoke profile but for those `given`."""
    notebook = rerun.source(section)
    parameters.inject(notebook, rerun.profile("smoke", section) | given)
    space: dict = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, section, "exec"), space)


def first(kinds):
    """The kind of another family that is taken least for what it is not."""
    return next(kind for kind in ("bert", "switch_transformers", "t5") if kind in kinds)


@pytest.mark.slow
@pytest.mark.usefixtures("figures")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("section", "parameter", "kind"), [(*where, first(ANY - takes)) for where, takes in TAKES.items() if ANY - takes]
)
def test_a_section_names_the_model_that_it_cannot_take_and_says_what_to_give(folders, section, parameter, kind):
    mpl.use("agg")
    name = str(folders[kind])
    with pytest.raises(ValueError, match=re.escape(name)) as told:
        cells(section, {parameter: name})
    assert re.search(r"; (give|there are) ", str(told.value))


CHECKS = {
    "t5": (suited.t5, {"t5"}),
    "a T5 taken apart": (partial(suited.t5, answers=False), {"t5", "encoder"}),
    "switch": (suited.switch, {"switch_transformers"}),
    "dense": (suited.dense, {"t5", "gated", "encoder", "bert", "roberta", "gpt2"}),
}


@pytest.fixture(scope="module")
def models(folders):
    """Kind → model; also T5s that are not as the paper's."""
    made = {kind: catalogue.load(folder) for kind, folder in folders.items()}
    gated = T5Config(**layouts.T5, feed_forward_proj="gated-gelu")
    made["gated"] = Model("gated", T5ForConditionalGeneration(gated), catalogue.tokenizer())
    made["encoder"] = Model("encoder", T5EncoderModel(T5Config(**layouts.T5)), catalogue.tokenizer())
    no_experts = SwitchTransformersConfig(**layouts.T5, num_experts=4)
    no_experts.encoder_sparse_step = 0
    plain = SwitchTransformersForConditionalGeneration(no_experts)
    made["no experts"] = Model("no experts", plain, catalogue.tokenizer())
    return made


@pytest.mark.parametrize("check", CHECKS)
def test_every_family_is_taken_or_refused_in_one_sentence(models, check):
    function, takes = CHECKS[check]
    for kind, model in models.items():
        if kind in takes or (check == "dense" and kind == "no experts"):
            assert function(model) is model
            continue
        with pytest.raises(
            ValueError, match=rf"{re.escape(model.name)} is a \w+.*; this section needs .*; give "
        ) as told:
            function(model)
        assert len(str(told.value)) < 350


def test_a_refusal_says_what_is_wrong_with_a_model_of_the_right_family(models):
    with pytest.raises(ValueError, match=r"T5ForConditionalGeneration with gated gelu_new neurons; .* needs ReLU"):
        suited.t5(models["gated"])
    with pytest.raises(
        ValueError, match="Generation without such layers; this section needs experts in the last third of its encoder"
    ):
        suited.switch(models["no experts"])
    with pytest.raises(ValueError, match="with 4 experts a layer; this section needs dense layers"):
        suited.dense(models["switch_transformers"])
