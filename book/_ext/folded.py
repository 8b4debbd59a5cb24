"""What is written on a folded cell of a notebook: the solution of an exercise is called one, and what its check prints,
which can give the answer away, is folded as well.

Other folded cells are called as `nb_code_prompt_show` of ``_config.yml`` says.
"""

import json

from sphinx.application import Sphinx

FOLD = "hide-output"
CHECK = {"code_prompt_show": "Show what the check says", "code_prompt_hide": "Hide what the check says"}
SOLUTION = {"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}


def name_folded(_app: Sphinx, docname: str, source: list[str]) -> None:
    if not docname.startswith("notebooks/"):
        return
    notebook = json.loads(source[0])
    for metadata in (cell["metadata"] for cell in notebook["cells"]):
        tags = metadata.get("tags", [])
        for tag, words in (("solution", SOLUTION), ("check", CHECK)):
            if tag in tags:
                metadata["mystnb"] = metadata.get("mystnb", {}) | words
        if "check" in tags:
            metadata["tags"] = [*tags, FOLD]
    source[0] = json.dumps(notebook)


def setup(app: Sphinx) -> dict:
    app.connect("source-read", name_folded, priority=2)  # once `executed` has put the outputs in
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
