"""Build data/corpus/facts.parquet: every true triple of functions/knowledge.parquet stated in other words.

A model can only know what its text says. The entities of the knowledge sub-functions are rare in the other
parts of the corpus (half of them occur fewer than five times), so this part states each fact in the wordings of
wordings.txt. No sentence that a sub-function evaluates is in it, true or false, nor any false triple: what is
learned must carry over from other words.

Run `python data/build/fact_text.py` from the repository root, after `knowledge.py`.
"""

from collections import defaultdict
from pathlib import Path

import pandas as pd

from packing import write_table

HERE = Path(__file__).parent
TABLES = [HERE.parent / "functions" / f"{form}.parquet" for form in ("knowledge", "balanced")]
OUT = HERE.parent / "corpus" / "facts.parquet"


def wordings() -> dict[str, list[str]]:
    """Relation → how its facts are stated, in the order of wordings.txt."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (HERE / "wordings.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            relation, wording = line.split(" | ")
            found[relation].append(wording)
    return found


def statements(*tables: pd.DataFrame) -> pd.DataFrame:
    """One row a fact and wording: ``name`` of the relation, ``wording``, ``head``, ``tail``.

    Parameters
    ----------
    tables : the triples with each of the ways to make false ones; the true ones are the same.

    Raises
    ------
    SystemExit
        A statement is a sentence that is evaluated.
    """
    known = wordings()
    true = tables[0].query("label == 1")
    evaluated = {sentence.lower() for table in tables for sentence in table["sentence"]}
    made = []
    for name, head, tail in zip(true["name"].astype(str), true["head"], true["tail"], strict=True):
        for wording in known[name]:
            if wording.format(head=head, tail=tail).lower() in evaluated:
                raise SystemExit(f"{wording.format(head=head, tail=tail)!r} is evaluated; change its wording")
            made.append((name, wording, head, tail))
    return pd.DataFrame(made, columns=["name", "wording", "head", "tail"])


if __name__ == "__main__":
    made = statements(*map(pd.read_parquet, TABLES))
    write_table(made.astype({"name": "category", "wording": "category"}), OUT)
    print(f"{OUT.name}: {len(made)} statements")
