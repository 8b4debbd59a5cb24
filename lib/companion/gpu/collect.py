"""Put what ``make gpu`` left to where shipped files live: ``python -m companion.gpu.collect FOLDER``.

Nothing is shipped by this: it says what to judge, and what to do if the models are better than the minis.
"""

import argparse
import json
import lzma
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

from companion import terminal
from companion.experiments import history_arrays
from companion.experiments.history_file import DIMS, encoding
from companion.functions import sources
from companion.gpu import pieces as gpu_pieces
from companion.models import catalogue, checkpoints
from companion.models.recipe import Recipe
from modularity import environment, measure, stored_file

FILES = (
    "config.json",
    "generation_config.json",
    catalogue.RECIPE,
    catalogue.WEIGHTS,
)  # of a shipped model, and its log
NEXT = """Nothing is shipped yet. What to do next:
  1. Register them, so that they are found by name: python data/build/registry.py
  2. Judge the models: python -m companion.quality {names}
  3. If they are better than the minis, commit, and say in CHANGELOG.md what changed, with the numbers. Else delete
     {paths} and run registry.py again."""


def collect(folder: Path, data: Path) -> list[Path]:
    """Weights, histories and costs of `folder` as files below `data`: all of them or, after an error, none.

    What is there already is replaced; doing it twice gives the same.

    Raises
    ------
    FileNotFoundError
        `folder` is none, or a piece is missing.
    ValueError
        A piece is altered, or of another version; the results of a rehearsal for the shipped data.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; give the one that OUT named for make gpu")
    report, pieces = gpu_pieces.read(folder)
    if report["rehearsal"] and data.resolve() == sources.data_folder().resolve():
        raise ValueError(f"{folder} is of a rehearsal, whose models have learned nothing; give another --data")
    data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data, prefix=".gpu-") as temporary:
        stage = Path(temporary)
        digests = {}
        for name in report["models"]:
            if contents := _of(report, pieces, "weights", name):
                digests[name] = _model(stage / "models" / name / "seed-0", report["models"][name], contents)
        for name in report["histories"]:
            contents = _of(report, pieces, "history", name)
            history = dataset(gpu_pieces.arrays(contents), report["histories"][name], report["models"][name]["log"])
            key = {"model": digests[name], "run": name, "seed": 0, **measure.key()}
            stored_file.write(stage / "history" / f"{name}-0.zarr.zip", history, key, encoding(history))
        costs = {key: value for key, value in report.items() if key not in ("pieces", "histories", "models")}
        costs["models"] = {n: {k: v for k, v in m.items() if k != "log"} for n, m in report["models"].items()}
        (stage / "results").mkdir()
        (stage / "results/gpu.json").write_text(json.dumps(costs, indent=1) + "\n", encoding="utf-8")
        return _moved(stage, data)


def _of(report: Mapping[str, Any], pieces: Mapping[str, bytes], kind: str, name: str) -> list[bytes]:
    entries = report["pieces"].items()
    return [pieces[file] for file, entry in entries if (entry["kind"], entry["of"]) == (kind, name)]


def _model(target: Path, said: Mapping[str, Any], contents: list[bytes]) -> str:
    """A model's files as those of the minis; returns the digest of its weights."""
    recipe, tokenizer = Recipe(**said["recipe"]), catalogue.tokenizer()
    module = recipe.build(len(tokenizer))  # type: ignore[arg-type]
    state = gpu_pieces.tensors(contents)
    if wrong := state.keys() ^ dict(module.named_parameters()).keys():
        raise ValueError(f"the weights of {target.parent.name} have other tensors than its recipe: {sorted(wrong)[:3]}")
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(state[name])
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        made = checkpoints.save_model(Path(temporary), module, tokenizer, recipe, max(said["steps"]))
        for name in FILES:
            shutil.copyfile(made / name, target / name)
    lines = "".join(json.dumps(line) + "\n" for line in said["log"])
    (target / "log.jsonl.xz").write_bytes(lzma.compress(lines.encode()))
    return sources.file_hash(target / catalogue.WEIGHTS)


def dataset(
    arrays: Mapping[str, np.ndarray], names: Mapping[str, Sequence], log: Sequence[Mapping[str, Any]]
) -> xr.Dataset:
    """A history as `history_file.load` documents it, of pieces that hold ``step`` among their arrays."""
    steps = arrays["step"].tolist()
    rest = {name: values for name, values in arrays.items() if name != "step"}
    made = history_arrays.dataset(rest, steps, names, pd.DataFrame(log, columns=["step", "loss"]))
    return made.transpose(*DIMS, missing_dims="ignore")


def _moved(stage: Path, data: Path) -> list[Path]:
    """Everything staged at its place; what was there comes back if that fails half-way."""
    sources_ = [*stage.glob("models/*/seed-0"), *stage.glob("history/*"), *stage.glob("results/*")]
    done: list[tuple[Path, Path | None]] = []
    try:
        for number, source in enumerate(sources_):
            target = data / source.relative_to(stage)
            target.parent.mkdir(parents=True, exist_ok=True)
            before = stage / f"before-{number}" if target.exists() else None
            if before:
                os.replace(target, before)
            done.append((target, before))
            os.replace(source, target)
    except BaseException:
        for target, before in reversed(done):
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
            if before:
                os.replace(before, target)
        raise
    return [target for target, _ in done]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m companion.gpu.collect", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("folder", type=environment.expanded, help="what OUT named for make gpu")
    parser.add_argument("--data", type=environment.expanded, help="where to write; data/ of this checkout if not given")
    options = parser.parse_args(arguments)
    try:
        made = collect(options.folder, options.data or sources.data_folder())
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    report = json.loads((options.folder / gpu_pieces.JSON).read_text(encoding="utf-8"))
    for name, said in report["models"].items():
        ended = "" if said["finished"] else ", which is not the end of its recipe: its rate did not fall to zero"
        print(f"{name}: up to step {max(said['steps'], default=0)}{ended}")
    for step, word in report["steps"].items():
        if word["became"] != "done":
            print(f"{step}: {word['became']} ({word['why']})")
    print("\n".join(f"{path}" for path in made))
    print(NEXT.format(names=" ".join(report["models"]), paths=", ".join(str(path) for path in made)))
    return 0


if __name__ == "__main__":
    terminal.run(main)
