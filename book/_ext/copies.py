"""The students' copy of each section, written beside its executed notebook, and both offered at the top of the page."""

from pathlib import Path, PurePosixPath

import nbformat
from reuse import DOWNLOADS, NOTEBOOKS
from sphinx.application import Sphinx

from companion import students

FOLDER = f"{DOWNLOADS}/students"
GROUP = (
    "download-buttons"  # of the theme, whose button for a notebook has neither outputs nor exercises without answers
)


def write(app: Sphinx) -> None:
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, copy in students.copies().items():
        (folder / f"{name}.ipynb").write_text(nbformat.writes(copy) + "\n", encoding="utf-8")


def offer(app: Sphinx, docname: str, _template: str, context: dict, _doctree: object) -> None:
    """Two downloads in the place of the theme's: the page with its outputs, and the copy to work in."""
    if not docname.startswith(NOTEBOOKS):
        return
    name, root = PurePosixPath(docname).name, "../" * docname.count("/")
    offered = {
        "Executed notebook": (f"{DOWNLOADS}/{name}.ipynb", "with solutions and outputs"),
        "Student's copy": (f"{FOLDER}/{name}.ipynb", "without solutions"),
    }
    links = [
        {"type": "link", "url": root + file, "text": text, "tooltip": hint, "icon": "fas fa-file", "label": GROUP}
        for text, (file, hint) in offered.items()
        if (Path(app.outdir) / file).is_file()
    ]
    for group in (g for g in context.get("header_buttons", []) if g["label"] == GROUP):
        others = [b for b in group["buttons"] if b["label"] != "download-source-button"]
        group["buttons"] = [*links, *others] if links else group["buttons"]


def setup(app: Sphinx) -> dict:
    app.connect("builder-inited", write)
    app.connect("html-page-context", offer, priority=900)  # once the theme has made its buttons
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
