"""Where a notebook's exercises are, and which names a check asks of an answer: read from tags and code."""

import ast
import json

import nbformat

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_OWN_SCOPE = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def assigned(source: str) -> set[str]:
    """The names that a cell gives a value at its top level, those of imports left out."""
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _DEFINITIONS):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, _OWN_SCOPE):
            waiting += ast.iter_child_nodes(node)
    return names


def loaded(source: str) -> list[str]:
    """The names that a cell reads, in the order in which they first stand in it."""
    names = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    return list(dict.fromkeys(n.id for n in sorted(names, key=lambda n: (n.lineno, n.col_offset))))


def imports(source: str) -> list[str]:
    """The import statements at the top level of a cell."""
    return [ast.unparse(node) for node in ast.parse(source).body if isinstance(node, (ast.Import, ast.ImportFrom))]


def answers(solution: str, check: str) -> list[str]:
    """The names that a check reads and only the solution gives a value."""
    return [name for name in loaded(check) if name in assigned(solution) - assigned(check)]


def exercises(notebook: nbformat.NotebookNode) -> list[tuple[int, int]]:
    """Where each solution and its check stand.

    Raises
    ------
    ValueError
        A solution without a check right behind it, a check without a solution, or one that reads nothing of it or
        does not begin by asking for what it reads (`exercise.answered`).
    """
    tags = [set(cell.metadata.get("tags", [])) for cell in notebook.cells]
    found = [i for i, t in enumerate(tags) if "solution" in t]
    checks = [i for i, t in enumerate(tags) if "check" in t]
    if [i + 1 for i in found] != checks:
        raise ValueError(
            f"solutions are cells {found}, checks are cells {checks}; expected each check right behind its solution: "
            "move the cell, or tag it"
        )
    for i, j in zip(found, checks, strict=True):
        if not (names := answers(notebook.cells[i].source, notebook.cells[j].source)):
            raise ValueError(f"the check in cell {j} reads no name that the solution in cell {i} assigns")
        asks = f"exercise.answered(globals(), {', '.join(map(json.dumps, names))})"
        if (first := notebook.cells[j].source.splitlines()[0]) != asks:
            raise ValueError(
                f"the check in cell {j} begins with {first!r}; expected {asks!r}, which asks for its answer"
            )
    return list(zip(found, checks, strict=True))
