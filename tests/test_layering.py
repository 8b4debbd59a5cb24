"""A module imports only from those above it, and the statistics never need torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "lib/modularity"
ORDER = [
    "sources",
    "published",
    "subfunction",
    "prompts",
    "trex",
    "onesec",
    "glue",
    "functions",
    "similarity",
    "controls",
    "baselines",
    "hub",
    "start",
    "models",
    "neurons",
    "capture",
    "perturb",
    "answering",
    "lesions",
    "ranking",
    "predictivity",
    "specialists",
    "summaries",
    "partition",
    "nulls",
    "experts",
    "orders",
    "resampling",
    "effects",
    "report",
    "planted",
    "corruption",
    "mixture",
    "recipe",
    "optimizer",
    "routing",
    "training_log",
    "checkpoints",
    "pretrain",
    "store",
    "sweep",
    "moefication",
    "sensitivity",
    "record",
    "history",
    "quality",
    "plots",
    "plots_experts",
    "rerun",
]
WITH_TORCH = {
    "hub",
    "start",
    "models",
    "neurons",
    "capture",
    "perturb",
    "answering",
    "lesions",
    "planted",
    "corruption",
    "mixture",
    "recipe",
    "optimizer",
    "routing",
    "training_log",
    "checkpoints",
    "pretrain",
    "sweep",
    "moefication",
    "sensitivity",
    "record",
    "quality",
}


def test_every_module_has_its_place():
    assert {p.stem for p in LIBRARY.glob("*.py")} - {"__init__"} == set(ORDER)


@pytest.mark.parametrize("module", ORDER)
def test_imports_point_upwards(module):
    tree = ast.parse((LIBRARY / f"{module}.py").read_text())
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("modularity"):
            inner = node.module.removeprefix("modularity").lstrip(".")
            imported |= {inner} if inner else {alias.name for alias in node.names}
    assert imported <= set(ORDER[: ORDER.index(module)])


def imports_torch(code: str) -> bool:
    check = f"{code}; import sys; sys.exit('torch' in sys.modules)"
    return subprocess.run([sys.executable, "-W", "ignore", "-c", check], check=False).returncode == 1


def test_statistics_and_figures_never_import_torch():
    assert not imports_torch("; ".join(f"import modularity.{m}" for m in ORDER if m not in WITH_TORCH))


def test_the_test_above_can_fail():
    assert imports_torch("import modularity.models")
