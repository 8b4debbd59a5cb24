"""How fast the paper's shapes are read on a GPU, beside their bare forward pass, and the memory that this takes."""

import copy
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from transformers import PreTrainedConfig

from companion.functions import tracks
from companion.models import catalogue, hub, model_folder
from companion.models.catalogue import Dtype
from modularity import capture, neurons
from modularity.models import Model

NAMES = ("google-t5/t5-base", "google/switch-base-16")
DTYPES: tuple[Dtype, ...] = ("float32", "bfloat16")
BATCHES = (4_096, 16_384, 65_536)  # tokens
SENTENCES = 2_048

Row = dict[str, object]


def shapes() -> Mapping[str, PreTrainedConfig]:
    """The paper's encoders; what decodes is left at a layer, as nothing reads it."""
    made = {}
    for name in NAMES:
        config = copy.deepcopy(hub.SHAPES[name])
        config.num_decoder_layers = 1
        made[name] = config
    return made


def measure(
    found: list[Row],
    device: torch.device,
    seconds: float,
    *,
    configs: Mapping[str, PreTrainedConfig] | None = None,
    batches: Sequence[int] = BATCHES,
    number: int = SENTENCES,
) -> None:
    """A row for each shape, precision and batch size into `found`, until the time is up.

    ``read`` and ``forward`` are sentences a second with and without reading activations; ``peak`` is in bytes.
    """
    end = time.monotonic() + seconds
    sentences = [s for one in tracks.load("semantic") for s in one.sentences][:number]
    for name, config in (configs or shapes()).items():
        with torch.device(device):  # made where it runs: drawing a billion numbers takes the CPU long
            module = model_folder.fresh(config, 0).eval().requires_grad_(False)
        for dtype in DTYPES:
            model = Model(name, module.to(getattr(torch, dtype)), catalogue.tokenizer(), untrained=True)
            ids = capture.tokenize(model, sentences)
            parts = neurons.layers(model)
            width = next(iter(parts.values())).neurons
            room = np.empty((len(parts), len(ids), width), dtype=np.float32)
            for batch in batches:
                if time.monotonic() > end:
                    return
                try:
                    found.append({"model": name, "dtype": dtype, "batch_tokens": batch} | _row(model, ids, batch, room))
                except torch.OutOfMemoryError as error:
                    found.append({"model": name, "dtype": dtype, "batch_tokens": batch, "error": type(error).__name__})


def best(found: Sequence[Row]) -> list[Row]:
    """The fastest batch size of each shape and precision."""
    rows = [row for row in found if "read" in row]
    kinds = dict.fromkeys((row["model"], row["dtype"]) for row in rows)
    return [max((r for r in rows if (r["model"], r["dtype"]) == kind), key=lambda r: r["read"]) for kind in kinds]  # type: ignore[arg-type,return-value]


def _row(model: Model, ids: Sequence[Sequence[int]], batch: int, room: np.ndarray) -> Row:
    parts = neurons.layers(model)
    device = model.device

    def bare() -> None:
        for chosen in capture.batches([len(i) for i in ids], batch):
            capture.encoded(model, ids, chosen)

    def read() -> None:
        capture.read_into(room, model, ids, parts, batch)

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    row: Row = {"forward": len(ids) / _timed(bare, device), "read": len(ids) / _timed(read, device)}
    return row | ({"peak": torch.cuda.max_memory_allocated()} if device.type == "cuda" else {})


def _timed(work: Callable[[], None], device: torch.device) -> float:
    """Seconds of the second run; the first one finds kernels and memory."""
    for _ in range(2):
        start = time.monotonic()
        with torch.inference_mode():
            work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds = time.monotonic() - start
    return seconds
