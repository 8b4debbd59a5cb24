"""Model folders in Hugging Face's layout: configuration, weights and tokenizer, for every family that can be read."""

import re
from pathlib import Path

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import (
    CONFIG_MAPPING,
    MODEL_MAPPING,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    SwitchTransformersEncoderModel,
    SwitchTransformersForConditionalGeneration,
    T5EncoderModel,
    T5ForConditionalGeneration,
)
from transformers.utils import logging

from companion.models import folder_files, tokenizers
from modularity import families

WEIGHTS = "model.safetensors"
# Model type → class with a decoder, which answers tasks, and without; others have the class of transformers' own map.
ANSWERING = {
    "t5": (T5ForConditionalGeneration, T5EncoderModel),
    "switch_transformers": (SwitchTransformersForConditionalGeneration, SwitchTransformersEncoderModel),
}
POOLED = ("bert", "roberta", "xlm-roberta", "camembert", "mpnet")  # whose pooler, which no neuron is in, is left out
# How a forward pass is cut up and what it returns, not what it computes: reading needs each layer's feed-forward part
# called once a batch, and the states of the last layer.
AS_READ = {"chunk_size_feed_forward": 0, "return_dict": True, "output_attentions": False, "output_hidden_states": False}


def fresh(config: PreTrainedConfig, seed: int) -> nn.Module:
    """A model of this shape whose weights depend on the seed only."""
    torch.manual_seed(seed)
    cls, options = _class(config)
    return cls(config, **options)  # type: ignore[operator]


def config(folder: Path) -> PreTrainedConfig:
    """What ``config.json`` says, but for how a forward pass is cut up and what it returns.

    Raises
    ------
    FileNotFoundError
        There is none.
    ValueError
        It is no JSON, asks for quantised weights, names a type of model that has no adapter, or has values that such
        a model cannot have.
    """
    file = folder / "config.json"
    if not file.is_file():
        raise FileNotFoundError(
            f"the model folder {folder} has no config.json; "
            "give a folder saved by `save_pretrained` with safetensors weights"
        )
    values = folder_files.shape(file)
    if not isinstance(kind := values.get("model_type"), str) or kind not in families.FAMILIES:
        known = ", ".join(sorted(families.FAMILIES))
        raise ValueError(f"{folder} holds a model of type {kind!r}, expected one of {known}")
    try:
        return CONFIG_MAPPING[kind].from_dict(values | AS_READ)
    except (StrictDataclassError, TypeError, ValueError) as error:
        raise ValueError(
            f"{file} does not describe a {kind}: {' '.join(str(error).split())}; restore it from where it came from"
        ) from error


def tokenizer(folder: Path, config: PreTrainedConfig) -> PreTrainedTokenizerFast:
    """The folder's tokenizer (`tokenizers.read`); a `ValueError` if the model has no embedding for a token of it."""
    made = tokenizers.read(folder, str(config.model_type))
    if len(made) > config.vocab_size:
        raise ValueError(
            f"the tokenizer in {folder} has {len(made):,} tokens and the model {config.vocab_size:,} embeddings; "
            "use files of one model"
        )
    return made


def weights(folder: Path, config: PreTrainedConfig) -> nn.Module:
    """The model with the folder's weights in single precision.

    What is read has to be there and to fit. Heads and poolers of any name are left out, and a decoder that no file
    holds is not asked for.

    Raises
    ------
    FileNotFoundError
        There are no safetensors weights, or not all; pickles are never read.
    ValueError
        They are damaged, or not those of `config`.
    """
    folder_files.shards(folder)
    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        others = sorted(p.name for p in folder.glob("*.bin"))
        pickles = f"; {', '.join(others)} are pickles, which are never read" if others else ""
        raise FileNotFoundError(f"the model folder {folder} has no {WEIGHTS}{pickles}; give safetensors weights")
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # what is missing is reported below, as an error
    logging.disable_progress_bar()  # it takes a moment
    try:
        cls, options = _class(config, decoder=any(map(_has_decoder, files)))
        with torch.device("meta"):  # shapes without memory
            number = sum(part.numel() for part in cls(config, **options).parameters())  # type: ignore[operator]
        if number > (held := sum(file.stat().st_size for file in files)):  # a weight has a byte or more
            raise ValueError(f"config.json describes {number:,} weights, and {held:,} bytes cannot hold them")
        module, report = cls.from_pretrained(  # type: ignore[union-attr]
            folder,
            config=config,
            dtype=torch.float32,  # whatever config.json says: every type that files have widens to it exactly
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            **options,
        )
    except (SafetensorError, RuntimeError, OSError, ValueError, ArithmeticError) as error:
        raise ValueError(
            f"the weights {files[0]} do not load: {error}; the file is cut short, altered, "
            "or not the model that config.json describes; restore it from where it came from"
        ) from error
    finally:
        logging.set_verbosity(verbosity)
        logging.enable_progress_bar()
    read = {_pattern(name) for name in module.state_dict()}
    report["unexpected_keys"] = [k for k in report["unexpected_keys"] if _pattern(k).endswith(tuple(read))]
    if wrong := {k: sorted(v)[:3] for k, v in report.items() if v}:
        raise ValueError(f"the weights {files[0]} do not fit config.json: {wrong}; use files of one model")
    return module


def _class(config: PreTrainedConfig, *, decoder: bool = True) -> tuple[type[nn.Module], dict[str, bool]]:
    kind = str(config.model_type)
    if kind in ANSWERING:
        return ANSWERING[kind][0 if decoder else 1], {}
    found = MODEL_MAPPING[type(config)]
    cls = found[0] if isinstance(found, tuple) else found
    return cls, {"add_pooling_layer": False} if kind in POOLED else {}  # type: ignore[return-value]


def _has_decoder(file: Path) -> bool:
    with safe_open(file, framework="pt") as content:
        return any("decoder." in name for name in content.keys())  # noqa: SIM118


def _pattern(name: str) -> str:
    """A weight's name for all layers: one of a layer that config.json does not have is no head."""
    return re.sub(r"\.\d+(?=\.)", ".N", name)
