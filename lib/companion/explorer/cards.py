"""One card for a neuron and one for an expert, as plain data: what the explorer's page shows of each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from companion.experiments import drivers
from modularity import neurons, tokens
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
    model: Model,
    layer: int,
    scores: Float[np.ndarray, "subfunction neuron"],
    numbers: Sequence[int],
    strongest: Mapping[int, Sequence[int]],
    texts: Sequence[str],
) -> dict[int, Plain]:
    """The cards of some neurons of a layer.

    Parameters
    ----------
    numbers : of the sub-functions, as the page counts them.
    strongest : for each neuron that has a card, which of `texts` drive it most.
    """
    wanted = ((layer, n, texts[k]) for n, of in strongest.items() for k in of)
    drives = drivers.driving_tokens(model, wanted)
    made = {}
    for (n, of), near in zip(strongest.items(), neighbours(weights(model, layer), list(strongest)), strict=True):
        order = np.argsort(-scores[:, n], kind="stable")
        made[n] = {
            "best": [[numbers[s], *few(scores[s, [n]])] for s in order[:BEST]],
            "worst": [[numbers[s], *few(scores[s, [n]])] for s in order[::-1][:WORST]],
            "near": near,
            "drive": [[k, *_place(drives[layer, n, texts[k]], spelt(texts[k], model.gap))] for k in of],
        }
    return made


def spelt(sentence: str, gap: str) -> str:
    """A sentence as a model reads it whose hidden word is `gap`."""
    return sentence.replace(tokens.SENTINEL, gap)


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


def _place(drive: drivers.Drive, text: str) -> tuple[int, int, str, float]:
    """Where the driving token starts, its length, its name if it is not a part of `text`, and the activation."""
    start = len(drive.before)
    length = len(text) - start - len(drive.after)
    name = "" if text[start : start + length] == drive.token else drive.token
    return start, length, name, few([drive.activation])[0]


def cut(text: str, start: int, length: int, name: str, value: float) -> list[str | float]:
    """A sentence as a card shows it: what is before its driving token, the token, what is after it, the activation."""
    before, token, after = text[:start], text[start : start + length], text[start + length :]
    before = f"…{before[-WINDOW:]}" if len(before) > WINDOW + 1 else before
    after = f"{after[:WINDOW]}…" if len(after) > WINDOW + 1 else after
    return [before, name or token, after, value]


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
