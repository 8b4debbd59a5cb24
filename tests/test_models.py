"""Loading: shipped names and folders, trained and untrained; whatever is wrong with a folder is named."""

import json
import shutil

import pytest
import torch

from modularity import models, sources


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(sources.data_folder() / "models/t5-mini", tmp_path / "model")


def test_a_folder_and_a_shipped_name_give_the_same_weights(folder, trained):
    other = models.load(str(folder))
    assert other.fingerprint == trained.fingerprint
    for a, b in zip(other.module.parameters(), trained.module.parameters(), strict=True):
        assert torch.equal(a, b)


def test_untrained_copies_differ_by_seed_only():
    first, again, other = (models.load("t5-mini", untrained=True, seed=s) for s in (0, 0, 1))
    w = [m.module.get_input_embeddings().weight for m in (first, again, other)]
    assert torch.equal(w[0], w[1])
    assert not torch.equal(w[0], w[2])
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_a_model_is_ready_to_be_read(trained):
    assert not trained.module.training
    assert not any(p.requires_grad for p in trained.module.parameters())
    assert all(p.dtype == torch.float32 for p in trained.module.parameters())
    assert sorted(trained.output_projections) == list(range(trained.module.config.num_layers))
    widths = {w.weight.shape for w in trained.output_projections.values()}
    assert widths == {(trained.module.config.d_model, trained.module.config.d_ff)}


def test_loading_leaves_the_embedding_tied(trained):
    assert trained.module.lm_head.weight is trained.module.shared.weight


def test_an_unknown_model_lists_the_known():
    with pytest.raises(ValueError, match="unknown model 't5-maxi'; known: t5-mini, or the path"):
        models.load("t5-maxi")


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(FileNotFoundError, match=rf"the model folder .* has no {file}"):
        models.load(str(folder))


def test_untrained_needs_no_weights(folder):
    (folder / "model.safetensors").unlink()
    assert models.load(str(folder), untrained=True).untrained


def test_truncated_weights_are_named(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=r"model.safetensors do not load: .* cut short"):
        models.load(str(folder))


def test_weights_of_another_shape_are_named(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"d_ff": config["d_ff"] * 2}))
    with pytest.raises(ValueError, match=r"model.safetensors do not"):
        models.load(str(folder))


def test_weights_with_a_layer_missing_are_named(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_layers": config["num_layers"] + 1}))
    with pytest.raises(ValueError, match=r"do not fit config.json: .*missing"):
        models.load(str(folder))


def test_another_kind_of_model_is_named(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    with pytest.raises(ValueError, match="a model of type 'gpt2', expected 't5'"):
        models.load(str(folder))


def test_altered_shipped_weights_are_named(folder, tmp_path, monkeypatch):
    data = tmp_path / "data"
    shutil.copytree(sources.data_folder() / "models", data / "models")
    shutil.copy(sources.data_folder() / "registry.txt", data)
    path = data / "models/t5-mini/model.safetensors"
    changed = bytearray(path.read_bytes())
    changed[-5] ^= 1
    path.write_bytes(changed)
    monkeypatch.setenv("MODULARITY_DATA", str(data))
    with pytest.raises(ValueError, match=r"model.safetensors is altered or cut short"):
        models.load("t5-mini")
