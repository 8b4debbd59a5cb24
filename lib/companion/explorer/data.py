"""The data of the page that shows neurons and experts one by one: ``python -m companion.explorer -o FOLDER``.

A file a layer, and one that lists them. They are scripts that put their data where the page's own script finds it:
a page that is opened from disk may load a script, but may not read a file.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import xarray as xr
from numcodecs import Zstd

from companion import terminal
from companion.experiments import drivers, experiment
from companion.experiments.experiment import Cell, Recompute, UnavailableError
from companion.experiments.shipped_readings import SINGLE, asked, content
from companion.explorer import cards
from companion.explorer import layers as explorer_layers
from companion.functions import shipped_chance
from companion.models import catalogue
from modularity import capture, chance, environment, identity, measure, tokens
from modularity.models import Model
from modularity.predictivity import predictivity
from modularity.subfunction import SubFunction

MODELS = (*catalogue.MINI, catalogue.MINILM)
ROUNDED = 0.001  # of a score with three digits
GLOBAL = "MODULARITY_EXPLORER"
INDEX = "index.js"
Shown = dict[str, dict[str, cards.Plain]]  # model → layer → what `layers.layers` says of it


def subfunctions() -> list[SubFunction]:
    """Those of Sections 4 and 5, without the controls."""
    return [s for function in ("semantic", "knowledge", "task") for s in asked()[function]]


@dataclass(frozen=True)
class Cards:
    """What the page shows of the first run of each model: a cell is a model, a probe a sub-function of one.

    A difference is the largest of: a predictivity, p or q of a list; the share of sentences that fall in another bin of
    a histogram; and, on the card of the best neuron of each layer, a predictivity, a cosine, an activation (relative).
    """

    models: tuple[str, ...] = field(default=MODELS, repr=False)
    subfunctions: tuple[SubFunction, ...] | None = field(default=None, repr=False)  # `subfunctions` if not given
    tolerance: float = field(default=0.02, repr=False)  # three digits are kept, and a sentence may lie on an edge
    name: str = field(default="explorer", repr=False)
    folder: str = field(default="results", repr=False)

    def chosen(self) -> list[SubFunction]:
        return subfunctions() if self.subfunctions is None else list(self.subfunctions)

    def cells(self) -> list[Cell]:
        return [(name,) for name in self.models]

    def key(self, cell: Cell) -> dict[str, object] | None:
        if (fingerprint := catalogue.load(str(cell[0])).fingerprint) is None:
            return None
        return {"model": fingerprint, "subfunctions": [content(s) for s in self.chosen()], **measure.key()}

    def compute(self, cell: Cell) -> xr.Dataset:
        text = json.dumps(explorer_layers.layers(catalogue.load(str(cell[0])), self.chosen()), separators=(",", ":"))
        return xr.Dataset({"data": ("byte", np.frombuffer(text.encode(), np.uint8))})

    def assemble(self, made: Callable[[Cell], xr.Dataset]) -> tuple[xr.Dataset, Mapping[str, Mapping[str, Any]]]:
        whole = {name: made((name,))["data"].rename(byte=f"byte of {name}") for name in self.models}
        digests = [identity.weights(catalogue.load(name).module) for name in self.models]
        coordinates = {"content": ("subfunction", [content(s) for s in self.chosen()]), "weights": ("model", digests)}
        encoding = {n: {"compressors": [Zstd(level=22)], "chunks": text.shape} for n, text in whole.items()}
        return xr.Dataset(whole, coordinates), encoding

    def provenance(self) -> dict[str, object]:
        return {"models": list(self.models)}

    def probes(self, shipped: xr.Dataset) -> list[Cell]:
        return [(name, s.name, i) for name in self.models for i, s in enumerate(self.chosen())]

    def again(self, shipped: xr.Dataset, probe: Cell) -> float:
        name, _, i = probe
        try:
            model = catalogue.load(str(name))
        except FileNotFoundError as error:
            raise UnavailableError(str(error)) from error
        one = self.chosen()[int(i)]
        if identity.weights(model.module) != shipped["weights"][self.models.index(str(name))].item():
            return float("nan")
        if content(one) != shipped["content"][int(i)].item():
            return float("nan")
        off = []
        data, texts = decoded(shipped[str(name)]), _known(self.chosen(), model.gap)
        for values in capture.pooled_activations(model, one.sentences):
            shown = data[str(int(values["layer"]))]
            off += [
                *_of_list(shown["top"][int(i)], values.to_numpy(), one),
                *_of_card(model, values, shown, int(i), texts),
            ]
        return max(off)


def decoded(text: xr.DataArray) -> dict[str, cards.Plain]:
    """Layer → what the page shows of it, from the bytes of a shipped file."""
    return json.loads(text.to_numpy().tobytes())


def _of_list(shown: cards.Plain, values: np.ndarray, one: SubFunction) -> list[float]:
    """Differences of a list of top neurons from what the activations of its sentences give now."""
    scores, listed = predictivity(values, one.labels), shown["n"]
    off = [float(np.abs(np.sort(scores)[::-1][: len(listed)] - shown["s"]).max())]  # nor is a better one left out
    other = np.abs(scores[listed] - shown["s"])
    off.append(float(other.max()) / SINGLE)
    # p and q change steeply with a score: they are those of the score that is shown, unrounded where it is the same.
    scores[listed] = np.where(other < ROUNDED, scores[listed], shown["s"])
    level = shipped_chance.chance_level(*one.sizes)
    off.append(float(np.abs(chance.p_values(scores, level)[listed] - shown["p"]).max()))
    # q is p times the neurons over the rank, hundreds of times p: it lies between those of scores a rounding higher and
    # a rounding lower.
    low, high = (chance.q_values(chance.p_values(scores + by, level))[listed] for by in (ROUNDED, -ROUNDED))
    off.append(float(np.maximum(low - shown["q"], shown["q"] - high).max()))
    for n, then in zip(listed, shown["h"], strict=True):
        counts = np.subtract(cards.histogram(values[:, n], one.labels)[2:], then[2:])
        off.append(float(np.abs(counts).sum()) / 2 / len(one.sentences))
    return off


def _of_card(model: Model, values: xr.DataArray, shown: cards.Plain, i: int, texts: list[str]) -> list[float]:
    """Differences of the card of the best neuron of a list: of the sub-function's score, neighbours, and sentences."""
    layer, n = int(values["layer"]), shown["top"][i]["n"][0]
    card = shown["cards"][str(n)]
    weights = cards.weights(model, layer)
    ((*near,),) = cards.neighbours(weights, [n])
    off = [abs(now[1] - then[1]) for now, then in zip(near, card["near"], strict=True)]
    off += [abs(score - shown["top"][i]["s"][0]) for s, score in card["best"] if s == i]
    strongest = [value for *_, value in card["drive"]]
    over = float(values[:, n].max()) / strongest[0] - 1  # no sentence of this sub-function drives it more
    off.append(max(0.0, over))
    for before, token, after, value in card["drive"]:
        part = before.removeprefix("…") + token + after.removesuffix("…")
        # Of sentences that have the part in common one is meant; none has it if the token is a mark.
        found = [(layer, n, text) for text in texts if part in text]
        now = [drive.activation for drive in drivers.driving_tokens(model, found).values()]
        off += [min(abs(activation / value - 1) for activation in now)] if now else []
    return off


def _known(subfunctions: Sequence[SubFunction], gap: str) -> list[str]:
    """Every sentence once, as a model reads it whose hidden word is `gap`."""
    return list(dict.fromkeys(text.replace(tokens.SENTINEL, gap) for s in subfunctions for text in s.sentences))


def write(folder: Path, shown: Shown, described: Sequence[SubFunction], said: str = "") -> None:
    """Put the page's data in `folder`; the list of them last, so that it stands for the rest.

    Parameters
    ----------
    said : what of them was computed again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for name, layers in shown.items():
        files = {layer: script(f"{name}/{layer}", data) for layer, data in layers.items()}
        for layer, text in files.items():
            (folder / f"{name}-{layer}.js").write_text(text, encoding="utf-8")
        digest = {layer: hashlib.sha256(text.encode()).hexdigest()[:8] for layer, text in files.items()}
        listed.append({"name": name, "layers": digest})
    index = {"models": listed, "subfunctions": [[s.name, s.function] for s in described], "checked": said}
    (folder / INDEX).write_text(script("index", index), encoding="utf-8")


def script(key: str, data: object) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"(window.{GLOBAL} ??= {{}})[{json.dumps(key)}] = {text};\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m companion.explorer", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("-o", "--output", type=environment.expanded, required=True, help="folder of the data")
    parser.add_argument("--recompute", choices=get_args(Recompute), default="slice", help="of what is shipped")
    options = parser.parse_args(arguments)
    wanted = Cards()
    shipped, checked = experiment.obtain(wanted, options.recompute)
    print(checked)
    write(options.output, {name: decoded(shipped[name]) for name in wanted.models}, wanted.chosen(), str(checked))
    return 0


if __name__ == "__main__":
    terminal.run(main)
