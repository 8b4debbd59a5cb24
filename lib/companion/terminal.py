"""Programs end as they should whatever their terminal can show."""

import io
import sys
from collections.abc import Callable
from typing import NoReturn


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a program and leave with its exit status.

    A character that the encoding of the terminal lacks, as ≥ in cp1252 on Windows, is written as an escape: a program
    that has computed for an hour must not end in a `UnicodeEncodeError`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main())
