"""A package imports only from those before it, and the thin library nothing that a researcher would have to install."""

import ast
from pathlib import Path

import pytest
from places import ROOT

LIBRARY = ROOT / "lib"
ORDER = ["modularity"] + [
    f"companion.{package}"
    for package in "functions models experiments released sections gpu claims choices explorer tools".split()
]
FILES = sorted(p for p in LIBRARY.rglob("*.py") if "egg-info" not in str(p))
# Beside these, what `modularity` may import comes with Python.
THIN = set(
    "numpy scipy pandas xarray zarr torch transformers k_means_constrained jaxtyping tqdm sklearn numcodecs".split()
)
FOREIGN = ["pooch", "datasets", "accelerate", "huggingface_hub.hf_api", "zstandard", "companion"]


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file.name} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def place(name: str) -> int:
    """Of a dotted name in `ORDER`; programs, beside the packages of the companion, come last."""
    return next((i for i, package in enumerate(ORDER) if f"{name}.".startswith(f"{package}.")), len(ORDER))


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(LIBRARY)))
def test_a_package_imports_only_from_those_before_it(file):
    own = place(".".join(file.relative_to(LIBRARY).with_suffix("").parts))
    ours = {name for name in imports(file) if name.split(".")[0] in ("modularity", "companion")}
    assert not {name for name in ours if place(name) > own}
