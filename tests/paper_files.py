"""The files of the paper's data, as small as sections can be run on, in the form in which each is published."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import yaml
from toys import glue_rows

from companion.functions import prompts

SENTENCE = (
    '<sentence id="{i}"><wf lemma="the" pos="DET">The</wf> <instance id="{i}.t0" lemma="{word}" pos="NOUN">{word}'
    '</instance>\n<wf lemma="x" pos="X">{text} &amp; co</wf></sentence>\n'
)
ROWS = 120  # of a class in the training part of a task; 40 in the part that judges


def onesec(folder: Path, senses: Mapping[tuple[str, str], int], name: str = "onesec") -> None:
    """A corpus with the given number of sentences for each (word, sense), in the format of Raganato et al. (2017)."""
    body, key = "", ""
    for (word, sense), number in senses.items():
        for n in range(number):
            i = f"{sense}.{n}"
            body += SENTENCE.format(i=i, word=word, text=f"{sense} {n}")
            key += f"{i}.t0 {sense}\n"
    (folder / f"{name}.data.xml").write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<corpus>{body}</corpus>')
    (folder / f"{name}.gold.key.txt").write_text(key)


def triple(i: int, **other: str | None) -> dict:
    """A row of T-REx."""
    return {"sub_label": f"City {i}", "obj_label": f"Country {i % 40}", "uuid": f"u{i}"} | other


def trex(file: Path, rows: Sequence) -> None:
    """A relation of T-REx as ParaRel ships it: an object a line, with escapes for what is not ASCII."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def published(root: Path, tables: Mapping[str, Mapping[str, pd.DataFrame]]) -> Path:
    """Tables by configuration and split as the hub has them: parquet files, and the card that lists them."""
    configurations = []
    for name, splits in tables.items():
        (root / name).mkdir(parents=True)
        for split, rows in splits.items():
            rows.to_parquet(root / name / f"{split}-00000-of-00001.parquet", index=False)
        files = [{"split": split, "path": f"{name}/{split}-*"} for split in splits]
        configurations.append({"config_name": name, "data_files": files})
    (root / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': configurations})}---\n")
    return root


def collection(name: str, root: Path) -> Path:
    """All tasks of ``glue`` or ``super_glue`` that the paper takes."""
    tables = {}
    for task, of in prompts.TASKS.items():
        if of.collection == name:
            sizes = {"train": ROWS, of.split: ROWS // 3}
            tables[task] = {s: glue_rows(task, list(range(len(of.words))) * number) for s, number in sizes.items()}
    return published(root, tables)


def folder(root: Path) -> Path:
    """OneSeC and six relations of T-REx, as ``MODULARITY_PAPER`` takes them."""
    for part in ("onesec", "trex"):
        (root / part).mkdir(parents=True)
    onesec(root / "onesec", {(word, f"{word}{i}"): 100 for word in ("bank", "cat", "dog", "mat") for i in range(3)})
    for relation in ("P17", "P36", "P1376", "P30", "P101", "P103"):
        trex(root / f"trex/{relation}.jsonl", [triple(i) for i in range(220)])
    return root
