"""``make gpu``: what a few minutes on a borrowed GPU are for, in one command.

It stops itself on time and leaves what it made in the folder that ``OUT`` names. ``GPU_REHEARSAL=1`` rehearses it at
toy size on a CPU.
"""

import os
import sys
import time
from collections.abc import Mapping
from typing import NoReturn

from modularity import environment

OUT = "OUT"
REHEARSAL = "GPU_REHEARSAL"


def main(variables: Mapping[str, str] = os.environ) -> int:
    """Run or rehearse; returns an exit status."""
    began = time.monotonic()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the processes that score: there is one a core
    # Loaded here: processes that score begin by loading this file, and never need torch.
    import torch

    toy = variables.get(REHEARSAL, "") not in ("", "0")
    if not variables.get(OUT):
        print(f"error: {OUT} names no folder for what is made", file=sys.stderr)
        return 2
    if not toy and not torch.cuda.is_available():
        print(f"error: there is no GPU here; {REHEARSAL}=1 rehearses at toy size on the CPU", file=sys.stderr)
        return 2
    path = environment.expanded(variables[OUT], OUT)
    try:
        if toy:
            from modularity import gpu_rehearsal

            _end(gpu_rehearsal.main(path))
        from modularity import gpu_session

        session = gpu_session.Session(gpu_session.Settings(), path, torch.device("cuda"), began)
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
    sys.exit(main())
