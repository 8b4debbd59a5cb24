"""``make gpu``: what a few minutes on a borrowed GPU are for, in one command.

It stops itself on time and leaves what it made in a folder. ``--rehearsal`` rehearses it at toy size on a CPU.
"""

import argparse
import os
import sys
import time
from typing import NoReturn

from companion import terminal
from modularity import environment


def main(arguments: list[str] | None = None) -> int:
    """Run or rehearse; returns an exit status."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m companion.gpu", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("out", type=environment.expanded, help="folder for what is made; new, or empty")
    parser.add_argument("--rehearsal", action="store_true", help="at toy size, on the CPU")
    options = parser.parse_args(arguments)
    # Loaded here: processes that score begin by loading this file, and never need torch.
    import torch

    if not options.rehearsal and not torch.cuda.is_available():
        print("error: there is no GPU here; --rehearsal rehearses at toy size on the CPU", file=sys.stderr)
        return 2
    try:
        if options.rehearsal:
            from companion.gpu import rehearsal

            _end(rehearsal.main(options.out))
        from companion.gpu.session import Session
        from companion.gpu.session_plan import Settings

        session = Session(Settings(), options.out, torch.device("cuda"), began)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    session.clock.guard()
    session.run()
    _end(0)


def _end(status: int) -> NoReturn:
    """At once: a step that was interrupted can leave processes half started, for which Python would wait for ever."""
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    terminal.run(main)
