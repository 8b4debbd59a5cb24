"""GLUE and SuperGLUE come through the real client of `datasets` as the hub lays them out, and are there afterwards."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import paper_files
import pytest
from hub import Fault, running

from companion.functions import downloads

pytestmark = pytest.mark.slow
READ = """
import sys
from companion.functions import glue
table = glue.read(sys.argv[1])
print(len(table), *sorted(table), *table["label"].tolist()[:3])
"""
ROWS = {  # configuration → its text columns, labels and splits, as published
    "sst2": (("sentence",), 2, ("train", "validation", "test")),
    "qqp": (("question1", "question2"), 2, ("train", "validation", "test")),
    "mnli": (("premise", "hypothesis"), 3, ("train", "validation_matched", "validation_mismatched", "test_matched")),
}


def table(name, split, rows):
    """With an empty question, quotes and tabs, and the label −1 of test splits."""
    fields, labels, _ = ROWS[name]
    texts = {field: [f'{split} "{field}"\t{i}' for i in range(rows)] for field in fields}
    if name == "qqp":
        texts["question2"][4] = ""
    label = np.full(rows, -1) if split.startswith("test") else np.arange(rows) % labels
    return pd.DataFrame(texts | {"label": label, "idx": np.arange(rows, dtype=np.int32)})


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    tables = {
        name: {split: table(name, split, 900 if split == "train" else 30) for split in splits}
        for name, (_, _, splits) in ROWS.items()
    }
    root = paper_files.published(tmp_path_factory.mktemp("glue"), tables)
    with running() as made:
        made.put("datasets", *downloads.HUB["glue"], root)
        yield made


@pytest.fixture
def read(served, tmp_path):
    """Read a task in a process that asks this hub: what it printed, or its last error."""
    served.faults.clear()

    def read(name, **environment):
        asked = {k: v for k, v in os.environ.items() if k != downloads.PAPER}
        asked |= served.environment(tmp_path / "home") | environment
        done = subprocess.run(
            [sys.executable, "-c", READ, name], env=asked, capture_output=True, text=True, timeout=300
        )
        return (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()[-1]

    return read


def test_a_task_is_read_and_is_there_without_a_network(read):
    assert read("sst2") == "30 label sentence 0 1 0"
    assert read("sst2", HF_HUB_OFFLINE="1") == "30 label sentence 0 1 0"


def test_published_oddities_are_read(served, read):
    served.faults += [
        Fault("train-00000", after=1000),
        Fault("validation-00000", status=429, headers={"Retry-After": "1"}),
    ]
    assert read("qqp") == "29 label question1 question2 0 1 0"  # an empty question is left out
    assert read("mnli") == "30 hypothesis label premise 0 1 2"  # the matched part
    assert all(fault.times == 0 for fault in served.faults)


def test_a_refusal_says_what_to_put_where(served, read):
    served.faults.append(Fault("/api/", status=401, times=99))
    assert read("sst2").startswith("ConnectionError: nyu-mll/glue (sst2, validation) at bcdcba")
    served.faults[:] = [Fault("/cdn/", after=1000, times=99)]
    assert "put its parquet files into glue/sst2/ of a folder and name that in MODULARITY_PAPER" in read("sst2")
