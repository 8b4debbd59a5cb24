"""The ledger of claims: what runs say of each, judged by `verdicts`. ``python -m companion.claims`` checks it.

A verdict is computed and never written down. What ``data/claims.yml`` holds is what each is expected to be.
"""

import argparse
import ast
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from companion import terminal
from companion.claims import verdicts
from companion.claims.effects import COLUMNS
from companion.claims.verdicts import VERDICTS, once
from companion.functions import sources
from modularity import environment

FILE = "claims.yml"
KEY = "evidence"  # under which a notebook glues its table
RECORD = "application/papermill.record/text/plain"
EXECUTED = Path("executed")
COMMAND = "python -m companion.claims"
JUDGED = [*COLUMNS[2:], "least", "verdict"]


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, or an answer to a question that it leaves open, and how it is decided."""

    id: str
    claim: str  # in our words
    section: (
        str  # of the paper, first the one that makes the claim; "Beyond the paper; 7" for one that it does not make
    )
    test: str  # what is measured, and over what the interval is
    unit: str  # of the effect
    pages: Sequence[str]  # the notebooks that compute it, each for models of its own
    expected: Mapping[str, str]  # model → verdict


def read(path: Path | None = None) -> list[Claim]:
    """The claims of a file, ``data/claims.yml`` if none is named.

    Raises
    ------
    ValueError
        A field that is missing, empty or unknown; pages that are no list; a verdict that is none; an id that stands
        twice.
    """
    path = path or sources.data_folder() / FILE
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{path} is no list of claims, each with the fields {', '.join(_FIELDS)}")
    claims = [_claim(entry, f"{path}, claim {i} ({entry.get('id', 'no id')})") for i, entry in enumerate(entries, 1)]
    ids = [claim.id for claim in claims]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"{path} has the claim {twice[0]!r} twice; give one of them another id")
    return claims


_FIELDS = [field.name for field in fields(Claim)]


def _claim(entry: dict, where: str) -> Claim:
    given: dict[str, Any] = {"expected": {}} | entry
    if missing := [name for name in _FIELDS if given.get(name) is None or given[name] == ""]:
        raise ValueError(f"{where} has no {missing[0]!r}")
    if unknown := sorted(set(given) - set(_FIELDS)):
        raise ValueError(f"{where} has the unknown field {unknown[0]!r}; known: {', '.join(_FIELDS)}")
    if not isinstance(given["pages"], list):
        raise ValueError(
            f"{where} has the pages {given['pages']!r}, expected a list of notebooks, as [04_specialization]"
        )
    for model, expected in given["expected"].items():
        if expected not in VERDICTS:
            raise ValueError(f"{where} expects {expected!r} of {model}; known: {', '.join(VERDICTS)}")
    return Claim(**given)


def to_glue(model: str, *tables: pd.DataFrame) -> dict[str, str]:
    """What a notebook glues of its evidence: the tables for the ledger, and their verdicts as words for its prose.

    Parameters
    ----------
    model : the page's own, as in `verdicts.words`; ``""`` if it has none.
    tables : evidence; a claim and model once.

    Returns
    -------
    ``evidence`` → JSON, a list of rows, null for no number; and the names of `verdicts.words`.
    """
    rows: Any = pd.concat(tables, ignore_index=True)[COLUMNS]
    once(rows, "the notebook")
    numbers = [
        {c: (None if isinstance(v, float) and not math.isfinite(v) else v) for c, v in row.items()}
        for row in rows.to_dict("records")
    ]
    return {KEY: json.dumps(numbers, ensure_ascii=False)} | verdicts.words(rows, model)


def collect(folder: Path = EXECUTED) -> pd.DataFrame:
    """The evidence that executed notebooks of a folder glued, with ``page``, the notebook's name.

    A notebook with a dot in its name (``….rerun.ipynb``, ``….failed.ipynb``) is somebody's try and says nothing here.

    Raises
    ------
    ValueError
        Two notebooks say something of the same claim and model.
    """
    made = []
    for path in sorted(p for p in folder.glob("*.ipynb") if "." not in p.stem):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for output in (o for cell in cells for o in cell.get("outputs", [])):
            if output.get("metadata", {}).get("scrapbook", {}).get("name") == KEY:
                rows = json.loads(ast.literal_eval("".join(output["data"][RECORD])))
                made.append(pd.DataFrame(rows, columns=COLUMNS).assign(page=path.stem))
    table = pd.concat(made, ignore_index=True) if made else pd.DataFrame(columns=[*COLUMNS, "page"])
    table = table.astype({column: float for column in ("estimate", "low", "high")})
    once(table, str(folder))
    return table


def judged(claims: Sequence[Claim], found: pd.DataFrame, printed: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every claim and model with its verdict, in the order of the claims.

    Parameters
    ----------
    found : evidence, of `collect`.
    printed : the paper's own numbers; `printed_effects.effects` if not given.

    Returns
    -------
    ``claim, model, printed`` (the paper's own numbers, first), ``estimate, low, high, least, verdict`` (empty where not
    tested), ``expected`` (empty where nothing is), ``agrees``: False where a verdict is expected and another, or none,
    is found.

    Raises
    ------
    ValueError
        Evidence on a claim that is none.
    """
    table = verdicts.judge(found, printed)
    if unknown := sorted(set(table["claim"]) - {claim.id for claim in claims}):
        raise ValueError(f"there is evidence on {unknown[0]!r}, which is no claim; add it to data/{FILE}")
    made = []
    for claim in claims:
        rows: Any = table[table["claim"] == claim.id]
        for row in rows[rows["printed"]].to_dict("records"):
            made.append((claim.id, row["model"], True, *(row[name] for name in JUDGED), "", True))
        rows = rows[~rows["printed"]].set_index("model")
        for model in dict.fromkeys([*map(str, rows.index), *claim.expected]):
            there = model in rows.index
            *numbers, said = rows.loc[model, JUDGED].tolist() if there else [*[math.nan] * len(JUDGED[1:]), ""]
            expected = claim.expected.get(model, "")
            made.append((claim.id, model, False, *numbers, said, expected, expected in ("", said)))
    return pd.DataFrame(made, columns=["claim", "model", "printed", *JUDGED, "expected", "agrees"])


def disagreements(table: pd.DataFrame) -> list[str]:
    """A sentence for each verdict of `judged` that is not the expected one: what was found, and what to do."""
    rows: Any = table[~table["agrees"]]
    made = []
    for row in rows.to_dict("records"):
        if row["verdict"]:
            found = f"{row['verdict']} ({row['estimate']:.3g}, {row['low']:.3g} to {row['high']:.3g})"
            advice = f"if that is right, write it into data/{FILE} and say why in CHANGELOG.md"
        else:
            found = "no evidence"
            advice = f"run the section that glues it (make book), or take the expectation out of data/{FILE}"
        what = f"{row['claim']}, {row['model']}: expected {row['expected']}, found {found}"
        made.append(f"{what}; {advice}; `{COMMAND}` lists all")
    return made


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m companion.claims", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", nargs="?", type=environment.expanded, default=EXECUTED, help="of executed notebooks")
    options = parser.parse_args(None if arguments is None else list(arguments))
    table = judged(read(), collect(options.folder))
    print(table.drop(columns="agrees").to_string(index=False, na_rep="–", float_format="{:.3g}".format))
    for sentence in (found := disagreements(table)):
        print(sentence, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    terminal.run(main)
