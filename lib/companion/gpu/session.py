"""All that a few minutes on a borrowed GPU are for, in order of worth: a session of steps that end on time."""

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from companion.functions import followed
from companion.gpu import batches as gpu_batches
from companion.gpu import checks as gpu_checks
from companion.gpu import clock as gpu_clock
from companion.gpu import live_histories, pieces, session_plan
from companion.gpu import speed as gpu_speed
from companion.gpu import training as gpu_training
from companion.gpu.live_histories import Follower
from companion.gpu.session_plan import Settings
from companion.models import catalogue
from companion.models.recipe import Recipe
from companion.models.training_batches import Text

PACKAGES = ("numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "tokenizers", "torch", "transformers", "xarray")


class Session:
    """One run of all steps, in order of worth."""

    def __init__(self, settings: Settings, path: Path, device: torch.device, began: float | None = None) -> None:
        self.settings, self.device = settings, device
        self.clock = gpu_clock.Clock(settings.total, began or time.monotonic(), settings.grace)
        self.folder = pieces.Folder(path, {"rehearsal": settings.toy, "machine": machine(device)})
        self.models: dict[str, Any] = {}
        self.histories: dict[str, Any] = {}
        self.found: dict[str, Any] = {"checks": {}, "speed": []}

    def run(self) -> None:
        """Every step; what fails or does not end in time is said in the JSON."""
        settings, clock = self.settings, self.clock
        with ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gpu-")))
            threads = stack.enter_context(_background())
            text = threads.submit(self._text)
            self._step("checks", settings.checks, self._checks)
            waiting: dict[str, Future] = {}
            for name, recipe in session_plan.recipes(settings).items():
                folder = scratch / name
                folder.mkdir()
                followers = stack.enter_context(ExitStack())

                def trained(seconds: float, name=name, recipe=recipe, folder=folder, followers=followers) -> None:
                    follower = self._follow(recipe, folder, followers)
                    try:
                        self._train(name, recipe, text, folder, seconds, follower)
                    finally:  # also of what was stopped
                        waiting[name] = threads.submit(self._history, name, follower)

                self._step(f"{name}: training", settings.training + settings.reading, trained, least=settings.grace)
            self._step("speed", settings.speed, self._speed)
            for name in session_plan.recipes(settings):
                if name in waiting:
                    self._step(f"{name}: history", settings.history, waiting[name].result)
                else:
                    self._step(f"{name}: history", 0.0, lambda _: None)
        clock.words["all"] = {"became": "done", "why": "", "seconds": round(clock.elapsed(), 2)}
        self._note()
        gpu_clock.say(f"[{clock.elapsed():5.0f} s] all is in {self.folder.path}")

    def _step(self, name: str, budget: float, work: Callable[[float], object], *, least: float = 0.0) -> None:
        self.clock.step(name, budget, work, least=least)
        self._note()

    def _note(self) -> None:
        self.folder.note(steps=self.clock.words, models=self.models, histories=self.histories, **self.found)

    def _text(self) -> Text:
        length = max(recipe.length for recipe in session_plan.recipes(self.settings).values())
        return gpu_batches.read(catalogue.tokenizer(), length, documents=self.settings.documents)

    def _checks(self, _seconds: float) -> None:
        gpu_checks.every(self.device, self.found["checks"], self.settings.per_class)

    def _follow(self, recipe: Recipe, folder: Path, stack: ExitStack) -> Follower:
        settings = self.settings
        everything = followed.first_set(settings.per_class)
        chosen = [
            one
            for function in dict.fromkeys(one.function for one in everything)
            for one in [one for one in everything if one.function == function][: settings.subfunctions]
        ]
        follower = live_histories.Follower(
            recipe,
            catalogue.tokenizer(),
            chosen,
            folder,
            workers=settings.workers,
            seconds=settings.reading,
            device=self.device,
            share=settings.share,
            experts=settings.experts,
        )
        return stack.enter_context(follower)

    def _train(self, name: str, recipe: Recipe, text: Future, folder: Path, seconds: float, follower: Follower) -> None:
        settings = self.settings
        clock = gpu_clock.Clock(seconds)
        run = gpu_training.Run(recipe)
        loaded = gpu_batches.ahead(recipe, text.result(clock.left()), folder, workers=settings.loaders)
        try:
            with loaded as batches:
                batches = chain([next(batches)], batches)  # what makes them has started: the run's time begins
                gpu_training.train(
                    run,
                    batches,
                    len(catalogue.tokenizer()),
                    min(settings.training, clock.left() - settings.reading),
                    device=self.device,
                    compiled=not settings.toy,
                    keep=follower.read,
                )
        finally:
            self._keep(name, run, follower)

    def _keep(self, name: str, run: gpu_training.Run, follower: Follower) -> None:
        """What is there of a run, whether or not it has ended."""
        self.models[name] = {
            "recipe": asdict(run.recipe),
            "steps": sorted(run.checkpoints),
            "finished": run.finished,
            "facts": run.facts,
            "log": run.log,
            "not_read": follower.left_out,
        }
        if run.checkpoints:
            last = run.checkpoints[max(run.checkpoints)]
            self.folder.add("weights", name, pieces.weights(name, last))

    def _history(self, name: str, follower: Follower) -> None:
        arrays = follower.history()
        self.folder.add("history", name, pieces.history(name, arrays))
        self.histories[name] = follower.coordinates()

    def _speed(self, seconds: float) -> None:
        gpu_speed.measure(self.found["speed"], self.device, seconds, **session_plan.speeds(self.settings))
        for row in gpu_speed.best(self.found["speed"]):
            gpu_clock.say(f"  {row}")


@contextmanager
def _background() -> Iterator[ThreadPoolExecutor]:
    """Threads that nobody waits for in the end."""
    threads = ThreadPoolExecutor(3)
    try:
        yield threads
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def machine(device: torch.device) -> dict[str, object]:
    """Where this runs."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or device.type
    versions = {package: metadata.version(package) for package in PACKAGES}
    return {"device": name, "cores": os.cpu_count(), "python": platform.python_version(), "versions": versions}
