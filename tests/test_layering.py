"""A module imports only from those above it, and the statistics never need torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "lib/modularity"
# Module → whether it needs torch; each imports only from those above it.
MODULES = {
    "environment": False,
    "measure": False,
    "sources": False,
    "published": False,
    "subfunction": False,
    "prompts": False,
    "trex": False,
    "onesec": False,
    "glue": False,
    "functions": False,
    "followed": False,
    "similarity": False,
    "controls": False,
    "baselines": False,
    "hub": True,
    "start": True,
    "tokens": True,
    "identity": True,
    "models": True,
    "neurons": True,
    "capture": True,
    "reading": True,
    "word_vectors": True,
    "perturb": True,
    "answering": True,
    "lesions": True,
    "ranking": False,
    "predictivity": False,
    "split": False,
    "ranks": False,
    "specialists": False,
    "readings": True,
    "stored_file": False,
    "store": False,
    "luck": False,
    "summaries": False,
    "partition": False,
    "nulls": False,
    "experts": False,
    "orders": False,
    "resampling": False,
    "effects": False,
    "emergence": False,
    "reliability": False,
    "emergence_report": False,
    "noise_report": False,
    "report": False,
    "planted": True,
    "corruption": False,
    "mixture": False,
    "recipe": True,
    "optimizer": True,
    "routing": True,
    "training_log": True,
    "checkpoints": True,
    "gpu_clock": False,
    "gpu_batches": False,
    "gpu_routing": True,
    "gpu_training": True,
    "gpu_scoring": False,
    "gpu_histories": True,
    "gpu_pieces": True,
    "gpu_checks": True,
    "gpu_speed": True,
    "pretrain": True,
    "cluster": False,
    "computing": True,
    "sweep": True,
    "moefication": True,
    "explorer_cards": True,
    "explorer_layers": True,
    "experiment": True,
    "shipped_readings": True,
    "explorer": True,
    "obtain": True,
    "variants": True,
    "sensitivity": True,
    "lesion_grid": True,
    "fewshot": True,
    "fewshot_grid": True,
    "lesion_report": False,
    "fewshot_report": False,
    "evidence": False,
    "evidence_experts": False,
    "evidence_perturbed": False,
    "evidence_emergence": False,
    "evidence_printed": False,
    "verdicts": False,
    "release": False,
    "release_files": False,
    "released_report": False,
    "released_questions": False,
    "released_audit": False,
    "evidence_released": False,
    "released": True,
    "ledger": False,
    "grids": True,
    "cost": True,
    "history": False,
    "record": True,
    "gpu_collect": True,
    "live": True,
    "quality": True,
    "choices_setup": True,
    "choices_scores": True,
    "choices_lesions": True,
    "choices_routing": True,
    "choices_experts": True,
    "choices": True,
    "audit": True,
    "results": True,
    "gpu_session": True,
    "gpu_rehearsal": True,
    "gpu": True,
    "plots": False,
    "plots_experts": False,
    "plots_perturbed": False,
    "plots_released": False,
    "plots_emergence": False,
    "plots_choices": False,
    "plots_ledger": False,
    "parameters": False,
    "dependencies": False,
    "kernel": False,
    "rerun": False,
    "students": False,
}
ORDER = list(MODULES)


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
    assert not imports_torch("; ".join(f"import modularity.{m}" for m, torch in MODULES.items() if not torch))


def test_the_test_above_can_fail():
    assert imports_torch("import modularity.experiment")
