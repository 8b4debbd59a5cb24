"""The task `qqp`: two phrasings of one question, or questions about two things or two relations.

phrasings.txt holds over a hundred relations with five or more phrasings each. Instances come in squares of two first
and two second questions, of which one diagonal is positive, so that only the combination decides. Where there is a
choice, the phrasing is taken that makes word overlap least telling.
"""

import csv
import io
import re
import sqlite3
import tarfile
import zipfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from articles import SEED, TRAIN, VALIDATION, Article, Pair, articles, plain, read, shared, square, stems, table
from lexicon import wordnet
from packages import fetch

# Which of the things of phrasings.txt an article is about, by its short description; the first that fits.

KINDS = {
    "person": r"^[A-Z].* \((?:c\. )?\d{3,4} ?[–-] ?(?:c\. )?\d{3,4}\)$",
    "book": r"\b(?:novel|novella|play|poem|epic|treatise|dialogue|book|tragedy|comedy)\b.* by |\b(?:novel|play)$",
    "show": r"\b(?:film|opera|ballet|symphony|concerto|musical|album|song|oratorio)s?\b.* by ",
    "picture": r"^(?!Series of paintings|Type).*\b(?:painting|fresco|sculpture|woodblock print|engraving|altarpiece|"
    r"statue)\b.* (?:by|in|of) [A-Z]",
    "disease": r"^(?!.*(?:[Ss]tudy|[Bb]ranch|[Tt]reat|[Mm]edic|[Ss]pecialty|[Ss]urg|[Hh]ospital|[Vv]accin|[Dd]rug|"
    r"[Pp]lan\b)).*(?:[Dd]isease|[Dd]isorder|[Ii]nfection|[Cc]ancer|[Ss]yndrome|[Ii]nflammation|[Ii]llness)\b",
    "event": r"(?:\b[Ww]ar|[Bb]attle|[Cc]onflict|[Rr]evolution|[Ss]iege|[Rr]ebellion|[Uu]prising)\b.*\d{3}|^\d{4}.*"
    r"(?:war|battle|conflict|revolution|siege)",
    "body": r"[Cc]ompany|[Oo]rgani[sz]ation|[Uu]niversity in|[Ii]nternational.*agency|[Mm]anufacturer$|[Bb]roadcaster",
    "city": r"(?:\b[Cc]ity|[Cc]apital|[Mm]unicipality|[Cc]ommune|[Mm]etropolis)\b.* (?:in|of) ",
    "place": r"\b(?:[Rr]iver|[Ll]ake|[Mm]ountains?|[Vv]olcano|[Ii]slands?|[Dd]esert|[Pp]eninsula|[Bb]ay|[Ss]trait|"
    r"[Ww]aterfall|[Nn]ational park|[Pp]lateau|[Rr]egion|[Aa]rchipelago|[Gg]ulf|[Ss]ea)\b.* (?:in|of|on|between) ",
    "animal": r"\b(?:[Gg]enus|[Ss]pecies|[Ff]amily|[Oo]rder|[Bb]reed|[Gg]roup|[Cc]lass|[Ss]ub\w+) of .*?\b(?:birds?|"
    r"mammals?|fish(?:es)?|reptiles?|insects?|amphibians?|spiders?|crustaceans?|rodents?|snakes?|lizards?|frogs?|"
    r"primates?|molluscs?|animals?|dogs?|cats?|sharks?|whales?|monkeys?|bears?|moths|beetles?|canine|feline|cattle|"
    r"horses?|seabirds?|arachnids?|arthropods?|felid|ungulates?)\b",
    "plant": r"\b(?:[Gg]enus|[Ss]pecies|[Ff]amily|[Tt]ype) of .*?\b(?:plants?|trees?|shrubs?|herbs?|grass(?:es)?|"
    r"flowers?|conifers?|fern)\b|[Ee]dible (?:fruit|root|plant|vegetable|seed|tuber)",
    "device": r"\b(?:[Dd]evice|[Mm]achine|[Ii]nstrument|[Tt]ool|[Ww]eapon|[Vv]ehicle|[Aa]ircraft|[Ee]ngine|"
    r"[Aa]pparatus|[Gg]arment|[Cc]ontainer|[Ff]urniture|[Aa]ppliance)\b(?!.*\b(?:study|music genre|group)\b)",
    "food": r"^(?!.*(?:[Cc]ooking|[Aa]ct of|[Ii]ngestion|[Tt]ools|[Bb]usiness|[Pp]lace|[Mm]ethod|[Ss]tud|[Pp]reserv|"
    r"[Pp]ractice)).*\b(?:[Ff]ood|[Dd]ish|[Dd]rink|[Bb]everage|[Ss]auce|[Cc]heese|[Dd]essert|[Bb]read|[Cc]ondiment|[Cc]onfection|"
    r"[Ss]oup|[Pp]astry)\b",
}
KIND_TOPICS = {
    "animal": ("Biology and health sciences", "Uncategorized"),
    "device": ("Technology", "Everyday life", "Arts"),
    "food": ("Everyday life",),
    "body": ("Society and social sciences",),
    "disease": ("Biology and health sciences",),
    "place": ("Geography",),
    "city": ("Geography", "Uncategorized"),
    "event": ("History", "Uncategorized"),
}
THE = re.compile(
    r"(?:.*\b(?:Islands|Republic|Kingdom|Emirates|States|Territory)|Bahamas|Netherlands|Philippines|Gambia|Comoros|"
    r"Maldives|Seychelles|.*Republic of.*)$"
)


class Thing(NamedTuple):
    """Something to ask about: its names, the relations that make sense for it, and words that tell what it is like."""

    kind: str
    names: tuple[str, ...]
    relations: tuple[str, ...]
    about: frozenset[str]


def phrasings() -> dict[str, dict[str, list[str]]]:
    """Kind → relation → its phrasings."""
    found: dict[str, dict[str, list[str]]] = {}
    for block in read("phrasings.txt"):
        kind, *lines = block.replace("\n    |", " |").split("\n")
        entries = (line.split(": ", 1) for line in lines)
        found[kind] = {relation: [q.strip() for q in text.split("|")] for relation, text in entries}
    return found


def facts_of_lists(packages: Path, relations: dict[str, tuple[str, ...]]) -> list[Thing]:
    """Countries and elements with the relations that their packages have an answer to."""
    found = []
    with tarfile.open(fetch("countries-list-3.4.1.tgz", packages)) as archive:
        member = archive.extractfile("package/countries.csv")
        assert member is not None
        columns = {"capital": "Capital", "currency": "Currency", "language": "Languages", "calling code": "Phone"}
        for row in csv.DictReader(io.TextIOWrapper(member, encoding="utf-8")):
            kept = tuple(r for r in relations["country"] if row[columns.get(r, "Name")])
            name = f"the {row['Name']}" if THE.match(row["Name"]) else row["Name"]
            if row["Capital"] and not re.search(r"\(| and the ", name):
                found.append(Thing("country", (name,), kept, frozenset([row["Continent"], *name.split()])))
    with zipfile.ZipFile(fetch("mendeleev-1.3.0-py3-none-any.whl", packages)) as wheel:
        database = sqlite3.connect(":memory:")
        database.deserialize(wheel.read("mendeleev/elements.db"))
    query = "SELECT name, series_id, discoverers, discovery_year, uses, sources FROM elements ORDER BY atomic_number"
    for name, series, discoverers, year, uses, sources in database.execute(query):
        by = "" if str(discoverers).startswith("Known") else discoverers
        known: dict[str, Any] = {"discoverer": by, "discovery date": year, "use": uses, "source": sources}
        kept = tuple(r for r in relations["element"] if known.get(r, "always"))
        found.append(Thing("element", (name.lower(),), kept, frozenset([str(series)])))
    return found


def things(introductions: list[Article], packages: Path, wn: Any) -> list[Thing]:
    """Everything that questions are asked about, no name twice."""
    relations = {kind: tuple(r) for kind, r in phrasings().items()}
    found = facts_of_lists(packages, relations)
    surnames = Counter(plain(a.title).split()[-1] for a in introductions)
    for a in introductions:
        kind = next((k for k, pattern in KINDS.items() if re.search(pattern, a.description)), None)
        if not a.name or a.plural or not kind or a.person != (kind == "person"):
            continue
        if a.topic not in KIND_TOPICS.get(kind, (a.topic,)):
            continue
        name = re.sub(r"^an? ", "the ", a.name)
        surname = name.split()[-1]
        alone = surnames[plain(surname)] == 1 and re.fullmatch(r"[A-Z]\w{3,}", surname) and surname != name
        noble = re.search(r" (?:[a-z]\S*|'t|I+|El|Le|La|Van) |^(?:El|Le|La|Saint|Pope|Emperor|Queen)\b", name)
        names = (name, surname) if kind == "person" and alone and not noble else (name,)
        found.append(Thing(kind, names, relations[kind], frozenset(stems(f"{a.title} {a.description}"))))
    for word in sorted(set(wn.all_lemma_names("a")) | set(wn.all_lemma_names("v"))):
        lemmas = [m for s in wn.synsets(word) for m in s.lemmas() if m.name() == word]
        opposites = [a.name() for m in lemmas for a in m.antonyms()]
        if opposites and sum(m.count() for m in lemmas) >= 5 and re.fullmatch(r"[a-z]{3,}", word):
            near = {n for m in lemmas for n in m.synset().lemma_names()}
            found.append(Thing("word", (f'"{word}"',), relations["word"], frozenset([*near, *opposites])))
    times = Counter(n for t in found for n in t.names)
    return [t for t in found if all(times[n] == 1 for n in t.names)]


TRIES = 12  # phrasings tried for the ones whose overlap misleads most


def two_things(a: Thing, pool: list[Thing], asked: dict[str, list[str]], rng: np.random.Generator) -> list[Pair]:
    """One relation of a thing and of the one most like it, in the same two phrasings."""
    relation = rng.choice(a.relations)
    p, q = rng.choice(asked[relation], 2, replace=False)
    others = [t for t in pool if t is not a and relation in t.relations]
    b = others[int(np.argmax([len(a.about & t.about) + rng.random() for t in others]))]
    first = p.format(rng.choice(a.names)), p.format(rng.choice(b.names))
    second = q.format(rng.choice(a.names)), q.format(rng.choice(b.names))
    return square(first, second, (a.names[0], b.names[0]), "thing")


def two_relations(a: Thing, asked: dict[str, list[str]], rng: np.random.Generator) -> list[Pair]:
    """Two relations of a thing, each in two phrasings: those that share fewer words within a relation than across."""
    relation, forms = rng.choice(a.relations), rng.choice(a.names, 2)
    tries = []
    for _ in range(TRIES):
        other = rng.choice([r for r in a.relations if r != relation])
        p, q = rng.choice(asked[relation], 2, replace=False)
        r, s = rng.choice(asked[other], 2, replace=False)
        first, second = (p.format(forms[0]), r.format(forms[0])), (q.format(forms[1]), s.format(forms[1]))
        tries.append(square(first, second, (a.names[0], a.names[0]), "relation"))
    return max(tries, key=lambda pairs: sum(shared(x.text_1, x.text_2) * (1 - 2 * x.label) for x in pairs))


def qqp(introductions: list[Article], packages: Path, wn: Any) -> dict[str, list[Pair]]:
    """Squares of two things under one relation, and of two relations of one thing, by turns."""
    rng = np.random.default_rng(SEED)
    asked = phrasings()
    groups: dict[str, list[Thing]] = defaultdict(list)
    for thing in things(introductions, packages, wn):
        groups[thing.kind].append(thing)
    kinds = sorted(groups)
    pools: dict[str, list[list[Thing]]] = {"validation": [], "train": []}
    for kind in kinds:
        order = [groups[kind][i] for i in rng.permutation(len(groups[kind]))]
        pools["validation"].append(order[: len(order) // 4])
        pools["train"].append(order[len(order) // 4 :])
    pairs: dict[str, list[Pair]] = {}
    for part, size in (("validation", VALIDATION), ("train", TRAIN)):
        # The square root keeps the many people and words from crowding out the rest.
        share = np.sqrt([len(pool) for pool in pools[part]])
        made: list[Pair] = []
        taken: set[tuple[str, str]] = set()
        while len(made) < 2 * size:
            k = rng.choice(len(kinds), p=share / share.sum())
            pool, phrases = pools[part][k], asked[kinds[k]]
            a = pool[rng.integers(len(pool))]
            new = two_relations(a, phrases, rng) if len(made) % 8 else two_things(a, pool, phrases, rng)
            texts = {(x.text_1, x.text_2) for x in new}
            if not texts & taken:
                taken |= texts
                made += new
        pairs[part] = made
    return pairs


def build(packages: Path) -> pd.DataFrame:
    """The task in the columns of task.py."""
    with wordnet(packages) as wn:
        return table("qqp", qqp(articles(wn), packages, wn))
