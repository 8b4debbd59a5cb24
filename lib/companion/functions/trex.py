"""T-REx as ParaRel ships it: the paper's knowledge sub-functions (Section 3)."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from companion.functions import downloads
from modularity.subfunction import SubFunction, check_sentences

# Wikidata's relations in ParaRel, each with a plain sentence of our own: the paper does not print its templates.
TEMPLATES = {
    "P17": "{head} is located in the country {tail}.",
    "P19": "{head} was born in {tail}.",
    "P20": "{head} died in {tail}.",
    "P27": "{head} is a citizen of {tail}.",
    "P30": "{head} is located on the continent {tail}.",
    "P31": "{head} is an instance of {tail}.",
    "P36": "The capital of {head} is {tail}.",
    "P37": "The official language of {head} is {tail}.",
    "P39": "{head} holds the position of {tail}.",
    "P47": "{head} shares a border with {tail}.",
    "P101": "{head} works in the field of {tail}.",
    "P103": "The native language of {head} is {tail}.",
    "P106": "{head} is by profession {tail}.",
    "P108": "{head} works for {tail}.",
    "P127": "{head} is owned by {tail}.",
    "P131": "{head} is located in {tail}.",
    "P136": "The genre of {head} is {tail}.",
    "P138": "{head} is named after {tail}.",
    "P140": "The religion of {head} is {tail}.",
    "P159": "The headquarters of {head} are in {tail}.",
    "P176": "{head} is produced by {tail}.",
    "P178": "{head} is developed by {tail}.",
    "P190": "{head} is a twin city of {tail}.",
    "P264": "{head} is signed to the label {tail}.",
    "P276": "{head} takes place in {tail}.",
    "P279": "{head} is a kind of {tail}.",
    "P361": "{head} is part of {tail}.",
    "P364": "The original language of {head} is {tail}.",
    "P407": "{head} was written in {tail}.",
    "P413": "{head} plays in the position of {tail}.",
    "P449": "{head} was first broadcast by {tail}.",
    "P463": "{head} is a member of {tail}.",
    "P495": "{head} was created in {tail}.",
    "P527": "{head} consists of {tail}.",
    "P530": "{head} has diplomatic relations with {tail}.",
    "P740": "{head} was founded in {tail}.",
    "P937": "{head} worked in {tail}.",
    "P1001": "{head} is a legal term in {tail}.",
    "P1303": "{head} plays the {tail}.",
    "P1376": "{head} is the capital of {tail}.",
    "P1412": "{head} communicates in {tail}.",
}
BYTES = {  # of each file at the commit that `downloads.TREX_URL` names
    "P17": 95_566,
    "P19": 81_238,
    "P20": 86_457,
    "P27": 99_939,
    "P30": 101_107,
    "P31": 91_994,
    "P36": 49_253,
    "P37": 92_192,
    "P39": 50_147,
    "P47": 64_915,
    "P101": 61_408,
    "P103": 95_957,
    "P106": 85_815,
    "P108": 38_003,
    "P127": 64_671,
    "P131": 84_379,
    "P136": 86_881,
    "P138": 50_058,
    "P140": 45_234,
    "P159": 86_480,
    "P176": 94_114,
    "P178": 61_036,
    "P190": 65_541,
    "P264": 5_500,
    "P276": 84_597,
    "P279": 94_792,
    "P361": 77_151,
    "P364": 78_623,
    "P407": 88_918,
    "P413": 101_062,
    "P449": 81_429,
    "P463": 22_309,
    "P495": 92_866,
    "P527": 94_244,
    "P530": 93_186,
    "P740": 87_292,
    "P937": 90_678,
    "P1001": 75_378,
    "P1303": 52_324,
    "P1376": 17_433,
    "P1412": 96_832,
}
SYMMETRIC = {"P47", "P190", "P530"}  # what holds in one order holds in the other


def load(*, instances: int = 400, seed: int = 0) -> list[SubFunction]:
    """Knowledge sub-functions from ``trex/P*.jsonl``: half true triples, half with head or tail replaced.

    The new entity is a random one of those that stand in the same place of true triples of the relation; where all
    of them make known pairs, the other place is taken. A false triple is in no line of the file, of a symmetric
    relation in neither order; it pairs no entity with itself, and none stands twice. Relations with fewer than
    ``instances / 2`` different triples are left out: two of ParaRel's 41 for the paper's 400, which leaves its 39.

    Raises
    ------
    ConnectionError, FileNotFoundError
        No local folder and no network; a local folder without such files.
    ValueError
        A file of an unknown relation; a row that is not UTF-8, not JSON or lacks a field; an identifier twice.
    """
    folder = downloads.paper_part("trex")
    if folder is not None:
        files = downloads.files(folder, "*.jsonl")
        if not files:
            raise FileNotFoundError(f"{folder} holds no P*.jsonl; put the files of ParaRel's data/trex_lms_vocab there")
    else:
        cache = downloads.folder() / "trex"
        bar = tqdm(TEMPLATES, desc="T-REx", unit="relation", leave=False)
        files = [downloads.download(f"{downloads.TREX_URL}/{r}.jsonl", cache, size=BYTES[r]) for r in bar]
    made = []
    for file in files:
        if (relation := file.stem) not in TEMPLATES:
            raise ValueError(f"{file}: unknown relation {relation!r}; known: {', '.join(TEMPLATES)}")
        true = list(dict.fromkeys(_triples(file)))
        if len(true) < instances // 2:
            continue
        rng = np.random.default_rng([seed, int(relation[1:])])
        chosen = [true[i] for i in rng.choice(len(true), instances // 2, replace=False)]
        triples = chosen + _false_triples(chosen, true, relation, rng, file)
        sentences = tuple(TEMPLATES[relation].format(head=h, tail=t) for h, t in triples)
        labels = np.repeat([1, 0], len(chosen))
        made.append(SubFunction(relation, "knowledge", sentences, labels, f"T-REx (ParaRel), {file.name}"))
    return made


def _triples(file: Path) -> Iterator[tuple[str, str]]:
    """(head, tail) of each row; one triple may stand under several identifiers, as it does in ParaRel."""
    seen: dict[str, str] = {}
    for place, text in downloads.lines(file):
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:  # also of a number of thousands of digits, and of nesting
            raise ValueError(f"{place} is not a JSON object ({error}); fetch the file again") from error
        if not isinstance(row, dict):
            raise ValueError(f"{place} holds a {type(row).__name__}, expected a JSON object")
        for field in ("sub_label", "obj_label", "uuid"):
            try:
                check_sentences([row.get(field)])  # type: ignore[list-item]
            except ValueError as error:
                raise ValueError(f"{place}: {field!r} is {row.get(field)!r}, expected text") from error
        if (first := seen.setdefault(row["uuid"], place)) != place:
            raise ValueError(f"{place}: uuid {row['uuid']!r} stands already at {first}; remove one of the two rows")
        yield row["sub_label"], row["obj_label"]


def _false_triples(
    chosen: list[tuple[str, str]], true: list[tuple[str, str]], relation: str, rng: np.random.Generator, file: Path
) -> list[tuple[str, str]]:
    """For each of `chosen` one with its head or its tail (an even chance) replaced, as `load` says."""
    known = set(true)
    if relation in SYMMETRIC:
        known |= {(tail, head) for head, tail in true}
    pools = [list(dict.fromkeys(place)) for place in zip(*true, strict=True)]
    made: list[tuple[str, str]] = []
    for triple in chosen:
        places = rng.permutation(2)
        others = ((place, pools[place][i]) for place in places for i in rng.permutation(len(pools[place])))
        for head, tail in ((triple[0], other) if place else (other, triple[1]) for place, other in others):
            if head != tail and (head, tail) not in known:
                known |= {(head, tail), (tail, head)} if relation in SYMMETRIC else {(head, tail)}  # none stands twice
                made.append((head, tail))
                break
        else:
            raise ValueError(f"{file}: no false triple found for {triple}; nearly all pairs are true")
    return made
