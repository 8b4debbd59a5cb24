"""How far the explorer's shipped data are from what the model says now."""

import numpy as np
import xarray as xr
from jaxtyping import Float

from companion.experiments import drivers, variants
from companion.experiments.shipped_readings import ONE_NEURON
from companion.explorer import cards
from companion.functions import shipped_chance
from modularity import chance
from modularity.models import Model
from modularity.predictivity import predictivity
from modularity.subfunction import SubFunction

ROUNDED = 0.001  # of a score with three digits


def of_list(shown: cards.Plain, values: Float[np.ndarray, "sentence neuron"], one: SubFunction) -> list[float]:
    """Differences of a list of top neurons from what the activations of its sentences give."""
    scores, listed = predictivity(values, one.labels), shown["n"]
    off = [float(np.abs(np.sort(scores)[::-1][: len(listed)] - shown["s"]).max())]  # nor is a better one left out
    other = np.abs(scores[listed] - shown["s"])
    off.append(float(other.max()) / ONE_NEURON)
    # p and q change steeply with a score: they are those of the score that is shown, unrounded where it is the same.
    scores[listed] = np.where(other < ROUNDED, scores[listed], shown["s"])
    level = shipped_chance.chance_level(*one.sizes)
    off.append(float(np.abs(chance.p_values(scores, level)[listed] - shown["p"]).max()))
    # q is p times the neurons over the rank, hundreds of times p: it lies between those of scores a rounding higher and
    # a rounding lower.
    low, high = (chance.q_values(chance.p_values(scores + by, level))[listed] for by in (ROUNDED, -ROUNDED))
    off.append(float(np.maximum(low - shown["q"], shown["q"] - high).max()))
    for n, then in zip(listed, shown["h"], strict=True):
        if then[1] - then[0] < variants.FLOOR:  # a GELU that stays off: rounding puts its sentences into bins
            continue
        counts = np.subtract(cards.histogram(values[:, n], one.labels)[2:], then[2:])
        off.append(float(np.abs(counts).sum()) / 2 / len(one.sentences))
    return off


def of_card(model: Model, values: xr.DataArray, shown: cards.Plain, number: int, texts: list[str]) -> list[float]:
    """Differences of the card of a list's best neuron: of the sub-function's score, the neighbours, and the sentences.

    Parameters
    ----------
    values : activations of a layer on the sub-function's sentences, dims ``(sentence, neuron)``.
    shown : what the file has of the layer.
    texts : the sentences that the file numbers.
    """
    layer, top = int(values["layer"]), shown["top"][str(number)]
    n = top["n"][0]
    card = shown["cards"][str(n)]
    ((*near,),) = cards.neighbours(cards.weights(model, layer), [n])
    off = [abs(now[1] - then[1]) for now, then in zip(near, card["near"], strict=True)]
    off += [abs(score - top["s"][0]) for s, score in card["best"] if s == number]
    over = float(values[:, n].max()) / card["drive"][0][-1] - 1  # no sentence of this sub-function drives it more
    off.append(max(0.0, over))
    now = drivers.driving_tokens(model, ((layer, n, texts[k]) for k, *_ in card["drive"]))
    return off + [abs(now[layer, n, texts[k]].activation / value - 1) for k, *_, value in card["drive"]]
