"""At the end of each section the call that runs it again, and what its numbers came from: models, data, commit."""

import ast
import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath

import nbformat
from copies import FOLDER as COPIES
from docutils import nodes
from reuse import DOWNLOADS, NOTEBOOKS, RERUN
from sphinx.application import Sphinx

from companion.functions import sources
from companion.models import names
from companion.tools import dependencies, parameters
from companion.tools.parameter_values import Value

LIBRARY = Path(sources.__file__).parents[2]
REGISTRY = "data/registry.txt"


def note_run(app: Sphinx, docname: str, source: list[str]) -> None:
    """Keep of a notebook that was run what its run was: parameters, cost, models and data."""
    if not docname.startswith(NOTEBOOKS):
        return
    notebook = nbformat.reads(source[0], 4)
    metadata = notebook.metadata
    if "papermill" not in metadata:
        return
    defaults = {name: ast.literal_eval(p.default) for name, p in parameters.declared(notebook).items()}
    values = defaults | metadata["papermill"].get("parameters", {})
    app.env.metadata[docname]["run"] = {
        "parameters": values,
        "cost": dict(metadata.get("cost", {})),
        "day": (metadata["papermill"].get("end_time") or "")[:10],
        "models": models_among(values),
        "data": data_of(notebook),
    }


def models_among(values: Mapping[str, Value]) -> list[str]:
    """The models of the book, or of the hub, that parameters name, each once."""
    known = {*names.companions(), names.MPNET, names.MINILM, *names.PINNED, *names.ALIASES}
    words = (word for value in values.values() if isinstance(value, str) for word in value.split())
    return list(dict.fromkeys(word for word in words if word in known))


def data_of(notebook: dict) -> list[str]:
    """The folders of data that a notebook, or a module that it loads, can read."""
    code = "\n\n".join("".join(cell["source"]) for cell in dependencies.code_cells(notebook))
    texts = [code, *(file.read_text(encoding="utf-8") for file in dependencies.modules(code, LIBRARY))]
    folders = dependencies.folders(texts, sources.data_folder())
    return [name for name in folders if name != "build" and not name.endswith(".yml")]


def call(page: str, values: Mapping[str, Value]) -> str:
    """The papermill call that runs a section with these parameters, one a line."""
    return " \\\n  ".join([f"papermill notebooks/{page}.ipynb out.ipynb", *(_option(*item) for item in values.items())])


def _option(name: str, value: Value) -> str:
    """papermill guesses a type from the text after ``-p``; where it would err, and for lists, ``-y`` takes YAML."""
    if isinstance(value, list) or (isinstance(value, str) and _looks_like_another_type(value)):
        return f"-y {shlex.quote(f'{name}: {json.dumps(value)}')}"
    return f"-p {name} {shlex.quote(str(value))}"


def _looks_like_another_type(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text in ("True", "False", "None")
    return True


@cache
def commit(folder: Path) -> str:
    """The commit of a checkout, with ``-dirty`` if files differ from it; nothing outside of one."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def add_section(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    run = app.env.metadata[docname].get("run")
    top = next(doctree.findall(nodes.section), None)
    if app.builder.format != "html" or not run or top is None:
        return
    page = PurePosixPath(docname).name
    file = f"{DOWNLOADS}/{page}.ipynb"
    (Path(app.outdir) / DOWNLOADS).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(app.srcdir) / "executed" / f"{page}.ipynb", Path(app.outdir) / file)
    repository = (app.config.html_theme_options or {}).get("repository_url", "")
    command, root = call(page, run["parameters"]), "../" * docname.count("/")
    copy = f"{COPIES}/{page}.ipynb"
    offered = [(root + file, "Download this page as an executed notebook", ", with its outputs")]
    if (Path(app.outdir) / copy).is_file():
        offered += [(root + copy, "Download the student's copy", ", a notebook without solutions")]
    top += nodes.section(
        "",
        nodes.title("", "Rerun this page"),
        nodes.paragraph("", "In a clone of the book, with its environment:"),
        nodes.literal_block(command, command, language="bash"),
        nodes.paragraph("", f"These are the parameters of the run that is shown{_cost(run)}."),
        _provenance(run, commit(Path(app.srcdir)), repository, offered),
        ids=[RERUN],
        classes=["rerun"],
    )


def _cost(run: dict) -> str:
    cost, said = run["cost"], f". It ended on {run['day']}" if run["day"] else ""
    if cost:
        said += f"{' and' if said else '. It'} took {cost['minutes']:.1f} minutes on {cost['cores']} cores"
    if "peak_mib" in cost:  # Windows does not say
        said += f" and {cost['peak_mib'] / 1024:.1f} GiB of memory"
    return said


def _provenance(run: dict, made_of: str, repository: str, offered: list[tuple[str, str, str]]) -> nodes.bullet_list:
    """Models, data, commit and the notebooks to take away; what is not known is left out."""
    items: list[list[nodes.Node]] = []
    if run["models"]:
        items.append([nodes.Text(f"Models: {', '.join(run['models'])}")])
    if run["data"]:
        registry = _linked(REGISTRY, repository and f"{repository}/blob/{made_of[:40] or 'main'}/{REGISTRY}")
        folders = ", ".join(run["data"])
        items.append([nodes.Text(f"Data: {folders}; checksums, licences and sources are in "), registry])
    if made_of:
        shown = made_of[:12] + (" and changes that are not committed" if made_of.endswith("-dirty") else "")
        items.append(
            [nodes.Text("Built from commit "), _linked(shown, repository and f"{repository}/commit/{made_of[:40]}")]
        )
    items += [[_linked(text, file), nodes.Text(rest)] for file, text, rest in offered]
    return nodes.bullet_list("", *(nodes.list_item("", nodes.paragraph("", "", *item)) for item in items))


def _linked(text: str, address: str) -> nodes.Node:
    return nodes.reference("", text, refuri=address, internal=False) if address else nodes.Text(text)


def setup(app: Sphinx) -> dict:
    app.connect("source-read", note_run, priority=2)  # once `executed` has put the run in
    app.connect("doctree-resolved", add_section)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
