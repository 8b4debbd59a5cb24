"""What depends on what: `doit list` names the tasks, `doit book` does what is out of date."""

from pathlib import Path

from doit.tools import config_changed

from modularity import release

ROOT = Path(__file__).parent
NOTEBOOKS = sorted(p.stem for p in (ROOT / "notebooks").glob("*.ipynb"))


def files(folder: str, without: str = "__pycache__") -> list[str]:
    """All files below a folder, as paths from here; a clone may itself lie in a folder named `without`."""
    paths = (p.relative_to(ROOT) for p in sorted((ROOT / folder).rglob("*")) if p.is_file())
    return [str(p) for p in paths if without not in p.parts]


LIBRARY = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "lib/modularity").glob("*.py"))]
RELEASED = "A_released"
CLAIMS = "data/claims.yml"  # read by the ledger's page, by no section
DATA = files("data", without="build")
DATA.remove(CLAIMS)
EXPLORER = "executed/explorer/index.js"  # written last, with the digests of the files beside it
PAGES = [*files("book"), "_config.yml", "_toc.yml"]

DOIT_CONFIG = {"default_tasks": ["book"], "verbosity": 2, "dep_file": ".doit.db"}


def task_section():
    """execute each section with papermill into executed/"""
    for name in NOTEBOOKS:
        yield {
            "name": name,
            "file_dep": [f"notebooks/{name}.ipynb", *LIBRARY, *DATA],
            "targets": [f"executed/{name}.ipynb"],
            "actions": [f"python -m modularity.rerun {name} -o executed/{name}.ipynb"],
            # Run again once the authors' files are there, or are others.
            "uptodate": [config_changed(str(release.find()))] if name == RELEASED else [],
        }


def task_explorer():
    """make the data of the page that shows neurons and experts one by one"""
    return {
        "file_dep": [*LIBRARY, *DATA],
        "targets": [EXPLORER],
        "actions": [f"python -m modularity.explorer -o {Path(EXPLORER).parent}"],
    }


def task_book():
    """build the book into _build/html"""
    return {
        # In this order, whoever asks; the explorer behind the sections, which store the scores it reads.
        "task_dep": [*(f"section:{n}" for n in NOTEBOOKS), "explorer"],
        "file_dep": [
            *PAGES,
            CLAIMS,
            *(f"notebooks/{n}.ipynb" for n in NOTEBOOKS),
            *(f"executed/{n}.ipynb" for n in NOTEBOOKS),
            *LIBRARY,  # the reference quotes its docstrings
            EXPLORER,
        ],
        "targets": ["_build/html/index.html"],
        "actions": ["jupyter-book build . -W -n --keep-going"],
    }
