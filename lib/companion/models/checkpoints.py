"""A training run on disk: the state it goes on from, its checkpoints, and its end. Each is whole or not there."""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from transformers import PreTrainedTokenizerFast
from transformers.utils import logging

from companion.models import catalogue, tied_weights
from companion.models.recipe import Recipe


def save_state(path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int, recipe: Recipe) -> None:
    """One file with weights, optimizer moments and the step, replaced as a whole."""
    tensors = {f"model.{k}": v.contiguous() for k, v in model.state_dict().items() if v.data_ptr()}
    for i, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{i}.{k}": v for k, v in state.items()}
    temporary = path.with_suffix(".tmp")
    save_file(tied_weights.once(tensors), temporary, metadata={"step": str(step), "recipe": json.dumps(asdict(recipe))})
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


def restore(optimizer: torch.optim.Optimizer, moments: dict[str, torch.Tensor]) -> None:
    saved = optimizer.state_dict()
    for key, value in moments.items():
        _, index, name = key.split(".")
        saved["state"].setdefault(int(index), {})[name] = value
    optimizer.load_state_dict(saved)


def save_model(
    folder: Path, model: torch.nn.Module, tokenizer: PreTrainedTokenizerFast, recipe: Recipe, step: int
) -> Path:
    """The weights at `step` in bfloat16 as a folder that `catalogue.load` reads, there as a whole or not at all."""
    target = folder / "steps" / f"{step:08d}"
    temporary = target.with_suffix(".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    half = tied_weights.halved(model.state_dict())
    logging.disable_progress_bar()  # a bar for every checkpoint would tear that of the run
    model.save_pretrained(temporary, state_dict=half)  # type: ignore[operator]
    logging.enable_progress_bar()
    tokenizer.save_pretrained(temporary)
    (temporary / catalogue.RECIPE).write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    os.replace(temporary, target)
    return target


def finish(folder: Path) -> None:
    """``final``: the last checkpoint under a name of its own."""
    final, temporary = folder / "final", folder / "final.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(folder / "steps" / f"{catalogue.steps(folder)[-1]:08d}", temporary)
    shutil.rmtree(final, ignore_errors=True)
    os.replace(temporary, final)
