"""What is written on a folded cell of a notebook: the solution of an exercise is called one.

Other folded cells are called as `nb_code_prompt_show` of ``_config.yml`` says.
"""

import json

from executed import tags
from sphinx.application import Sphinx

SOLUTION = {"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}


def name_solutions(_app: Sphinx, docname: str, source: list[str]) -> None:
    if not docname.startswith("notebooks/"):
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if "solution" in tags(cell):
            cell["metadata"]["mystnb"] = cell["metadata"].get("mystnb", {}) | SOLUTION
    source[0] = json.dumps(notebook)


def setup(app: Sphinx) -> dict:
    app.connect("source-read", name_solutions, priority=2)  # once `executed` has put the outputs in
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
