"""A T5 whose modules are known because they were built: what later sections must find, and what they must not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import stats
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast, T5Config

from companion.functions.tracks import FUNCTIONS
from companion.models.model_folder import fresh
from modularity.models import Model
from modularity.subfunction import SubFunction

Kind = Literal["blocks", "shuffled", "rotated"]
FEATURES = 8  # of each function; one sub-function asks for one feature
WORDS = 4  # that carry a feature
FILLERS = 60  # words that carry none
BLOCKS, WIDTH = 16, 32  # of neurons; the first six hold the functions, two each
OWN = 2  # blocks of each function
LAYERS, D_MODEL = 2, 128
TOGETHER, APART = 0.8, 0.6  # how much of a feature's direction is its function's, and its own
SPREAD = 0.5  # of the neurons of a feature around its direction
LENGTH = 12  # words a sentence
NOISE = 0.1  # share of the sentences that hold the other class's word, so that no neuron is perfect


@dataclass(frozen=True)
class Planted:
    """A built model, the blocks of its neurons, and the sub-functions that its features answer."""

    model: Model
    partition: Int[np.ndarray, "neuron"]  # neuron → block, the same in every layer
    functional: dict[str, tuple[int, ...]]  # function → its blocks, of kind ``blocks``
    subfunctions: tuple[SubFunction, ...]


def load(kind: Kind = "blocks", *, seed: int = 0, sentences: int = 100) -> Planted:
    """The built model.

    Every word of a feature has the direction of its function plus one of its own, and the neurons of a function's
    blocks respond to those directions; those of the other ten blocks to random ones. Attention and W_O are zero, so a
    layer reads nothing but the word.

    Parameters
    ----------
    kind : ``blocks``: as built. ``shuffled``: the same neurons dealt to the blocks at random, so that they are as
        specialised as before, but the blocks hold no function (a partition by their weights finds them again).
        ``rotated``: every layer's W_I turned by a random rotation of its neurons, so that each responds to a mixture
        of everything and the blocks hold no function; a partition by these weights can still find some experts, because
        rows that are alike respond alike.
    sentences : of each class of a sub-function.

    Raises
    ------
    ValueError
        An unknown kind, or less than one sentence.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"unknown kind {kind!r}; known: {', '.join(get_args(Kind))}")
    if sentences < 1:
        raise ValueError(f"sentences is {sentences}, expected at least 1 of each class")
    rng = np.random.default_rng(seed)
    directions = _directions(rng)
    tokenizer = _tokenizer()
    shape = T5Config(
        vocab_size=len(tokenizer),
        d_model=D_MODEL,
        d_kv=D_MODEL // 4,
        d_ff=BLOCKS * WIDTH,
        num_layers=LAYERS,
        num_decoder_layers=1,
        num_heads=4,
        dropout_rate=0.0,
        decoder_start_token_id=0,  # type: ignore[call-arg]
    )
    module: Any = fresh(shape, seed)  # of the decoder too, which nothing reads, so that one seed is one model
    with torch.no_grad():
        for parameter in module.encoder.block.parameters():
            parameter.zero_()
        embedding = rng.normal(size=(len(tokenizer), D_MODEL)) * 0.1
        for (function, feature), direction in directions.items():
            for word in _words(function, feature):
                embedding[tokenizer.convert_tokens_to_ids(word)] += direction * np.sqrt(D_MODEL)  # type: ignore[index]
        for word in _fillers():
            embedding[tokenizer.convert_tokens_to_ids(word)] += rng.normal(size=D_MODEL)  # type: ignore[index]
        module.shared.weight.copy_(torch.as_tensor(embedding))
        for block in module.encoder.block:
            for part in block.layer:  # type: ignore[union-attr]
                part.layer_norm.weight.fill_(1.0)  # type: ignore[union-attr]
            rows = _rows(directions, rng)
            if kind == "shuffled":
                rows = rows[rng.permutation(len(rows))]
            elif kind == "rotated":
                rows = stats.ortho_group.rvs(len(rows), random_state=rng) @ rows
            block.layer[-1].DenseReluDense.wi.weight.copy_(torch.as_tensor(rows))  # type: ignore[index,union-attr]
    module.eval().requires_grad_(False)
    model = Model(f"planted-{kind}", module, tokenizer, seed=seed)
    blocks = {f: tuple(range(i * OWN, (i + 1) * OWN)) for i, f in enumerate(FUNCTIONS)}
    return Planted(model, np.repeat(np.arange(BLOCKS), WIDTH), blocks, tuple(_subfunctions(rng, sentences)))


def _directions(rng: np.random.Generator) -> dict[tuple[str, int], Float[np.ndarray, "d_model"]]:
    """Of every feature, of length 1: orthogonal ones for the functions and for the features, added."""
    number = len(FUNCTIONS) * (1 + FEATURES)
    basis = np.linalg.qr(rng.normal(size=(D_MODEL, number)))[0].T
    shared, own = basis[: len(FUNCTIONS)], basis[len(FUNCTIONS) :].reshape(len(FUNCTIONS), FEATURES, D_MODEL)
    return {
        (function, feature): TOGETHER * shared[i] + APART * own[i, feature]
        for i, function in enumerate(FUNCTIONS)
        for feature in range(FEATURES)
    }


def _rows(
    directions: dict[tuple[str, int], np.ndarray], rng: np.random.Generator
) -> Float[np.ndarray, "neuron d_model"]:
    """W_I, block after block."""
    of_functions = [directions[function, neuron % FEATURES] for function in FUNCTIONS for neuron in range(OWN * WIDTH)]
    rest = rng.normal(size=((BLOCKS - OWN * len(FUNCTIONS)) * WIDTH, D_MODEL))
    rest /= np.linalg.norm(rest, axis=1, keepdims=True)
    noise = rng.normal(size=(len(of_functions), D_MODEL)) * SPREAD / np.sqrt(D_MODEL)
    return np.concatenate([np.array(of_functions) + noise, rest])


def _subfunctions(rng: np.random.Generator, sentences: int) -> Sequence[SubFunction]:
    """One a feature: sentences of fillers with one of its words, or with one of another feature."""
    made = []
    features = [(function, i) for function in FUNCTIONS for i in range(FEATURES)]
    for function, feature in features:
        own = _words(function, feature)
        others = [word for other in features if other != (function, feature) for word in _words(*other)]
        labels = np.repeat([1, 0], sentences)
        shown = labels ^ (rng.random(len(labels)) < NOISE)
        texts = []
        for holds in shown:
            sentence = list(rng.choice(_fillers(), LENGTH))
            sentence[rng.integers(LENGTH)] = rng.choice(own if holds else others)
            texts.append(" ".join(sentence))
        made.append(SubFunction(f"{function}-{feature}", function, tuple(texts), labels, "planted"))
    return made


def _words(function: str, feature: int) -> list[str]:
    return [f"{function}{feature}{letter}" for letter in "abcdefgh"[:WORDS]]


def _fillers() -> list[str]:
    return [f"filler{i}" for i in range(FILLERS)]


def _tokenizer() -> PreTrainedTokenizerFast:
    """One token a word."""
    words = ["<pad>", "</s>", "<unk>", *_fillers()]
    words += [w for function in FUNCTIONS for i in range(FEATURES) for w in _words(function, i)]
    made = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = WhitespaceSplit()  # type: ignore[assignment]
    made.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])  # type: ignore[assignment]
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
