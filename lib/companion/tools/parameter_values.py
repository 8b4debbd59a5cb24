"""The type of a notebook's parameter, and which values are of it: what a text stands for, what Python may pass.

The text of a command line or a file of profiles is read by the type that the notebook annotates, and by nothing else.
"""

import json
import math
import re
import reprlib
from dataclasses import dataclass

Plain = str | int | float | bool | None
Value = Plain | list[Plain]

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
