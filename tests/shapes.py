"""What tests check at every call of a function of ours: its arrays have the types and shapes that it names."""

from collections.abc import Callable
from inspect import isclass
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
