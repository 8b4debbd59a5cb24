"""Copy the finished runs of `make pretrain` to data/models, as they are shipped: final weights, recipe and log.

Run `python data/build/models.py` from the repository root, then `registry.py`. Runs that have not ended are left out;
what was shipped before stays.
"""

import lzma
import os
import shutil
from pathlib import Path

from companion.models import catalogue

OUT = Path(__file__).parents[1] / "models"
FILES = ("config.json", "generation_config.json", catalogue.RECIPE, catalogue.WEIGHTS)


def ship(run: Path, target: Path) -> None:
    """`run`'s final model and log as the folder `target`, there as a whole or not at all."""
    temporary = target.with_suffix(".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(run / "final" / name, temporary / name)
    (temporary / "log.jsonl.xz").write_bytes(lzma.compress((run / "log.jsonl").read_bytes()))
    shutil.rmtree(target, ignore_errors=True)
    os.replace(temporary, target)


def main() -> None:
    for name in catalogue.MINI:
        for run in sorted((catalogue.runs_folder() / name).glob("seed-*")):
            if (run / "final").is_dir():
                ship(run, OUT / name / run.name)
                print(
                    f"{name} {run.name}: {(OUT / name / run.name / catalogue.WEIGHTS).stat().st_size / 2**20:.1f} MiB"
                )
            else:
                print(f"{name} {run.name}: not finished, left out")


if __name__ == "__main__":
    main()
