"""What may be set in a notebook: its cell of parameters, and how a value becomes a line of code.

The text of a command line or a file of profiles is read by the type that the notebook annotates, and by nothing else.
Only text, whole and decimal numbers, true or false, nothing, and lists of these can become code.
"""

import ast
import io
import json
import math
import re
import reprlib
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import nbformat

Plain = str | int | float | bool | None
Value = Plain | list[Plain]

TAG, INJECTED = "parameters", "injected-parameters"  # papermill's names
EXPECTED = {
    str: "text",
    int: "a whole number of at most 64 bits, such as 3",
    float: "a finite decimal number, such as 0.5 or 1e-4",
    bool: "true or false",
}
KINDS = {kind.__name__: kind for kind in EXPECTED}
WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
SURROGATE = re.compile("[\ud800-\udfff]")
TRUTH = {"true": True, "True": True, "false": False, "False": False}


@dataclass(frozen=True)
class Parameter:
    """A line of the cell of parameters, as ``seeds: list[int] = [0, 1]  # of the runs``.

    `kind` is the type of the value, or of each item if `many`; `optional` ones may be None. `default` is as written.
    """

    name: str
    kind: type
    many: bool
    optional: bool
    default: str
    help: str

    @property
    def expected(self) -> str:
        """In words, for messages."""
        wanted = f"a list as in JSON, each item {EXPECTED[self.kind]}" if self.many else EXPECTED[self.kind]
        return f"{wanted}; or None" if self.optional else wanted

    def refusal(self, came: object) -> ValueError:
        kind = type(came)
        owner = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        shown = _Short().repr(came)
        return ValueError(
            f"parameter {self.name!r}: got {shown} of type {owner}{kind.__qualname__}; expected {self.expected}"
        )


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


def read(given: object, parameter: Parameter) -> Value:
    """The value that a text stands for, by the type of the parameter: ``1e-4``, ``true``, ``[1, 2]``, ``runs/t5 #2``.

    A parameter of type str takes any text as it is; a list is written as in JSON, or `given` is a list of texts.

    Raises
    ------
    ValueError
        Names the parameter, what came, and what is expected.
    """
    if given == "None" and parameter.optional:
        return None
    if not parameter.many:
        return _read(given, parameter)
    if isinstance(given, list):
        return [_read(item, parameter) for item in given]
    try:
        value = json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError):  # no JSON, a number of too many digits, or nested beyond measure
        value = given
    return checked(value, parameter)


def _read(text: object, parameter: Parameter) -> Plain:
    kind = parameter.kind
    if isinstance(text, str):
        if kind is str:
            return _checked(text, parameter)
        if kind is bool and text in TRUTH:
            return TRUTH[text]
        if kind is int and WHOLE.fullmatch(text):
            return _checked(int(text), parameter)
        if kind is float and DECIMAL.fullmatch(text):
            return _checked(float(text), parameter)
    raise parameter.refusal(text)


def checked(value: object, parameter: Parameter) -> Value:
    """A value from Python, which has to be of the parameter's type; a whole number may stand for a decimal one.

    Raises
    ------
    ValueError
        Names the parameter, what came, and what is expected. A type of numpy's, or a class made from str, is
        another type: only what Python writes as a literal of exactly this value is taken.
    """
    if value is None and parameter.optional:
        return None
    if not parameter.many:
        return _checked(value, parameter)
    if type(value) is not list:
        raise parameter.refusal(value)
    return [_checked(item, parameter) for item in value]


def _checked(value: object, parameter: Parameter) -> Plain:
    if type(value) is int and parameter.kind is float and abs(value) <= 2**53:
        return float(value)
    fits = type(value) is parameter.kind
    if type(value) is int:
        fits = fits and value.bit_length() < 64
    elif type(value) is float:
        fits = fits and math.isfinite(value)
    elif type(value) is str:  # half a character can be in no file of Unicode text
        fits = fits and not SURROGATE.search(value)
    if not fits:
        raise parameter.refusal(value)
    return value  # pyright: ignore[reportReturnType]


class _Short(reprlib.Repr):
    """Python's short form of a value; a whole number may have more digits than Python agrees to write."""

    maxstring = maxother = 80

    def repr_int(self, x: int, level: int) -> str:
        return repr(x) if x.bit_length() <= 64 else f"<a whole number of {x.bit_length()} bits>"


def inject(notebook: nbformat.NotebookNode, values: Mapping[str, object]) -> None:
    """Set `values` in a cell behind the one of parameters; without any, change nothing.

    Nowhere else do values become code. papermill does not set them, because it writes some types unescaped.

    Raises
    ------
    ValueError
        A name that the notebook does not have, or a value that `checked` refuses.
    """
    if not values:
        return
    known = declared(notebook)
    lines = [f"{name} = {checked(value, find(name, known))!r}" for name, value in values.items()]
    place = next(i for i, c in enumerate(notebook.cells) if TAG in c.metadata.get("tags", []))
    cell = nbformat.v4.new_code_cell("\n".join(["# Parameters", *lines]), metadata={"tags": [INJECTED]})
    notebook.cells.insert(place + 1, cell)


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
