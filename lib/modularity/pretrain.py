"""Pre-train the companion models from scratch, by span corruption, in a run that can be stopped and resumed.

Run it as ``python -m modularity.pretrain t5-mini --out runs/t5-mini``; a run that was stopped goes on
from its last checkpoint and ends in the same weights, bit for bit, on the same machine.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from modularity import corruption

EPS_RMS = 1e-3  # the smallest scale a weight matrix is stepped by, as in Adafactor (Shazeer & Stern, 2018)


@dataclass(frozen=True)
class Recipe:
    """One pre-training run. Two runs of equal recipes on one machine end in equal weights."""

    steps: int = 4_600
    batch: int = 32  # windows a step
    length: int = 64  # encoder tokens a window, the end mark included
    seed: int = 0
    lr: float = 2e-2  # relative to the root mean square of each weight matrix
    warmup: int = 500  # steps
    decay: float = 0.9  # share of the steps, at the end
    noise: float = 0.15  # share of the tokens that are hidden
    span: float = 3.0  # mean length of a hidden span in tokens
    d_model: int = 128
    d_ff: int = 1280  # neurons a layer
    layers: int = 4
    decoder_layers: int = 2
    heads: int = 4


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

    def scaled_step(self, lr: float) -> None:
        for group in self.param_groups:
            group["lr"] = lr * max(group["params"][0].detach().float().square().mean().sqrt().item(), EPS_RMS)
        self.step()


def learning_rate(step: int, recipe: Recipe) -> float:
    """Linear warm-up, constant, linear to zero: a run may be made longer until its decay begins."""
    rising = (step + 1) / max(1, recipe.warmup)
    falling = (recipe.steps - step) / max(1, round(recipe.decay * recipe.steps))
    return recipe.lr * min(1.0, rising, falling)


def build_model(recipe: Recipe, vocabulary: int) -> T5ForConditionalGeneration:
    """A fresh T5 (ReLU, tied embeddings, no dropout); weights depend on the seed only."""
    torch.manual_seed(recipe.seed)
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=vocabulary,
            d_model=recipe.d_model,
            d_kv=recipe.d_model // recipe.heads,
            d_ff=recipe.d_ff,
            num_layers=recipe.layers,
            num_decoder_layers=recipe.decoder_layers,
            num_heads=recipe.heads,
            dropout_rate=0.0,
            feed_forward_proj="relu",
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,  # type: ignore[call-arg]
        )
    )


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


def load_state(path: Path, model: torch.nn.Module, optimizer: RMSScaledAdamW, recipe: Recipe) -> int:
    """Put a saved state back; returns the step to go on from.

    Raises
    ------
    ValueError
        The state was saved by another recipe.
    """
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    step, saved_recipe = int(metadata["step"]), Recipe(**json.loads(metadata["recipe"]))
    same = replace(saved_recipe, steps=recipe.steps) == recipe
    if not same or any(learning_rate(i, saved_recipe) != learning_rate(i, recipe) for i in range(step)):
        found = asdict(saved_recipe)
        changed = {k: (found[k], v) for k, v in asdict(recipe).items() if found[k] != v}
        raise ValueError(
            f"{path} belongs to another run: {changed} (saved, asked for); use another folder for this run"
        )
    tensors = load_file(path)
    weights = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    model.load_state_dict(weights, strict=False)
    model.tie_weights()  # type: ignore[operator]
    saved = optimizer.state_dict()
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".")
            saved["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(saved)
    return step


def pretrain(
    recipe: Recipe,
    folder: Path,
    docs: Sequence[Sequence[str]] | None = None,
    *,
    tokenizer: PreTrainedTokenizerFast | None = None,
    save_every: int = 200,
    stop_after: int | None = None,
) -> Path:
    """Train by `recipe` into `folder` (state, log, and at the end `folder/final`), going on where a
    stopped run left off.

    Parameters
    ----------
    docs : sentences by document; the shipped corpus without evaluation sentences if not given.
    tokenizer : the shipped one if not given; all companion models share it.
    save_every : steps between states.
    stop_after : leave at this step, for tests of resuming.
    """
    folder.mkdir(parents=True, exist_ok=True)
    docs = corruption.documents() if docs is None else docs
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = tokenizer or corruption.tokenizer()
    stream = corruption.token_stream(docs, tokenizer)
    model = build_model(recipe, len(tokenizer)).to(device)  # type: ignore[arg-type]
    optimizer = RMSScaledAdamW(model.parameters(), fused=True)
    state = folder / "state.safetensors"
    start = load_state(state, model, optimizer, recipe) if state.exists() else 0
    log = _Log(folder / "log.jsonl", start)
    batches = corruption.batches(
        stream,
        steps=range(start, recipe.steps),
        batch=recipe.batch,
        length=recipe.length,
        noise=recipe.noise,
        span=recipe.span,
        sentinel=tokenizer.convert_tokens_to_ids("<extra_id_0>"),  # type: ignore[arg-type]
        seed=recipe.seed,
    )
    half = _multiplies_bfloat16(device)
    model.train()
    with tqdm(total=recipe.steps, initial=start, desc=folder.name, unit="step") as bar:
        for step, (inputs, targets) in enumerate(batches, start=start + 1):
            inputs, targets = (torch.as_tensor(x, dtype=torch.long, device=device) for x in (inputs, targets))
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                loss = model(input_ids=inputs, labels=targets).loss
            loss.backward()
            optimizer.scaled_step(learning_rate(step - 1, recipe))
            optimizer.zero_grad()
            bar.update()
            if entry := log.add(step, loss.item(), inputs.numel(), last=step == recipe.steps):
                bar.set_postfix(loss=entry["loss"], tokens_per_s=f"{entry['tokens_per_s']:,}")
            if step % save_every == 0 or step == recipe.steps:
                save_state(state, model, optimizer, step, recipe)
            if step == stop_after:
                return folder
    return _finish(folder, model, tokenizer, recipe)


def _multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has bfloat16 products of its own; emulated ones are slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "bf16" in cpuinfo.read_text()


class _Log:
    """Mean loss and speed of every 50 steps, one JSON line each; lines past a resumed state are dropped."""

    EVERY = 50

    def __init__(self, path: Path, start: int) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        path.write_text("".join(line + "\n" for line in lines if json.loads(line)["step"] <= start))
        self.losses: list[float] = []
        self.tokens, self.began = 0, time.monotonic()

    def add(self, step: int, loss: float, tokens: int, *, last: bool) -> dict | None:
        self.losses.append(loss)
        self.tokens += tokens
        if step % self.EVERY and not last:
            return None
        rate = self.tokens / (time.monotonic() - self.began)
        entry = {"step": step, "loss": round(sum(self.losses) / len(self.losses), 4), "tokens_per_s": round(rate)}
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        self.losses, self.tokens, self.began = [], 0, time.monotonic()
        return entry


def _finish(
    folder: Path, model: T5ForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, recipe: Recipe
) -> Path:
    """The trained model in bfloat16 as a folder that `models.load` reads, there as a whole or not at all."""
    final, temporary = folder / "final", folder / "final.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(temporary)  # type: ignore[arg-type]
    tokenizer.save_pretrained(temporary)
    (temporary / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    shutil.rmtree(final, ignore_errors=True)
    os.replace(temporary, final)
    return final


RECIPES = {"t5-mini": Recipe()}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m modularity.pretrain", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an interrupted run in it goes on")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="another length than the shipped model's")
    options = parser.parse_args(arguments)
    recipe = replace(RECIPES[options.name], seed=options.seed)
    if options.steps is not None:
        recipe = replace(recipe, steps=options.steps)
    try:
        print(pretrain(recipe, options.out))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
