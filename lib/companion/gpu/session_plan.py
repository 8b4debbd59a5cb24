"""What a session trains, and in how many seconds each of its steps has to be done; whole, and at toy size."""

import os
from dataclasses import dataclass, replace
from typing import Any

from transformers import PreTrainedConfig, SwitchTransformersConfig, T5Config

from companion.gpu import clock
from companion.models.recipe import Recipe

# Eight times the minis' batches in twice their width. Adam's steps may grow with the root of the batch and have to
# shrink with the root of the width, which makes twice the minis' rate, 3e-2. Tried once, on a CPU and far from this
# size (150 steps of 8 layers of 64 dimensions, twice the minis' batches of half their length, no tasks): the loss fell
# to 4.73 at 1.5e-2, to 4.66 at 2e-2 and to 4.56 at 3e-2, and none diverged. So few steps favour high rates, and noise
# makes weights grow by a factor of about exp(steps * rate² / 6): the lower one is taken.
RATE = 2e-2
WIDE = Recipe(batch=256, facts=384, tasks=512, lr=RATE, d_model=256, d_ff=1024, layers=8)
MIDIS = {
    "t5-midi": WIDE,
    "switch-midi": replace(WIDE, tasks=0, d_ff=256, decoder_layers=2, experts=16, capacity=16),
}


@dataclass(frozen=True)
class Settings:
    """Seconds of each step, and sizes."""

    total: float = 480.0
    checks: float = 30.0
    training: float = 140.0  # of each model
    reading: float = 45.0  # of each model's checkpoints, while it trains
    history: float = 40.0  # of each model, for what is still to be scored
    speed: float = 30.0
    grace: float = clock.GRACE
    per_class: int = 100  # sentences of a sub-function
    subfunctions: int | None = None  # of each function; all if None
    documents: int | None = None
    workers: int = os.cpu_count() or 1  # processes that score
    loaders: int = 3  # processes that make batches
    share: float = 0.01
    experts: int = 16
    toy: bool = False


TOY = Settings(
    total=900.0,  # less than a minute is used of it, but for where others use all cores
    checks=120.0,
    training=5.0,  # the only one that is used up: it trains as long as it may
    reading=240.0,
    history=120.0,
    speed=60.0,
    grace=2.0,
    per_class=10,
    subfunctions=2,
    documents=60,
    workers=2,
    loaders=1,
    share=1 / 32,
    experts=4,
    toy=True,
)


def recipes(settings: Settings) -> dict[str, Recipe]:
    """What is trained, by name; in a rehearsal of toy size, with few steps."""
    if not settings.toy:
        return MIDIS
    small: dict[str, Any] = {"batch": 4, "facts": 4, "length": 24, "d_model": 16, "layers": 2, "heads": 2}
    own: dict[str, dict[str, Any]] = {
        "t5-midi": {"tasks": 4, "d_ff": 32},
        "switch-midi": {"d_ff": 32, "experts": 4, "capacity": 8},
    }
    return {name: replace(recipe, **small, **own[name]) for name, recipe in MIDIS.items()}


def speeds(settings: Settings) -> dict[str, Any]:
    """What `speed.measure` is asked for: the paper's shapes, or tiny ones."""
    if not settings.toy:
        return {}
    small: dict[str, Any] = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_heads": 2}
    small |= {"num_layers": 2, "num_decoder_layers": 1}
    configs: dict[str, PreTrainedConfig] = {
        "t5": T5Config(**small),
        "switch": SwitchTransformersConfig(num_experts=4, **small),
    }
    return {"configs": configs, "batches": (512, 2048), "number": 64}
