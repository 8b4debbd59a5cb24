"""Build data/functions/similarity.parquet: how alike any two of the 200 hidden nouns are, for Appendix A.6.

The paper takes spaCy's vectors, which no package registry carries. Two measures stand in for them:
`corpus` is the cosine of two nouns' vectors of positive pointwise mutual information with the words within five
places, over the corpus in data/, reduced to 200 dimensions (Levy, Goldberg and Dagan, 2015); `wordnet` is Wu and
Palmer's measure, which looks only at where the first senses stand in WordNet's tree.

Run `python data/build/similarity.py` from the repository root, after `semantic.py`; `--packages` as in corpus.py.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize

from corpus import OUT as CORPUS
from frequency import WORD
from lexicon import wordnet
from packages import folder
from packing import write_table
from semantic import OUT as SEMANTIC

OUT = SEMANTIC.with_name("similarity.parquet")
WINDOW, CONTEXTS, DIMENSIONS, SEED = 5, 20_000, 200, 0


def vectors() -> tuple[list[str], np.ndarray]:
    """The most frequent words and their vectors of unit length."""
    vocabulary = pd.read_parquet(CORPUS / "frequency.parquet")["word"].head(CONTEXTS).tolist()
    index = {word: i for i, word in enumerate(vocabulary)}
    ids: list[int] = []
    for part in ("wikipedia", "brown", "wordnet"):
        for text in pd.read_json(CORPUS / f"{part}.jsonl.xz", lines=True)["text"]:
            ids += [index.get(word, -1) for word in WORD.findall(text.lower())] + [-1] * WINDOW
    stream = np.array(ids)
    counts = sparse.csr_array((CONTEXTS, CONTEXTS))
    for distance in range(1, WINDOW + 1):
        a, b = stream[:-distance], stream[distance:]
        known = (a >= 0) & (b >= 0)
        counts += sparse.csr_array((np.ones(known.sum()), (a[known], b[known])), shape=counts.shape)
    counts = (counts + counts.T).tocoo()
    totals = counts.sum(0)
    smoothed = totals**0.75  # rare contexts would weigh too much otherwise
    pmi = np.log(counts.data * smoothed.sum() / (totals[counts.row] * smoothed[counts.col]))
    positive = sparse.csr_array((np.maximum(pmi, 0), (counts.row, counts.col)), shape=counts.shape)
    return vocabulary, np.asarray(normalize(TruncatedSVD(DIMENSIONS, random_state=SEED).fit_transform(positive)))


def main() -> None:
    nouns = sorted(pd.read_parquet(SEMANTIC)["keyword"].astype(str).unique())
    vocabulary, unit = vectors()
    index = {word: i for i, word in enumerate(vocabulary)}
    if missing := [noun for noun in nouns if noun not in index]:
        raise SystemExit(f"{missing} are not among the {CONTEXTS} most frequent words; raise CONTEXTS")
    rows = []
    with folder(__doc__) as packages, wordnet(packages) as reader:
        senses = {noun: reader.synsets(noun, "n")[0] for noun in nouns}
        for a, b in combinations(nouns, 2):
            rows.append((a, b, float(unit[index[a]] @ unit[index[b]]), reader.wup_similarity(senses[a], senses[b])))
    table = pd.DataFrame(rows, columns=["word_1", "word_2", "corpus", "wordnet"])
    table = table.round(3).astype({"word_1": "category", "word_2": "category", "corpus": "f4", "wordnet": "f4"})
    write_table(table, OUT)
    agreement = np.corrcoef(table["corpus"].rank(), table["wordnet"].rank())[0, 1]
    print(f"{OUT.name}: {len(nouns)} nouns, rank correlation of the two measures {agreement:.2f}")


if __name__ == "__main__":
    main()
