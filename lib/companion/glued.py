"""Every number that pages glue, beside the one that was published: ``python -m companion.glued``.

It prints what has moved and ends with status 1. When a number is meant to move, ``--write`` puts the new ones into
``data/glued.json``, and CHANGELOG says why.
"""

import argparse
import json
import math
import sys
from ast import literal_eval
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from companion import terminal
from companion.functions import sources
from companion.tools import NOTEBOOKS
from modularity import environment

FILE = "glued.json"
TOLERANCE = 2e-3  # other processors round otherwise, and a few cells of a page are computed on the spot
OF_MACHINE = ("cost_", "origin:")  # its seconds, and whether it has the authors' files

Values = dict[str, object]


def read(folder: Path) -> Values:
    """``PAGE::NAME`` → value, of all executed notebooks of a folder; of a table in JSON, as Python has it."""
    made: Values = {}
    for file in sorted(folder.glob("*.ipynb")):
        of_page = of_notebook(json.loads(file.read_text(encoding="utf-8")), file.stem)
        made |= {key: v for key, v in of_page.items() if not f"{key.partition('::')[2]}:".startswith(OF_MACHINE)}
    return made


def of_notebook(notebook: Mapping[str, Any], page: str) -> Values:
    """``PAGE::NAME`` → value, of one executed notebook, which is `page`, with what is of its machine only."""
    made: Values = {}
    for output in (output for cell in notebook["cells"] for output in cell.get("outputs", [])):
        name = output.get("metadata", {}).get("scrapbook", {}).get("name")
        if name:
            (text,) = (v for k, v in output["data"].items() if k.endswith("text/plain"))
            made[f"{page}::{name}"] = _value("".join(text))
    return made


def _value(text: str) -> object:
    try:
        value = literal_eval(text.removeprefix("np.float64(").removesuffix(")") if text.startswith("np.") else text)
    except (SyntaxError, ValueError):
        return text  # as inf and nan
    return json.loads(value) if isinstance(value, str) and value.startswith("[{") else value


def moved(before: object, after: object) -> bool:
    """Whether two values differ by more than rounding; words differ if they are not the same."""
    if isinstance(before, list) and isinstance(after, list):
        return len(before) != len(after) or any(map(moved, before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() != after.keys() or any(moved(before[k], after[k]) for k in before)
    if isinstance(before, float) and isinstance(after, float | int):
        both = math.isnan(before) and math.isnan(after)
        return not (both or math.isclose(before, after, rel_tol=TOLERANCE, abs_tol=TOLERANCE))
    return before != after


def published() -> Values:
    """As `read`, of the pages that were published last."""
    return json.loads((sources.data_folder() / FILE).read_text(encoding="utf-8"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m companion.glued", description=(__doc__ or "").split("\n\n")[0])
    executed = NOTEBOOKS.parent / "executed"
    parser.add_argument("folder", nargs="?", type=environment.expanded, default=executed, help="of executed notebooks")
    parser.add_argument("--write", action="store_true", help="publish the numbers of this folder")
    options = parser.parse_args(arguments)
    found = read(options.folder)
    if not found:
        print(f"error: no executed notebooks in {options.folder}; make book runs them", file=sys.stderr)
        return 2
    before = published()
    if options.write:
        text = json.dumps(found, indent=0, ensure_ascii=False, sort_keys=True)
        (sources.data_folder() / FILE).write_text(text + "\n", encoding="utf-8")
    names = sorted(before.keys() | found.keys())
    changed = [n for n in names if n not in before or n not in found or moved(before[n], found[n])]
    for name in changed:
        print(f"{name}: {before.get(name, 'not there')} → {found.get(name, 'not there')}")
    print(f"{len(names) - len(changed)} of {len(names)} glued values are those that were published")
    return 0 if options.write or not changed else 1


if __name__ == "__main__":
    terminal.run(main)
