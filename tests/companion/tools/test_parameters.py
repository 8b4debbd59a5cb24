"""What is set in a notebook is a literal of exactly the value that was asked for, of the type that is annotated."""

import datetime
import enum
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_notebook

from companion.tools import parameter_values, parameters

CELL = """
model: str = "t5-mini"  # a name, or a folder
seed: int = -1  # of every draw
alpha: float = 0.001  # a chance
draw: bool = True  # a figure # or none
runs: list[int] = [0, 1]  # of each model
beside: list[str] = []  # models
weights: list[float] = [0.5]  # of the models
layer: int | None = None  # of the encoder
folder: str | None = None  # of a run
only: list[bool] | None = None  # which
"""


def notebook(cell=CELL):
    return new_notebook(cells=[new_code_cell(cell, metadata={"tags": ["parameters"]}), new_code_cell("1")])


KNOWN = parameters.declared(notebook())


def label(value):
    """Of a case, for pytest; some values are too long to be written."""
    return ascii(value[:20]) if isinstance(value, str) else type(value).__name__


def injected(values):
    """What the injected cell assigns, run as the kernel runs it."""
    copy = notebook()
    parameters.inject(copy, values)
    assert [c.metadata.get("tags") for c in copy.cells] == [["parameters"], ["injected-parameters"], None]
    names: dict = {}
    exec(TransformerManager().transform_cell(copy.cells[1].source), {"__builtins__": {}}, names)  # no call is possible
    return names


def test_a_line_of_the_cell_says_type_default_and_help():
    assert [p.name for p in KNOWN.values() if p.optional] == ["layer", "folder", "only"]
    assert [p.name for p in KNOWN.values() if p.many] == ["runs", "beside", "weights", "only"]
    assert [p.kind for p in KNOWN.values()] == [str, int, float, bool, int, str, float, int, str, bool]
    assert KNOWN["draw"].help == "a figure # or none"
    assert KNOWN["seed"].default == "-1"


@pytest.mark.parametrize(
    "line",
    [
        "seed = 3",
        "seed: int",
        "seed: complex = 3j",
        "seed: dict[str, int] = {}",
        "seed: list = []",
        "seed: list[list[int]] = []",
        "seed: int | str = 3",
        "seed: int | None | None = 3",
        "seed: int = '3'",
        "seed: int = 2 + 1",
        "seed: int = True",
        "seed: list[int] = [None]",
        "print(3)",
    ],
)
def test_a_line_that_is_no_typed_literal_is_refused(line):
    with pytest.raises(ValueError, match="the cell of parameters has the line"):
        parameters.declared(notebook(line))


# Values of each type, and how a command line would name them.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(-(2**63) + 1, 2**63 - 1)
DECIMAL = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.fixed_dictionaries(
    {
        "model": TEXT,
        "seed": WHOLE,
        "alpha": DECIMAL,
        "draw": st.booleans(),
        "runs": st.lists(WHOLE),
        "beside": st.lists(TEXT),
        "weights": st.lists(DECIMAL),
        "layer": st.none() | WHOLE,
        "folder": st.none() | TEXT,
        "only": st.none() | st.lists(st.booleans()),
    }
)


@given(VALUES)
def test_what_is_injected_evaluates_to_exactly_the_value(values):
    assert repr(injected(values)) == repr(values)  # types, and the sign of zero


@given(TEXT)
def test_any_text_is_taken_as_it_is(text):
    assert parameter_values.read(text, KNOWN["model"]) == text


@given(WHOLE, DECIMAL)
def test_a_number_is_read_as_python_writes_it(whole, decimal):
    assert parameter_values.read(str(whole), KNOWN["seed"]) == whole
    assert math.copysign(1, parameter_values.read(repr(decimal), KNOWN["alpha"])) == math.copysign(1, decimal)
    assert parameter_values.read(repr(decimal), KNOWN["alpha"]) == decimal


TREACHEROUS = ["1e-4", "no", "on", "010", "12:30", "None", "runs/t5 #2", "a: b", "@x", "!!binary aQ==", "", "~", "*a"]


@pytest.mark.parametrize("text", [*TREACHEROUS, "%%bash\nls", "!ls", "x?", "'\"\\", "'''", "\x00\r\n\u2028", ">>> 1"])
def test_text_keeps_its_end_and_means_nothing_else(text):
    read = parameter_values.read(text, KNOWN["model"])
    assert injected({"model": read}) == {"model": text}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("seed", "010", 10),
        ("seed", "+3", 3),
        ("seed", "-0", 0),
        ("alpha", "1e-4", 1e-4),
        ("alpha", "5E-1", 0.5),
        ("alpha", "1", 1.0),
        ("alpha", ".5", 0.5),
        ("draw", "false", False),
        ("draw", "True", True),
        ("layer", "None", None),
        ("layer", "2", 2),
        ("folder", "None", None),
        ("only", "None", None),
        ("only", "[true, false]", [True, False]),
        ("runs", "[]", []),
        ("runs", "[3, 4]", [3, 4]),
        ("runs", ["3", "4"], [3, 4]),  # as a file of profiles holds it
        ("weights", "[1, 1e-4]", [1.0, 1e-4]),
        ("beside", '["a b", "1"]', ["a b", "1"]),
        ("beside", ["no", "010"], ["no", "010"]),
    ],
)
def test_a_text_is_read_by_the_annotated_type(name, text, value):
    assert repr(parameter_values.read(text, KNOWN[name])) == repr(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(
            ("seed", text)
            for text in ["", "1.0", "1e3", "true", "0x10", "1_000", " 1", "1\n", "١", "12:30", "None", "--1"]
        ),
        *(("seed", text) for text in ["9223372036854775808", "9" * 5000, "!!int 3", "__import__('os')", "2020-01-01"]),
        *(("alpha", text) for text in ["", "nan", "inf", "-.inf", "1e999", "1e", ".", "0,5", "1_0.0", "None", "True"]),
        *(("draw", text) for text in ["", "yes", "on", "1", "0", "TRUE", "None"]),
        *(
            ("runs", text)
            for text in ["1", "1 2", "", "[1.5]", "[true]", "[null]", "[[1]]", "null", "None", "{}", "[NaN]"]
        ),
        *(("runs", text) for text in ["[" * 100_000, f"[{'9' * 5000}]", ["x"], [["1"]], {"a": "1"}, "[1]; import os"]),
        *(("beside", text) for text in ["a", "[1]", '["\\ud800"]', "['a']", None, {}, [None]]),
        *(("weights", text) for text in ["[Infinity]", "[1e999]", '["1"]']),
        *(("model", text) for text in ["\ud800", "a\udcffb", None, 3, ["a"], {"a": "b"}, b"a"]),
        *(("layer", text) for text in ["none", "null", "", "~", "x"]),
    ],
    ids=label,
)
def test_a_text_of_another_type_is_refused_by_name(name, text):
    with pytest.raises(ValueError, match=f"^parameter '{name}': got .{{1,120}} of type .+; expected .+") as raised:
        parameter_values.read(text, KNOWN[name])
    str(raised.value).encode()  # a terminal can show it


class Code(str):
    """Text that is written as something else."""

    def __repr__(self):
        return "__import__('os').getcwd()"

    __str__ = __repr__
    __format__ = lambda self, spec: repr(self)  # noqa: E731


Number = enum.IntEnum("Number", ["ONE"])
NO_VALUES = [b"a", datetime.date(2020, 1, 1), {"a": 1}, {1}, (1,), 1j, ..., len]
NO_VALUES += [Code("a"), Number.ONE, np.float64(1), np.int64(1), np.str_("a")]


@pytest.mark.parametrize("value", NO_VALUES, ids=label)
@pytest.mark.parametrize("name", KNOWN)
def test_no_other_object_reaches_the_kernel(name, value):
    for nested in (value, [value], [[value]]):
        with pytest.raises(ValueError, match=f"^parameter '{name}': got"):
            parameters.inject(notebook(), {name: nested})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", True),
        ("seed", 1.0),
        ("seed", "1"),
        ("seed", None),
        ("seed", 2**63),
        ("seed", 10**5000),
        ("alpha", "1e-4"),
        ("alpha", False),
        ("alpha", math.nan),
        ("alpha", -math.inf),
        ("alpha", 2**53 + 1),
        ("model", 1),
        ("model", None),
        ("model", "\ud800"),
        ("draw", 1),
        ("draw", "true"),
        ("runs", [0, True]),
        ("runs", [10**5000]),
        ("weights", [0.5, math.inf]),
        ("beside", "switch-mini"),
        ("layer", "2"),
        ("folder", 2),
    ],
    ids=label,
)
def test_a_value_of_another_type_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"^parameter '{name}': got .{{1,120}} of type .+; expected .+"):
        parameters.inject(notebook(), {name: value})


def test_a_whole_number_may_stand_for_a_decimal_one():
    assert repr(injected({"alpha": 1, "weights": [1, 0.5]})) == "{'alpha': 1.0, 'weights': [1.0, 0.5]}"


def test_a_refusal_says_what_came_and_what_is_expected():
    with pytest.raises(ValueError, match="of type") as raised:
        parameters.inject(notebook(), {"runs": datetime.date(2020, 1, 1)})
    assert str(raised.value) == (
        "parameter 'runs': got datetime.date(2020, 1, 1) of type datetime.date; "
        "expected a list as in JSON, each item a whole number of at most 64 bits, such as 3"
    )


def test_a_name_that_is_not_declared_is_refused_whatever_it_is():
    for name in ("sed", "__import__('os')\nseed", ""):
        with pytest.raises(ValueError, match=r"^no parameter .*; there are: model = 't5-mini' # a name, or a folder; "):
            parameters.inject(notebook(), {name: 1})


def test_without_values_nothing_is_injected():
    copy = notebook()
    parameters.inject(copy, {})
    assert len(copy.cells) == 2


def test_models_are_looked_for_by_name(tmp_path):
    folder = tmp_path / "a model"
    folder.mkdir()
    commit = f"owner/name@{'0f' * 20}"
    parameters.check_models({"model": str(folder), "beside": f"  t5-mini {commit}", "small": "roberta-base", "seed": 1})
    parameters.check_models({"beside": ""})
    for values, unknown in (
        ({"model": "t5-mini switch-mini"}, "t5-mini switch-mini"),
        ({"beside": f"t5-mini {folder}"}, "/a"),
        ({"routed": ""}, ""),
        ({"model": commit[:-1]}, commit[:-1]),
    ):
        with pytest.raises(ValueError, match=f"unknown model .*{unknown}'; known: t5-mini, .* or the path of an exist"):
            parameters.check_models(values)
