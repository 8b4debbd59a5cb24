"""Run one section with papermill: ``python -m companion.rerun 04_specialization -p seed 1``.

Papermill itself only warns about a parameter that a notebook does not have, and writes some values as code; here both
are errors (`parameters`). The output appears under its name once the whole notebook has run, so a file that is there
is complete.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import nbformat
import yaml

from companion import terminal
from companion.tools import NOTEBOOKS, parameter_values
from companion.tools import parameters as cells
from companion.tools.parameter_values import Value
from modularity import environment

try:
    import resource
except ImportError:  # Windows has no such module
    resource = None

PROFILES = "profiles.yml"


def source(notebook: str, folder: Path = NOTEBOOKS) -> nbformat.NotebookNode:
    """The notebook of that name in a folder, by default as it is committed.

    Raises
    ------
    ValueError
        There is none; the message lists those there are.
    """
    known = sorted(p.stem for p in folder.glob("*.ipynb"))
    if notebook not in known:
        raise ValueError(f"unknown notebook {notebook!r}; known: {', '.join(known)}")
    return nbformat.read(folder / f"{notebook}.ipynb", 4)


def read(given: Mapping[str, object], notebook: str, folder: Path = NOTEBOOKS) -> dict[str, Value]:
    """Texts as the values of a notebook's parameters, each by the type that the notebook annotates.

    Raises
    ------
    ValueError
        An unknown notebook or parameter, or a text that is no value of the parameter's type.
    """
    known = cells.declared(source(notebook, folder))
    return {name: parameter_values.read(text, cells.find(name, known)) for name, text in given.items()}


def profile(name: str, notebook: str, folder: Path = NOTEBOOKS) -> dict[str, Value]:
    """The parameters that a profile gives a notebook, of ``profiles.yml`` in the folder of both.

    Everything in that file is text, which is read like that of a command line: YAML makes 8 of ``010``, and text of
    ``1e-4``.

    Raises
    ------
    ValueError
        An unknown profile, or one that does not name the notebook; a file that is no YAML, or has tags; else as `read`.
    """
    path = folder / PROFILES
    text = path.read_text(encoding="utf-8")
    try:
        if tags := [event.tag for event in yaml.parse(text) if getattr(event, "tag", None)]:
            raise ValueError(f"{path} has the tag {tags[0]}; expected plain values, without tags")
        known = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if name not in known:
        raise ValueError(f"unknown profile {name!r}; known: {', '.join(known)}")
    if notebook not in known[name]:
        raise ValueError(f"profile {name!r} does not name {notebook!r}; it has: {', '.join(known[name])}")
    return read(known[name][notebook], notebook, folder)


def rerun(
    notebook: str,
    output: str | Path,
    parameters: Mapping[str, object],
    *,
    progress: bool = True,
    folder: Path = NOTEBOOKS,
) -> Path:
    """Execute a notebook of `folder` with `parameters` into `output`, in the Python that runs this.

    With `progress` a bar counts cells, and those of the cells themselves are shown as they move, with their warnings.
    What the run cost is in the metadata of `output`, under ``cost``: minutes, MiB of the largest process (not on
    Windows), and the cores of the machine.

    Raises
    ------
    ValueError
        An unknown notebook, parameter or model, a value of another type than the notebook annotates, or an output
        inside `folder`.
    papermill.PapermillExecutionError
        A cell failed; the notebook as far as it came is left beside `output`, ending in ``.failed.ipynb``.
    """
    output = environment.expanded(output)
    prepared = source(notebook, folder)
    cells.inject(prepared, parameters)
    cells.check_models(parameters)
    if folder.resolve() in output.resolve().parents:
        raise ValueError(f"the output {output} lies beside the sources and would be taken for one; name another folder")
    import papermill

    from companion.tools.kernel import OwnKernel

    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_suffix(".failed.ipynb")
    nbformat.write(prepared, temporary)
    path = str(temporary).replace("{", "{{").replace("}", "}}")  # papermill takes paths for templates
    bars = sys.stderr if progress else None  # of what takes long in a cell
    kernel = {"kernel_name": "python3", "kernel_manager_class": OwnKernel}
    papermill.execute_notebook(path, path, progress_bar=progress, stderr_file=bars, **kernel)
    done = nbformat.read(temporary, 4)
    paths = {"input_path": f"{notebook}.ipynb", "output_path": output.name}
    done.metadata["papermill"] |= {"parameters": dict(parameters), **paths}
    done.metadata["cost"] = {"minutes": round(done.metadata["papermill"]["duration"] / 60, 2)}
    if resource:  # The most that a process of this one's children held: the kernel, unless others ran before it.
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        done.metadata["cost"]["peak_mib"] = round(peak)
    done.metadata["cost"] |= {"cores": os.cpu_count()}
    with_its_numbers(done, notebook, parameters)
    nbformat.write(done, temporary)
    os.replace(temporary, output)
    return output


def with_its_numbers(done: nbformat.NotebookNode, page: str, parameters: Mapping[str, object]) -> None:
    """Write the numbers and verdicts of a run into its prose, which any notebook program then shows.

    What a page quotes of another one is as it was published; what this run has no value for is left open. Prose that
    has no plain form stays as it is: a run of hours is not lost for it.
    """
    from companion import glued
    from companion.tools import plain_markdown
    from companion.tools.whole_book import whole_book

    others = {key: value for key, value in glued.published().items() if key.partition("::")[0] != page}
    book = whole_book(others | glued.of_notebook(done, page))
    for cell in (cell for cell in done.cells if cell.cell_type == "markdown"):
        with contextlib.suppress(ValueError):
            cell.source = plain_markdown.convert(cell.source, page, book)
    if parameters and done.cells[0].cell_type == "markdown":
        given = ", ".join(f"`{name} = {value!r}`" for name, value in parameters.items())
        done.cells[0].source += (
            f"\n\n> **Of this run: {given}.** Figures, numbers and verdicts are of this run. A sentence that names "
            "other models or sizes is of the run that the book publishes."
        )


def main(arguments: list[str] | None = None, folder: Path = NOTEBOOKS) -> int:
    parser = argparse.ArgumentParser(prog="python -m companion.rerun", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("notebook", help="for instance 04_specialization")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), dest="parameters")
    parser.add_argument("--profile", help="parameters from notebooks/profiles.yml: mini, smoke or paper; -p wins")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bars, as where several are run at once")
    parser.add_argument(
        "-o", "--output", type=environment.expanded, help="default: executed/<notebook>.<profile or rerun>.ipynb"
    )
    options = parser.parse_args(arguments)
    output = options.output or folder.parent / "executed" / f"{options.notebook}.{options.profile or 'rerun'}.ipynb"
    try:
        values = profile(options.profile, options.notebook, folder) if options.profile else {}
        values |= read(dict(options.parameters), options.notebook, folder)
        print(rerun(options.notebook, output, values, progress=not options.quiet, folder=folder))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    terminal.run(main)
