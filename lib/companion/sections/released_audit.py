"""Where the authors' text and code differ, as far as their result files can tell (rows D9 to D25 of the audit)."""

from typing import Any

import numpy as np
import pandas as pd

from companion.released import published
from companion.released.recomputed import by_panel
from companion.released.release_files import Release
from companion.sections.released_tables import accuracies, paired
from modularity import emergence

LARGE = ("cola", "qqp", "mnli", "qnli", "multirc", "boolq")
SMALLEST = "cb"


def rows(release: Release) -> pd.Series:
    """Name → value of what the rows of the audit ask of the files; points are percentage points.

    - ``d9_off``: largest difference of the stored expert sums from those of `Release.predictivity`; ``d9_mean``: mean
      of a neuron's sum, and ``d9_eighth`` an eighth of it, which a predictivity can be; ``d9_quarter`` cannot.
    - ``d11_thousandths``: accuracies of the six large data sets that are multiples of 1/1000 (share); ``d11_cb`` those
      of CB that are multiples of 1/55.
    - ``d12_points``: largest distance of a printed percentage from the share of neurons.
    - ``d13_alone``: runs of the unperturbed model for each task; ``d13_twice``: keys run twice; ``d13_moved``: largest
      change of a curve's mean by which of the two counts, points.
    - ``d14_factor``: unit of the printed means over that of the printed standard deviations.
    - ``d19_evaluations``: most looks at one validation set; ``d19_rising`` share of curves that never fall;
      ``d19_lower``: by how many points the highest of the first tenth lies below the highest of all, mean of runs;
      ``d19_function_best``, ``d19_function``: Function less No Function by all evaluations and by the first tenth.
    - ``d25_all``, ``d25_same``: where the semantic neurons of Switch stay above the level, as shares of the run.
    """
    sums = release.predictivity.to_numpy()
    groups = release.partitions[96].to_numpy()
    own = np.stack([np.bincount(g, s, minlength=96) for g, s in zip(groups, sums, strict=True)])
    mean = float(sums.mean())
    runs: Any = release.perturbed
    best, first = (accuracies(release, part) for part in (1.0, 0.1))
    pairs = paired(release, (1.0, 0.1)).set_index(["task", "pair", "evaluations"])["difference"]
    lengths: Any = release.tuned.groupby(["task", "strategy", "seed"])["accuracy"]
    rising = lengths.apply(lambda curve: bool((curve.diff().iloc[1:] >= 0).all()))
    numbers: Any = 96 * published.figure2()["share"]
    made = {
        "d9_off": np.abs(own - release.expert_sums.to_numpy()).max(),
        "d9_mean": mean,
        "d9_eighth": mean / 8,
        "d9_quarter": mean / 4,
        "d11_thousandths": _multiples(runs.loc[runs["task"].isin(LARGE), "accuracy"], 1000),
        "d11_cb": _multiples(runs.loc[runs["task"] == SMALLEST, "accuracy"], 55),
        "d12_points": float((numbers - 100 * numbers / 96).abs().max()),
        "d13_alone": runs[runs["number"] == 0].groupby("task").size().max(),
        **_twice(runs),
        "d14_factor": 100,
        "d19_evaluations": lengths.size().max(),
        "d19_rising": rising.mean(),
        "d19_lower": 100 * float((best - first).mean()),
        "d19_function_best": pairs["avg", "Function − No Function", 1.0],
        "d19_function": pairs["avg", "Function − No Function", 0.1],
        **_layers(release),
    }
    return pd.Series(made, dtype=float)


def _multiples(values: pd.Series, of: int) -> float:
    return float(np.isclose(values * of, (values * of).round(), atol=1e-6).mean())


def _twice(runs: Any) -> dict[str, float]:
    key = ["task", "order", "number", "repeat"]
    twice = int((runs.groupby(key).size() > 1).sum())
    table: Any = by_panel(runs)
    kept = [table.drop_duplicates(key, keep=keep) for keep in ("first", "last")]
    means = [part.groupby(["panel", "order", "number"])["accuracy"].mean() for part in kept]
    return {"d13_twice": twice, "d13_moved": 100 * float((means[0] - means[1]).abs().max())}


def _layers(release: Release) -> dict[str, float]:
    rows: Any = release.stabilization.query("model == 'switch' and function == 'semantic'")
    neurons = rows.query("level == 'neuron'").pivot(index="layer", columns="share", values="value")
    share = neurons.columns.to_numpy()
    same = neurons.loc[rows.loc[rows["level"] == "expert", "layer"].unique()]
    ends = [emergence.first_above(part.mean().to_numpy(), share, emergence.LEVEL) for part in (neurons, same)]
    return {"d25_all": float(ends[0]), "d25_same": float(ends[1])}
