"""The sub-functions that shipped histories follow: those of the time when the companion models were trained."""

from dataclasses import replace

from companion.functions import tracks
from modularity.subfunction import SubFunction

SENTENCES = 100  # of each class of a sub-function, at most
SEMANTIC = 3  # one semantic sub-function in so many: 34 of them, beside 29 of knowledge and 8 tasks


def first_set(per_class: int = SENTENCES) -> list[SubFunction]:
    """The sub-functions that the companion models were judged and followed by when they were trained.

    At most `per_class` sentences a class, and as knowledge, under its name, the balanced triples, which are now a
    control.
    """
    knowledge = [replace(s, name=tracks.of_relation(s), function="knowledge") for s in tracks.load("balanced")]
    everything = tracks.load("semantic") + knowledge + tracks.load("task")
    return [tracks.first(s, per_class) for s in everything]


def subfunctions() -> list[SubFunction]:
    """Every third semantic one of those that the companion models were judged by, and all the others."""
    everything = first_set()
    semantic = [s for s in everything if s.function == "semantic"]
    return semantic[::SEMANTIC] + [s for s in everything if s.function != "semantic"]


def every_other(subfunctions: list[SubFunction]) -> list[SubFunction]:
    """Those of which histories hold correlations of halves: every other one, but all tasks, which are few."""
    by_function = [
        [s for s in subfunctions if s.function == f] for f in dict.fromkeys(s.function for s in subfunctions)
    ]
    return [s for part in by_function for s in (part if part[0].function == "task" else part[::2])]
