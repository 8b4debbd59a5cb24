"""What the companion models have to show before their neurons are worth a theory: ``python -m companion.quality``."""

import argparse
import sys
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from companion import terminal
from companion.experiments import answering, history_file, obtain
from companion.experiments.obtain import Scored
from companion.functions import prompts, tracks
from companion.models import catalogue
from companion.sections import specialization_tables

SEMANTIC_MEAN, SEMANTIC_LEAST, SEMANTIC_UNTRAINED = 0.84, 0.82, 0.72
ANSWERED = 0.75
ENTROPY, DROPPED = 0.9, 0.02


def answers(name: str = "t5-mini", *, rows: int | None = None) -> pd.DataFrame:
    """How well every run of a companion model answers its tasks: ``task, seed, accuracy, chance, low``.

    ``low`` is the lower end of the two-sided 95 % interval of the accuracy (Clopper and Pearson, 1934); a task is at
    chance if it does not lie above ``chance``, one over the number of answers. Rows have as many of one label as of
    another, or the most frequent label would be the chance.

    Parameters
    ----------
    rows : validation rows a task; all if not given.
    """
    made = []
    for task in prompts.FUNCTION_TASKS:
        number = min(len(tracks.task_table(task)), rows or sys.maxsize)
        for seed in catalogue.seeds(name):
            right = answering.accuracy(catalogue.load(name, seed=seed), task, rows=rows)
            low = stats.binomtest(round(right * number), number).proportion_ci().low
            made.append((task, seed, right, 1 / len(prompts.task(task).words), low))
    return pd.DataFrame(made, columns=["task", "seed", "accuracy", "chance", "low"])


def bars(scored: Scored, answered: pd.DataFrame, logs: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """The quality bars, what was measured, and whether it is enough: ``bar, wanted, measured, met``.

    Parameters
    ----------
    scored : a T5, as t5-mini, and a Switch, as switch-mini, in this order, as `obtain.runs` returns them.
    answered : of `answers`.
    logs : seed → the training log of the Switch's run.
    """
    t5, switch = scored
    trained, untrained = scored[t5]
    layers = specialization_tables.best_by_layer(trained).query("function == 'semantic'")["value"]
    before = specialization_tables.best_by_layer(untrained).query("function == 'semantic'")["value"]
    made = [
        (f"{t5}: semantic best predictivity, mean over layers", "≥", SEMANTIC_MEAN, layers.mean()),
        (f"{t5}: the same, lowest layer", "≥", SEMANTIC_LEAST, layers.min()),
        (f"{t5}, untrained: mean over layers", "≤", SEMANTIC_UNTRAINED, before.mean()),
    ]
    for name, (own, others) in scored.items():
        ends = [specialization_tables.mean_best(runs).set_index("function") for runs in (own, others)]
        for function in ("knowledge", "task"):
            low, high = ends[0]["low"].astype(float)[function], ends[1]["high"].astype(float)[function]
            made.append((f"{name}: {function}, lower end trained minus upper end untrained", ">", 0, low - high))
    worst = (answered["low"] - answered["chance"]).min()
    last = pd.concat(
        [history_file.routers(log, range(_routers(log)))[0].query("step == step.max()") for log in logs.values()]
    )
    made += [
        (f"{t5}: accuracy on its tasks, mean", "≥", ANSWERED, answered["accuracy"].mean()),
        (f"{t5}: lower end of an accuracy less chance, worst task and run", ">", 0, worst),
        (f"{switch}: entropy of the load, lowest layer and run", "≥", ENTROPY, last["entropy"].min()),
        (f"{switch}: share of tokens dropped, highest layer and run", "<", DROPPED, last["dropped"].max()),
    ]
    table = pd.DataFrame(made, columns=["bar", "sign", "limit", "measured"])
    compare = {"≥": np.greater_equal, "≤": np.less_equal, ">": np.greater, "<": np.less}
    met = [bool(compare[s](m, x)) for s, m, x in zip(table["sign"], table["measured"], table["limit"], strict=True)]
    wanted = table["sign"] + " " + table["limit"].map("{:g}".format)
    return pd.DataFrame({"bar": table["bar"], "wanted": wanted, "measured": table["measured"], "met": met})


def _routers(log: pd.DataFrame) -> int:
    return len(log["load_entropy"].dropna().iloc[-1])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m companion.quality", description=__doc__)
    parser.add_argument("t5", nargs="?", default=catalogue.MINI[0], choices=catalogue.companions())
    parser.add_argument("switch", nargs="?", default=catalogue.MINI[1], choices=catalogue.companions())
    options = parser.parse_args(arguments)
    scored, _ = obtain.runs((options.t5, options.switch), tracks.load_all())
    logs = {seed: history_file.log(options.switch, seed=seed) for seed in catalogue.seeds(options.switch)}
    answered = answers(options.t5)
    table = bars(scored, answered, logs)
    for task, rows in answered.groupby("task"):
        print(f"{task}: {rows['accuracy'].mean():.3f} right, chance {rows['chance'].mean():.3f}")
    for bar, wanted, measured, met in table.to_numpy():
        print(f"{'met   ' if met else 'missed'}  {measured:.4f} (wanted {wanted})  {bar}")
    return 0


if __name__ == "__main__":
    terminal.run(main)
