"""The grid behind Figure 2: every order in which neurons are perturbed, at every proportion, in three settings."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from companion.experiments import lesions, orders, stored_scores
from companion.experiments.lesion_orders import CURVES, EACH, FAIR, MOE, ORDERS, Order
from companion.experiments.lesions import Mask
from companion.functions import prompts, tracks
from companion.functions.tracks import Track
from modularity import capture, moefication, neurons, perturb
from modularity.models import Model


class Plan(NamedTuple):
    """How large a grid is; the numbers are of fine experts a layer."""

    fine: int  # experts a layer
    reach: int  # of them perturbed at most, a fifth
    draws: int = 20  # of rows, noise and all that is random
    rows: int = 16  # of a task in one draw
    ranked: int = 200  # sentences of each class by which neurons are ranked, from the tasks' training parts
    tasks: tuple[str, ...] = prompts.FUNCTION_TASKS


PLANS: Mapping[Track, Plan] = {
    "mini": Plan(80, 16),  # of 16 of 1,280 neurons, as 96 of 32 of 3,072
    "paper": Plan(96, 20, rows=50, ranked=1000, tasks=prompts.SEEN + prompts.UNSEEN),
}


class Setting(NamedTuple):
    """What is perturbed, and how."""

    how: perturb.How
    variance: float = perturb.VARIANCE  # of added noise
    everywhere: bool = False  # all encoder layers, not their last third
    parts: int | None = None  # numbers of experts in as many equal steps; every number if not given
    runs: int = 3  # of the model


SETTINGS: Mapping[str, Setting] = {
    "text": Setting("gaussian"),  # Section 5 and Appendix A.2
    # So strong that a fifth of the neurons, drawn at random, costs t5-mini about half of what it can lose.
    "strong": Setting("gaussian", variance=64.0, parts=4),
    "code": Setting("shuffle", parts=2),  # the authors' code
    "all layers": Setting("gaussian", everywhere=True, parts=2, runs=1),
}


def plan_of(track: Track, limit: int = 0) -> Plan:
    """The plan of a track, or of a part of its grid: at most `limit` draws, seen tasks, and unseen ones; 0 for all."""
    plan = PLANS[track]
    if not limit:
        return plan
    seen, unseen = ([t for t in plan.tasks if (t in orders.SEEN) == is_seen][:limit] for is_seen in (True, False))
    tasks = tuple(task for task in plan.tasks if task in (*seen, *unseen))
    return plan._replace(draws=min(plan.draws, limit), tasks=tasks)


def of_width(plan: Plan, neurons: int) -> Plan:
    """The plan for layers of so many neurons: with the number of fine experts next to the plan's that divides them.

    A fifth of the experts is an even number, so that its half, a tenth, is one of those perturbed (`wanted`).

    Raises
    ------
    ValueError
        No number from half to twice the plan's divides the neurons.
    """
    near = [n for n in range(-(-plan.fine // 2), 2 * plan.fine + 1) if neurons % n == 0]
    if not near:
        raise ValueError(
            f"{neurons:,} neurons a layer do not divide into {plan.fine // 2} to {2 * plan.fine} experts of equal "
            "size, which are perturbed; give a model whose layers do"
        )
    fine = min(near, key=lambda n: abs(n - plan.fine))
    return plan._replace(fine=fine, reach=2 * round(fine / 10))


def wanted(plan: Plan, setting: str, limit: int = 0) -> list[tuple[str, int]]:
    """The (order, number of experts) that a setting of the grid has; of at most `limit` numbers, if it is not 0.

    These are in equal steps, and even in number, so that half of the highest is one of them: a tenth of the neurons.
    """
    parts = SETTINGS[setting].parts
    most = limit // 2 * 2 or plan.reach
    steps = (min(n, most) for n in (parts or plan.reach, parts or 4))
    every, some = ([plan.reach * i // n for i in range(1, n + 1)] for n in steps)
    pairs = [(o, n) for o in CURVES for n in every] + [(o, n) for o in FAIR for n in some]
    return list(dict.fromkeys((str(o), n) for o, n in [*pairs, *((o, plan.reach) for o in EACH)]))


def perturbed_layers(model: Model, setting: str) -> list[int]:
    """The encoder layers that a setting perturbs; `ValueError` for an unknown setting."""
    if setting not in SETTINGS:
        raise ValueError(f"unknown setting {setting!r}; known: {', '.join(SETTINGS)}")
    return sorted(neurons.feed_forward(model)) if SETTINGS[setting].everywhere else lesions.last_third(model)


def masks(
    model: Model,
    chosen: Sequence[int],
    pairs: Sequence[tuple[str, int]],
    plan: Plan,
    groups: xr.DataArray,
    *,
    track: Track = "mini",
    seed: int = 0,
) -> dict[tuple[str, int], list[Mask]]:
    """(order, number of experts) → neurons: one mask, or one for each draw where the order is itself drawn.

    Parameters
    ----------
    chosen : layers, whose neurons are ranked each by itself.
    pairs : of an order's name and a number; an order of neurons takes as many neurons as the experts have.
    groups : the fine expert of every neuron, dims ``(layer, neuron)``.
    """
    if unknown := [name for name, _ in pairs if name not in ORDERS]:
        raise ValueError(f"unknown order {unknown[0]!r}; known: {', '.join(ORDERS)}")
    ranked = [tracks.first(s, plan.ranked) for s in tracks.load("task", track, part="train")]
    scores = stored_scores.of_model(model, ranked).sel(layer=list(chosen))
    groups = groups.sel(layer=list(chosen))
    width = scores.sizes["neuron"]
    size = width // plan.fine
    weight = np.empty(0)
    if any(ORDERS[name].variant == "equal mass" for name, _ in pairs):
        weight = mass(model, [s for r in ranked for s in r.sentences[::10]], chosen)
    rng = np.random.default_rng(seed)
    by_random = [orders.at_random(len(chosen), width, rng=rng) for _ in range(plan.draws)]
    dealt = [moefication.at_random(groups, seed=int(rng.integers(2**31))) for _ in range(plan.draws)]
    by: dict[str, Sequence[str]] = {"seen": orders.SEEN, "all": scores["subfunction"].to_numpy().tolist()}
    by |= {task: [name for name, *_ in prompts.classes(task)] for task in prompts.FUNCTION_TASKS}

    def rankings(order: Order) -> list[orders.Order]:
        if not order.by:
            return by_random
        if order.unit == "neurons":
            return [orders.by_predictivity(scores, by[order.by])]
        partitions = dealt if order.variant == "permuted" else [groups]
        return [orders.by_expert(scores, by[order.by], g, ascending=order.variant == "least") for g in partitions]

    (experts,) = rankings(MOE)
    known = {name: rankings(ORDERS[name]) for name in dict.fromkeys(name for name, _ in pairs)}
    made: dict[tuple[str, int], list[Mask]] = {}
    for name, number in pairs:
        like = orders.first(experts, chosen, number * size)
        if ORDERS[name].variant == "equal mass":
            made[name, number] = [orders.of_equal_mass(ranking, chosen, like, weight) for ranking in known[name]]
        else:
            made[name, number] = [orders.first(ranking, chosen, number * size) for ranking in known[name]]
    return made


def mass(model: Model, sentences: Sequence[str], chosen: Sequence[int]) -> Float[np.ndarray, "layer neuron"]:
    """Mean absolute activation of every neuron over the tokens of the `sentences`, each sentence weighing the same."""
    made = capture.pooled_activations(model, sentences, layers=chosen, pooling="mean")
    return np.abs(made.to_numpy()).mean(made.get_axis_num("sentence"))


def piece(
    model: Model,
    setting: str,
    task: str,
    plan: Plan,
    groups: xr.DataArray,
    *,
    track: Track = "mini",
    seed: int = 0,
    only: Sequence[tuple[str, int]] | None = None,
    limit: int = 0,
) -> xr.DataArray:
    """Share of a task's answers that are right, dims ``(order, number, draw)``.

    Number 0 is the plain model, under every order alike. What the setting has not, or is not asked for by `only` or
    `limit` (as `wanted` takes it), is not a number.

    Raises
    ------
    ValueError
        An unknown setting, order or task.
    """
    chosen = perturbed_layers(model, setting)
    pairs = wanted(plan, setting, limit) if only is None else list(only)
    neurons_of = masks(model, chosen, pairs, plan, groups, track=track, seed=seed)
    plain: list[Mask] = [{}]
    named = {str(place): given for place, given in enumerate([plain, *neurons_of.values()])}
    noise = {"how": SETTINGS[setting].how, "variance": SETTINGS[setting].variance}
    size = {"draws": plan.draws, "rows": plan.rows, "track": track, "seed": seed}
    found = lesions.accuracies(model, named, [task], **noise, **size).isel(task=0)  # type: ignore[arg-type]
    coordinates = {"order": list(ORDERS), "number": range(plan.reach + 1), "draw": found["draw"].to_numpy()}
    result = xr.DataArray(np.nan, coordinates, ("order", "number", "draw"), name="accuracy")
    result.loc[{"number": 0}] = found.isel(mask=0).to_numpy()
    for (order, number), values in zip(pairs, found[1:].to_numpy(), strict=True):
        result.loc[{"order": order, "number": number}] = values
    return result
