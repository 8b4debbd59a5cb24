"""Which models a section can take: another one is refused before anything is computed, with what to give instead."""

import math
import os

from transformers import SwitchTransformersForConditionalGeneration, T5EncoderModel, T5ForConditionalGeneration

from companion.models import catalogue
from modularity import neurons
from modularity.models import Model

ANY_T5 = (T5ForConditionalGeneration, T5EncoderModel)
T5 = "t5-mini, google-t5/t5-base, or the folder of a T5 with ReLU neurons, as save_pretrained writes it"
SWITCH = "switch-mini, google/switch-base-16, or the folder of a Switch, as save_pretrained writes it"


def t5(model: Model, *, answers: bool = True) -> Model:
    """`model`, which has to be as the paper's T5 is: with layers W_O ReLU(W_I x), and a decoder that answers.

    Parameters
    ----------
    answers : whether the decoder is needed.

    Raises
    ------
    ValueError
        It is a model of another family, or a T5 without decoder, or one whose neurons are gated or no ReLU.
    """
    config = model.module.config
    if not isinstance(model.module, T5ForConditionalGeneration if answers else ANY_T5):
        raise _refusal(model, "a T5 that answers" if answers else "a T5", T5)
    if config.is_gated_act or config.dense_act_fn != "relu":  # type: ignore[union-attr]
        kind = f"{'gated ' * bool(config.is_gated_act)}{config.dense_act_fn}"  # type: ignore[union-attr]
        raise _refusal(model, "ReLU neurons as Equation 1 has them", T5, f" with {kind} neurons")
    return model


def switch(model: Model) -> Model:
    """`model`, which has to be as the paper's Switch is: with a decoder that answers, and routers.

    Raises
    ------
    ValueError
        It is a model of another family, a Switch without decoder, or one without experts in the last third of its
        encoder, where Section 5 chooses among them.
    """
    if not isinstance(model.module, SwitchTransformersForConditionalGeneration):
        raise _refusal(model, "a Switch that answers", SWITCH)
    parts = [part for _, part in sorted(neurons.feed_forward(model).items())]
    if all(part.experts == 1 for part in parts[-math.ceil(len(parts) / 3) :]):
        raise _refusal(model, "experts in the last third of its encoder", SWITCH, " without such layers")
    return model


def dense(model: Model) -> Model:
    """`model`, whose neurons have to be in no experts of its own; a `ValueError` otherwise."""
    if (own := max(part.experts for part in neurons.feed_forward(model).values())) > 1:
        raise _refusal(model, "dense layers, in which experts are looked for", T5, f" with {own} experts a layer")
    return model


def companion(name: str | os.PathLike[str]) -> Model:
    """The first run of a companion model of this book; a `ValueError` if `name` is another model."""
    if (known := catalogue.known_as(name)) not in catalogue.companions():
        raise ValueError(f"{known!r} is no companion model of this book; give {' or '.join(catalogue.companions())}")
    return catalogue.load(known)


def _refusal(model: Model, expected: str, give: str, detail: str = "") -> ValueError:
    what = f"{type(model.module).__name__}{detail}"
    return ValueError(f"{model.name} is a {what}; this section needs {expected}; give {give}")
