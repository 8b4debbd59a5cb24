"""The explorer's data as its page loads them: ``python -m companion.explorer -o FOLDER``.

A file a layer, and one that lists them. They are scripts that put their data where the page's own script finds it:
a page that is opened from disk may load a script, but may not read a file.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from companion import terminal
from companion.experiments import example, experiment
from companion.experiments.experiment import Recompute
from companion.explorer import cards, data, layers, uses
from companion.models import catalogue
from modularity import environment
from modularity.subfunction import SubFunction

GLOBAL = "MODULARITY_EXPLORER"
INDEX = "index.js"
START = {
    "model": catalogue.MPNET,
    "layer": str(example.LAYER),
    "subfunction": example.SUBFUNCTION,
}  # Section 3's figure


class Shown(NamedTuple):
    """Of a model: layer → what `layers.shown` says of it, what it has read, and how it writes a hidden word."""

    layers: Mapping[str, cards.Plain]
    subfunctions: Mapping[int, SubFunction]
    gap: str


def write(folder: Path, shown: Mapping[str, Shown], described: Sequence[SubFunction], said: str = "") -> None:
    """Put the page's data in `folder`; the list of them last, so that it stands for the rest.

    Parameters
    ----------
    described : all sub-functions, in the order of their numbers.
    said : what of the data was computed again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for name, of in shown.items():
        files = {layer: script(f"{name}/{layer}", told) for layer, told in spelt(of).items()}
        for layer, text in files.items():
            (folder / f"{name}-{layer}.js").write_text(text, encoding="utf-8")
        digest = {layer: hashlib.sha256(text.encode()).hexdigest()[:8] for layer, text in files.items()}
        figures = uses.listed(name, list(of.layers))
        listed.append({"name": name, "layers": digest, "subfunctions": list(of.subfunctions), "uses": figures})
    index = {
        "models": listed,
        "subfunctions": [[s.name, s.function] for s in described],
        "start": START,
        "checked": said,
    }
    (folder / INDEX).write_text(script("index", index), encoding="utf-8")


def spelt(shown: Shown) -> dict[str, cards.Plain]:
    """The layers with sentences written out, as `cards.cut` shows them."""
    texts = [cards.spelt(text, shown.gap) for text in layers.sentences(shown.subfunctions.values())]
    made = {}
    for layer, of_layer in shown.layers.items():
        written = {
            n: card | {"drive": [cards.cut(texts[k], *place) for k, *place in card["drive"]]}
            for n, card in of_layer["cards"].items()
        }
        made[layer] = {**of_layer, "cards": written}
    return made


def script(key: str, told: object) -> str:
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"(window.{GLOBAL} ??= {{}})[{json.dumps(key)}] = {text};\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m companion.explorer", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("-o", "--output", type=environment.expanded, required=True, help="folder of the data")
    parser.add_argument("--recompute", choices=get_args(Recompute), default="slice", help="of what is shipped")
    options = parser.parse_args(arguments)
    wanted = data.Cards()
    shipped, checked = experiment.obtain(wanted, options.recompute)
    print(checked)
    shown = {
        name: Shown(data.unpacked(shipped, name), wanted.read_by(name), shipped["gap"].sel(model=name).item())
        for name in wanted.models
    }
    write(options.output, shown, data.subfunctions(), str(checked))
    return 0


if __name__ == "__main__":
    terminal.run(main)
