"""Run one section with papermill: ``python -m modularity.rerun 04_specialization -p seed 1``.

Papermill itself only warns about a parameter that a notebook does not have; here it is an error. The
output appears under its name once the whole notebook has run, so a file that is there is complete.
"""

import argparse
import os
import resource
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import nbformat
import yaml

from modularity import store

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PROFILES = "profiles.yml"


def profile(name: str, notebook: str) -> dict[str, object]:
    """The parameters that a profile of ``notebooks/profiles.yml`` gives a notebook.

    Raises
    ------
    ValueError
        An unknown profile, or one that does not name the notebook.
    """
    known = yaml.safe_load((NOTEBOOKS / PROFILES).read_text(encoding="utf-8"))
    if name not in known:
        raise ValueError(f"unknown profile {name!r}; known: {', '.join(known)}")
    if notebook not in known[name]:
        raise ValueError(f"profile {name!r} does not name {notebook!r}; it has: {', '.join(known[name])}")
    return dict(known[name][notebook])


def rerun(notebook: str, output: Path, parameters: Mapping[str, object], *, progress: bool = True) -> Path:
    """Execute ``notebooks/<notebook>.ipynb`` with `parameters` into `output`.

    What the run cost is in the metadata of `output`, under ``cost``: minutes, MiB of the largest process, cores,
    and how many results were computed and stored for want of stored ones.

    Raises
    ------
    ValueError
        An unknown notebook or parameter, or an output inside ``notebooks/``.
    papermill.PapermillExecutionError
        A cell failed; the notebook as far as it came is left beside `output`, ending in ``.failed.ipynb``.
    """
    import papermill

    known_notebooks = sorted(p.stem for p in NOTEBOOKS.glob("*.ipynb"))
    if notebook not in known_notebooks:
        raise ValueError(f"unknown notebook {notebook!r}; known: {', '.join(known_notebooks)}")
    source = NOTEBOOKS / f"{notebook}.ipynb"
    if output.resolve().parent == NOTEBOOKS.resolve():
        raise ValueError(f"the output {output} lies beside the sources and would be taken for one; name another folder")
    known = papermill.inspect_notebook(str(source))
    for name in parameters:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            listing = "; ".join(
                f"{k} = {v['default']} {('# ' + v['help']) if v['help'] else ''}".strip() for k, v in known.items()
            )
            raise ValueError(f"{notebook} has no parameter {name!r}{hint}; it has: {listing}")
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_suffix(".failed.ipynb")
    stored = set(store.folder().glob("*"))
    papermill.execute_notebook(
        str(source), str(temporary), dict(parameters), progress_bar=progress, kernel_name="python3"
    )
    done = nbformat.read(temporary, 4)
    # The most that a process of this one's children held, which is the kernel unless others ran before it.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    done.metadata["cost"] = {
        "minutes": round(done.metadata["papermill"]["duration"] / 60, 2),
        "peak_mib": round(peak),
        "cores": os.cpu_count(),
        "computed": len(set(store.folder().glob("*")) - stored),
    }
    nbformat.write(done, temporary)
    os.replace(temporary, output)
    return output


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m modularity.rerun", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("notebook", help="for instance 04_specialization")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), dest="parameters")
    parser.add_argument("--profile", help="parameters from notebooks/profiles.yml: mini, smoke or paper; -p wins")
    parser.add_argument("-o", "--output", type=Path, help="default: executed/<notebook>.<profile or rerun>.ipynb")
    options = parser.parse_args(arguments)
    output = options.output or (
        NOTEBOOKS.parent / "executed" / f"{options.notebook}.{options.profile or 'rerun'}.ipynb"
    )
    try:
        parameters = profile(options.profile, options.notebook) if options.profile else {}
        parameters |= {k: yaml.safe_load(v) if v else v for k, v in options.parameters}
        print(rerun(options.notebook, output, parameters))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
