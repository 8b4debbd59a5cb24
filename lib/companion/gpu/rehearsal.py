"""``make gpu`` at toy size on a CPU: every step, every time-out, and the collecting where its packages are."""

import importlib.util
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from companion.gpu import clock, pieces
from companion.gpu.session import Session
from companion.gpu.session_plan import TOY

COLLECTING = ("zarr", "numcodecs", "pooch", "k_means_constrained")  # a borrowed machine does not collect


def main(path: Path) -> int:
    """Rehearse into `path`; 0 if all went as it has to."""
    session = Session(TOY, path, torch.device("cpu"))
    session.run()
    wrong = [f"{step} was {word['became']}" for step, word in session.clock.words.items() if word["became"] != "done"]
    with tempfile.TemporaryDirectory() as temporary:
        wrong += timed_out(Path(temporary))
        wrong += collected(path, Path(temporary) / "data")
    for line in wrong:
        clock.say(f"wrong: {line}")
    clock.say("the rehearsal failed" if wrong else f"the rehearsal passed in {session.clock.elapsed():.0f} s")
    return 1 if wrong else 0


def timed_out(scratch: Path) -> list[str]:
    """What is wrong where every step has too little time, and where there is none at all."""
    short = replace(TOY, checks=0.1, training=0.3, reading=0.1, history=0.1, speed=0.02, grace=0.2)
    wrong = []
    for name, settings in (("short", short), ("none", replace(short, total=0.0))):
        session = Session(settings, scratch / name, torch.device("cpu"))
        session.run()
        words = {step: word for step, word in session.clock.words.items() if step not in ("all", "speed")}
        wrong += [f"{step} was done in no time" for step, word in words.items() if word["became"] == "done"]
        wrong += [f"{step}: nothing says why" for step, word in words.items() if not word["why"]]
        pieces.read(scratch / name)  # what is left is whole
    return wrong


def collected(path: Path, data: Path) -> list[str]:
    """What is wrong with the files that are made of the pieces, read as sections would."""
    if absent := [package for package in COLLECTING if importlib.util.find_spec(package) is None]:
        clock.say(f"collecting is left to a machine that has {', '.join(absent)}")
        return []
    from companion.gpu import collect
    from companion.models import model_folder
    from modularity import stored_file

    made = collect.collect(path, data)
    wrong = [] if len(made) == 5 else [f"{len(made)} files and folders were collected, expected 5"]
    for folder in data.glob("models/*/seed-0"):
        module = model_folder.weights(folder, model_folder.config(folder))
        if not all(p.isfinite().all() for p in module.parameters()):
            wrong.append(f"{folder.parent.name} has weights that are no numbers")
    for file in data.glob("history/*"):
        history = stored_file.read_dataset(file)
        if not (history.sizes["step"] >= 2 and history["best"].min() > 0.4):
            wrong.append(f"{file.name} holds no history")
    return wrong
