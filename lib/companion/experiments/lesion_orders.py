"""The orders in which neurons are perturbed, as fields; files, tables and figures call each by its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from companion.experiments import orders
from companion.functions import prompts

Unit = Literal["neurons", "experts"]
Variant = Literal["", "equal mass", "equal output", "permuted", "least"]


@dataclass(frozen=True)
class Order:
    """What is ranked by which predictivities, the highest first; its name is what ``str`` gives.

    ``equal mass`` perturbs not as many neurons as the experts have, but as many as weigh as much, and ``equal output``
    as many as write as much to the residual stream; ``permuted`` has the neurons assigned to the experts at random;
    ``least`` takes the lowest first.
    """

    unit: Unit = "neurons"
    by: str = ""  # a task or a function; seen, the four tasks of the text; all eight sub-functions; nothing: at random
    variant: Variant = ""

    def __str__(self) -> str:
        kind = "MoE" if self.unit == "experts" else "Avg"
        if self.by == "seen" and self.variant in ("permuted", "least"):
            return f"{kind}, {self.variant}"
        name = {"": "random", "seen": f"{kind} (4)", "all": f"{kind} (8)"}.get(self.by, f"{self.unit}: {self.by}")
        return f"{name}, {self.variant}" if self.variant else name


def of_tasks(unit: Unit, tasks: Sequence[str] = prompts.FUNCTION_TASKS) -> list[Order]:
    """Each task by itself."""
    return [Order(unit, task) for task in tasks]


AVG, MOE = Order("neurons", "seen"), Order("experts", "seen")
OF_SEEN = of_tasks("neurons", orders.SEEN)
SINGLE = tuple(map(str, OF_SEEN))
# As the paper draws them, at every number of experts up to a fifth.
CURVES = [Order(), *OF_SEEN, AVG, Order("neurons", "all"), MOE]
# What they are compared with, at some numbers.
FAIR = [
    Order(variant="equal mass"),
    Order("neurons", "seen", "equal mass"),
    Order("experts", "all"),
    Order("experts", "seen", "permuted"),
    Order("experts", "seen", "least"),
]
EACH = of_tasks("neurons") + of_tasks("experts")  # at the highest number
ORDERS = {str(order): order for order in (*CURVES, *FAIR, *EACH)}
