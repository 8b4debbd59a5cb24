"""Build data/functions/knowledge.parquet: relations, each with 200 true and 200 false triples put into words.

The true triples come from facts.py. A relation has two parts, train and validation, that share no entity.
The false triples of a part are its true ones with the tails permuted such that no pair is true or near the
truth: every head and every tail is in as many true triples as in false ones, so that neither the words nor
their frequency or length can tell the two apart, and only their combination does. Tails are exchanged for
tails of the same kind where there are some.

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

OUT = Path(__file__).parents[1] / "functions" / "knowledge.parquet"
PARTS: tuple[str, ...] = ("train", "validation")
TRIPLES, SEED = 100, 0  # true triples of a part
FEW = {"symbol", "group"}  # there are only 118 elements
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


def triples(relation: Relation) -> pd.DataFrame:
    """The triples of a relation, columns part, label, head, tail."""
    rng = np.random.default_rng([SEED, *relation.name.encode()])
    sizes = range(TRIPLES, 20, -1) if relation.name in FEW else (TRIPLES,)
    for size, choice, by_tail in product(sizes, CHOICES, (False, True)):
        facts = relation.facts
        while chosen := choose(facts, size, *choice, by_tail):
            exchanged = {part: permuted(true, relation.known, rng) for part, true in chosen.items()}
            stuck = set().union(*(heads for _, heads in exchanged.values()))
            if not stuck:
                rows = [(part, 1, f.head, f.tail) for part, true in chosen.items() for f in true]
                rows += [(part, 0, f.head, f.tail) for part, (false, _) in exchanged.items() for f in false]
                return pd.DataFrame(rows, columns=["part", "label", "head", "tail"])
            facts = [f for f in facts if f.head not in stuck]
    raise SystemExit(f"{relation.name}: found no {TRIPLES} true and false triples for each part; add facts to facts.py")


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


def main() -> None:
    tables = []
    with folder(__doc__) as packages:
        for relation in tqdm(relations(packages), desc="knowledge", unit="relation", total=len(TEMPLATES)):
            template, table = TEMPLATES[relation.name], triples(relation)
            sentences = [fill(template, h, t) for h, t in zip(table["head"], table["tail"], strict=True)]
            table.insert(0, "name", relation.name)
            table.insert(1, "relation", relation.origin)
            tables.append(table.assign(sentence=sentences, template=template, source=relation.source))
    table = pd.concat(tables)
    order = [table["name"], table["part"], -table["label"]]
    table = table.iloc[np.lexsort(order[::-1])]
    categories = dict.fromkeys(("name", "relation", "part", "template", "source"), "category")
    temporary = OUT.with_suffix(".tmp")
    table.astype({"label": "int8", **categories}).to_parquet(temporary, compression="zstd", index=False)
    temporary.replace(OUT)
    print(
        f"{OUT.name}: {table['name'].nunique()} relations, {len(table)} triples, {OUT.stat().st_size / 2**20:.2f} MiB"
    )


if __name__ == "__main__":
    main()
