"""The checks of the exercises that ask for a function: they take the book's own, and turn down those that are wrong.

Only the check's cell runs, with what the imports of its page bring and stand-ins for what else it reads of the page.
"""

import ast
import re
from itertools import combinations
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from places import ROOT
from scipy import stats
from wrong_solutions import WRONG

from companion.tools import exercise, exercise_cells

IMPORTED = {"np": np, "pd": pd, "torch": torch, "stats": stats, "combinations": combinations, "exercise": exercise}


def naive_ap(labels, a):
    return np.mean([labels[a >= threshold].mean() for threshold in a[labels == 1]])


def stand_ins() -> dict[str, object]:
    """What checks read of their pages besides imports: a naive version, and one layer's W_O."""
    return {"naive_ap": naive_ap, "part": SimpleNamespace(w_out=[torch.nn.Linear(80, 6, bias=False)])}


def implementing() -> dict[str, tuple[str, str, str]]:
    """Exercise → its text, solution and check, of those whose solution defines a function."""
    found = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, 4).cells
        for i, j in exercise_cells.exercises(nbformat.read(path, 4)):
            text = cells[i - 1].source
            text = text[text.rindex("```{exercise}") :]
            label = re.findall(r"^:label: (\S+)$", text, re.MULTILINE)[0]
            if any(isinstance(node, ast.FunctionDef) for node in ast.parse(cells[i].source).body):
                found[label] = text, cells[i].source, cells[j].source
    return found


EXERCISES = implementing()


def run(solution: str, check: str) -> None:
    space = IMPORTED | stand_ins()
    exec(solution, space)
    exec(check, space)


def test_wrong_solutions_are_known_for_every_implementing_exercise():
    assert set(WRONG) == set(EXERCISES)
    assert all(len(tries) >= 2 for tries in WRONG.values())


@pytest.mark.parametrize("label", EXERCISES)
def test_the_books_own_solution_passes(label):
    _, solution, check = EXERCISES[label]
    run(solution, check)


@pytest.mark.parametrize(
    ("label", "solution", "message"), [(label, *wrong) for label, tries in WRONG.items() for wrong in tries]
)
def test_a_wrong_solution_is_refused_for_what_is_wrong(label, solution, message):
    with pytest.raises(AssertionError, match=re.escape(message)):
        run(solution, EXERCISES[label][2])


@pytest.mark.parametrize("label", EXERCISES)
def test_every_assert_says_what_is_wrong(label):
    asserts = [node for node in ast.walk(ast.parse(EXERCISES[label][2])) if isinstance(node, ast.Assert)]
    assert len(asserts) >= 4
    assert all(node.msg is not None for node in asserts)


@pytest.mark.parametrize("label", EXERCISES)
def test_the_function_is_specified_with_its_arguments_and_an_example(label):
    text, solution, _ = EXERCISES[label]
    (defined,) = [node for node in ast.parse(solution).body if isinstance(node, ast.FunctionDef)]
    arguments = [a.arg for a in defined.args.args]
    assert f"`{defined.name}({', '.join(arguments)})`" in text
    assert all(re.search(rf"^- .*`{a}`", text, re.MULTILINE) for a in arguments)
    assert re.search(r"^- It returns ", text, re.MULTILINE)
    assert re.search(r"^Example: .*\d", text, re.MULTILINE)
