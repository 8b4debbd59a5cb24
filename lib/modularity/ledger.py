"""The ledger of claims: what runs say of each, and a verdict by one rule. ``python -m modularity.ledger`` checks it.

The rule, of an effect that is positive where the paper is right, with its 95 % interval. `least` is half of the effect
that the paper prints for the model that this one stands for (`published.counterpart`); where it stands for none, or
nothing is printed for that one, half of the smaller of the printed; 0 where nothing is printed.

==========================  =========
interval wholly above 0     *holds* if the effect is at least `least`, else *weaker*
interval wholly below 0,    *fails*
or reaching 0 or less and
wholly below `least`
any other                   *not shown*
==========================  =========

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

from modularity import environment, evidence_printed, published, sources
from modularity.evidence import COLUMNS

VERDICTS = ("holds", "weaker", "not shown", "fails")
PRINTED = "printed, "  # before the model in evidence that is the paper's own number
FILE = "claims.yml"
KEY = "evidence"  # under which a notebook glues its table
RECORD = "application/papermill.record/text/plain"
EXECUTED = Path("executed")
COMMAND = "python -m modularity.ledger"


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, and how it is decided."""

    id: str
    claim: str  # in our words
    section: str  # of the paper
    test: str  # what is measured, and over what the interval is
    unit: str  # of the effect
    page: str  # the notebook that computes it
    expected: Mapping[str, str]  # model → verdict


def read(path: Path | None = None) -> list[Claim]:
    """The claims of a file, ``data/claims.yml`` if none is named.

    Raises
    ------
    ValueError
        A field that is missing, empty or unknown; a verdict that is none; an id that stands twice.
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
    for model, expected in given["expected"].items():
        if expected not in VERDICTS:
            raise ValueError(f"{where} expects {expected!r} of {model}; known: {', '.join(VERDICTS)}")
    return Claim(**given)


def evidence(*tables: pd.DataFrame) -> str:
    """Tables of evidence as the JSON that a notebook glues under ``evidence``: a list of rows, null for no number."""
    rows: Any = pd.concat(tables, ignore_index=True)[COLUMNS]
    _once(rows, "the notebook")
    numbers = [
        {c: (None if isinstance(v, float) and not math.isfinite(v) else v) for c, v in row.items()}
        for row in rows.to_dict("records")
    ]
    return json.dumps(numbers, ensure_ascii=False)


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
    _once(table, str(folder))
    return table


def _once(table: pd.DataFrame, where: str) -> None:
    twice = table[table.duplicated(["claim", "model"])]
    if len(twice):
        row = twice.iloc[0]
        raise ValueError(f"{where} has the evidence on {row['claim']!r} of {row['model']} twice; glue it once")


def least(model: str, printed: Mapping[str, float]) -> float:
    """Half of the printed effect that counts for a model, as the rule has it.

    Parameters
    ----------
    printed : t5, switch → the effect as printed; empty where there is none.
    """
    known = {name: value for name, value in printed.items() if math.isfinite(value)}
    effect = known.get(published.counterpart(model), min(known.values(), default=0.0))
    return max(0.0, effect / 2)


def verdict(estimate: float, low: float, high: float, least: float = 0.0) -> str:
    """The rule of this module. An effect without a number or an interval has the verdict ``""``: not tested."""
    if not all(math.isfinite(x) for x in (estimate, low, high)):
        return ""
    if low > 0:
        return "holds" if estimate >= least else "weaker"
    return "fails" if high < 0 or high < least else "not shown"


def judged(claims: Sequence[Claim], found: pd.DataFrame, printed: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every claim and model with its verdict, in the order of the claims.

    Parameters
    ----------
    found : evidence, of `collect`.
    printed : evidence of the models ``printed, …``; `evidence_printed.effects` if not given.

    Returns
    -------
    ``claim, model, estimate, low, high, least, verdict`` (empty where not tested), ``expected`` (empty where nothing
    is), ``agrees``: False where a verdict is expected and another, or none, is found.

    Raises
    ------
    ValueError
        Evidence on a claim that is none.
    """
    printed = evidence_printed.effects() if printed is None else printed
    every: Any = pd.concat([printed, found[COLUMNS]] if len(found) else [printed], ignore_index=True)
    _once(every, "the evidence")
    if unknown := sorted(set(every["claim"]) - {claim.id for claim in claims}):
        raise ValueError(f"there is evidence on {unknown[0]!r}, which is no claim; add it to data/{FILE}")
    made = []
    for claim in claims:
        rows = every[every["claim"] == claim.id].set_index("model")[["estimate", "low", "high"]]
        effects = {str(m).removeprefix(PRINTED): float(e) for m, e in rows["estimate"].items() if _printed(str(m))}
        for model in dict.fromkeys([*map(str, rows.index), *claim.expected]):
            estimate, low, high = map(float, rows.loc[model] if model in rows.index else [math.nan] * 3)
            bar = math.nan if _printed(model) else least(model, effects)
            said = "" if _printed(model) else verdict(estimate, low, high, bar)
            expected = claim.expected.get(model, "")
            made.append((claim.id, model, estimate, low, high, bar, said, expected, expected in ("", said)))
    return pd.DataFrame(made, columns=[*COLUMNS, "least", "verdict", "expected", "agrees"])


def _printed(model: str) -> bool:
    return model.startswith(PRINTED)


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
    parser = argparse.ArgumentParser(prog="python -m modularity.ledger", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", nargs="?", type=environment.expanded, default=EXECUTED, help="of executed notebooks")
    options = parser.parse_args(None if arguments is None else list(arguments))
    table = judged(read(), collect(options.folder))
    print(table.drop(columns="agrees").to_string(index=False, na_rep="–", float_format="{:.3g}".format))
    for sentence in (found := disagreements(table)):
        print(sentence, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
