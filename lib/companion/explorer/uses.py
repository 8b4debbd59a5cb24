"""Which figures of the book a neuron or an expert is in, for the links on its card."""

from collections.abc import Mapping
from typing import NamedTuple

from companion.experiments import example
from companion.models import catalogue

ANY = ""
BEST, TOP, EXPERT = "best", "top", "expert"  # of a layer for a sub-function; among its top neurons; an expert
LAST = "last"  # instead of a layer's number


class Use(NamedTuple):
    """A figure, and of what it is made: all conditions that are not `ANY` hold."""

    page: str  # of ``notebooks/``
    figure: str  # its name there, which is its place on the page
    title: str
    says: str  # what the figure makes of it
    of: str  # BEST, TOP or EXPERT
    function: str = ANY
    subfunction: str = ANY
    layer: int | str = ANY


EVERYWHERE = (
    Use("04_specialization", "fig-figure1-left", "Section 4, best predictivity by layer",
        "its score is one of those averaged there", BEST),
    Use("04_specialization", "fig-figure1-right", "Section 4, shared top neurons",
        "it is one of the top neurons that are compared", TOP),
    Use("05_functional_experts", "fig-functional", "Section 5, functional experts",
        "it counts in the test of its expert", TOP),
    Use("05_functional_experts", "fig-functional", "Section 5, functional experts",
        "it is one of the experts that are tested", EXPERT),
)  # fmt: skip
ENCODERS = (
    Use("05_perturbing_encoders", "fig-three-by-three", "Section 5, perturbing a sentence encoder",
        "experts are perturbed in the order of their functions", EXPERT),
)  # fmt: skip
OF_MODELS: Mapping[str, tuple[Use, ...]] = {
    catalogue.MPNET: (
        Use("03_functionality", "fig-activation", "Section 3, the first figure", "it shows this neuron's histogram",
            BEST, subfunction=example.SUBFUNCTION, layer=example.LAYER),
        *EVERYWHERE,
        Use("05_functional_experts", "fig-counts", "Section 5, top neurons by expert", "it is one of the bars",
            EXPERT, layer=LAST),
        *ENCODERS,
    ),
    catalogue.MINILM: (*EVERYWHERE, *ENCODERS),
    "t5-mini": (
        *EVERYWHERE,
        Use("05_perturbing_t5", "fig-dissociation", "Section 5, perturbing T5",
            "neurons are perturbed in the order of their scores for a task", TOP, function="task"),
        Use("05_perturbing_t5", "fig-dissociation", "Section 5, perturbing T5",
            "experts are perturbed in the order of their scores for a task", EXPERT),
    ),
    "switch-mini": EVERYWHERE,
}  # fmt: skip


def listed(name: str, layers: list[str]) -> list[dict[str, str]]:
    """The figures of a model as the page's script reads them, with an address for each.

    Parameters
    ----------
    layers : of the model, as text; the last one stands for `LAST`.
    """
    made = []
    for use in OF_MODELS[name]:
        layer = layers[-1] if use.layer == LAST else str(use.layer)
        address = f"../notebooks/{use.page}.html#{use.figure}"
        made.append({**use._asdict(), "layer": layer, "address": address})
    return made
