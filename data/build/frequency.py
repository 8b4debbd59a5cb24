"""Build data/corpus/frequency.parquet: how often each word stands in the corpus that the models are pre-trained on.

Run `python data/build/frequency.py` from the repository root, after `corpus.py`. A word is a run of letters in
lower case; words met once are left out, which halves the file, and count as one where they are looked up.
"""

import re
from collections import Counter

import pandas as pd

from corpus import OUT
from packing import write_table

WORD = re.compile(r"[^\W\d_]+")


def main() -> None:
    counts: Counter = Counter()
    for part in ("wikipedia", "brown", "wordnet"):
        for text in pd.read_json(OUT / f"{part}.jsonl.xz", lines=True)["text"]:
            counts.update(WORD.findall(text.lower()))
    rows = sorted(((word, n) for word, n in counts.items() if n > 1), key=lambda row: (-row[1], row[0]))
    table = pd.DataFrame(rows, columns=["word", "count"]).astype({"count": "int32"})
    path = OUT / "frequency.parquet"
    write_table(table, path)
    print(f"{path.name}: {len(table)} words of {counts.total()} tokens, {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
