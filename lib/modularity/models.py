"""Pre-trained and untrained models, and where their feed-forward neurons are: named once, here."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pooch
import torch
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration
from transformers.utils import logging

from modularity import sources

MINI = ("t5-mini",)
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Model:
    """A model ready to be read: evaluation mode, no gradients."""

    name: str
    module: nn.Module = field(repr=False)
    tokenizer: PreTrainedTokenizerBase = field(repr=False)
    untrained: bool = False
    seed: int | None = None  # of the fresh weights of an untrained model
    fingerprint: str = ""  # sha256 of the weights, or of what an untrained model is made from

    @property
    def encoder(self) -> nn.Module:
        return self.module.get_encoder()  # type: ignore[operator]

    @property
    def device(self) -> torch.device:
        return next(self.module.parameters()).device

    @property
    def output_projections(self) -> Mapping[int, nn.Module]:
        """Encoder layer (0-based) → its W_O, whose input is σ(W_I x), the neuron activations of Equation 1."""
        return {i: block.layer[-1].DenseReluDense.wo for i, block in enumerate(self.encoder.block)}  # type: ignore[arg-type]


def load(name: str = "t5-mini", *, untrained: bool = False, seed: int = 0) -> Model:
    """A model by the name of a shipped one, or from a folder in Hugging Face's layout.

    Parameters
    ----------
    name : ``t5-mini``, or the path of a folder with ``config.json``, ``tokenizer.json`` and ``model.safetensors``.
    untrained : the same architecture with fresh weights from `seed`; the folder's weights are not read.

    Raises
    ------
    ValueError
        `name` is neither a shipped model nor a folder; the weights are damaged or of another architecture.
    FileNotFoundError
        A file of the folder is missing.
    """
    folder = _folder(name)
    for file in ("config.json", "tokenizer.json", *([] if untrained else [WEIGHTS])):
        if not (folder / file).is_file():
            raise FileNotFoundError(
                f"the model folder {folder} has no {file}; "
                "give a folder saved by `save_pretrained` with safetensors weights"
            )
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != "t5":
        raise ValueError(f"{folder} holds a model of type {config.get('model_type')!r}, expected 't5'")
    # From the file itself: nothing is looked up on the network, no code of the folder is run.
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    if untrained:
        torch.manual_seed(seed)
        module = T5ForConditionalGeneration(T5Config.from_dict(config))
        fingerprint = f"untrained:{seed}:{json.dumps(config, sort_keys=True)}"
    else:
        module, fingerprint = _read_weights(folder, config)
    module.float().eval().requires_grad_(False)
    return Model(name, module, tokenizer, untrained, seed if untrained else None, fingerprint)


def _folder(name: str) -> Path:
    if name in MINI:
        for file in ("config.json", "tokenizer.json", WEIGHTS):
            sources.path(f"models/{name}/{file}")  # stops on a damaged file
        return sources.data_folder() / "models" / name
    if not os.path.isdir(name):
        raise ValueError(f"unknown model {name!r}; known: {', '.join(MINI)}, or the path of an existing model folder")
    return Path(name)


def _read_weights(folder: Path, config: dict) -> tuple[nn.Module, str]:
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # what is missing is reported below, as an error
    logging.disable_progress_bar()  # it takes a moment
    try:
        module, report = T5ForConditionalGeneration.from_pretrained(  # type: ignore[misc]
            folder, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ValueError(
            f"the weights {folder / WEIGHTS} do not load: {error}; the file is cut short, altered, "
            "or not the model that config.json describes; restore it from where it came from"
        ) from error
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()
    wrong = {k: sorted(v)[:3] for k, v in report.items() if v}
    if wrong:
        raise ValueError(f"the weights {folder / WEIGHTS} do not fit config.json: {wrong}; use files of one model")
    return module, pooch.file_hash(str(folder / WEIGHTS))
