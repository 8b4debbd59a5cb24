"""Paths as people write them, in environment variables and in arguments: ``~`` is a home folder, as in a shell."""

import os
import sys
from pathlib import Path


def expanded(path: str | os.PathLike[str], origin: str = "the path") -> Path:
    """`path` with a leading ``~`` or ``~user`` replaced by that user's home folder.

    Parameters
    ----------
    origin : who wrote the path, for the error message.

    Raises
    ------
    ValueError
        This machine has no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ValueError(
            f"{origin} {os.fspath(path)!r}, whose home folder cannot be found ({error}); write it out in full"
        ) from error


def named(variable: str) -> Path | None:
    """The path that an environment variable holds; None if it is not set, or empty."""
    value = os.environ.get(variable)
    return expanded(value, f"the environment variable {variable} is set to") if value else None


def user_cache() -> Path:
    """The folder for what can be computed again, as this system has it for each user."""
    home = expanded("~", "the home folder")
    if sys.platform == "darwin":
        return home / "Library/Caches"
    if sys.platform == "win32":
        return named("LOCALAPPDATA") or home / "AppData/Local"
    return named("XDG_CACHE_HOME") or home / ".cache"
