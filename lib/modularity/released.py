"""The paper's numbers from the authors' own result files: ``python -m modularity.released DIR``.

Figures 2 and 4 and Tables 2 and 3 are computed again and put beside the print; a difference beyond rounding is an
error. The answers to further questions (`released_questions`) are shipped, so that they can be read without the files.
"""

import argparse
import json
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from modularity import evidence_released, release, released_audit, released_questions, released_report, sources
from modularity.release_files import Release, read

SHIPPED = "results/released.json"
Answers = dict[str, pd.DataFrame]


def answers(files: Release, *, seed: int = 0) -> Answers:
    """Every table of the section, by name.

    Parameters
    ----------
    seed : of permutations and bootstrap draws.
    """
    questions = released_questions
    variance = [
        questions.variance_explained(files.predictivity, groups, seed=seed) for groups in files.partitions.values()
    ]
    return {
        "recomputed": released_report.recomputed(files),
        "variance": pd.concat(variance, ignore_index=True),
        "refinement": questions.refinement(files.partitions[96], files.partitions[16], seed=seed),
        "perturbed": questions.all_numbers(files),
        "against": questions.against(files),
        "paired": questions.paired(files),
        "curves": questions.curves(files),
        "stabilised": questions.stabilised(files, seed=seed),
        "by_task": evidence_released.by_task(files),
        "evidence": evidence_released.table(files, seed=seed),
        "audit": released_audit.rows(files).rename_axis("name").rename("value").reset_index(),
    }


def obtain(folder: str = "", *, seed: int = 0) -> tuple[Answers, str]:
    """The tables, and in words where they come from.

    Computed from the files of `folder`, or of the variable ``MODULARITY_RELEASED``, or fetched before; with the
    shipped seed they must be what is shipped. Without any files, the shipped ones. Nothing is downloaded.

    Raises
    ------
    FileNotFoundError, ValueError
        What `release_files.read` raises; or the tables are not the shipped ones.
    """
    found = release.find(folder)
    kept, shipped_seed = shipped()
    if found is None:
        return kept, f"shipped with this book; {release.ENVIRONMENT} names no folder with the authors' files"
    made = answers(read(found), seed=seed)
    if seed == shipped_seed:
        compare(made, kept)
    return made, f"computed now from the authors' files at commit {release.COMMIT}"


def shipped() -> tuple[Answers, int]:
    """The shipped tables and the seed that they were made with."""
    text = json.loads(sources.path(SHIPPED).read_text(encoding="utf-8"))
    return {name: pd.DataFrame(**table) for name, table in text["tables"].items()}, text["seed"]


def compare(made: Mapping[str, pd.DataFrame], kept: Mapping[str, pd.DataFrame]) -> None:
    """`ValueError` if two sets of tables differ by more than other processors round."""
    for name, table in made.items():
        try:
            pd.testing.assert_frame_equal(kept[name], table, check_dtype=False, rtol=1e-6, atol=1e-9)
        except (AssertionError, KeyError) as error:
            raise ValueError(
                f"the shipped table {name!r} is not what the files give now: {str(error).splitlines()[0]}; "
                "make it again with python -m modularity.released --ship, and say why it moved in CHANGELOG.md"
            ) from error


def ship(made: Mapping[str, pd.DataFrame], path: Path, *, seed: int = 0) -> None:
    """Write the tables as one file of JSON, whole or not at all."""
    tables = {name: json.loads(str(table.to_json(orient="split", double_precision=15))) for name, table in made.items()}
    for table in tables.values():
        table.pop("index")
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    text = json.dumps({"commit": release.COMMIT, "seed": seed, "tables": tables}, ensure_ascii=False)
    try:
        temporary.write_text(text.replace("], [", "],\n["), encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m modularity.released", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("folder", nargs="?", default="", help=f"the release; if not given {release.ENVIRONMENT}")
    parser.add_argument(
        "--fetch", action="store_true", help=f"download it first (4 MB) and keep it in {release.DOWNLOADED}"
    )
    parser.add_argument(
        "--unverified", action="store_true", help="read a folder that the authors' scripts wrote anew: no checksums"
    )
    parser.add_argument("--ship", action="store_true", help="write the tables that the book ships")
    options = parser.parse_args(arguments)
    try:
        folder = release.fetch() if options.fetch else release.find(options.folder)
        if folder is None:
            raise FileNotFoundError(f"no folder given: name one, set {release.ENVIRONMENT}, or download with --fetch")
        files = read(folder, verify=not options.unverified)
        table = released_report.recomputed(files)
        if options.ship:
            ship(answers(files), sources.data_folder() / SHIPPED)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table.to_string(index=False, max_colwidth=40))
    print(f"\n{released_report.summary(table).to_string()}")
    off = table[~table["agrees"]]
    if len(off):
        print(f"\n{len(off)} of {len(table)} numbers disagree beyond rounding:\n{off.to_string(index=False)}")
        return 1
    print(f"\nall {len(table)} printed numbers agree within rounding")
    return 0


if __name__ == "__main__":
    sys.exit(main())
