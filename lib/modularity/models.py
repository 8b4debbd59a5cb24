"""A model ready to be read: a module in memory with its tokenizer, and the name of what it is."""

import re
from dataclasses import dataclass, field

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from modularity import identity, tokens


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
        """The part whose layers are read; what is called with token ids and a mask."""
        return self.module.encoder if self.module.config.is_encoder_decoder else self.module  # type: ignore[return-value,union-attr]

    @property
    def device(self) -> torch.device:
        return next(self.module.parameters()).device

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
