"""The rule that makes an effect with its interval a verdict, and verdicts as the words that pages glue.

The rule, of an effect that is positive where the paper is right, with its 95 % interval. `least` is half of the effect
that the paper prints for the model that this one stands for (`published.counterpart`); where it stands for none, or
nothing is printed for that one, half of the smaller of the printed; 0 where nothing is printed.

==========================  ===================
interval wholly above 0     *holds* if the effect is at least `least`, else *weaker*
interval wholly below 0,    *not in this model*
or reaching 0 or less and
wholly below `least`
any other                   *not shown*
==========================  ===================

So *not in this model* says that half of the printed effect is excluded, and *not shown* that the run cannot tell; only
the former may be worded as absence.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from companion.claims import printed_effects
from companion.claims.effects import COLUMNS
from companion.released import published

VERDICTS = ("holds", "weaker", "not shown", "not in this model")
UNTESTED = "not tested"  # what a page says where there is no verdict


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
    return "not in this model" if high < 0 or high < least else "not shown"


def judge(found: pd.DataFrame, printed: pd.DataFrame | None = None) -> pd.DataFrame:
    """Evidence with its verdicts: ``claim, model, estimate, low, high, printed, least, verdict``, printed rows first.

    Parameters
    ----------
    found : a table of evidence.
    printed : the paper's own numbers, which have no verdict; `printed_effects.effects` if not given.

    Raises
    ------
    ValueError
        A claim and model that stand twice.
    """
    printed = printed_effects.effects() if printed is None else printed
    parts = [printed.assign(printed=True), found[COLUMNS].assign(printed=False)]
    for part in parts:
        once(part, "the evidence")
    every: Any = pd.concat([part for part in parts if len(part)], ignore_index=True)
    effects: dict[str, dict[str, float]] = {}
    for claim, model, estimate in printed[COLUMNS[:3]].itertuples(index=False, name=None):
        effects.setdefault(claim, {})[str(model)] = float(estimate)
    bars, said = [], []
    for claim, model, estimate, low, high, own in every[[*COLUMNS, "printed"]].itertuples(index=False, name=None):
        bars.append(math.nan if own else least(model, effects.get(claim, {})))
        said.append("" if own else verdict(estimate, low, high, bars[-1]))
    return every.assign(least=bars, verdict=said)


def once(table: pd.DataFrame, where: str) -> None:
    """`ValueError` if evidence on a claim and model stands twice in a table."""
    twice = table[table.duplicated(["claim", "model"])]
    if len(twice):
        row = twice.iloc[0]
        raise ValueError(f"{where} has the evidence on {row['claim']!r} of {row['model']} twice; glue it once")


def words(found: pd.DataFrame, model: str = "", printed: pd.DataFrame | None = None) -> dict[str, str]:
    """Verdicts under the names by which pages glue them, so that prose says what the run that it reports found.

    Parameters
    ----------
    found : the evidence of a page.
    model : the page's own, whose verdicts get names without a model.

    Returns
    -------
    ``verdict_CLAIM_MODEL`` → the verdict of each claim and model, and ``verdict_CLAIM`` of `model`, `UNTESTED` where
    there is none; ``verdicts_CLAIM`` → all of a claim, as ``holds (one and another); not shown (third)``.
    """
    rows = judge(found, printed)
    rows = rows[~rows["printed"]]
    made: dict[str, str] = {}
    for claim in dict.fromkeys(rows["claim"]):
        of_claim = rows[rows["claim"] == claim]
        said = {name: word or UNTESTED for name, word in zip(of_claim["model"], of_claim["verdict"], strict=True)}
        made |= {f"verdict_{claim}_{slug(name)}": word for name, word in said.items()}
        if model in said:
            made[f"verdict_{claim}"] = said[model]
        named = {word: " and ".join(n for n in said if said[n] == word) for word in (*VERDICTS, UNTESTED)}
        made[f"verdicts_{claim}"] = "; ".join(f"{word} ({names})" for word, names in named.items() if names)
    return made


def slug(model: str) -> str:
    """A model's name as a part of a name that is glued: what a role cannot have in it becomes a hyphen."""
    return re.sub(r"[^\w.-]+", "-", model).strip("-")
