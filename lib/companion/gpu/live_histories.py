"""Histories of runs that are still going: each checkpoint is read on the GPU as it comes and scored on the cores."""

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from companion.experiments import history_arrays
from companion.experiments.history_arrays import Arrays
from companion.functions import followed
from companion.gpu import expert_products, scoring
from companion.gpu.training import Checkpoint
from companion.models.recipe import Recipe
from modularity import capture, neurons, partition
from modularity.models import Model
from modularity.neurons import FeedForward
from modularity.subfunction import SubFunction

EXPERTS = 16
BATCH_TOKENS = 65_536
SLOTS = 6  # checkpoints whose activations wait on disk; 2 GB each at most


class Follower:
    """Reads the checkpoints of one run; a context that ends its processes.

    Parameters
    ----------
    folder : for activations and scores; of its own.
    seconds : that reading may take in all, waiting for the cores included.
    """

    def __init__(
        self,
        recipe: Recipe,
        tokenizer: PreTrainedTokenizerFast,
        subfunctions: Sequence[SubFunction],
        folder: Path,
        *,
        workers: int,
        seconds: float,
        device: torch.device,
        share: float = 0.01,
        experts: int = EXPERTS,
    ) -> None:
        self.seconds, self.spent, self.left_out = seconds, 0.0, list[int]()
        self.module = recipe.build(len(tokenizer)).to(device).eval().requires_grad_(False)  # type: ignore[arg-type]
        self.model = Model("run", self.module, tokenizer)
        self.parts = neurons.layers(self.model)
        rest = sorted(set(neurons.feed_forward(self.model)) - set(self.parts))
        self.rest = neurons.layers(self.model, rest) if rest else {}
        sentences = list(dict.fromkeys(s for one in subfunctions for s in one.sentences))
        self.ids = capture.tokenize(self.model, sentences)
        place = {sentence: i for i, sentence in enumerate(sentences)}
        halved = set(map(id, followed.every_other(list(subfunctions))))
        self.plan = scoring.Plan(
            folder,
            list(self.parts),
            rest,
            list(subfunctions),
            [id(one) in halved for one in subfunctions],
            [np.array([place[s] for s in one.sentences]) for one in subfunctions],
            history_arrays.with_every_score([one.function for one in subfunctions]),
            share,
            recipe.experts or experts,
        )
        self.waiting: dict[int, tuple[int, list[Future]]] = {}  # step → slot, and its pieces of work
        self.read_steps: list[int] = []
        self.last = -1
        self.workers = workers
        # Not forked: a copy of a process that has used a GPU has none.
        self.pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
        self.warm = [self.pool.submit(time.sleep, 0.2) for _ in range(workers)]  # starting takes seconds: now

    def __enter__(self) -> "Follower":
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)

    def read(self, step: int, checkpoint: Checkpoint, coming: int) -> None:
        """Read a checkpoint after which so many are `coming`, and have it scored.

        Where the time will not do for all, every other one is left out, but never the last.
        """
        start = time.monotonic()
        mean = self.spent / max(1, len(self.read_steps))
        late = bool(self.read_steps) and self.spent + mean * (coming + 1) > self.seconds
        if late and coming and (self.read_steps[-1] == self.last or self.spent >= self.seconds):
            self.left_out.append(step)
            self.last = step
            return
        self.last = step
        if len(self.waiting) == SLOTS:
            self._scored(next(iter(self.waiting)))
        slot = min(set(range(SLOTS)) - {used for used, _ in self.waiting.values()})
        self.module.load_state_dict(checkpoint)
        with expert_products.routed(self.module):
            for rest, parts in ((False, self.parts), (True, self.rest)):
                if parts:
                    capture.read_into(self._file(slot, rest, parts), self.model, self.ids, parts, BATCH_TOKENS)
        pieces = range(len(self.plan.parts))
        futures = [self.pool.submit(scoring.score, self.plan, step, slot, part) for part in pieces]
        self.waiting[step] = (slot, futures)
        self.read_steps.append(step)
        for done in [s for s, (_, parts) in self.waiting.items() if all(f.done() for f in parts)]:
            self._scored(done)
        self.spent += time.monotonic() - start

    def _file(self, slot: int, rest: bool, parts: Mapping[int, FeedForward]) -> np.ndarray:
        path = self.plan.activations(slot, rest)
        shape = (len(parts), len(self.ids), next(iter(parts.values())).neurons)
        return np.lib.format.open_memmap(path, "r+" if path.exists() else "w+", np.float32, shape)

    def _scored(self, step: int) -> None:
        """Wait until the checkpoint's scores are there; its slot is free then."""
        _, parts = self.waiting.pop(step)
        for part in parts:
            part.result()  # raises what went wrong

    def history(self) -> Arrays:
        """What `history_file.load` documents, of all checkpoints that were read.

        Raises
        ------
        ValueError
            Fewer than two checkpoints were read.
        """
        if len(self.read_steps) < 2:
            raise ValueError(f"{len(self.read_steps)} checkpoints were read in time, expected at least 2 to compare")
        for step in list(self.waiting):
            self._scored(step)
        own = self._own()
        steps = self.read_steps
        size = max(1, -(-len(steps) // self.workers))
        # Each piece begins with the checkpoint before it; the first is compared with itself, as in other histories.
        ends = range(0, len(steps), size)
        pieces = [[steps[max(start - 1, 0)], *steps[start : start + size]] for start in ends]
        made = [f.result() for f in [self.pool.submit(scoring.followed, self.plan, p, own) for p in pieces]]
        rows = [row for piece in made for row in piece]
        arrays = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        shipped = history_arrays.groups(own)[:2].astype(np.uint8 if own.max() < 256 else np.uint16)
        return arrays | {"partition_of": shipped, "step": np.array(steps)}

    def _own(self) -> np.ndarray:
        """Experts of the checkpoint that was read last: the router's, or those found in its weights."""
        if (parts := list(self.parts.values()))[0].experts > 1:
            return np.array([partition.by_router(part.neurons, part.experts) for part in parts])
        rows = [part.input_weights.float().cpu().numpy() for part in parts]
        return np.array(list(self.pool.map(scoring.by_assignment, rows, [self.plan.experts] * len(rows))))

    def coordinates(self) -> dict[str, list]:
        """Names along the dims of `history`."""
        plan = self.plan
        halved = followed.every_other(plan.subfunctions)
        return history_arrays.coordinates(plan.subfunctions, halved, plan.kept, plan.layers, plan.rest)
