"""Fetch the wheels that a borrowed machine lacks: `python data/build/gpu_wheels.py gpu_has.txt wheels`.

For Python 3.12 on Linux, in the versions that are installed here, and without what the machine has already.
"""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# What `companion.gpu` imports; tests/companion/gpu/test_session.py runs it where nothing else is found.
NEEDED = ("jaxtyping", "numpy", "pandas", "pyarrow", "safetensors", "scikit-learn", "scipy", "tokenizers", "torch")
NEEDED += ("tqdm", "transformers", "xarray")
PYTHON = "3.12"
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_27_x86_64", "manylinux_2_28_x86_64")
ROOM = 4 * 2**20  # bytes that travel beside the working tree


def listed(text: str) -> set[str]:
    """Names of a list, also of one as `pip freeze` and `pip list` print it."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return {canonicalize_name(re.split(r"[\s=<>~!@;\[]", line)[0]) for line in lines if line}


def missing(has: set[str]) -> dict[str, str]:
    """Name → version of all that is needed, by itself or by something that is missing too."""
    made: dict[str, str] = {}
    todo = [canonicalize_name(name) for name in NEEDED]
    target = {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0", "sys_platform": "linux", "extra": ""}
    while todo:
        name = todo.pop()
        if name in has or name in made:
            continue
        made[name] = metadata.version(name)
        for line in metadata.requires(name) or []:
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate(target):
                todo.append(canonicalize_name(wanted.name))
    return dict(sorted(made.items()))


def main(has: Path, folder: Path) -> int:
    wanted = missing(listed(has.read_text(encoding="utf-8")))
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    if wanted:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp", "--dest", str(folder)]
        command += [option for name in PLATFORMS for option in ("--platform", name)]
        subprocess.run([*command, *(f"{name}=={version}" for name, version in wanted.items())], check=True)
    size = sum(path.stat().st_size for path in folder.glob("*.whl"))
    print(f"{folder}: {', '.join(wanted) or 'nothing is missing'} ({size / 2**20:.1f} MiB)")
    if size > ROOM:
        print(f"more than {ROOM / 2**20:.0f} MiB: they may not travel with the working tree")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
