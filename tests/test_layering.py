"""A package imports only from those before it, and the thin library nothing that a researcher would have to install."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

LIBRARY = ROOT / "lib"
ORDER = ["modularity", "companion.terminal"] + [
    f"companion.{package}"
    for package in "functions models experiments released sections gpu claims choices explorer tools".split()
]
FILES = sorted(p for p in LIBRARY.rglob("*.py") if "egg-info" not in str(p))
# What `modularity` may import beside Python's own modules.
THIN = set("numpy scipy pandas xarray zarr torch transformers k_means_constrained jaxtyping tqdm".split())
OPTIONAL = {"distributed"}  # only where a scheduler is named
LINES = 2000  # of its code, without blank lines, comments and docstrings


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


def roots(name: str) -> set[str]:
    return {root for root in (name.split(".")[0],) if root not in sys.stdlib_module_names}


def test_the_thin_library_imports_little():
    thin = [file for file in FILES if file.parent.name == "modularity"]
    found = {root for file in thin for name in imports(file) for root in roots(name)}
    assert found - {"modularity"} == THIN | OPTIONAL


# transformers itself needs huggingface_hub; that `modularity` does not is seen above.
HIDDEN = """
import sys
from importlib.machinery import PathFinder
class Some(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = ("pooch", "datasets", "accelerate", "sklearn", "companion", "distributed")
        return None if name.split(".")[0] in hidden else PathFinder.find_spec(name, path, target)
sys.meta_path = [Some if finder is PathFinder else finder for finder in sys.meta_path]
"""


def runs(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)


def test_the_thin_library_needs_no_package_of_the_book():
    every = "; ".join(f"import modularity.{p.stem}" for p in FILES if p.parent.name == "modularity")
    done = runs(f"{HIDDEN}{every}; modularity.wrap, modularity.analyse")
    assert done.returncode == 0, done.stderr


def test_the_test_above_can_fail():
    assert "No module named 'companion'" in runs(f"{HIDDEN}import companion.functions.sources").stderr
    assert "No module named 'pooch'" in runs(f"{HIDDEN}import pooch").stderr


# Statistics and figures, which never need torch: processes that score on a borrowed machine load them by the dozen.
TORCHLESS = """chance effect_sizes emergence environment experts measure nulls partition partition_null
predictivity ranking ranks reliability specialists store stored_file subfunction""".split()


def test_statistics_and_figures_never_import_torch():
    sections = [p.stem for p in FILES if p.parent.name == "sections" and p.stem.endswith("figures")]
    names = [f"modularity.{m}" for m in TORCHLESS] + [f"companion.sections.{m}" for m in sections]
    code = "; ".join(f"import {name}" for name in names)
    assert runs(f"{code}; import sys; sys.exit('torch' in sys.modules)").returncode == 0


def test_that_torch_is_seen():
    assert runs("import modularity.capture, sys; sys.exit('torch' in sys.modules)").returncode == 1


def lines_of_code(file: Path) -> int:
    text = file.read_text(encoding="utf-8")
    quoted = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            quoted |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    rows = enumerate(text.splitlines(), 1)
    return sum(1 for i, row in rows if row.strip() and not row.lstrip().startswith("#") and i not in quoted)


def test_the_thin_library_is_thin():
    thin = [file for file in FILES if file.parent.name == "modularity"]
    long = {p.stem: n for p in thin if (n := len(p.read_text(encoding="utf-8").splitlines())) > 200}
    assert long == {}
    assert sum(map(lines_of_code, thin)) <= LINES
