"""Sentences of the followed sub-functions that no history was read with: what two readings have in common is the model.

Relations and tasks have more sentences than histories use. A semantic sub-function has not: its further sentences are
from the text that the companion models were trained on, chosen as `data/build/semantic.py` chose its own, and filled up
with definitions of WordNet where these are too few.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from companion.functions import followed, sources, tracks
from modularity.subfunction import SubFunction

LEAST = 50  # sentences of a class; a sub-function with fewer is left out
PARTS = ("wikipedia", "brown", "wordnet")
DEFINITION = "definition"  # the first line of a document of WordNet
# Of data/build/semantic.py: words that a sentence of each part of the corpus has at least, and at most.
MIN_WORDS = {"wikipedia": 10, "brown": 10, "wordnet": 8, DEFINITION: 8}
MAX_WORDS = 40
WORD = re.compile(r"[^\W\d_]+")


def others(
    subfunctions: Sequence[SubFunction] | None = None, *, per_class: int = followed.SENTENCES, least: int = LEAST
) -> list[SubFunction]:
    """The sub-functions with other sentences, at most `per_class` and at least `least` of a class; the rest are left
    out.

    Parameters
    ----------
    subfunctions : of `followed.subfunctions`, which are taken if none are given.

    Raises
    ------
    ValueError
        A sub-function that no history follows.
    """
    known = {(s.function, s.name): s for s in followed.subfunctions()}
    wanted = list(known.values()) if subfunctions is None else list(subfunctions)
    if strange := [s.name for s in wanted if (s.function, s.name) not in known]:
        raise ValueError(f"no history follows {strange[0]!r}; expected sub-functions of followed.subfunctions()")
    words = {word for s in wanted if s.function == "semantic" for word in s.name.split("/")}
    found = _occurrences(words) if words else {}
    longer = {(s.function, s.name): s for s in followed.first_set(10**6) if s.function != "semantic"}
    made = []
    for one in wanted:
        if one.function == "semantic":
            sentences, labels = of_words(one.name.split("/"), found, per_class)
        else:
            sentences, labels = _beyond(longer[one.function, one.name], known[one.function, one.name], per_class)
        if np.bincount(labels, minlength=2).min() >= least:
            made.append(replace(one, sentences=tuple(sentences), labels=np.array(labels, dtype=one.labels.dtype)))
    return made


def _beyond(longer: SubFunction, used: SubFunction, per_class: int) -> tuple[list[str], list[int]]:
    """The first sentences of each class of `longer` that `used` has not."""
    seen = set(used.sentences)
    new = [(s, label) for s, label in zip(longer.sentences, longer.labels.tolist(), strict=True) if s not in seen]
    chosen = [pair for label in (1, 0) for pair in [p for p in new if p[1] == label][:per_class]]
    return [s for s, _ in chosen], [label for _, label in chosen]


def _occurrences(words: set[str]) -> dict[str, dict[str, list[str]]]:
    """Noun → part of the corpus → its sentences that show the noun's stem once and that no sub-function has."""
    taken = tracks.evaluation_sentences()
    any_of = re.compile(rf"\b(?:{'|'.join(sorted(words))})\b")
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    lines = (
        (DEFINITION if part == "wordnet" and not i else part, sentence)
        for part in PARTS
        for document in sources.corpus(part)
        for i, sentence in enumerate(document)
    )
    for part, sentence in dict.fromkeys(line for line in lines if any_of.search(line[1])):
        shown = WORD.findall(sentence)
        if not MIN_WORDS[part] <= len(shown) <= MAX_WORDS or sentence in taken:
            continue
        lowered = [word.lower() for word in shown]
        for noun in words & set(shown):
            if sum(word.startswith(noun) for word in lowered) == 1:
                found[noun][part].append(sentence)
    return found


def of_words(
    nouns: Sequence[str], found: dict[str, dict[str, list[str]]], per_class: int
) -> tuple[list[str], list[int]]:
    """Equally many sentences of both nouns from each part, evenly spread over it: the part tells nothing."""
    both = set.intersection(*({s for part in found[noun].values() for s in part} for noun in nouns))
    free = {noun: {p: [s for s in found[noun][p] if s not in both] for p in MIN_WORDS} for noun in nouns}
    there = np.array([min(len(free[noun][p]) for noun in nouns) for p in MIN_WORDS])
    *running, defined = there
    if (enough := sum(running)) > per_class:
        numbers = [*(there[:-1] * per_class // enough), 0]
    else:
        numbers = [*running, min(defined, per_class - enough)]
    sentences, labels = [], []
    for label, noun in zip((1, 0), nouns, strict=True):  # the first noun has label 1
        for part, number in zip(MIN_WORDS, map(int, numbers), strict=True):
            pool = free[noun][part]
            for i in np.linspace(0, len(pool) - 1, number).astype(int).tolist() if number else []:
                sentences.append(re.sub(rf"\b{noun}\b", tracks.SENTINEL, pool[i]))
                labels.append(label)
    return sentences, labels
