"""What a companion model is and how it is trained: sizes, rates, checkpoints, and its first weights."""

from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedConfig, SwitchTransformersConfig, T5Config

from companion.models import attention_start, model_folder

EARLY_STEPS, LATE_STEPS = 16, 24  # checkpoints; with the start 41, the paper's number


@dataclass(frozen=True)
class Recipe:
    """One pre-training run. Two runs of equal recipes on one machine end in equal weights."""

    steps: int = 7_000
    batch: int = 32  # windows of running text a step
    facts: int = 48  # stated facts a step, each with one entity hidden
    tasks: int = 64  # task examples a step; 0 for span corruption only
    length: int = 64  # encoder tokens a window, the end mark included
    seed: int = 0
    lr: float = 1.5e-2  # relative to the root mean square of each weight matrix
    warmup: int = 500  # steps
    decay: float = 0.9  # share of the steps, at the end; 0 for a constant rate
    noise: float = 0.15  # share of the tokens that are hidden
    span: float = 3.0  # mean length of a hidden span in tokens
    d_model: int = 128
    d_ff: int = 1280  # neurons a layer; of an expert in Switch
    layers: int = 4
    decoder_layers: int = 1
    heads: int = 4
    experts: int = 0  # 0: T5; else Switch, with this many in every second layer
    capacity: int = 0  # tokens of a window that an expert takes
    balance: float = 1e-2  # weight of the load-balancing loss (Fedus et al., 2022, Equation 4)
    z_loss: float = 1e-3  # weight of the router z-loss (Zoph et al., 2022, Equation 5)

    def config(self, vocabulary: int) -> PreTrainedConfig:
        """The architecture: ReLU, tied embeddings, no dropout."""
        common = {
            "vocab_size": vocabulary,
            "d_model": self.d_model,
            "d_kv": self.d_model // self.heads,
            "d_ff": self.d_ff,
            "num_layers": self.layers,
            "num_decoder_layers": self.decoder_layers,
            "num_heads": self.heads,
            "dropout_rate": 0.0,
            "pad_token_id": 0,
            "eos_token_id": 1,
            "decoder_start_token_id": 0,
        }
        if not self.experts:
            return T5Config(feed_forward_proj="relu", **common)
        return SwitchTransformersConfig(
            num_experts=self.experts,
            expert_capacity=self.capacity,
            num_sparse_encoder_layers=self.layers // 2,
            num_sparse_decoder_layers=self.decoder_layers // 2,
            router_jitter_noise=0.0,
            router_aux_loss_coef=self.balance,
            router_z_loss_coef=self.z_loss,
            **common,
        )

    def build(self, vocabulary: int) -> torch.nn.Module:
        """The model before its first step; its weights depend on the seed only."""
        model = model_folder.fresh(self.config(vocabulary), self.seed)
        attention_start.prepare_attention(model)
        return model

    def learning_rate(self, step: int) -> float:
        """Linear warm-up, constant, linear to zero: a run may be made longer until its decay begins."""
        rising = (step + 1) / max(1, self.warmup)
        falling = (self.steps - step) / max(1, round(self.decay * self.steps))
        return self.lr * min(1.0, rising, falling)

    def checkpoints(self) -> list[int]:
        """41 steps (fewer in a short run): the start, 16 evenly spaced in the logarithm up to a tenth of the run,
        where most changes, and 24 evenly spaced up to its end."""
        early = np.geomspace(max(1, self.steps / 800), self.steps / 10, EARLY_STEPS)
        late = np.linspace(self.steps / 10, self.steps, LATE_STEPS + 1)[1:]
        return sorted({0, *np.concatenate([early, late]).round().astype(int).tolist()})


RECIPES = {
    "t5-mini": Recipe(),
    "t5-mini-constant": Recipe(decay=0.0),  # beside t5-mini: what the decay does to stabilisation (Section 6)
    "switch-mini": Recipe(tasks=0, d_ff=128, decoder_layers=2, experts=16, capacity=16),
}
