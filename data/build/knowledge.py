"""Build data/functions/knowledge.parquet and balanced.parquet: relations, each with 200 true and 200 false triples.

The true triples come from facts.py and are the same in both tables. A relation has two parts, train and validation,
that share no entity. The two tables differ in how the false triples of a part are made from its true ones:

- knowledge, as in the paper: of each true triple the head or the tail, chosen at random, is replaced by a random
  entity that stands in that place in a true triple of the part;
- balanced, the control: the tails are permuted, so that every head and every tail is in as many true triples as in
  false ones, and neither the words nor their frequency or length can tell the two apart, only their combination.
  Tails are exchanged for tails of the same kind where there are some.

In both, no false triple is true or near the truth as far as facts.py knows, and none stands twice.

Run `python data/build/knowledge.py` from the repository root, after `corpus.py`; `--packages` as there.
"""

import re
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from tqdm import tqdm

from facts import TEMPLATES, Fact, Relation, alike, frequency, relations
from packages import folder
from packing import write_table

OUT = Path(__file__).parents[1] / "functions"
FORMS = ("knowledge", "balanced")
PARTS: tuple[str, ...] = ("train", "validation")
TRIPLES, SEED = 100, 0  # true triples of a part
FEW = {"symbol", "group"}  # there are only 118 elements
SYMMETRIC = {"opposite", "same-noun", "same-verb", "same-adjective"}  # true in one order, true in the other
# Ways to choose, best first: how often the corpus has the entities, and how many triples of a part share a tail.
CHOICES = [(20, 3), (5, 3), (20, 6), (5, 6), (1, 3), (1, 6), (0, 3), (0, 6), (5, 12), (0, 12), (0, 20), (0, 34)]
OTHER_KIND, FORBIDDEN = 10.0, 1e6  # costs of a false triple; the others are random below 1
THE = re.compile(  # names that have the article
    r"(?:(?:(?:south|north)\w+ )?United|Netherlands|Philippines|Bahamas|Maldives|Gambia|Comoros|Seychelles|Isle|Alps|"
    r"District|Middle East|Andes|Himalayas|Midwest|Horn|Great Lakes|West Indies|East Indies|Visigoths|Hittites|Franks|"
    r"Vandals|Atlantic|Pacific|Mediterranean|Democratic|Central African|Dominican|Czech|People's|Republic of|"
    r"Kingdom of|Independent)\b.*|"
    r"(?!New )[A-Z].* (?:Islands|States|Republic|Empire|Kingdom|Union|Sea|Ocean|River|Mountains|Territory|Peninsula|"
    r"Desert|Wars?|Revolution|Khanate|Alps|Caliphate|[Dd]ynasty)"
)


def choose(facts: list[Fact], size: int, least: int, most: int, by_tail: bool) -> dict[str, list[Fact]] | None:
    """`size` facts for each part, or None: no head twice, no tail more than `most` times, no entity in two parts.

    The first facts choose first; `by_tail`: tails are dealt to the parts beforehand, the most frequent ones first.
    """
    facts = [f for f in facts if min(frequency(f.head), frequency(f.tail)) >= least]
    owner: dict[str, str] = {}
    chosen: dict[str, list[Fact]] = {part: [] for part in PARTS}
    if by_tail:
        filled = Counter(dict.fromkeys(PARTS, 0))
        for tail, number in sorted(Counter(f.tail.lower() for f in facts).items(), key=lambda c: (-c[1], c[0])):
            owner[tail] = min(PARTS, key=lambda p: filled[p])
            filled[owner[tail]] += min(number, most)
    heads: set[str] = set()
    tails: Counter[str] = Counter()
    for fact in facts:
        head, tail = fact.head.lower(), fact.tail.lower()
        owners = {owner[e] for e in (head, tail) if e in owner} or {min(PARTS, key=lambda p: len(chosen[p]))}
        part = min(owners)
        if len(owners) == 1 and head not in heads and tails[tail] < most and len(chosen[part]) < size:
            owner[head] = owner[tail] = part
            heads.add(head)
            tails[tail] += 1
            chosen[part].append(fact)
    return chosen if min(map(len, chosen.values())) == size else None


def permuted(true: list[Fact], known: set[tuple[str, str]], rng: np.random.Generator) -> tuple[list[Fact], set[str]]:
    """The facts with their tails exchanged such that none is known; and the heads for which that cannot be."""
    cost = rng.random((len(true), len(true)))
    for (i, a), (j, b) in product(enumerate(true), enumerate(true)):
        cost[i, j] += OTHER_KIND * (a.kind != b.kind)
        if (a.head.lower(), b.tail.lower()) in known or alike(a.head, b.tail):
            cost[i, j] = FORBIDDEN
    rows, columns = linear_sum_assignment(cost)
    false = [a._replace(tail=true[j].tail) for a, j in zip(true, columns, strict=True)]
    return false, {true[i].head for i in rows[cost[rows, columns] >= FORBIDDEN]}


def replaced(true: list[Fact], relation: Relation, rng: np.random.Generator) -> list[Fact]:
    """Each fact with its head or its tail (an even chance) replaced by another that stands there in `true`.

    Every different entity is as likely as the others, however many facts it has. Where all replacements of the one
    place would be known, alike in spelling or made before, the other place is taken.

    Raises
    ------
    SystemExit
        A fact has no false neighbour.
    """
    symmetric = relation.name in SYMMETRIC
    pools = {place: sorted({getattr(f, place) for f in true}) for place in ("head", "tail")}
    made: list[Fact] = []
    taken: set[tuple[str, str]] = set()
    for fact in true:
        first, second = rng.permutation(["head", "tail"]).tolist()
        others = ((place, str(e)) for place in (first, second) for e in rng.permutation(pools[place]))
        for false in (fact._replace(**{place: entity}) for place, entity in others):
            pair = (false.head.lower(), false.tail.lower())
            orders = {pair, pair[::-1]} if symmetric else {pair}
            if pair[0] != pair[1] and not orders & (relation.known | taken) and not alike(false.head, false.tail):
                taken.add(pair)
                made.append(false)
                break
        else:
            raise SystemExit(f"{relation.name}: no false triple is near {fact.head!r}, {fact.tail!r}; add facts")
    return made


def triples(relation: Relation) -> dict[str, pd.DataFrame]:
    """The triples of a relation in each form, columns part, label, head, tail.

    The i-th false triple of the paper's form is made from the i-th true one.
    """
    rng = np.random.default_rng([SEED, *relation.name.encode()])
    sizes = range(TRIPLES, 20, -1) if relation.name in FEW else (TRIPLES,)
    for size, choice, by_tail in product(sizes, CHOICES, (False, True)):
        facts = relation.facts
        while chosen := choose(facts, size, *choice, by_tail):
            exchanged = {part: permuted(true, relation.known, rng) for part, true in chosen.items()}
            stuck = set().union(*(heads for _, heads in exchanged.values()))
            if not stuck:
                rng = np.random.default_rng([SEED, 1, *relation.name.encode()])
                paper = {part: replaced(true, relation, rng) for part, true in chosen.items()}
                balanced = {part: false for part, (false, _) in exchanged.items()}
                return {form: _table(chosen, false) for form, false in zip(FORMS, (paper, balanced), strict=True)}
            facts = [f for f in facts if f.head not in stuck]
    raise SystemExit(f"{relation.name}: found no {TRIPLES} true and false triples for each part; add facts to facts.py")


def _table(true: dict[str, list[Fact]], false: dict[str, list[Fact]]) -> pd.DataFrame:
    rows = [(part, 1, f.head, f.tail) for part, facts in true.items() for f in facts]
    rows += [(part, 0, f.head, f.tail) for part, facts in false.items() for f in facts]
    return pd.DataFrame(rows, columns=["part", "label", "head", "tail"])


def fill(template: str, head: str, tail: str) -> str:
    """The sentence: articles where English wants them, a capital first letter."""
    if " a {tail}" not in template:
        head, tail = (f"the {x}" if THE.fullmatch(x) else x for x in (head, tail))
    sentence = template.format(head=head, tail=tail)
    sentence = re.sub(r"\b([Aa]) (?=[aeioAEIO]|[uU](?!ni|NI|se|ti|ro))", r"\1n ", sentence)
    return sentence[0].upper() + sentence[1:]


def true_triples(packages: Path) -> pd.DataFrame:
    """All pairs (name, head, tail), lower-cased, that are true or too near the truth to be called false."""
    rows = [(r.name, head, tail) for r in relations(packages) for head, tail in sorted(r.known)]
    return pd.DataFrame(rows, columns=["name", "head", "tail"])


def write(tables: list[pd.DataFrame], path: Path) -> None:
    table = pd.concat(tables)
    order = [table["name"], table["part"], -table["label"]]
    table = table.iloc[np.lexsort(order[::-1])]
    categories = dict.fromkeys(("name", "relation", "part", "template", "source"), "category")
    write_table(table.astype({"label": "int8", **categories}), path)
    print(
        f"{path.name}: {table['name'].nunique()} relations, {len(table)} triples, {path.stat().st_size / 2**20:.2f} MiB"
    )


def main() -> None:
    tables: dict[str, list[pd.DataFrame]] = {form: [] for form in FORMS}
    with folder(__doc__) as packages:
        for relation in tqdm(relations(packages), desc="knowledge", unit="relation", total=len(TEMPLATES)):
            template = TEMPLATES[relation.name]
            for form, table in triples(relation).items():
                sentences = [fill(template, h, t) for h, t in zip(table["head"], table["tail"], strict=True)]
                table.insert(0, "name", relation.name)
                table.insert(1, "relation", relation.origin)
                tables[form].append(table.assign(sentence=sentences, template=template, source=relation.source))
    for form in FORMS:
        write(tables[form], OUT / f"{form}.parquet")


if __name__ == "__main__":
    main()
