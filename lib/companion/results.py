"""Make what takes long and is shipped: ``python -m companion.results``, or only what is named.

It may be stopped at any moment and goes on where it was: each cell is stored once computed.
"""

import argparse
import sys
from collections.abc import Mapping

from companion import terminal
from companion.choices.audit import Audit
from companion.claims.released_answers import Released
from companion.experiments import (
    emergence_order,
    encoder_shipped,
    example,
    experiment,
    function_counts,
    histories,
    partitions,
    shipped_readings,
    variants,
)
from companion.experiments.experiment import Experiment, UnavailableError
from companion.experiments.grids import Grid
from companion.explorer.data import Cards

GRIDS = (Grid("t5"), Grid("switch"), Grid("switch", track="learnable"))
OTHERS = (example.SHIPPED, Cards(), *GRIDS, Audit(), Released())
EXPERIMENTS: dict[str, Experiment] = {
    e.name: e
    for e in (
        *shipped_readings.SHIPPED.values(),
        *partitions.SHIPPED.values(),
        *variants.SHIPPED.values(),
        *function_counts.SHIPPED.values(),
        *emergence_order.SHIPPED.values(),
        *OTHERS,
        *histories.SHIPPED.values(),
        *encoder_shipped.SHIPPED.values(),
    )
}


def main(arguments: list[str] | None = None, known: Mapping[str, Experiment] = EXPERIMENTS) -> int:
    parser = argparse.ArgumentParser(prog="python -m companion.results", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("only", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; all if not given")
    parser.add_argument("--workers", type=int, help="processes; one a core if not given")
    parser.add_argument("--scheduler", help="address of a Dask scheduler whose workers compute instead")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.only if name not in known]:
        parser.error(f"unknown experiment {unknown[0]!r}; known: {', '.join(known)}")
    left: list[str] = []
    try:
        for name in options.only or known:
            try:
                path = experiment.write(known[name], workers=options.workers, scheduler=options.scheduler)
            except UnavailableError:
                if options.only:
                    raise
                left.append(name)
            else:
                print(f"{path}: {path.stat().st_size / 2**20:.2f} MiB")
    except (OSError, ValueError, ModuleNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if left:
        print(f"left as shipped, because what they are made from is not here: {', '.join(left)}; name one to see what")
    return 0


if __name__ == "__main__":
    terminal.run(main)
