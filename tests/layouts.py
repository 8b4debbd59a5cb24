"""Model folders of every supported type, as small as they can be, with a tokenizer as the hub publishes it."""

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE, WordPiece
from transformers import BertConfig, RobertaConfig, SwitchTransformersConfig, T5Config

from companion.functions import sources
from companion.models import catalogue, model_folder
from modularity import models

ROWS = 4200  # of the embedding
T5 = {
    "vocab_size": ROWS,
    "d_model": 32,
    "d_ff": 64,
    "num_layers": 2,
    "num_decoder_layers": 1,
    "num_heads": 2,
    "d_kv": 16,
    "decoder_start_token_id": 0,
}
BERT = {
    "vocab_size": ROWS,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
CONFIGS = {
    "t5": T5Config(**T5),
    "switch_transformers": SwitchTransformersConfig(
        **T5, num_experts=4, num_sparse_encoder_layers=2, num_sparse_decoder_layers=1, expert_capacity=3
    ),
    "bert": BertConfig(**BERT),
    "roberta": RobertaConfig(**BERT, max_position_embeddings=520),
}
KINDS = tuple(CONFIGS)
SPECIAL = {  # of each type: padding, what stands for a hidden word
    "t5": ("<pad>", "<extra_id_0>"),
    "switch_transformers": ("<pad>", "<extra_id_0>"),
    "bert": ("[PAD]", "[MASK]"),
    "roberta": ("<pad>", "<mask>"),
}
WORDS = ("the", "cat", "dog", "sat", "on", "mat", "tree", "bird", "a", "book", "she", ".", "The", "She")


def module(kind: str, **changes: int) -> torch.nn.Module:
    """With the shape of `CONFIGS`, but for `changes`."""
    shape = CONFIGS[kind]
    shape = type(shape)(**shape.to_dict() | changes) if changes else shape
    return model_folder.fresh(shape, 0).eval().requires_grad_(False)


def folder(kind: str, where: Path, **changes: int) -> Path:
    """Saved weights and configuration, ``tokenizer.json``, and a ``tokenizer_config.json`` that names no token."""
    shutil.copytree(_saved(kind, **changes), where, dirs_exist_ok=True)
    return where


@cache
def loaded(kind: str) -> models.Model:
    """The model of the folder, to be copied before anything is changed."""
    return catalogue.load(str(_saved(kind)))


@cache
def _saved(kind: str, **changes: int) -> Path:
    where = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, where)
    module(kind, **changes).save_pretrained(where)  # type: ignore[operator]
    make = {"bert": _wordpiece, "roberta": _bytes}.get(kind, _unigram)
    make(where / "tokenizer.json")
    (where / "tokenizer_config.json").write_text('{"model_max_length": 512}')
    return where


def edit(file: Path, **changes: object) -> None:
    """Change values of a JSON file."""
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def _unigram(file: Path) -> None:
    shutil.copy(sources.path("tokenizer/tokenizer.json"), file)


def _wordpiece(file: Path) -> None:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [*"abcdefghijklmnopqrstuvwxyz_<>0", *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz0_")]
    ids = {word: i for i, word in enumerate(dict.fromkeys([*special, *WORDS, *letters]))}
    made = Tokenizer(WordPiece(ids, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    made.add_special_tokens(special)
    made.save(str(file))


def _bytes(file: Path) -> None:
    special = ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, normalized=False)]
    ids = {str(word): i for i, word in enumerate([*special, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    made = Tokenizer(BPE(ids, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    made.add_special_tokens(special)
    made.save(str(file))
