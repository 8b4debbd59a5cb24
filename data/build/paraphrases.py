"""The task `mrpc`: two independent descriptions of one thing, or of two similar things.

A description is the first sentence of a Wikipedia article, the other a WordNet definition. Definitions are permuted
among similar things by linear assignment, and whole cycles of the permutation go to one part, so that every text
occurs once under each label and only the combination of two texts decides.
"""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix

from articles import (
    ALIAS,
    SEED,
    TRAIN,
    VALIDATION,
    WORK,
    Article,
    Pair,
    articles,
    bare,
    clip,
    plain,
    stems,
    table,
    weights,
)
from lexicon import wordnet


class Linked(NamedTuple):
    """An article, the synset that means the same, and a short description from each."""

    article: Article
    synset: Any
    sentence: str
    definition: str


def senses(article: Article, lives: dict[tuple, list], wn: Any) -> list:
    """Noun synsets that may mean what an article is about: same name, or a person of the same surname and years."""
    language = article.core.endswith(" language")
    for name in (article.core.removesuffix(" language"), article.core.removeprefix("The ")):
        key = plain(name).replace(" ", "_")
        if found := wn.synsets(key, "n") or wn.synsets(name.replace(" ", "_"), "n"):
            return [s for s in found if not language or s.lexname() == "noun.communication"]
    years = re.search(r"(\d{3,4})[–-](\d{3,4})\)$", article.description)
    surname = plain(article.core).split()[-1]
    same = lives.get(years.groups(), []) if years else []
    return [s for s in same if surname in plain(s.name()).split(".")[0].split("_")]


def link(introductions: list[Article], wn: Any) -> list[Linked]:
    """Articles whose synset is sure: no synset and no definition twice."""
    lives: dict[tuple, list] = defaultdict(list)
    for synset in wn.all_synsets("n"):
        if years := re.search(r"\((?:\w+ )?(\d{3,4})-(\d{3,4})\)", synset.definition()):
            lives[years.groups()].append(synset)
    found = [senses(a, lives, wn) for a in introductions]
    openings = [" ".join([a.description, *a.text.split("\n")[:3]]) for a in introductions]
    contexts = [
        " ".join([s.definition(), *(n for path in s.hypernym_paths() for h in path[-4:] for n in h.lemma_names())])
        for candidates in found
        for s in candidates
    ]
    rows = weights([text.replace("_", " ") for text in openings + contexts])
    ends = np.cumsum([len(openings), *map(len, found)])
    sure = []
    for i, (article, candidates) in enumerate(zip(introductions, found, strict=True)):
        if not candidates:
            continue
        score = (rows[ends[i] : ends[i + 1]] @ rows[i].T).toarray().ravel()
        best, *rest = np.argsort(-score, kind="stable")
        lead = score[best] - score[rest[0]] if rest else 1.0
        least = 0.15 if rest else 0.1 if "(" in article.title else 0.03
        # A title may be a name that a book or film has borrowed.
        borrowed = WORK.search(article.description) and candidates[best].lexname() != "noun.communication"
        if score[best] >= least and lead >= 0.08 and not borrowed:
            sure.append((score[best], i, candidates[best]))
    linked, taken = [], set()
    for _, i, synset in sorted(sure, key=lambda r: (-r[0], r[1])):
        article = introductions[i]
        sentence = clip(ALIAS.sub("", bare(article.text.split("\n")[0])), 22)
        definition = clip(synset.definition().split(";")[0], 16, least=4)
        new = not {synset.name(), sentence, definition} & taken
        # A definition that names the thing would be matched by its name alone; some sentences lack their names.
        named = set(stems(article.core)) <= set(stems(definition)) and stems(article.core)
        broken = re.search(r"officially and|officially,|\bknown and\b", sentence)
        if new and sentence and definition and not named and not broken:
            taken |= {synset.name(), sentence, definition}
            linked.append(Linked(article, synset, sentence, definition))
    return sorted(linked, key=lambda x: x.article.title)


def incidence(documents: list[str], index: dict[str, int]) -> csr_matrix:
    """Which of the stems of `index` a document has, (document, stem)."""
    cells = sorted({(i, index[s]) for i, d in enumerate(documents) for s in stems(d) if s in index})
    return csr_matrix((np.ones(len(cells)), tuple(zip(*cells, strict=True))), shape=(len(documents), len(index)))


def near_misses(linked: list[Linked]) -> list[list[int]]:
    """Cycles of things of which each takes the definition of the next, chosen to be as alike as possible."""
    definitions = [x.definition for x in linked]
    rows = weights([x.sentence for x in linked] + definitions + [x.article.description for x in linked])
    first, second, short = (rows[i * len(linked) : (i + 1) * len(linked)] for i in range(3))
    names = np.array([x.synset.name() for x in linked])
    kinds = np.array([x.synset.lexname() for x in linked])
    topics = np.array([x.article.topic for x in linked])
    above = [x.synset.hypernyms() + x.synset.instance_hypernyms() for x in linked]
    parents = np.array([" ".join(sorted(h.name() for h in hypernyms)) for hypernyms in above])
    ancestors = [{h.name() for path in x.synset.hypernym_paths() for h in path} for x in linked]
    # A definition whose words are all in the article on another thing might be true of that thing.
    index = {s: k for k, s in enumerate(sorted({s for d in definitions for s in stems(d)}))}
    said = incidence(definitions, index)
    known = incidence([" ".join([x.article.text, x.article.description, x.synset.definition()]) for x in linked], index)
    following: dict[int, int] = {}
    for kind in sorted(set(kinds)):
        here = np.flatnonzero(kinds == kind)
        same = (parents[here][:, None] == parents[here]) & (parents[here] != "")
        alike = (first[here] @ second[here].T).toarray() + 0.5 * (short[here] @ second[here].T).toarray()
        alike += 0.3 * (second[here] @ second[here].T).toarray() + 0.3 * same
        length = np.asarray(said[here].sum(1)).ravel()
        new = length - (known[here] @ said[here].T).toarray()
        lineage = np.array([[names[j] in ancestors[i] for j in here] for i in here])
        fit = (same | (topics[here][:, None] == topics[here])) & ~(lineage | lineage.T)
        fit &= (new >= 2) & (new >= 0.4 * length)
        chosen = linear_sum_assignment(np.where(fit, -alike, 10.0))
        following |= {int(here[a]): int(here[b]) for a, b in zip(*chosen, strict=True) if fit[a, b]}
    cycles, seen = [], set()
    for start in sorted(following):
        path, thing = [], start
        while thing in following and thing not in seen:
            seen.add(thing)
            path.append(thing)
            thing = following[thing]
        if path and thing == start:
            cycles.append(path)
    return cycles


def mrpc(introductions: list[Article], wn: Any) -> dict[str, list[Pair]]:
    """Each linked thing once with its own definition and once with a similar thing's."""
    linked = link(introductions, wn)
    cycles = near_misses(linked)
    sizes = {"validation": VALIDATION, "train": TRAIN}
    pairs: dict[str, list[Pair]] = {part: [] for part in sizes}
    order = np.random.default_rng(SEED).permutation(len(cycles))
    # Only short cycles can fill the validation part exactly.
    for k in sorted(order, key=lambda k: len(cycles[k]) > 40):
        cycle = cycles[k]
        room = {p: sizes[p] - len(pairs[p]) // 2 - len(cycle) for p in sizes}
        # No cycle fills a last place.
        part = next((p for p in sizes if room[p] >= 0 and room[p] != 1), None)
        if part:
            for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True):
                title, text = linked[a].article.title, linked[a].sentence
                pairs[part].append(Pair(1, text, linked[a].definition, title, "own definition"))
                pairs[part].append(Pair(0, text, linked[b].definition, title, "near miss"))
    return pairs


def build(packages: Path) -> pd.DataFrame:
    """The task in the columns of task.py."""
    with wordnet(packages) as wn:
        return table("mrpc", mrpc(articles(wn), wn))
