"""``--profile paper`` runs sections from a hub that serves tiny models of the paper's architectures.

Names, commits, layouts, copies, partitions and the sixteen experts are the paper's; models, and the data in their
published form, are as small as sections can be run on.
"""

import json
import os
import subprocess
import sys

import layouts
import paper_files
import pytest
import yaml
from hub import running

from companion import rerun
from companion.functions import downloads
from companion.models import hub

T5, SWITCH = "google-t5/t5-base", "google/switch-base-16"
SHAPES = {T5: ("t5", {"d_ff": 384}), SWITCH: ("switch_transformers", {"num_experts": 16})}
SECTIONS = list(yaml.safe_load((rerun.NOTEBOOKS / rerun.PROFILES).read_text(encoding="utf-8"))["paper"])
# A whole grid has as many masks and steps of learning for the smallest model as for the largest: over half an hour.
LIMIT = ["-p", "limit", "2"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("paper")


@pytest.fixture(scope="module")
def run(place):
    """Run a section under the profile in a process that asks this hub; the executed notebook, or the error."""
    paper = paper_files.folder(place / "paper")
    with running() as served:
        for name, (kind, shape) in SHAPES.items():
            commit = hub.PINNED[name]
            of_commit = commit.ljust(40, "0")  # Switch's is known by its first seven digits
            refs = ["main"] if of_commit == commit else ["refs/pr/5"]
            served.put("models", name, of_commit, layouts.folder(kind, place / kind, **shape), *refs)
        for name, (repository, commit) in downloads.HUB.items():
            served.put("datasets", repository, commit, paper_files.collection(name, place / name))

        def run(section, **environment):
            output = place / f"{section}.ipynb"
            asked = os.environ | served.environment(place / "home")
            asked |= {downloads.PAPER: str(paper), "MODULARITY_CACHE": str(place / "cache")} | environment
            command = [sys.executable, "-m", "companion.rerun", section, "--profile", "paper", "-q", "-o", str(output)]
            command += LIMIT if "perturbing" in section else []
            done = subprocess.run(command, env=asked, capture_output=True, text=True, timeout=900)
            assert done.returncode == 0, done.stderr[-3000:]
            return json.loads(output.read_text(encoding="utf-8"))

        yield run


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_runs_on_the_papers_models_and_data(run, section):
    done = run(section)
    asked = done["metadata"]["papermill"]["parameters"]
    said = json.dumps([cell["outputs"] for cell in done["cells"] if cell["cell_type"] == "code"])
    for name in filter(None, (asked["model"], asked.get("beside"))):
        assert name in said


def test_what_was_fetched_is_there_without_a_network(run):
    run("A_released", HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9")
