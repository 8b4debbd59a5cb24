"""A model ready to be read: a module in memory with its tokenizer, and the name of what it is."""

import re
from dataclasses import dataclass, field

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from modularity import identity, tokens

OFFSET = ("roberta", "xlm-roberta", "camembert", "mpnet")  # whose positions begin behind that of padding
MAX_TOKENS = 512  # longer sentences are cut here, as the encoders of the paper's models do


@dataclass(frozen=True)
class Model:
    """A model ready to be read: evaluation mode, no gradients."""

    name: str
    module: nn.Module = field(repr=False)
    tokenizer: PreTrainedTokenizerBase = field(repr=False)
    untrained: bool = False
    seed: int | None = None  # of a shipped run, or of the fresh weights of an untrained model
    step: int | None = None  # of a checkpoint; None for the end of the run

    @property
    def encoder(self) -> nn.Module:
        """What is called with token ids and a mask, and whose layers are read: without head, without decoder."""
        base = getattr(self.module, "base_model", self.module)
        return base.encoder if hasattr(base, "encoder") and hasattr(base, "decoder") else base  # type: ignore[return-value]

    @property
    def device(self) -> torch.device:
        return next(self.module.parameters()).device

    @property
    def vocabulary(self) -> int:
        """Token ids that the model has an embedding for."""
        return int(self.encoder.get_input_embeddings().num_embeddings)  # type: ignore[union-attr,operator]

    @property
    def max_tokens(self) -> int:
        """Of a sentence; the rest is cut off. At most 512, and no more than the model has positions for."""
        config = self.module.config
        positions = getattr(config, "max_position_embeddings", None) or MAX_TOKENS  # type: ignore[union-attr]
        if str(config.model_type) in OFFSET:  # type: ignore[union-attr]
            positions -= (config.pad_token_id or 0) + 1  # type: ignore[union-attr,operator]
        return min(MAX_TOKENS, int(positions))

    @property
    def label(self) -> str:
        """The name with what tells this copy from others, as ``t5-mini, untrained 2``."""
        what = [f"untrained {self.seed}"] if self.untrained else [f"seed {self.seed}"] if self.seed is not None else []
        return ", ".join([self.name, *what, *([f"step {self.step}"] if self.step is not None else [])])

    @property
    def stem(self) -> str:
        """The label as a part of a file's name: ``t5-mini-untrained-2``."""
        return "-".join(re.findall(r"[\w.]+", self.label.rstrip("/").split("/")[-1]))

    @property
    def gap(self) -> str:
        """What stands for a hidden word: BERT's mask, T5's first sentinel."""
        return tokens.gap(self.tokenizer)

    @property
    def fingerprint(self) -> str | None:
        """A digest of what decides the activations, as it is in memory now; None where there is none (`identity`)."""
        try:
            return identity.fingerprint(self.module, self.tokenizer)
        except identity.UnnamedError:
            return None


def wrap(module: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str | None = None) -> Model:
    """A model of transformers that is in memory, with or without a head, ready to be read.

    It is put into evaluation mode. Before it is returned a few tokens are read from every layer and compared with what
    the layer gives (`self_check.check`).

    Parameters
    ----------
    module : of a family that has an adapter (`families`). Decoders are read at their tokens as encoders are; of a model
        that has both the encoder is read.
    name : for tables and figures; where the module came from if not given.

    Raises
    ------
    TypeError
        A module that is no model of transformers, or a tokenizer that is none.
    ValueError
        A model of no known family, or one whose activations are not those that its layers use; a tokenizer of another
        model, or one without padding.
    """
    from modularity import self_check  # which reads models

    if not isinstance(module, PreTrainedModel):
        raise TypeError(f"got a {type(module).__name__}, expected a model of transformers, as AutoModel loads it")
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise TypeError(f"got a {type(tokenizer).__name__}, expected a tokenizer, as AutoTokenizer loads it")
    found = name or str(module.config.name_or_path).rstrip("/").rpartition("/")[2] or type(module).__name__
    model = Model(found, module.eval(), tokenizer)
    if len(tokenizer) > model.vocabulary:
        raise ValueError(
            f"the tokenizer has {len(tokenizer):,} tokens and {found} {model.vocabulary:,} embeddings; "
            "use those of one model"
        )
    tokens.padding(tokenizer, found)
    self_check.check(model)
    return model
