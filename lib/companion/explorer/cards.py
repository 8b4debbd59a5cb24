"""One card for a neuron and one for an expert, as plain data: what the explorer's page shows of each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from companion.experiments import drivers
from modularity import neurons
from modularity.models import Model
from modularity.subfunction import SubFunction

CARDS = 320  # neurons of a layer that have one: the best of each sub-function, and those that are on most lists
BEST, WORST = 5, 3  # sub-functions on a card, of a neuron or an expert
NEIGHBOURS = 5
BINS = 10  # of a histogram
WINDOW = 60  # characters of a sentence that are kept on each side of its driving token
ROUTED = 20  # sentences of each sub-function that routing is counted on
Plain = dict[str, Any]


def carded(top: Int[np.ndarray, "subfunction rank"], cards: int = CARDS) -> list[int]:
    """The neurons that have a card: the best one of each sub-function, then those that are on most lists."""
    first = list(dict.fromkeys(top[:, 0].tolist()))
    often = [n for n, _ in Counter(top.T.flatten().tolist()).most_common()]
    return sorted(list(dict.fromkeys([*first, *often]))[: max(cards, len(first))])


def histogram(values: Float[np.ndarray, "sentence"], labels: Int[np.ndarray, "sentence"]) -> list[float]:
    """Least and most of `values`, then how many sentences of label 0, and of label 1, are in each of `BINS` bins."""
    least, most = float(values.min()), float(values.max())
    counts = [np.histogram(values[labels == y], BINS, (least, max(most, least + 1e-9)))[0].tolist() for y in (0, 1)]
    return [*few([least, most]), *counts[0], *counts[1]]


def of_neurons(
    model: Model, layer: int, scores: Float[np.ndarray, "subfunction neuron"], strongest: Mapping[int, Sequence[str]]
) -> dict[int, Plain]:
    """The cards of some neurons of a layer: those that `strongest` has the sentences of, in which they fire most."""
    drives = drivers.driving_tokens(model, ((layer, n, text) for n, texts in strongest.items() for text in texts))
    made = {}
    for (n, texts), near in zip(strongest.items(), neighbours(weights(model, layer), list(strongest)), strict=True):
        order = np.argsort(-scores[:, n], kind="stable")
        made[n] = {
            "best": [[int(s), *few(scores[s, [n]])] for s in order[:BEST]],
            "worst": [[int(s), *few(scores[s, [n]])] for s in order[::-1][:WORST]],
            "near": near,
            "drive": [_cut(drives[layer, n, text]) for text in texts],
        }
    return made


def weights(model: Model, layer: int) -> Float[np.ndarray, "neuron d_model"]:
    """Input weights of a layer's neurons."""
    return neurons.layers(model)[layer].input_weights.float().cpu().numpy()


def neighbours(rows: Float[np.ndarray, "neuron d_model"], chosen: Sequence[int]) -> list[list[list[float]]]:
    """The neurons of the layer whose input weights point most the same way, with the cosine, for each of `chosen`."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosine = unit[list(chosen)] @ unit.T
    cosine[np.arange(len(chosen)), list(chosen)] = -np.inf  # not itself
    order = np.argsort(-cosine, axis=1, kind="stable")[:, :NEIGHBOURS]
    return [[[int(n), *few(row[[n]])] for n in near] for row, near in zip(cosine, order, strict=True)]


def _cut(drive: drivers.Drive) -> list[str | float]:
    before, after = drive.before, drive.after
    before = f"…{before[-WINDOW:]}" if len(before) > WINDOW + 1 else before
    after = f"{after[:WINDOW]}…" if len(after) > WINDOW + 1 else after
    return [before, drive.token, after, *few([drive.activation])]


def shares_of_experts(model: Model, subfunctions: Sequence[SubFunction]) -> dict[int, dict[str, list[float]]]:
    """layer → function → share of its tokens that go to each expert, on some sentences; nothing without a router."""
    made: dict[int, dict[str, list[float]]] = {}
    for function in dict.fromkeys(s.function for s in subfunctions):
        # From both ends: the first sentences may be all of one label.
        of_each = [
            s.sentences[: ROUTED // 2] + s.sentences[-ROUTED // 2 :] for s in subfunctions if s.function == function
        ]
        for layer, shares in drivers.routed(model, [text for texts in of_each for text in texts]).items():
            made.setdefault(layer, {})[function] = few(shares)
    return made


def of_experts(tested: xr.Dataset, counts: xr.DataArray, routed: dict[str, list[float]] | None) -> list[Plain]:
    """Every expert: its top neurons by function, with what chance gives; its sub-functions; its load."""
    made = []
    for expert in range(counts.sizes["expert"]):
        of, held = tested.isel(expert=expert), counts.isel(expert=expert).to_numpy()
        tests = zip(*(of[name].to_numpy().tolist() for name in ("count", "expected", "p", "functional")), strict=True)
        order = np.argsort(-held, kind="stable")[:BEST]
        made.append(
            {
                "tests": [[r, *few([mean, p]), int(yes)] for r, mean, p, yes in tests],
                "top": [[int(s), int(held[s])] for s in order if held[s]],
                "routed": [shares[expert] for shares in routed.values()] if routed else [],
            }
        )
    return made


def few(values: Sequence[float] | np.ndarray) -> list[float]:
    """Three digits each: a file holds tens of thousands of numbers."""
    return [float(f"{value:.3g}") for value in values]
