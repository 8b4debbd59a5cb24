"""What the explorer's page shows of a model: for each layer the top neurons of every sub-function, and cards."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from companion.experiments import stored_scores
from companion.explorer import cards
from companion.functions import shipped_chance
from modularity import capture, chance, experts, moefication, specialists
from modularity.models import Model
from modularity.subfunction import SubFunction

SENTENCES = 3  # that drive a neuron most


def layers(
    model: Model, subfunctions: Sequence[SubFunction], *, number: int = moefication.EXPERTS, draws: int = chance.DRAWS
) -> dict[int, cards.Plain]:
    """What the page shows of every layer of `model` that is read, as plain data.

    Parameters
    ----------
    number : of experts, as `moefication.experts` takes it.
    draws : of chance-level neurons, for each pair of class sizes.

    Returns
    -------
    layer → ``top``, for each sub-function its top neurons (`specialists.top_neurons`), best first: numbers, scores,
    p-values, q-values over the neurons of the layer, and histograms (least and most activation, then the sentences
    of label 0 and of label 1 in each bin); ``useless``, for each sub-function the median score of chance-level neurons
    and the mean of the best of as many as the layer has; ``cards``, neuron → card; ``expert`` of each neuron;
    ``experts``.
    """
    groups = moefication.experts(model, number)
    scores = stored_scores.of_model(model, subfunctions)
    members = specialists.top_neurons(scores)
    ranked = np.argsort(-scores.to_numpy(), axis=-1, kind="stable")[..., : specialists.number(scores.sizes["neuron"])]
    tested = experts.functional_experts(members, groups, null="permutation")
    counted = experts.counts(members, groups)
    sizes = [s.sizes for s in subfunctions]
    drawn = {size: shipped_chance.chance_level(*size, draws=draws) for size in set(sizes)}
    floors = {s: cards.few([np.median(d), chance.best_of(d, scores.sizes["neuron"])]) for s, d in drawn.items()}
    chosen = [cards.carded(top) for top in ranked.swapaxes(0, 1)]
    histograms, strongest = _read(model, subfunctions, ranked, chosen)
    routed = cards.shares_of_experts(model, subfunctions)
    made = {}
    for i, layer in enumerate(scores["layer"].to_numpy().tolist()):
        values, top = scores.to_numpy()[:, i], ranked[:, i]
        p = np.stack([chance.p_values(row, drawn[size]) for row, size in zip(values, sizes, strict=True)])
        q = chance.q_values(p)
        lists = zip(top, values, p, q, histograms, strict=True)
        made[layer] = {
            "top": [
                {"n": t.tolist(), "s": cards.few(s[t]), "p": cards.few(a[t]), "q": cards.few(b[t]), "h": h[i]}
                for t, s, a, b, h in lists
            ],
            "useless": [floors[size] for size in sizes],
            "cards": cards.of_neurons(model, layer, values, strongest[i]),
            "expert": groups.to_numpy()[i].tolist(),
            "experts": cards.of_experts(tested.isel(layer=i), counted.isel(layer=i), routed.get(layer)),
        }
    return made


def _read(
    model: Model,
    subfunctions: Sequence[SubFunction],
    ranked: Int[np.ndarray, "subfunction layer rank"],
    chosen: Sequence[Sequence[int]],
) -> tuple[list[list[list[list[float]]]], list[dict[int, list[str]]]]:
    """One pass over all sentences.

    Returns
    -------
    Histograms of the neurons `ranked`, by ``[subfunction][layer][rank]``; and for each layer, of the neurons `chosen`
    there, the sentences that drive them most, the first of equals.
    """
    histograms, texts, seen = [], [], set()
    most = [np.empty((0, len(of)), np.float32) for of in chosen]
    where = [np.empty((0, len(of)), int) for of in chosen]
    for (s, pooled), top in zip(capture.stream(model, subfunctions), ranked, strict=True):
        new = [i for i, text in enumerate(s.sentences) if not (text in seen or seen.add(text))]
        numbers = np.arange(len(texts), len(texts) + len(new))[:, None]
        texts += [s.sentences[i] for i in new]
        histograms.append([])
        for i, values in enumerate(pooled.to_numpy()):  # sentence, neuron
            histograms[-1].append([cards.histogram(values[:, n], s.labels) for n in top[i]])
            both = np.concatenate([most[i], values[np.ix_(new, chosen[i])]])
            which = np.concatenate([where[i], np.broadcast_to(numbers, (len(new), len(chosen[i])))])
            best = np.argsort(-both, axis=0, kind="stable")[:SENTENCES]
            most[i], where[i] = np.take_along_axis(both, best, 0), np.take_along_axis(which, best, 0)
    drives = []
    for of, numbers in zip(chosen, where, strict=True):
        drives.append({n: [texts[i] for i in column] for n, column in zip(of, numbers.T, strict=True)})
    return histograms, drives
