"""Write the finding into README.md from the executed section 4: its figure, and a sentence with its numbers.

Run `make readme` after `make book` when the finding has moved; tests/book/test_book.py stops if it has and this
was not run.
"""

import base64
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXECUTED = ROOT / "executed" / "04_specialization.ipynb"
FIGURE = "book/_static/specialization.png"
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
    trained, untrained, null, smallest = (float(values[k]) for k in ("trained", "untrained", "null", "smallest"))
    name = values["model_name"].strip("'")
    runs = (
        f", {values['layers']} layers and {values['runs']} runs"
        if int(values["runs"]) > 1
        else f" and {values['layers']} layers"
    )
    size = ", the size of T5-base's encoder" if (values["layers"], values["width"]) == T5_BASE else ""
    return "\n".join(
        [
            f"In {name} ({values['layers']} layers of {int(values['width']):,} neurons{size}), the neuron of a layer",
            "that best tells two hidden words apart by their context has a",
            f"predictivity of **{trained:.2f}** on average over {values['subfunctions']} pairs of words{runs},",
            f"against **{untrained:.2f}** in untrained copies and",
            f"**{null:.2f}** for the best of as many chance-level neurons. Trained minus untrained is at",
            f"least {smallest:.2f} (lower end of the 95 % interval over pairs).",
            "",
        ]
    )


def block(values: dict[str, str]) -> str:
    alt = "Best predictivity by model, function and layer: trained, untrained, chance level, and the paper's numbers"
    return f"\n{sentence(values)}\n![{alt}]({FIGURE})\n\n"


def main() -> None:
    image = next(o["data"]["image/png"] for o in outputs(EXECUTED) if "image/png" in o.get("data", {}))
    (ROOT / FIGURE).write_bytes(base64.b64decode("".join(image)))
    readme = ROOT / "README.md"
    text, replaced = BLOCK.subn(lambda _: block(glued(EXECUTED)), readme.read_text(encoding="utf-8"))
    if replaced != 1:
        raise SystemExit(f"README.md has {replaced} places for the finding, expected one")
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
