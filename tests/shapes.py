"""What tests check at every call of a function of ours: its arrays have the types and shapes that it names."""

import importlib.util
from collections.abc import Callable
from inspect import isclass
from types import ModuleType
from typing import Any, get_args

import jaxtyping
from beartype import beartype


def arrays(function: Callable) -> Callable:
    """`function` with its arrays checked; the other annotations are for pyright.

    Tests hand over other words and types on purpose, to see how they are refused.
    """
    function.__annotations__ = {name: a for name, a in function.__annotations__.items() if has_arrays(a)}
    return beartype(function)


def has_arrays(annotation: Any) -> bool:
    return (isclass(annotation) and issubclass(annotation, jaxtyping.AbstractArray)) or any(
        has_arrays(part) for part in get_args(annotation)
    )


def as_loaded(module: ModuleType) -> ModuleType:
    """The module once more as programs load it: checks add calls, by which a warning names another line."""
    spec = importlib.util.spec_from_file_location(module.__name__, module.__file__)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made
