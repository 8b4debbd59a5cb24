"""Write the finding into README.md from the executed section 4: its figure, and a sentence with its numbers.

Run `make readme` after `make book` when the finding has moved; tests/book/test_book.py stops if it has and this
was not run.
"""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXECUTED = ROOT / "executed" / "04_specialization.ipynb"
FIGURE = "book/_static/specialization.svg"
T5_BASE = ("12", "3072")  # layers and neurons of a layer, as glued
BLOCK = re.compile(r"(?<=<!-- finding, written by make readme -->\n).*?(?=<!-- end of finding -->)", re.DOTALL)


def outputs(notebook: Path) -> list[dict]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


def glued(notebook: Path) -> dict[str, str]:
    """Name → value of everything that the executed notebook glued."""
    return {
        output["metadata"]["scrapbook"]["name"]: "".join(output["data"]["application/papermill.record/text/plain"])
        for output in outputs(notebook)
        if "scrapbook" in output.get("metadata", {})
    }


def sentence(values: dict[str, str]) -> str:
    trained, untrained, null = (float(values[k]) for k in ("trained", "untrained", "null"))
    name = values["model_name"].strip("'")
    size = ", a real model of the size of T5-base's encoder," if (values["layers"], values["width"]) == T5_BASE else ""
    return (
        f"In {name}{size} the best neuron of a layer tells two hidden words apart by their context with a\n"
        f"predictivity of **{trained:.2f}**, against **{untrained:.2f}** before training and **{null:.2f}** for the\n"
        "best of as many chance-level neurons.\n"
    )


def block(values: dict[str, str]) -> str:
    alt = "Best predictivity by model, function and layer: trained, untrained, chance level, and the paper's numbers"
    return f'\n<img src="{FIGURE}" alt="{alt}" width="640">\n\n{sentence(values)}\n'


def main() -> None:
    image = next(o["data"]["image/svg+xml"] for o in outputs(EXECUTED) if "image/svg+xml" in o.get("data", {}))
    (ROOT / FIGURE).write_text("".join(image), encoding="utf-8")
    readme = ROOT / "README.md"
    text, replaced = BLOCK.subn(lambda _: block(glued(EXECUTED)), readme.read_text(encoding="utf-8"))
    if replaced != 1:
        raise SystemExit(f"README.md has {replaced} places for the finding, expected one")
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
