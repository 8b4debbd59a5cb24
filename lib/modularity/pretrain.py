"""Pre-train the companion models from scratch, in runs that can be stopped and resumed.

Run it as ``python -m modularity.pretrain t5-mini --out runs/t5-mini/seed-0``; on several devices as
``accelerate launch -m modularity.pretrain …``. A run that was stopped goes on from its last state and ends
in the same weights, bit for bit, on the same machine.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch.nn import functional
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast
from transformers.utils import logging

from modularity import corruption, mixture, models, routing
from modularity.recipe import RECIPES, Recipe

EPS_RMS = 1e-3  # the smallest scale a weight matrix is stepped by, as in Adafactor (Shazeer & Stern, 2018)
Batch = tuple[torch.Tensor, torch.Tensor]


class RMSScaledAdamW(torch.optim.AdamW):
    """AdamW whose step is relative to each matrix's root mean square, as Adafactor's.

    A T5 starts with embeddings of size 1 and projections far smaller; one absolute step size suits not both,
    and a small model stays on the plateau where it ignores the encoder. Gradients are not clipped: in a
    trial of 400 steps that slowed the start. The scale follows the weights, so noise makes them grow by a
    factor of about exp(lr² / 2) a step: a high rate held for long ends in weights hundreds of times too
    large (measured: 3e-2 for 9,000 steps), which is why the rate falls from early on.
    """

    def __init__(self, parameters, **options) -> None:
        groups = [{"params": [p]} for p in parameters]
        super().__init__(groups, betas=(0.9, 0.98), weight_decay=0.0, **options)

    def scale(self, lr: float) -> None:
        """Set each matrix's rate to `lr` times its root mean square."""
        matrices = [group["params"][0].detach() for group in self.param_groups]
        norms = torch.stack(torch._foreach_norm(matrices)).tolist()  # type: ignore[reportPrivateImportUsage]
        for group, norm in zip(self.param_groups, norms, strict=True):
            group["lr"] = lr * max(norm / group["params"][0].numel() ** 0.5, EPS_RMS)


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
    and on, and at the end ``final``; checkpoints and ``final`` are folders that `models.load` reads.

    Parameters
    ----------
    docs : sentences by document; the shipped corpus if not given.
    facts : statements with a gap; the shipped ones if not given.
    examples : of the task mixture; the shipped training rows if not given.
    tokenizer : the shipped one if not given; all companion models share it.
    save_every : steps between states.
    stop_after : leave at this step, for tests of resuming.

    Raises
    ------
    ValueError
        The folder holds another run, or a damaged state; there is too little text for one step.
    """
    accelerator = Accelerator(mixed_precision="bf16" if _multiplies_bfloat16() else "no")
    tokenizer = tokenizer or models.tokenizer()
    folder.mkdir(parents=True, exist_ok=True)
    model = recipe.build(len(tokenizer))  # type: ignore[arg-type]
    optimizer = RMSScaledAdamW(model.parameters(), fused=True)
    state = folder / "state.safetensors"
    saved = load_state(state, model, recipe) if state.exists() else None
    start = saved[0] if saved else 0
    prepared, stepper = accelerator.prepare(model, optimizer)
    if saved:
        _restore(optimizer, saved[1])
    batches = _batches(recipe, start, tokenizer, docs, facts, examples, accelerator)
    main = accelerator.is_main_process
    log = _Log(folder / "log.jsonl", start, recipe) if main else None
    checkpoints = set(recipe.checkpoints())
    if main and start == 0:
        save_model(folder, model, tokenizer, recipe, 0)
    prepared.train()
    with tqdm(
        total=recipe.steps, initial=start, desc=f"{folder.parent.name} {folder.name}", unit="step", disable=not main
    ) as bar:
        for step, parts in enumerate(batches, start=start + 1):
            record = _Record()
            accelerator.backward(_loss(prepared, *parts.windows, recipe, record))
            for inputs, targets in parts.facts:
                accelerator.backward(_loss(prepared, inputs, targets, recipe, record, "facts_loss") / len(parts.facts))
            for inputs, targets in parts.tasks:
                accelerator.backward(_task_loss(prepared, inputs, targets, recipe, record) / len(parts.tasks))
            optimizer.scale(recipe.learning_rate(step - 1))
            stepper.step()
            stepper.zero_grad()
            bar.update()
            if log and (entry := log.add(step, record, last=step == recipe.steps)):
                bar.set_postfix({k: v for k, v in entry.items() if k in ("loss", "task_loss", "tokens_per_s")})
            if main and step in checkpoints:
                save_model(folder, model, tokenizer, recipe, step)
            if main and (step % save_every == 0 or step == recipe.steps):
                save_state(state, model, optimizer, step, recipe)
            if step == stop_after:
                return folder
    if main:
        _finish(folder)
    accelerator.wait_for_everyone()
    return folder / "final"


class _Record:
    """What one step leaves for the log."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}
        self.tokens = 0
        self.load: routing.Load | None = None

    def add(self, **values: float) -> None:
        for key, value in values.items():
            self.values.setdefault(key, []).append(value)


def _loss(
    model: torch.nn.Module,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    recipe: Recipe,
    record: _Record,
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
    balance, z = routing.losses(logits)
    record.add(**{name: loss.item()}, balance_loss=balance.item(), z_loss=z.item())
    record.load = routing.load(output.encoder_router_logits, recipe.capacity)
    return loss + recipe.balance * balance + recipe.z_loss * z


def _task_loss(
    model: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor, recipe: Recipe, record: _Record
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


class _Log:
    """Means over every 50 steps, one JSON line each; lines past a resumed state are dropped."""

    EVERY = 50

    def __init__(self, path: Path, start: int, recipe: Recipe) -> None:
        self.path, self.recipe = path, recipe
        lines = path.read_text().splitlines() if path.exists() else []
        path.write_text("".join(line + "\n" for line in lines if json.loads(line)["step"] <= start))
        self._clear()

    def _clear(self) -> None:
        self.values: dict[str, list[float]] = {}
        self.tokens, self.began = 0, time.monotonic()
        self.load: routing.Load | None = None

    def add(self, step: int, record: _Record, *, last: bool) -> dict | None:
        for key, values in record.values.items():
            self.values.setdefault(key, []).extend(values)
        self.tokens += record.tokens
        if record.load is not None:
            self.load = record.load if self.load is None else self.load + record.load
        if step % self.EVERY and not last:
            return None
        entry: dict[str, Any] = {"step": step} | {k: round(sum(v) / len(v), 4) for k, v in self.values.items()}
        entry["tokens_per_s"] = round(self.tokens / (time.monotonic() - self.began))
        if self.load is not None:
            entry["load_entropy"] = self.load.entropy.round(4).tolist()
            entry["dropped"] = self.load.dropped_share.round(5).tolist()
            entry["load"] = (self.load.sent / self.load.sent.sum(1, keepdims=True)).round(4).tolist()
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        self._clear()
        return entry


def save_state(path: Path, model: torch.nn.Module, optimizer: RMSScaledAdamW, step: int, recipe: Recipe) -> None:
    """One file with weights, optimizer moments and the step, replaced as a whole."""
    tensors = {f"model.{k}": v.contiguous() for k, v in model.state_dict().items() if v.data_ptr()}
    for i, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{i}.{k}": v for k, v in state.items()}
    # The embedding is tied: three names for one tensor, which safetensors stores under one.
    unique = {v.data_ptr(): k for k, v in reversed(tensors.items())}
    tensors = {k: v for k, v in tensors.items() if unique[v.data_ptr()] == k}
    temporary = path.with_suffix(".tmp")
    save_file(tensors, temporary, metadata={"step": str(step), "recipe": json.dumps(asdict(recipe))})
    os.replace(temporary, path)


def load_state(path: Path, model: torch.nn.Module, recipe: Recipe) -> tuple[int, dict[str, torch.Tensor]]:
    """Put saved weights back; returns the step to go on from and the optimizer's moments.

    Raises
    ------
    ValueError
        The state was saved by another recipe, or is damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        step, found = int(metadata["step"]), json.loads(metadata["recipe"])
        tensors = load_file(path)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error!r}); delete it, and the run begins anew") from error
    wanted = asdict(recipe)
    changed = {k: (found.get(k), wanted.get(k)) for k in {**found, **wanted} if found.get(k) != wanted.get(k)}
    longer = changed.keys() == {"steps"} and all(
        Recipe(**found).learning_rate(i) == recipe.learning_rate(i) for i in range(step)
    )
    if changed and not longer:
        raise ValueError(
            f"{path} belongs to another run: {changed} (saved, asked for); use another folder for this run"
        )
    weights = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    model.load_state_dict(weights, strict=False)
    model.tie_weights()  # type: ignore[operator]
    return step, {k: v for k, v in tensors.items() if k.startswith("optimizer.")}


def _restore(optimizer: RMSScaledAdamW, moments: dict[str, torch.Tensor]) -> None:
    saved = optimizer.state_dict()
    for key, value in moments.items():
        _, index, name = key.split(".")
        saved["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(saved)


def save_model(
    folder: Path, model: torch.nn.Module, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, step: int
) -> Path:
    """The weights at `step` in bfloat16 as a folder that `models.load` reads, there as a whole or not at all."""
    target = folder / "steps" / f"{step:08d}"
    temporary = target.with_suffix(".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    weights = model.state_dict()
    # Tied weights stay one tensor under several names, which is then stored once.
    once = {v.data_ptr(): v.detach().to(torch.bfloat16) for v in weights.values()}
    half = {k: once[v.data_ptr()] for k, v in weights.items()}
    logging.disable_progress_bar()  # a bar for every checkpoint would tear that of the run
    model.save_pretrained(temporary, state_dict=half)  # type: ignore[operator]
    logging.enable_progress_bar()
    tokenizer.save_pretrained(temporary)
    (temporary / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    shutil.rmtree(target, ignore_errors=True)
    os.replace(temporary, target)
    return target


def _finish(folder: Path) -> None:
    """``final``: the last checkpoint under a name of its own."""
    final, temporary = folder / "final", folder / "final.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(folder / "steps" / f"{models.steps(folder)[-1]:08d}", temporary)
    shutil.rmtree(final, ignore_errors=True)
    os.replace(temporary, final)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m modularity.pretrain", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--out", type=Path, help="folder of the run; runs/NAME/seed-SEED if not given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="another length than the shipped model's")
    parser.add_argument("--threads", type=int, help="of this process; two runs of one thread each share two cores best")
    options = parser.parse_args(arguments)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    recipe = replace(RECIPES[options.name], seed=options.seed)
    if options.steps is not None:
        recipe = replace(recipe, steps=options.steps)
    try:
        print(pretrain(recipe, options.out or models.runs_folder() / options.name / f"seed-{options.seed}"))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
