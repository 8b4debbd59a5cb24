"""By which names models are known; quick to import, since no model is loaded for a name."""

import os
import re

from companion.functions import sources
from companion.models import mpnet
from modularity import environment

MINI = ("t5-mini", "switch-mini")
MPNET = mpnet.NAME
MINILM = "all-MiniLM-L6-v2"
# Hub id → commit. That of Switch is a proposed change that adds safetensors to a model published as a pickle only.
PINNED = {
    "google-t5/t5-base": "a9723ea7f1b39c1eae772870f3b547bf6ef7e6c1",
    "google/switch-base-16": "fca3c90",
    "google-bert/bert-base-uncased": "86b5e0934494bd15c9632b12f734a8a67f723594",
    "FacebookAI/roberta-base": "e2da8e2f811d1448a5b465c236feacd80ffbac7b",
}
ALIASES = {
    "bert-base-uncased": "google-bert/bert-base-uncased",
    "roberta-base": "FacebookAI/roberta-base",
    **dict.fromkeys((mpnet.HUB, mpnet.HUB.partition("@")[0]), mpnet.NAME),  # the same files, from packages
}
AT_COMMIT = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{40})")  # any other model of the hub


def known_as(name: str | os.PathLike[str]) -> str:
    """A model's name as text: a path is one, with ``~`` for a home folder; short names of the hub are written out."""
    text = os.fspath(name)
    text = os.fspath(environment.expanded(text)) if text.startswith("~") else text
    return ALIASES.get(text, text)


def companions() -> tuple[str, ...]:
    """The models whose runs are shipped, the minis first."""
    found = (re.fullmatch(r"models/(.+)/seed-\d+/model\.safetensors", file) for file in sources.registry())
    return tuple(dict.fromkeys([*MINI, *(match[1] for match in found if match)]))


def seeds(name: str) -> list[int]:
    """Of the shipped runs of a companion model."""
    shipped = re.compile(rf"models/{re.escape(name)}/seed-(\d+)/model\.safetensors")
    return sorted(int(match[1]) for file in sources.registry() if (match := shipped.fullmatch(file)))


def check(name: str | os.PathLike[str]) -> None:
    """Refuse a name that no model has; nothing is fetched or loaded.

    Raises
    ------
    ValueError
        It is none of the names that `catalogue.load` takes, and no folder.
    """
    text = known_as(name)
    if text not in _known() and not AT_COMMIT.fullmatch(text) and not os.path.isdir(text):
        raise unknown(text)


def unknown(name: str) -> ValueError:
    """What to say of a name that no model has."""
    return ValueError(
        f"unknown model {name!r}; known: {', '.join(_known())}, another hub id with its commit (owner/name@ and 40 hex "
        "digits), or the path of an existing model folder"
    )


def _known() -> tuple[str, ...]:
    return (*companions(), MPNET, MINILM, *PINNED)
