"""What a training run writes down while it runs: losses, speed, and how its routers load the experts."""

import json
import time
from pathlib import Path
from typing import Any

from companion.models import router_losses


class Record:
    """What one step leaves for the log."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}
        self.tokens = 0
        self.load: router_losses.Load | None = None

    def add(self, **values: float) -> None:
        for key, value in values.items():
            self.values.setdefault(key, []).append(value)


class Log:
    """Means over every 50 steps, one JSON line each; lines past a resumed state are dropped."""

    EVERY = 50

    def __init__(self, path: Path, start: int) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.write_text("".join(line + "\n" for line in lines if json.loads(line)["step"] <= start), encoding="utf-8")
        self._clear()

    def _clear(self) -> None:
        self.values: dict[str, list[float]] = {}
        self.tokens, self.began = 0, time.monotonic()
        self.load: router_losses.Load | None = None

    def add(self, step: int, record: Record, *, last: bool) -> dict | None:
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
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        self._clear()
        return entry
