"""The grid behind Tables 2 and 3: a Switch that may use all, some functional, or as many other experts."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from companion.experiments import fewshot, lesions, rerouting, stored_scores
from companion.functions import prompts, tracks
from companion.functions.tracks import Track
from modularity import experts, neurons, specialists
from modularity.models import Model

STRATEGIES = ("Original", "No Function", "Function")
EPOCH = 8  # steps in which 128 examples are learned once


class Plan(NamedTuple):
    """How large a grid is and how a model learns in it."""

    rate: float  # of Adam
    least: int  # experts of Function in a layer, at least
    judged: int  # validation rows; as many rows besides choose the step
    ranked: int  # sentences of each class by which neurons are ranked, from the tasks' training parts
    draws: int = 8  # of examples, and of the experts of No Function


class Setting(NamedTuple):
    gates: rerouting.Gates
    capacity: bool
    examples: int = 128  # or as many as leave rows of the training part to choose a step by
    steps: int = 64
    every: int = 8
    runs: int = 1  # of the model
    tasks: tuple[str, ...] = prompts.FUNCTION_TASKS


PLANS: Mapping[Track, Plan] = {
    "mini": Plan(rate=5e-3, least=4, judged=200, ranked=200),
    "paper": Plan(rate=2e-4, least=1, judged=1000, ranked=1000),
    "learnable": Plan(rate=5e-3, least=1, judged=200, ranked=200),
}
SETTINGS: Mapping[Track, Mapping[str, Setting]] = {
    "mini": {
        "code": Setting("original", False, runs=2),  # the authors' code
        "text": Setting("renormalised", True),  # Section 5 read word for word
        "more": Setting("original", False, examples=4096, steps=512, every=64, tasks=("qqp", "sst2")),
    },
    "paper": {
        "code": Setting("original", False, steps=1600, every=80),
        "text": Setting("renormalised", True, steps=1600, every=80),
        "more": Setting("original", False, examples=4096, steps=3200, every=160),
    },
    "learnable": {"code": Setting("original", False, runs=3, tasks=tuple(prompts.LEARNABLE))},
}


def plan_of(track: Track, limit: int = 0) -> Plan:
    """The plan of a track, or of a part of its grid: at most `limit` draws; 0 for all."""
    plan = PLANS[track]
    return plan._replace(draws=min(plan.draws, limit or plan.draws))


def settings_of(track: Track, limit: int = 0) -> dict[str, Setting]:
    """The settings of a track, or of a part of its grid: at most `limit` tasks and evaluations on the way; 0 for all.

    Tasks that more settings have are taken first, so that settings can be compared. Where evaluations are left out, the
    others come `EPOCH` steps apart.
    """
    made = dict(SETTINGS[track])
    for name, how in SETTINGS[track].items() if limit else ():
        common = sorted(how.tasks, key=lambda task: -sum(task in other.tasks for other in SETTINGS[track].values()))
        tasks = tuple(task for task in how.tasks if task in common[:limit])
        evaluations = min(limit, how.steps // how.every)
        every = how.every if evaluations * how.every == how.steps else min(how.every, EPOCH)
        made[name] = how._replace(tasks=tasks, steps=evaluations * every, every=every)
    return made


def task_scores(model: Model, task: str, plan: Plan, track: Track = "mini") -> xr.DataArray:
    """Mean predictivity of a task's sub-functions in the layers with experts of the last third, one row.

    Of the training part, as the paper has it (Appendix A.2).
    """
    ranked = [tracks.first(s, plan.ranked) for s in tracks.load("task", track, part="train")]
    made = stored_scores.of_model(model, ranked)
    if task not in tracks.tasks(track):
        raise ValueError(f"no sub-function of the task function is of {task!r}; known: {tracks.tasks(track)}")
    own = [name for name, *_ in prompts.classes(task)]
    chosen = [layer for layer in lesions.last_third(model) if layer in made["layer"]]
    mean = made.sel(subfunction=own, layer=chosen).mean("subfunction").expand_dims(subfunction=[task])
    return mean.assign_coords(function=("subfunction", ["task"])).transpose("subfunction", "layer", "neuron")


def experts_of_task(scored: xr.DataArray, groups: xr.DataArray, least: int) -> dict[int, list[int]]:
    """Layer → functional experts of a task: those of the test of Appendix A.5, the most surprising first.

    Where fewer than `least` pass, the next most surprising fill up, so that there is something to allow. Of more than
    half of a layer's experts the most surprising half is taken, so that as many others are left.
    """
    groups = groups.sel(layer=scored["layer"].to_numpy())
    tested = experts.subfunctional_experts(specialists.top_neurons(scored), groups).isel(subfunction=0)
    means = scored.isel(subfunction=0)
    made = {}
    for layer in scored["layer"].to_numpy().tolist():
        p = tested["p"].sel(layer=layer).to_numpy()
        group = groups.sel(layer=layer).to_numpy()
        mean = np.bincount(group, means.sel(layer=layer).to_numpy()) / np.bincount(group)
        number = min(max(least, int(tested["functional"].sel(layer=layer).sum())), len(mean) // 2)
        made[layer] = np.lexsort((-mean, p))[:number].tolist()
    return made


def allowed(strategy: str, own: Mapping[int, Sequence[int]], number: int, *, seed: int) -> dict[int, list[int]]:
    """Layer → the experts that a strategy allows: all, `own`, or as many of the others, drawn.

    Raises
    ------
    ValueError
        An unknown strategy; fewer others than own.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"unknown strategy {strategy!r}; known: {', '.join(STRATEGIES)}")
    made = {}
    for layer, chosen in own.items():
        others = sorted(set(range(number)) - set(chosen))
        if len(others) < len(chosen):
            raise ValueError(
                f"layer {layer} has {len(chosen)} functional experts and only {len(others)} others; "
                "no subset of the others has the same size"
            )
        drawn = np.random.default_rng([seed, layer]).choice(others, len(chosen), replace=False)
        subsets = (list(range(number)), sorted(drawn.tolist()), sorted(chosen))
        made[layer] = dict(zip(STRATEGIES, subsets, strict=True))[strategy]
    return made


def piece(
    model: Model,
    setting: str,
    task: str,
    plan: Plan,
    groups: xr.DataArray,
    *,
    track: Track = "mini",
    only: Sequence[tuple[str, int]] | None = None,
    limit: int = 0,
) -> xr.DataArray:
    """Accuracy of a task under each strategy, dims ``(strategy, draw, rows, evaluation)``.

    A draw has its examples, its rows to choose a step by and the order of learning in common for all strategies, so
    that they can be paired. ``rows`` is validation, which the paper judges by and chooses the step by, or apart, rows
    of the training part that are not learned from.

    Parameters
    ----------
    groups : the expert of each neuron, dims ``(layer, neuron)``.
    only : these (strategy, draw); what is not computed is not a number.
    limit : as `settings_of` takes it.
    """
    settings = settings_of(track, limit)
    if setting not in settings:
        raise ValueError(f"unknown setting {setting!r}; known: {', '.join(settings)}")
    how = settings[setting]
    own = experts_of_task(task_scores(model, task, plan, track), groups, plan.least)
    number = neurons.feed_forward(model)[max(own)].experts
    train, validation = (tracks.task_table(task, part, track) for part in ("train", "validation"))
    judged = validation.sample(min(plan.judged, len(validation)), random_state=np.random.default_rng(0))
    every = [(s, d) for s in STRATEGIES for d in range(plan.draws)]
    shape = (len(STRATEGIES), plan.draws, 2, how.steps // how.every + 1)
    coordinates = {"strategy": list(STRATEGIES), "draw": range(plan.draws), "rows": ["validation", "apart"]}
    result = xr.DataArray(np.full(shape, np.nan), coordinates, (*coordinates, "evaluation"), name="accuracy")
    examples = min(how.examples, len(train) - min(plan.judged, len(train) // 2))
    needed = min(examples + plan.judged, len(train))
    for strategy, draw in every if only is None else only:
        rows = train.sample(needed, random_state=np.random.default_rng([draw, 1]))
        found = fewshot.tune(
            model,
            task,
            rows.iloc[:examples],
            {"validation": judged, "apart": rows.iloc[examples:]},
            allowed=allowed(strategy, own, number, seed=draw),
            gates=how.gates,
            capacity=how.capacity,
            layers=lesions.last_third(model),
            steps=how.steps,
            every=how.every,
            rate=plan.rate,
            seed=draw,
        )
        result.loc[{"strategy": strategy, "draw": draw}] = found.to_numpy()
    return result
