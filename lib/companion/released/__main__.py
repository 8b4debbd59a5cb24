"""The paper's printed numbers from the authors' own result files: ``python -m companion.released DIR``.

Figures 2 and 4 and Tables 2 and 3 are computed again and put beside the print; a difference beyond rounding is an
error.
"""

import argparse
import sys

from companion import terminal
from companion.released import recomputed, release
from companion.released.release_files import read


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m companion.released", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", nargs="?", default="", help=f"the release; if not given {release.ENVIRONMENT}")
    parser.add_argument(
        "--fetch", action="store_true", help=f"download it first (4 MB) and keep it in {release.downloaded()}"
    )
    parser.add_argument(
        "--unverified", action="store_true", help="read a folder that the authors' scripts wrote anew: no checksums"
    )
    options = parser.parse_args(arguments)
    try:
        folder = release.fetch() if options.fetch else release.find(options.folder)
        if folder is None:
            raise FileNotFoundError(f"no folder given: name one, set {release.ENVIRONMENT}, or download with --fetch")
        files = read(folder, verify=not options.unverified)
        table = recomputed.recomputed(files)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table.to_string(index=False, max_colwidth=40))
    print(f"\n{recomputed.summary(table).to_string()}")
    off = table[~table["agrees"]]
    if len(off):
        print(f"\n{len(off)} of {len(table)} numbers disagree beyond rounding:\n{off.to_string(index=False)}")
        return 1
    print(f"\nall {len(table)} printed numbers agree within rounding")
    return 0


if __name__ == "__main__":
    terminal.run(main)
