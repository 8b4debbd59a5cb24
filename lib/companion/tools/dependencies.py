"""What a section depends on: its code, the library's modules that it imports, and the data that they can read.

All of it is read from the sources; nothing is imported or run.
"""

import ast
import hashlib
import io
import json
import re
import tokenize
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from companion.tools.parameters import INJECTED

LAYOUT = (tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE)
PROSE = (tokenize.COMMENT, tokenize.NL)


def code_cells(notebook: dict) -> list[dict]:
    """The code cells of a notebook as JSON holds it, without one that sets parameters from outside."""
    cells = [c for c in notebook["cells"] if c["cell_type"] == "code"]
    return [c for c in cells if INJECTED not in c["metadata"].get("tags", [])]


def bare(source: str) -> str:
    """A cell's code without comments, blank lines and spacing; what is left decides what it computes and shows.

    The semicolon that keeps a last line from being shown stays. A cell that is not plain Python stays as it is.
    """
    try:
        ast.parse(source)
    except SyntaxError:
        return source
    kept = (t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in PROSE)
    return json.dumps([[t.type, "" if t.type in LAYOUT else t.string] for t in kept])


def same_code(one: list[dict], other: list[dict]) -> bool:
    """Whether two lists of code cells compute the same: cell by cell the same code, whatever their comments say."""
    return [bare("".join(c["source"])) for c in one] == [bare("".join(c["source"])) for c in other]


def program(notebook: Path) -> str:
    """The code of a notebook, cell after cell."""
    cells = code_cells(json.loads(notebook.read_text(encoding="utf-8")))
    return "\n\n".join("".join(c["source"]) for c in cells)


def code_digest(notebook: Path) -> str:
    """A digest of what a notebook computes; its prose, its comments, tags and captions do not enter."""
    cells = code_cells(json.loads(notebook.read_text(encoding="utf-8")))
    return hashlib.sha256("\n".join(bare("".join(c["source"])) for c in cells).encode()).hexdigest()


@cache
def imported(code: str, package: str = "") -> frozenset[str]:
    """The dotted names that a program's import statements can load, those inside functions included.

    ``from a import b`` names both ``a`` and ``a.b``, which may be a module. Relative names are those of `package`.
    """
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                owner = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*owner, base] if base else owner)
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return frozenset(names)


def modules(code: str, library: Path) -> list[Path]:
    """The files below `library` that a program loads, one import leading to another.

    A dotted name loads every package on its way. Modules from elsewhere are left out.
    """
    found: dict[str, Path] = {}
    waiting = sorted(imported(code))
    while waiting:
        name = waiting.pop()
        parent = name.rpartition(".")[0]
        place = library.joinpath(*name.split("."))
        file = next((f for f in (place.with_suffix(".py"), place / "__init__.py") if f.is_file()), None)
        if name in found or file is None:
            waiting += [parent] if parent and parent not in found else []
            continue
        found[name] = file
        package = name if file.name == "__init__.py" else parent
        waiting += [parent] if parent else []
        waiting += imported(file.read_text(encoding="utf-8"), package)
    return sorted(found.values())


def folders(texts: Iterable[str], data: Path) -> list[str]:
    """The folders of `data`, and the YAML files beside them, that programs can read: those that one of them names.

    A file is named as ``corpus/brown.jsonl.xz``, or with parts filled in, as ``corpus/{part}.jsonl.xz``; what is
    alone as ``"corpus"``. A comment that does so counts as well, which errs on the safe side.
    """
    together = "\n".join(texts)
    names = sorted(p.name for p in data.iterdir() if p.is_dir() or p.suffix == ".yml")
    return [name for name in names if re.search(rf"\b{re.escape(name)}/|[\"']{re.escape(name)}[\"']", together)]
