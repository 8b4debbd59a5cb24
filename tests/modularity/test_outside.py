"""The thin library outside of the clone: README's lines, with a model and a table of one's own."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from transformers import BertConfig, BertForSequenceClassification

from companion.models import catalogue
from modularity import families

ROOT = next(p for p in Path(__file__).parents if (p / "pyproject.toml").is_file())
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "book/your-own.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
LINES = next(code for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "modularity.wrap" in code)


def needed(requirements: list[str]) -> set[str]:
    """Distributions that these need, and what those need in turn, without extras."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        wanted = Requirement(waiting.pop())
        name = canonicalize_name(wanted.name)
        if name in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        waiting += metadata.requires(name) or []
    return found


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """An environment with the library's wheel and what its metadata name, and nothing else."""
    root = tmp_path_factory.mktemp("elsewhere")
    clone = root / "clone"
    shutil.copytree(ROOT / "lib", clone / "lib", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", root, clone]
    subprocess.run(build, check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    (wheel,) = root.glob("modularity-*.whl")
    venv.create(root / "env", with_pip=False, symlinks=True)
    (site,) = (root / "env").glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
        (info,) = (n for n in packed.namelist() if n.endswith("METADATA"))
        lines = packed.read(info).decode().splitlines()
    shutil.rmtree(clone)
    for name in needed([line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]):
        for file in metadata.files(name) or []:
            top = file.parts[0]
            place = Path(str(metadata.distribution(name).locate_file(top)))
            if top not in ("..", "__pycache__") and not (site / top).exists():
                (site / top).symlink_to(place)
    return root


def run(root: Path, code: str, folder: Path) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MODULARITY_CACHE")}
    environment |= {"HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    command = [root / "env/bin/python", "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def own(folder: Path) -> None:
    """A fine-tuned model with its tokenizer, and a table of sentences: what a reader brings."""
    torch.manual_seed(0)
    tokenizer = catalogue.tokenizer()
    small = {"hidden_size": 32, "intermediate_size": 320, "num_hidden_layers": 2, "num_attention_heads": 2}
    BertForSequenceClassification(BertConfig(vocab_size=len(tokenizer), **small)).save_pretrained(folder / "my-model")
    tokenizer.save_pretrained(folder / "my-model")
    rng = np.random.default_rng(0)
    rows = [
        (f"The {w} of {i} came.", int(rng.random() < 0.5), w) for w in ("bank", "light", "spring") for i in range(20)
    ]
    pd.DataFrame(rows, columns=["sentence", "label", "subfunction"]).to_csv(folder / "mine.csv", index=False)


def test_the_lines_of_the_readme_run_with_a_model_and_a_table_of_ones_own(elsewhere, tmp_path):
    own(tmp_path)
    done = run(elsewhere, LINES + "\nprint(found.summary().to_csv())\nprint(modularity.__file__)", tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "function,proportion,degree,pooled_degree,random_proportion,random_degree,low,high\nmine," in done.stdout
    assert done.stdout.strip().endswith("site-packages/modularity/__init__.py")
    assert list((tmp_path / "cache/modularity").glob("analysis-my-model*.zarr.zip"))  # in the user's cache folder
    assert len(LINES.strip().splitlines()) <= 10


SHOWN = """
for asked, said in zip((few, many), STATED, strict=True):
    assert abs(asked - said) < 0.005, (asked, said)
assert [s.name for s in mine] == ["bank", "light", "spring"]
assert bank.sizes == mine[0].sizes
assert tuned.name == "my-classifier"
assert modularity.wrap(AutoModel.from_pretrained("my-classifier"), tokenizer).fingerprint == model.fingerprint
assert -0.5 < gain < 0.5
tables = found.functional_experts(), found.summary(), found.best(), found.overlap()
print(*(list(table.reset_index()) for table in tables), sep="\\n")
from transformers import GPTJConfig
small = GPTJConfig(n_embd=32, n_layer=2, n_head=2, rotary_dim=8, n_inner=64, vocab_size=len(tokenizer))
print(modularity.wrap(AutoModel.from_config(small), tokenizer, name="adapted"))
"""


def test_the_blocks_of_the_page_on_ones_own_model_run_outside_the_clone(elsewhere, tmp_path):
    own(tmp_path)
    stated = re.findall(r"  # (0\.\d\d)$", BLOCKS, re.MULTILINE)
    done = run(elsewhere, f"{BLOCKS}\nSTATED = {', '.join(stated)}\n{SHOWN}", tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    *columns, adapted = done.stdout.strip().splitlines()
    assert adapted.startswith("Model(name='adapted'")
    explained = PAGE[PAGE.index("## Step 4") : PAGE.index("## What the errors mean")]
    for name in re.findall(r"'(\w+)'", " ".join(columns)):
        assert name in ("index", "layer", "function", "subfunction", "other", "expert") or f"`{name}`" in explained


def test_the_page_on_ones_own_model_names_every_family():
    named = set(re.findall(r"`([\w-]+)`", PAGE[PAGE.index("### Which models") : PAGE.index("Another family takes")]))
    assert named >= set(families.FAMILIES)


def test_nothing_of_the_book_is_in_the_wheel(elsewhere, tmp_path):
    (wheel,) = elsewhere.glob("modularity-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert {name.split("/")[0].split("-")[0] for name in packed.namelist()} == {"modularity"}
    done = run(elsewhere, "import companion", tmp_path)
    assert "No module named 'companion'" in done.stderr
