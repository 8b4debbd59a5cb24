"""What the check of an exercise says where its answer is missing, on every page and in every copy of it."""

from collections.abc import Mapping, Sequence


class NoAnswerError(NameError):
    """A check was run before its answer."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the sentence alone, for the place of the error is no news."""
        return [f"{type(self).__name__}: {self}"]


def answered(given: Mapping[str, object], *names: str) -> None:
    """Stop a check, before it computes anything, where one of `names` has no value.

    Parameters
    ----------
    given : of the notebook, as ``globals()``.

    Raises
    ------
    NoAnswerError
        Names what is missing, and says what to do.
    """
    if without := [name for name in names if given.get(name) is None or given[name] is ...]:
        raise NoAnswerError(missing(without))


def missing(names: Sequence[str]) -> str:
    """What is said of names without a value."""
    listed = " and ".join(f"`{name}`" for name in names)
    return (
        f"there is no value of {listed} yet: put your answer into the cell above this check, run that cell, and then "
        "run this one again"
    )
