"""What depends on what: `doit list` names the tasks, `doit book` does what is out of date."""

import shutil
import subprocess
from pathlib import Path

from doit.tools import config_changed

from companion.released import release
from companion.tools import dependencies

ROOT = Path(__file__).parent
NOTEBOOKS = sorted(p.stem for p in (ROOT / "notebooks").glob("*.ipynb"))
RELEASED = "A_released"
CLAIMS = "data/claims.yml"
EXPLORER = "executed/explorer/index.js"  # written last, with the digests of the files beside it

DOIT_CONFIG = {"default_tasks": ["book"], "verbosity": 2, "dep_file": ".doit.db"}


def files(folder: str) -> list[str]:
    """All files below a folder, or the file itself; a clone may lie in a folder called ``__pycache__``."""
    paths = (p.relative_to(ROOT) for p in sorted([ROOT / folder, *(ROOT / folder).rglob("*")]) if p.is_file())
    return [str(p) for p in paths if "__pycache__" not in p.parts]


def needs(program: str) -> tuple[list[str], list[str]]:
    """What a program can load or read: files, and what the registry says of its data.

    Not the registry itself, of which every change of any file of data changes a line.
    """
    modules = [str(p.relative_to(ROOT)) for p in dependencies.modules(program, ROOT / "lib")]
    texts = [program, *((ROOT / m).read_text(encoding="utf-8") for m in modules)]
    # What is in build/ makes data; claims are read to judge what sections have made.
    folders = [f for f in dependencies.folders(texts, ROOT / "data") if f not in ("build", Path(CLAIMS).name)]
    lines = (ROOT / "data/registry.txt").read_text(encoding="utf-8").splitlines()
    known = [line for line in lines if line.partition("/")[0] in folders]
    # Nothing reads a card.
    data = [f for folder in folders for f in files(f"data/{folder}") if not f.endswith("README.md")]
    return [*modules, *data], known


def task_section():
    """execute each section with papermill into executed/"""
    for name in NOTEBOOKS:
        notebook = ROOT / f"notebooks/{name}.ipynb"
        reads, known = needs(f"{dependencies.program(notebook)}\n\nimport companion.rerun")
        decides = {"code": dependencies.code_digest(notebook), "registry": known}  # prose does not
        if name == RELEASED:  # run again once the authors' files are there, or are others
            decides["released"] = str(release.find())
        yield {
            "name": name,
            "file_dep": reads,
            "targets": [f"executed/{name}.ipynb"],
            "actions": [f"python -m companion.rerun {name} --quiet -o executed/{name}.ipynb"],
            "uptodate": [config_changed(decides)],
        }


def task_explorer():
    """make the data of the page that shows neurons and experts one by one"""
    reads, known = needs("import companion.explorer.pages")
    return {
        "file_dep": reads,
        "targets": [EXPLORER],
        "actions": [f"python -m companion.explorer -o {Path(EXPLORER).parent}"],
        "uptodate": [config_changed({"registry": known})],
    }


def build(changed: list[str]) -> bool:
    """Run Sphinx, which reads what has changed; it does not see that its extensions have.

    A warning is an error, and Sphinx warns of a page once, when it reads it: after an error it starts afresh.
    """
    afresh = ["--all"] if any(f.startswith("book/_ext/") for f in changed) else []
    command = ["jupyter-book", "build", ".", "-W", "-n", "--keep-going", *afresh]
    built = subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    if not built:
        shutil.rmtree(ROOT / "_build/.doctrees", ignore_errors=True)
    return built


def task_book():
    """build the book into _build/html"""
    return {
        "task_dep": [*(f"section:{n}" for n in NOTEBOOKS), "explorer"],
        "file_dep": [
            *files("book"),
            "_config.yml",
            "_toc.yml",
            CLAIMS,
            *(f"notebooks/{n}.ipynb" for n in NOTEBOOKS),
            *(f"executed/{n}.ipynb" for n in NOTEBOOKS),
            *(f for f in files("lib") if f.endswith(".py")),  # the reference quotes its docstrings
            EXPLORER,
        ],
        "targets": ["_build/html/index.html"],
        "actions": [build],
    }
