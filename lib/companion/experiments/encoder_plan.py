"""What the grid of sentence encoders asks: sub-functions, perturbations, and the orders and numbers of each."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from companion.experiments.encoder_masks import CURVES, EXPERTS, FAIR, FUNCTIONS
from companion.experiments.lesion_orders import Order
from companion.functions import tracks
from modularity import perturb
from modularity.subfunction import SubFunction

FINE = 96  # experts a layer, as the paper perturbs them
EVERY = (1, 2, 3, 4, 6, 8, 10, 12, 15, 19)  # of them, up to a fifth
SOME = (5, 10, 19)
FIFTH = 19
TWO = (10, FIFTH)
MANY = (*SOME, 29, 48)  # up to a half
KEPT = (5, 10, 19, 48)
SUBFUNCTIONS = 8  # of each function, at most
PER_CLASS = {"semantic": 50, "knowledge": 150, "task": 100}  # sentences; those of knowledge are short, and probes weak
PAIRS_READ = 150  # of a data set of paraphrases
DRAWS = 3  # of random neurons and permuted partitions; what is not drawn has one, which has noise of its own
PAIRS = {"mrpc": ("sentence1", "sentence2"), "qqp": ("question1", "question2")}  # judged by similarity too


class Setting(NamedTuple):
    """What is perturbed, how, and by which orders at which numbers of experts."""

    how: perturb.How
    pairs: tuple[tuple[str, int], ...]
    scaled: bool = False  # the noise of a neuron is in units of its own standard deviation
    everywhere: bool = False  # all layers, not the last third
    kept: bool = False  # all other neurons are perturbed


def _pairs(*parts: tuple[Sequence[Order], Sequence[int]]) -> tuple[tuple[str, int], ...]:
    return tuple(
        dict.fromkeys((str(order), number) for orders, numbers in parts for order in orders for number in numbers)
    )


SETTINGS: Mapping[str, Setting] = {
    "scaled": Setting("gaussian", _pairs((CURVES, EVERY), (FAIR, TWO), (CURVES, MANY)), scaled=True),
    "zero": Setting("zero", _pairs((CURVES, MANY))),
    "zero, all layers": Setting("zero", _pairs((CURVES, MANY), (FAIR, (FIFTH,))), everywhere=True),
    "scaled, all layers": Setting("gaussian", _pairs((CURVES, SOME)), scaled=True, everywhere=True),
    "text": Setting("gaussian", _pairs(([Order(), *EXPERTS], (1, *SOME)))),  # Section 5 and Appendix A.2
    "mean": Setting("mean", _pairs((CURVES, SOME))),
    "code": Setting("shuffle", _pairs(([Order(), *EXPERTS], SOME))),  # the authors' code
    "kept": Setting("zero", _pairs((CURVES, KEPT)), kept=True),
    "kept, all layers": Setting("zero", _pairs((CURVES, KEPT)), everywhere=True, kept=True),
}


@cache
def judged() -> tuple[SubFunction, ...]:
    """The sub-functions whose probes are judged: of each function some, spread evenly over its list."""
    made: list[SubFunction] = []
    for function in FUNCTIONS:
        every = tracks.load(function)  # type: ignore[arg-type]
        chosen = np.unique(np.linspace(0, len(every) - 1, min(SUBFUNCTIONS, len(every))).round().astype(int))
        made += [tracks.first(every[i], PER_CLASS[function]) for i in chosen]
    return tuple(made)
