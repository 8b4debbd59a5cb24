"""A notebook's cell of parameters: what it declares, and the cell behind it that sets other values.

Only text, whole and decimal numbers, true or false, nothing, and lists of these can become code.
"""

import ast
import io
import tokenize
from collections.abc import Mapping
from difflib import get_close_matches

import nbformat

from companion.models import names
from companion.tools.parameter_values import KINDS, Parameter, checked

TAG, INJECTED = "parameters", "injected-parameters"  # papermill's names
MODELS = ("model", "beside", "small", "routed")  # parameters that name models, `SEVERAL` of them any number
SEVERAL = ("beside",)


def declared(notebook: nbformat.NotebookNode) -> dict[str, Parameter]:
    """The parameters of a notebook by name, in their order.

    Raises
    ------
    ValueError
        A line that is no ``NAME: TYPE = LITERAL``, a type that is none of str, int, float and bool, a list of one or
        one or None, or a default of another type.
    """
    cell = next((c.source for c in notebook.cells if TAG in c.metadata.get("tags", [])), "")
    tokens = tokenize.generate_tokens(io.StringIO(cell).readline)
    comments = {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}
    found = {}
    for node in ast.parse(cell).body:
        line = ast.unparse(node)
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
            raise ValueError(f"the cell of parameters has the line {line!r}; expected NAME: TYPE = VALUE")
        kind, many, optional = _annotated(node.annotation, line)
        default = ast.unparse(node.value)
        made = Parameter(node.target.id, kind, many, optional, default, comments.get(node.end_lineno or 0, ""))
        try:
            checked(ast.literal_eval(node.value), made)
        except ValueError as error:
            raise ValueError(f"the cell of parameters has the line {line!r}; expected {made.expected}") from error
        found[made.name] = made
    return found


def _annotated(annotation: ast.expr, line: str) -> tuple[type, bool, bool]:
    match annotation:
        case ast.BinOp(left=inner, op=ast.BitOr(), right=ast.Constant(value=None)):
            kind, many, optional = _annotated(inner, line)
            if not optional:
                return kind, many, True
        case ast.Subscript(value=ast.Name(id="list"), slice=ast.Name(id=name)) if name in KINDS:
            return KINDS[name], True, False
        case ast.Name(id=name) if name in KINDS:
            return KINDS[name], False, False
    raise ValueError(
        f"the cell of parameters has the line {line!r}; expected a type of {', '.join(KINDS)}, a list of one of them, "
        "or one of these | None"
    )


def inject(notebook: nbformat.NotebookNode, values: Mapping[str, object]) -> None:
    """Set `values` in a cell behind the one of parameters; without any, change nothing.

    Nowhere else do values become code. papermill does not set them, because it writes some types unescaped.

    Raises
    ------
    ValueError
        A name that the notebook does not have, or a value that `parameter_values.checked` refuses.
    """
    if not values:
        return
    known = declared(notebook)
    lines = [f"{name} = {checked(value, find(name, known))!r}" for name, value in values.items()]
    place = next(i for i, c in enumerate(notebook.cells) if TAG in c.metadata.get("tags", []))
    cell = nbformat.v4.new_code_cell("\n".join(["# Parameters", *lines]), metadata={"tags": [INJECTED]})
    notebook.cells.insert(place + 1, cell)


def check_models(values: Mapping[str, object]) -> None:
    """Refuse names that no model has: a run would find them only once its kernel has started and read the library.

    Raises
    ------
    ValueError
        As `names.check`.
    """
    for name in values.keys() & set(MODELS):
        text = str(values[name])
        for model in text.split() if name in SEVERAL else [text]:
            names.check(model)


def find(name: str, known: Mapping[str, Parameter]) -> Parameter:
    """The parameter of that name.

    Raises
    ------
    ValueError
        There is none; the message lists those there are.
    """
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    listing = "; ".join(f"{p.name} = {p.default}{p.help and f' # {p.help}'}" for p in known.values())
    raise ValueError(f"no parameter {name!r}{hint}; there are: {listing}")
