"""The companions' recipe on one GPU: static shapes, bfloat16, compiled layers, and as many steps as fit the time."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from companion.gpu import clock, expert_products
from companion.gpu.batches import Batch
from companion.gpu.training_step import DeviceAdamW, Losses, of_windows, step
from companion.models import router_losses, tied_weights
from companion.models.recipe import Recipe

TRIED = 8  # steps whose speed decides how many fit
MARGIN = 0.96  # share of the time that is planned
EVERY = 50  # steps between lines of the log
COMPILING = 45.0  # seconds that compiling may take

Checkpoint = dict[str, torch.Tensor]


@dataclass
class Run:
    """A training run in memory; it holds what is there so far, whenever it is stopped."""

    recipe: Recipe
    checkpoints: dict[int, Checkpoint] = field(default_factory=dict, repr=False)
    log: list[dict[str, object]] = field(default_factory=list, repr=False)
    facts: dict[str, object] = field(default_factory=dict)  # speed, compiling, memory

    @property
    def finished(self) -> bool:
        return self.recipe.steps in self.checkpoints


def train(
    run: Run,
    batches: Iterator[Batch],
    vocabulary: int,
    seconds: float,
    *,
    device: torch.device,
    compiled: bool = True,
    keep: Callable[[int, Checkpoint, int], object] = lambda *_: None,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Train into `run` for about so many seconds: its speed is measured, the steps planned, the decay completed.

    Parameters
    ----------
    batches : without an end.
    keep : is called with each checkpoint as it comes, and how many are to come. Its time is not this run's.
    """
    end = now() + seconds
    model = run.recipe.build(vocabulary).to(device).train()
    optimizer = DeviceAdamW(model.parameters(), fused=True)
    half = device.type == "cuda"

    def sync() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize()
        return now()

    def placed() -> Mapping[str, torch.Tensor]:
        return {k: torch.as_tensor(v).to(device, torch.long, non_blocking=True) for k, v in next(batches).items()}

    with ExitStack() as stack:
        sparse = stack.enter_context(expert_products.routed(model)) if run.recipe.experts else []

        def tried(steps: int) -> None:
            for _ in range(steps):  # at rate zero nothing moves
                step(model, optimizer, placed(), run.recipe, 0.0, sparse, half=half)
            sync()

        run.facts["compiled"] = compiled and compile_layers(model, lambda: tried(1), min(COMPILING, seconds / 3))
        tried(2)
        start = sync()
        tried(TRIED)
        pace = (sync() - start) / TRIED
        optimizer = DeviceAdamW(model.parameters(), fused=True)  # without the moments of what was tried
        run.recipe = planned(run.recipe, 0, pace, end - now())
        run.facts |= {"seconds_a_step": pace, "planned": run.recipe.steps}
        clock.say(f"  {1 / pace:.1f} steps/s: {run.recipe.steps} steps")
        log = Log(run, now)
        for number in itertools.count():
            if number in (wanted := run.recipe.checkpoints()):
                away = sync()
                run.checkpoints[number] = tied_weights.halved(model.state_dict())
                keep(number, run.checkpoints[number], sum(later > number for later in wanted))
                end += now() - away
                log.began += now() - away
                if number == run.recipe.steps:
                    break
            made = step(model, optimizer, placed(), run.recipe, run.recipe.learning_rate(number), sparse, half=half)
            log.add(number + 1, made, sparse)
            if (number + 1) % EVERY == 0:
                left, pace = end - sync(), log.pace or pace
                if left < pace * (run.recipe.steps - number - 1):  # slower than planned: fewer steps, not half a decay
                    run.recipe = planned(run.recipe, number + 1, pace, left)
    if device.type == "cuda":
        run.facts["peak_bytes"] = torch.cuda.max_memory_allocated()


def planned(recipe: Recipe, done: int, pace: float, left: float) -> Recipe:
    """The recipe with as many steps as fit, of which `done` are over; the warm-up takes the minis' share, or less."""
    steps = max(done + 1, done + math.floor(MARGIN * max(left, 0) / pace))
    return replace(recipe, steps=steps, warmup=min(Recipe.warmup, max(1, steps // 14)))


def compile_layers(model: nn.Module, attempt: Callable[[], object], seconds: float) -> bool:
    """Compile each layer by itself, which takes a fraction of the whole's time, as equal ones share their program.

    `attempt` runs a step. If it fails, or takes more than `seconds`, False is returned and layers are as they were.
    """
    blocks = [*model.encoder.block, *model.decoder.block]  # type: ignore[union-attr,misc]
    torch._dynamo.reset()  # of another model's layers
    torch._dynamo.config.recompile_limit = max(
        torch._dynamo.config.recompile_limit, 16
    )  # first, sparse, dense, decoder
    try:
        with clock.interrupted(seconds):
            for block in blocks:
                block.compile(dynamic=False)
            attempt()
        return True
    except Exception as error:  # whatever the compiler raises: the run goes on without it
        clock.say(f"  not compiled: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        for block in blocks:
            block._compiled_call_impl = None
        torch._dynamo.reset()
        model.zero_grad(set_to_none=True)
        return False


class Log:
    """Lines as `training_log` writes them, from numbers that stay on the device until a line is due."""

    def __init__(self, run: Run, now: Callable[[], float]) -> None:
        self.run, self.now = run, now
        self.pace = 0.0
        self._clear()

    def _clear(self) -> None:
        self.began = self.now()
        self.sums: dict[str, torch.Tensor] = {}
        self.count = 0

    def add(self, number: int, made: Losses, sparse: Sequence[nn.Module]) -> None:
        self.count += 1
        for name, value in made.logged.items():
            self.sums[name] = self.sums.get(name, torch.zeros_like(value)) + value
        if number % EVERY and number != self.run.recipe.steps:
            return
        recipe = self.run.recipe
        line: dict[str, object] = {"step": number}
        line |= {name: round(value.item() / self.count, 4) for name, value in self.sums.items()}
        self.pace = (self.now() - self.began) / self.count
        rows = recipe.batch + recipe.facts + recipe.tasks
        line["tokens_per_s"] = round(rows * recipe.length / max(self.pace, 1e-9))
        if layers := sparse[: recipe.layers // 2]:  # of the encoder, at this step
            load = router_losses.expert_load(of_windows(layers, recipe), recipe.capacity)
            line["load_entropy"] = load.entropy.round(4).tolist()
            line["dropped"] = load.dropped_share.round(5).tolist()
            line["load"] = (load.sent / load.sent.sum(1, keepdims=True)).round(4).tolist()
        self.run.log.append(line)
        losses_ = {k: v for k, v in line.items() if k in ("step", "loss", "facts_loss", "task_loss", "tokens_per_s")}
        if number % (10 * EVERY) == 0 or number == recipe.steps:
            clock.say(f"  {losses_}")
        self._clear()
