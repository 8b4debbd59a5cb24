"""A few minutes on a borrowed machine: steps with budgets, stopped on time, and what became of each."""

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

GRACE = 5.0  # seconds beyond a budget after which a step that does not look at the clock is interrupted


class TimeUp(Exception):
    """The budget of a step is used up."""


def say(text: str) -> None:
    print(text, flush=True)


@dataclass
class Clock:
    """The time of the whole run, and a word about each of its steps."""

    total: float  # seconds
    began: float = field(default_factory=time.monotonic)
    grace: float = GRACE
    words: dict[str, dict[str, object]] = field(default_factory=dict)

    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def left(self) -> float:
        return self.total - self.elapsed()

    def step(self, name: str, budget: float, work: Callable[[float], object], *, least: float = 0.0) -> bool:
        """Do `work`, which is told how many seconds it has; whether it ended well.

        A step that fails, or does not end in time, is stopped and said; the next ones still come.

        Parameters
        ----------
        budget : seconds; fewer where the whole run has fewer left.
        least : with fewer seconds left than this the step is skipped.
        """
        seconds = min(budget, self.left() - self.grace)
        if seconds <= least:
            return self._note(name, "skipped", f"{max(seconds, 0):.0f} s were left", 0.0)
        start = time.monotonic()
        say(f"[{self.elapsed():5.0f} s] {name}: up to {seconds:.0f} s")
        try:
            with interrupted(seconds + self.grace / 2):
                work(seconds)
        except TimeUp as error:
            return self._note(name, "stopped", str(error), time.monotonic() - start)
        except Exception as error:
            traceback.print_exc()
            return self._note(name, "failed", f"{type(error).__name__}: {error}", time.monotonic() - start)
        return self._note(name, "done", "", time.monotonic() - start)

    def _note(self, name: str, became: str, why: str, seconds: float) -> bool:
        self.words[name] = {"became": became, "why": why, "seconds": round(seconds, 2)}
        say(f"[{self.elapsed():5.0f} s] {name}: {became}{f' ({why})' if why else f' in {seconds:.1f} s'}")
        return became == "done"

    def guard(self) -> threading.Timer:
        """End this process when the time is up, whatever it is doing: what was written by then stays."""

        def end() -> None:
            say(f"[{self.elapsed():5.0f} s] the time is up; what was made so far is in the folder")
            os._exit(3)

        timer = threading.Timer(max(0.0, self.left()), end)
        timer.daemon = True
        timer.start()
        return timer


@contextmanager
def interrupted(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` inside the block after so many seconds, where this is the main thread of a Unix process.

    Blocks may be nested: the nearer end comes first, and the outer one is set again.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise TimeUp(f"interrupted after {seconds:.1f} s")

    before = signal.signal(signal.SIGALRM, ring)
    outer, _ = signal.getitimer(signal.ITIMER_REAL)
    start = time.monotonic()
    if not outer or seconds < outer:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    else:
        signal.signal(signal.SIGALRM, before)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:
            signal.setitimer(signal.ITIMER_REAL, max(outer - (time.monotonic() - start), 1e-3))
