"""Pre-train the companion models from scratch, in runs that can be stopped and resumed.

Run it as ``python -m companion.models.pretrain t5-mini --out runs/t5-mini/seed-0``; on several devices as
``accelerate launch -m companion.models.pretrain …``. A run that was stopped goes on from its last state and ends
in the same weights, bit for bit, on the same machine.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch.nn import functional
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast

from companion.models import catalogue, checkpoints, corruption, mixture, router_losses, training_log
from companion.models.optimizer import RMSScaledAdamW
from companion.models.recipe import RECIPES, Recipe
from modularity import environment

Batch = tuple[torch.Tensor, torch.Tensor]


def pretrain(
    recipe: Recipe,
    folder: Path,
    docs: Sequence[Sequence[str]] | None = None,
    facts: Sequence[mixture.Example] | None = None,
    examples: Sequence[mixture.Example] | None = None,
    *,
    tokenizer: PreTrainedTokenizerFast | None = None,
    save_every: int = 100,
    stop_after: int | None = None,
) -> Path:
    """Train by `recipe` into `folder`, going on where a stopped run left off.

    The folder then has ``state.safetensors`` (to go on from), ``log.jsonl``, the checkpoints ``steps/00000000``
    and on, and at the end ``final``; checkpoints and ``final`` are folders that `catalogue.load` reads.

    Parameters
    ----------
    docs : sentences by document; the shipped corpus if not given.
    facts : statements with a gap; the shipped ones if not given.
    examples : of the task mixture; the shipped training rows if not given.
    tokenizer : the shipped one if not given; all companion models share it.
    save_every : steps between states.
    stop_after : leave at this step; the run can go on from it.

    Raises
    ------
    ValueError
        The folder holds another run, or a damaged state; there is too little text for one step.
    """
    accelerator = Accelerator(mixed_precision="bf16" if _multiplies_bfloat16() else "no")
    tokenizer = tokenizer or catalogue.tokenizer()
    folder.mkdir(parents=True, exist_ok=True)
    model = recipe.build(len(tokenizer))  # type: ignore[arg-type]
    optimizer = RMSScaledAdamW(model.parameters(), fused=True)
    state = folder / "state.safetensors"
    saved = checkpoints.load_state(state, model, recipe) if state.exists() else None
    start = saved[0] if saved else 0
    prepared, stepper = accelerator.prepare(model, optimizer)
    if saved:
        checkpoints.restore(optimizer, saved[1])
    batches = _batches(recipe, start, tokenizer, docs, facts, examples, accelerator)
    main = accelerator.is_main_process
    log = training_log.Log(folder / "log.jsonl", start) if main else None
    kept = set(recipe.checkpoints())
    if main and start == 0:
        checkpoints.save_model(folder, model, tokenizer, recipe, 0)
    prepared.train()
    with tqdm(
        total=recipe.steps, initial=start, desc=f"{folder.parent.name} {folder.name}", unit="step", disable=not main
    ) as bar:
        for step, parts in enumerate(batches, start=start + 1):
            record = training_log.Record()
            accelerator.backward(span_loss(prepared, *parts.windows, recipe, record))
            for inputs, targets in parts.facts:
                accelerator.backward(
                    span_loss(prepared, inputs, targets, recipe, record, "facts_loss") / len(parts.facts)
                )
            for inputs, targets in parts.tasks:
                accelerator.backward(task_loss(prepared, inputs, targets, recipe, record) / len(parts.tasks))
            optimizer.scale(recipe.learning_rate(step - 1))
            stepper.step()
            stepper.zero_grad()
            bar.update()
            if log and (entry := log.add(step, record, last=step == recipe.steps)):
                bar.set_postfix({k: v for k, v in entry.items() if k in ("loss", "task_loss", "tokens_per_s")})
            if main and step in kept:
                checkpoints.save_model(folder, model, tokenizer, recipe, step)
            if main and (step % save_every == 0 or step == recipe.steps):
                checkpoints.save_state(state, model, optimizer, step, recipe)
            if step == stop_after:
                return folder
    if main:
        checkpoints.finish(folder)
    accelerator.wait_for_everyone()
    return folder / "final"


def span_loss(
    model: torch.nn.Module,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    recipe: Recipe,
    record: training_log.Record,
    name: str = "loss",
) -> torch.Tensor:
    """Cross-entropy of what is hidden, in nats a token; in Switch with the losses of its routers."""
    record.tokens += inputs.numel()
    windows = name == "loss"
    mask = None if windows else (inputs != 0).long()  # windows are full
    if not (recipe.experts and windows):  # routers are balanced on full windows: padding would be routed too
        loss = model(input_ids=inputs, attention_mask=mask, labels=targets).loss
        record.add(**{name: loss.item()})
        return loss
    output = model(input_ids=inputs, labels=targets, output_router_logits=True)
    # `output.loss` already holds the library's pooled router losses: the plain one is computed anew.
    loss = functional.cross_entropy(output.logits.float().flatten(0, 1), targets.flatten())
    logits = [x for part in (output.encoder_router_logits, output.decoder_router_logits) for x in part or ()]
    balance, z = router_losses.losses(logits)
    record.add(**{name: loss.item()}, balance_loss=balance.item(), z_loss=z.item())
    record.load = router_losses.load(output.encoder_router_logits, recipe.capacity)
    return loss + recipe.balance * balance + recipe.z_loss * z


def task_loss(
    model: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor, recipe: Recipe, record: training_log.Record
) -> torch.Tensor:
    """Cross-entropy of the answers, in nats an answer: a mean over tokens would be that of their easy ends."""
    record.tokens += inputs.numel()
    logits = model(input_ids=inputs, attention_mask=(inputs != 0).long(), labels=targets).logits
    total = functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum")
    record.add(task_loss=total.item() / len(targets))
    return total / len(targets)


@dataclass(frozen=True)
class _Step:
    """The batches of one step, this process's share of them."""

    windows: Batch
    facts: list[Batch]
    tasks: list[Batch]


def _batches(
    recipe: Recipe,
    start: int,
    tokenizer: PreTrainedTokenizerFast,
    docs: Sequence[Sequence[str]] | None,
    facts: Sequence[mixture.Example] | None,
    examples: Sequence[mixture.Example] | None,
    accelerator: Accelerator,
) -> Iterator["_Step"]:
    """Every step: windows of text, stated facts, and task examples."""
    steps = range(start, recipe.steps)
    docs = corruption.documents() if docs is None else docs
    windows = corruption.batches(
        corruption.token_stream(docs, tokenizer),
        steps=steps,
        batch=recipe.batch,
        length=recipe.length,
        noise=recipe.noise,
        span=recipe.span,
        sentinel=tokenizer.convert_tokens_to_ids("<extra_id_0>"),  # type: ignore[arg-type]
        seed=recipe.seed,
    )
    stated: Iterator[mixture.Batch] = repeat([])
    answered: Iterator[mixture.Batch] = repeat([])
    if recipe.facts:
        facts = mixture.statements(tokenizer) if facts is None else facts
        stated = mixture.batches(facts, steps=steps, batch=recipe.facts, seed=recipe.seed, stream=1)
    if recipe.tasks:
        examples = mixture.examples(tokenizer, recipe.length) if examples is None else examples
        answered = mixture.batches(examples, steps=steps, batch=recipe.tasks, seed=recipe.seed)
    share = slice(accelerator.process_index, None, accelerator.num_processes)

    def here(pair: Sequence[np.ndarray]) -> Batch:
        inputs, targets = (torch.as_tensor(x[share], dtype=torch.long, device=accelerator.device) for x in pair)
        return inputs, targets

    for window, *others in zip(windows, stated, answered, strict=False):  # what is left out never ends
        yield _Step(here(window), *([here(pair) for pair in other] for other in others))


def _multiplies_bfloat16() -> bool:
    """Whether the device has bfloat16 products of its own; emulated ones are slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "bf16" in cpuinfo.read_text()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m companion.models.pretrain", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--out", type=environment.expanded, help="folder of the run; runs/NAME/seed-SEED if not given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="another length than the shipped model's")
    parser.add_argument("--stop-after", type=int, metavar="STEP", help="leave at this step; it can go on later")
    parser.add_argument("--threads", type=int, help="of this process; two runs of one thread each share two cores best")
    options = parser.parse_args(arguments)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    recipe = replace(RECIPES[options.name], seed=options.seed)
    if options.steps is not None:
        recipe = replace(recipe, steps=options.steps)
    try:
        folder = options.out or catalogue.runs_folder() / options.name / f"seed-{options.seed}"
        print(pretrain(recipe, folder, stop_after=options.stop_after))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
