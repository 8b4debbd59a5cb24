"""Choices about perturbing and tuning Switch (Section 5, Tables 2 and 3): rows D14, D15 and D17 to D20 of the audit.

switch-mini hardly learns a task from few examples, so what cannot be read off the shipped grid is measured in what it
was trained for: which of the two nouns of a semantic sub-function was hidden.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from jaxtyping import Float

from companion.choices.choice_setup import Effect, Setup, mean_of, paired
from companion.experiments import answering, fewshot, fewshot_grid, lesions, rerouting, stored_scores
from companion.functions import tracks
from companion.released import published
from companion.sections import perturbing_switch_tables
from modularity import capture, moefication
from modularity.models import Model
from modularity.subfunction import SubFunction

PLAN = fewshot_grid.PLANS["mini"]
JITTER = 0.01  # of Switch's configuration
NOUNS = "share of hidden nouns told from the other"
ABOVE = "above guessing, all experts"


def nouns_told(model: Model, subfunction: SubFunction) -> float:
    """Share of a semantic sub-function's sentences of which the hidden noun is likelier than the other of the pair.

    Raises
    ------
    ValueError
        The sub-function is not named after two nouns.
    """
    nouns = subfunction.name.split("/")[::-1]  # label 1 is the first
    if len(nouns) != 2:
        raise ValueError(f"{subfunction.name!r} does not name two nouns; give a semantic sub-function of this book")
    # An answer is the noun behind the sentinel of the gap, without the end mark.
    begun, *_ = answers = [model.tokenizer(f"{model.gap} {noun}")["input_ids"][:-1] for noun in nouns]
    ids = capture.tokenize(model, subfunction.sentences)
    question = answering.Question(ids, [answer[1:] for answer in answers], begun[:1])
    return float((answering.likeliest(model, question) == subfunction.labels).mean())


def _told(setup: Setup) -> Float[np.ndarray, "subfunction"]:
    return np.array([nouns_told(setup.switch, s) for s in setup.semantic])


def semantic_experts(setup: Setup) -> dict[int, list[int]]:
    """Layer → the experts of a Switch that hold most top neurons for the semantic function (Appendix A.5)."""
    mean = mean_of(stored_scores.of_model(setup.switch, setup.semantic))
    return fewshot_grid.experts_of_task(mean, moefication.experts(setup.switch), PLAN.least)


def _restricted(
    setup: Setup, allowed: Mapping[int, Sequence[int]], gates: rerouting.Gates, capacity: bool
) -> Float[np.ndarray, "subfunction"]:
    with rerouting.routing(setup.switch, allowed, gates=gates, capacity=capacity):
        return _told(setup)


def routed_layers(setup: Setup) -> Effect:
    """D15: routers of the last layers that have experts, or only of those among the last third of all layers."""
    allowed = semantic_experts(setup)
    late = {layer: chosen for layer, chosen in allowed.items() if layer in lesions.last_third(setup.switch)}
    text, other = (_restricted(setup, which, "original", False) for which in (allowed, late))
    return paired(NOUNS, text, other, scale=_told(setup).mean() - 0.5, of=ABOVE)


def gates(setup: Setup) -> Effect:
    """D17: gates among the allowed experts and with limited room, or as among all experts and with room for all."""
    allowed = semantic_experts(setup)
    text = _restricted(setup, allowed, "renormalised", True)
    other = _restricted(setup, allowed, "original", False)
    return paired(NOUNS, text, other, scale=_told(setup).mean() - 0.5, of=ABOVE)


@contextmanager
def jittered(model: Model, *, noise: float = JITTER, seed: int = 0) -> Iterator[None]:
    """Until the block is left, multiply what enters each layer with experts by numbers within 1 ± `noise`.

    That is what the library's version 4.29.0 does at evaluation too: it changes its input in place, so that the experts
    are given the changed one as well as the router.
    """
    generator = torch.Generator(device=model.device).manual_seed(seed)

    def change(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        random = torch.rand(inputs[0].shape, generator=generator, device=inputs[0].device)
        return (inputs[0] * (1 + noise * (2 * random - 1)).to(inputs[0].dtype), *inputs[1:])

    with ExitStack() as stack:
        for part in model.module.modules():
            if hasattr(part, "router"):
                stack.callback(part.register_forward_pre_hook(change).remove)
        yield


def jitter(setup: Setup) -> Effect:
    """D18: routers without noise, or with the noise of training while answering."""
    text = _told(setup)
    with jittered(setup.switch, seed=setup.seed):
        other = _told(setup)
    return paired(NOUNS, text, other, scale=text.mean() - 0.5, of=ABOVE)


def spread(setup: Setup) -> Effect:
    """D14: the standard deviation over draws in points, as the means are, or as a fraction. Shipped grid, Function."""
    rows = perturbing_switch_tables.accuracy_table(perturbing_switch_tables.best(setup.tuning.sel(setting="code")))
    points = rows.query("strategy == 'Function' and task != 'avg'")["sd"].to_numpy()
    return Effect("standard deviation of an accuracy given in %", float(points.mean()), float(points.mean() / 100))


def best_evaluation(setup: Setup) -> Effect:
    """D19: the best evaluation on the rows that judge, or a step chosen on others. By draw, shipped grid."""
    grid = setup.tuning.sel(setting="code")
    sides = []
    for take in (perturbing_switch_tables.best, perturbing_switch_tables.fair):
        points = 100 * take(grid).mean(["seed", "task"])
        sides.append((points.sel(strategy="Function") - points.sel(strategy="No Function")).to_numpy())
    printed = published.tables2_and_3().query("task == 'avg'").set_index("strategy")["mean"].to_dict()
    scale = printed["Function"] - printed["No Function"]
    return paired("Function minus No Function, accuracy in %", *sides, scale=scale, of="the same in Table 2")


def template(setup: Setup) -> Effect:
    """D20: premise or hypothesis first in the cloze template of MNLI, which T5 is tuned on. By draw of examples."""
    sides = np.empty((2, setup.tuned))
    rows = tracks.task_table("mnli").sample(4 * setup.rows, random_state=np.random.default_rng(setup.seed))
    for draw in range(setup.tuned):
        examples = tracks.task_table("mnli", "train").sample(
            16 * setup.steps, random_state=np.random.default_rng([setup.seed, draw])
        )
        for side, order in enumerate(("paper", "authors")):
            found = fewshot.tune(
                setup.loaded,
                "mnli",
                examples,
                {"validation": rows},
                allowed={},
                layers=lesions.last_third(setup.loaded),
                steps=setup.steps,
                every=setup.steps,
                rate=PLAN.rate,
                seed=draw,
                mnli=order,
            )
            sides[side, draw] = found.isel(rows=0, step=-1)
    return paired("accuracy on MNLI after tuning", *sides, scale=sides[0].mean() - 1 / 3, of="above guessing")
