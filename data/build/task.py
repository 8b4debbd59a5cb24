"""Build data/functions/task.parquet: seven tasks shaped like those of GLUE, in two parts that share no source.

The modules `acceptability` (cola), `sentiment` (sst2), `paraphrases` (mrpc), `questions` (qqp), `answers` (qnli) and
`inference` (rte, mnli) say how their instances are made; this one checks what all of them promise and writes one
table. Run `python data/build/task.py` from the repository root, after `corpus.py` and `semantic.py`; `--packages`
as there.
"""

from pathlib import Path

import numpy as np
import pandas as pd

import acceptability
import answers
import inference
import paraphrases
import questions
import sentiment
from packages import folder
from packing import write_table

OUT = Path(__file__).parents[1] / "functions" / "task.parquet"
COLUMNS = ["task", "part", "label", "text_1", "text_2", "source", "kind"]
SENTENCES = {"cola": 1, "sst2": 1, "mrpc": 2, "qqp": 2, "qnli": 2, "rte": 2, "mnli": 2}
LABELS = {"mnli": 3}
SEED = 0


def check(table: pd.DataFrame) -> None:
    """Stop if an instance breaks what book/data.md promises of all tasks."""
    for name, sentences in SENTENCES.items():
        rows = table.query("task == @name")
        counts = rows.value_counts(["part", "label"]).unstack()
        assert set(counts.columns) == set(range(LABELS.get(name, 2))), f"{name}: labels\n{counts}"
        assert (counts.nunique(axis=1) == 1).all(), f"{name}: labels are not balanced\n{counts}"
        shared = set(rows.query("part == 'train'")["source"]) & set(rows.query("part == 'validation'")["source"])
        assert not shared, f"{name}: {min(shared)!r} stands in both parts"
        assert not rows.duplicated(["text_1", "text_2"]).any(), f"{name}: an instance stands twice"
        assert all(rows["text_1"]), f"{name}: an empty text"
        assert all(bool(text) == (sentences == 2) for text in rows["text_2"]), f"{name}: not {sentences} texts"


def main() -> None:
    with folder(__doc__) as packages:
        modules = (acceptability, sentiment, paraphrases, questions, answers, inference)
        table = pd.concat([module.build(packages) for module in modules], ignore_index=True)
    table = table.loc[:, COLUMNS].sample(frac=1, random_state=np.random.default_rng(SEED))
    table = table.sort_values(by=["task", "part"], kind="stable").reset_index(drop=True)
    assert set(table["task"]) == set(SENTENCES)
    check(table)
    types = {"task": "category", "part": "category", "kind": "category", "label": "int8"}
    write_table(table.astype(types), OUT)
    print(f"{OUT.name}: {len(table)} instances, {OUT.stat().st_size / 2**20:.1f} MiB")
    print(table.value_counts(["task", "part", "label"]).unstack([1, 2]).sort_index(axis=1).to_string())


if __name__ == "__main__":
    main()
