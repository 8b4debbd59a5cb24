"""What the grid of sentence encoders asks: perturbations, and the orders and numbers of each."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from companion.experiments.encoder_masks import BY_EXPERTS, BY_NEURONS, CURVES, FAIR
from companion.experiments.lesion_orders import Order
from modularity import perturb

FINE = 96  # experts a layer, as the paper perturbs them
EVERY = (1, 2, 3, 4, 6, 8, 10, 12, 15, 19)  # of them, up to a fifth
FIFTH = 19
SOME = (5, 10, FIFTH)
MANY = (*SOME, 29, 48)  # up to a half
FEW = (10, FIFTH, 48)  # where all layers are run again for each mask
UNSEEN = "zero, all layers, ranked by others"
DRAWS = 2  # of random neurons and permuted partitions; what is not drawn has one, which has noise of its own


class Setting(NamedTuple):
    """What is perturbed, how, and by which orders at which numbers of experts."""

    how: perturb.How
    pairs: tuple[tuple[str, int], ...]
    scaled: bool = False  # the noise of a neuron is in units of its own standard deviation
    everywhere: bool = False  # all layers, not the last third
    kept: bool = False  # all other neurons are perturbed
    unseen: bool = False  # neurons are ranked by sub-functions that are not judged


def _pairs(*parts: tuple[Sequence[Order], Sequence[int]]) -> tuple[tuple[str, int], ...]:
    return tuple(
        dict.fromkeys((str(order), number) for orders, numbers in parts for order in orders for number in numbers)
    )


SETTINGS: Mapping[str, Setting] = {
    "scaled": Setting("gaussian", _pairs((CURVES, EVERY), (FAIR, [FIFTH]), (CURVES, MANY)), scaled=True),
    "zero": Setting("zero", _pairs((CURVES, MANY))),
    "zero, all layers": Setting("zero", _pairs((CURVES, FEW), (FAIR, [FIFTH])), everywhere=True),
    UNSEEN: Setting("zero", _pairs(([*BY_EXPERTS, *BY_NEURONS], [FIFTH])), everywhere=True, unseen=True),
    "scaled, all layers": Setting("gaussian", _pairs((CURVES, [FIFTH])), scaled=True, everywhere=True),
    "text": Setting("gaussian", _pairs(([Order(), *BY_EXPERTS], (1, *SOME)))),  # Section 5 and Appendix A.2
    "mean": Setting("mean", _pairs((CURVES, SOME))),
    "code": Setting("shuffle", _pairs(([Order(), *BY_EXPERTS], SOME))),  # the authors' code
    "kept": Setting("zero", _pairs((CURVES, FEW)), kept=True),
    "kept, all layers": Setting("zero", _pairs((CURVES, (FIFTH, 48))), everywhere=True, kept=True),
}
# What two cores finish in three hours for an encoder of 12 layers with 3,072 neurons each.
DECISIVE = tuple(name for name in SETTINGS if name not in ("scaled, all layers", "kept, all layers"))
