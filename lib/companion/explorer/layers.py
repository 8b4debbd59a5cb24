"""What the explorer's page shows of a model: for each layer the top neurons of every sub-function, and cards."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float, Int
from tqdm import tqdm

from companion.explorer import cards
from companion.functions import shipped_chance
from modularity import capture, chance, experts, specialists
from modularity.models import Model
from modularity.predictivity import predictivity
from modularity.subfunction import SubFunction

SENTENCES = 3  # that drive a neuron most


def shown(
    model: Model,
    subfunctions: Mapping[int, SubFunction],
    groups: xr.DataArray,
    members: xr.DataArray,
    *,
    draws: int = chance.DRAWS,
    others: int = cards.CARDS,
) -> dict[int, cards.Plain]:
    """What the page shows of every layer of `model` that is read, as plain data.

    Parameters
    ----------
    subfunctions : whose sentences the model reads, each under its number among those of `members`.
    groups : the expert of each neuron, dims ``(layer, neuron)``.
    members : the top neurons by which experts are judged, of `specialists.top_neurons`.
    draws : of chance-level neurons, for each pair of class sizes.
    others : up to how many cards a layer has, as `cards.carded` takes it.

    Returns
    -------
    layer → ``top``, for each sub-function its top neurons (`specialists.number`), best first: numbers, scores,
    p-values, q-values over the neurons of the layer, and histograms (least and most activation, then the sentences
    of label 0 and of label 1 in each bin); ``useless``, for each sub-function the median score of chance-level neurons
    and the mean of the best of as many as the layer has; ``cards``, neuron → card; ``expert`` of each neuron;
    ``experts``. A sub-function is named by its number, and a sentence by its place among `sentences`.
    """
    tested = experts.functional_experts(members, groups, null="permutation")
    counted = experts.counts(members, groups)
    routed = cards.shares_of_experts(model, list(subfunctions.values()))
    numbers, sizes = list(subfunctions), [s.sizes for s in subfunctions.values()]
    drawn = {size: shipped_chance.chance_level(*size, draws=draws) for size in set(sizes)}
    floors = {
        z: cards.few([np.median(level), chance.best_of(level, groups.sizes["neuron"])]) for z, level in drawn.items()
    }
    texts = sentences(subfunctions.values())
    read = _read(model, list(subfunctions.values()), texts)
    made = {}
    for i, layer in enumerate(groups["layer"].to_numpy().tolist()):
        scores, ranked = read.scores[:, i], read.ranked[:, i]
        p = np.stack([chance.p_values(row, drawn[size]) for row, size in zip(scores, sizes, strict=True)])
        q = chance.q_values(p)
        lists = zip(numbers, ranked, scores, p, q, read.histograms, strict=True)
        strongest = {n: read.strongest[i, :, n].tolist() for n in cards.carded(ranked, others)}
        made[layer] = {
            "top": {
                s: {"n": t.tolist(), "s": cards.few(x[t]), "p": cards.few(a[t]), "q": cards.few(b[t]), "h": h[i]}
                for s, t, x, a, b, h in lists
            },
            "useless": {s: floors[size] for s, size in zip(numbers, sizes, strict=True)},
            "cards": cards.of_neurons(model, layer, scores, numbers, strongest, texts),
            "expert": groups.to_numpy()[i].tolist(),
            "experts": cards.of_experts(tested.isel(layer=i), counted.isel(layer=i), routed.get(layer)),
        }
    return made


def sentences(subfunctions: Iterable[SubFunction]) -> list[str]:
    """Every sentence once, in the order in which a model reads them."""
    return list(dict.fromkeys(text for s in subfunctions for text in s.sentences))


class _Read(NamedTuple):
    scores: Float[np.ndarray, "subfunction layer neuron"]
    ranked: Int[np.ndarray, "subfunction layer rank"]  # top neurons, the best first
    histograms: list[list[list[list[float]]]]  # of them, by [subfunction][layer][rank]
    strongest: Int[np.ndarray, "layer place neuron"]  # numbers of the sentences that drive a neuron most


def _read(model: Model, subfunctions: Sequence[SubFunction], texts: Sequence[str]) -> _Read:
    """One pass over all sentences, which are numbered as in `texts`."""
    number = {text: k for k, text in enumerate(texts)}
    scores, ranked, histograms, seen = [], [], [], set[int]()
    most = where = np.empty(0)
    for one, pooled in capture.stream(model, tqdm(subfunctions, desc=model.label, unit="sub-function")):
        values = pooled.to_numpy()  # layer, sentence, neuron
        new = [i for i, text in enumerate(one.sentences) if not (number[text] in seen or seen.add(number[text]))]
        if not scores:
            most = np.full((len(values), SENTENCES, values.shape[-1]), -np.inf, np.float32)
            where = np.full(most.shape, -1)
        scores.append(np.stack([predictivity(of_layer, one.labels) for of_layer in values]))
        top = specialists.number(values.shape[-1])
        ranked.append(np.argsort(-scores[-1], axis=-1, kind="stable")[:, :top])
        histograms.append(
            [[cards.histogram(v[:, n], one.labels) for n in t] for v, t in zip(values, ranked[-1], strict=True)]
        )
        numbers = np.array([number[one.sentences[i]] for i in new], int)
        for i, of_layer in enumerate(values):
            keep_strongest(most[i], where[i], of_layer[new], numbers)
    return _Read(np.stack(scores), np.stack(ranked), histograms, where)


def keep_strongest(
    most: Float[np.ndarray, "place neuron"],
    where: Int[np.ndarray, "place neuron"],
    values: Float[np.ndarray, "sentence neuron"],
    numbers: Int[np.ndarray, "sentence"],
) -> None:
    """Put sentences that drive a neuron more than those kept in their place; the first of equals is kept."""
    both = np.concatenate([most, values])
    which = np.concatenate([where, np.broadcast_to(numbers[:, None], values.shape)])
    for place in range(len(most)):
        best = both.argmax(axis=0)[None]  # the first of equals
        most[place], where[place] = np.take_along_axis(both, best, 0)[0], np.take_along_axis(which, best, 0)[0]
        np.put_along_axis(both, best, -np.inf, 0)
