"""Pre-train the companion models from scratch, in runs that can be stopped and resumed.

Run it as ``python -m companion.models.pretrain t5-mini --out runs/t5-mini/seed-0``; on several devices as
``accelerate launch -m companion.models.pretrain …``. A run that was stopped goes on from its last state and ends
in the same weights, bit for bit, on the same machine.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast

from companion import terminal
from companion.models import catalogue, checkpoints, corruption, mixture, training_batches, training_log
from companion.models.objectives import span_loss, task_loss
from companion.models.optimizer import RMSScaledAdamW
from companion.models.recipe import RECIPES, Recipe
from modularity import environment
from modularity.subfunction import SENTINEL


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
    text = _text(recipe, tokenizer, docs, facts, examples)
    share = slice(accelerator.process_index, None, accelerator.num_processes)  # of each batch, this process's

    def placed(pair: tuple[np.ndarray, np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        inputs, targets = (torch.as_tensor(x[share], dtype=torch.long, device=accelerator.device) for x in pair)
        return inputs, targets

    main = accelerator.is_main_process
    log = training_log.Log(folder / "log.jsonl", start) if main else None
    kept = set(recipe.checkpoints())
    if main and start == 0:
        checkpoints.save_model(folder, model, tokenizer, recipe, 0)
    prepared.train()
    with tqdm(
        total=recipe.steps, initial=start, desc=f"{folder.parent.name} {folder.name}", unit="step", disable=not main
    ) as bar:
        batches = training_batches.parts(recipe, text, range(start, recipe.steps))
        for step, parts in enumerate(batches, start=start + 1):
            record = training_log.Record()
            accelerator.backward(span_loss(prepared, *placed(parts.windows), recipe, record))
            for inputs, targets in map(placed, parts.facts):
                accelerator.backward(
                    span_loss(prepared, inputs, targets, recipe, record, "facts_loss") / len(parts.facts)
                )
            for inputs, targets in map(placed, parts.tasks):
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


def _text(
    recipe: Recipe,
    tokenizer: PreTrainedTokenizerFast,
    docs: Sequence[Sequence[str]] | None,
    facts: Sequence[mixture.Example] | None,
    examples: Sequence[mixture.Example] | None,
) -> training_batches.Text:
    """What is given, or else what is shipped and the recipe has a place for."""
    docs = corruption.documents() if docs is None else docs
    if facts is None:
        facts = mixture.statements(tokenizer) if recipe.facts else []
    if examples is None:
        examples = mixture.examples(tokenizer, recipe.length) if recipe.tasks else []
    sentinel: Any = tokenizer.convert_tokens_to_ids(SENTINEL)
    return training_batches.Text(corruption.token_stream(docs, tokenizer), facts, examples, sentinel)


def _multiplies_bfloat16() -> bool:
    """Whether the device has bfloat16 products of its own; emulated ones are slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "bf16" in cpuinfo.read_text(encoding="utf-8")


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
    terminal.run(main)
