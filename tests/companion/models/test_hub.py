"""Models come from the hub as its real client fetches them, whole or not at all, and every refusal is named."""

import os
import random
import re
import shutil
import subprocess
import sys

import layouts
import pytest
from hub import TOKEN, Fault, running

from companion.functions import sources
from companion.models import catalogue, hub

T5, SWITCH = "google-t5/t5-base", "google/switch-base-16"
OTHER = "a" * 40
LOAD = "import sys; from companion.models import catalogue; print(catalogue.load(sys.argv[1]).fingerprint)"
FETCH = """
import sys
from companion.functions import sources
from companion.models import hub
print(sources.file_hash(hub.folder(sys.argv[1]) / "model.safetensors"))
"""
CACHED = "import sys; from companion.models import hub; print(hub.cached(sys.argv[1]))"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with running() as made:
        made.put("models", T5, hub.PINNED[T5], layouts.folder("t5", folder / "t5"))
        made.put("models", "someone/bert", OTHER, layouts.folder("bert", folder / "bert"))
        made.put("models", "behind/terms", OTHER, layouts.folder("bert", folder / "bert"), gated=True)
        # The proposal that has Switch's safetensors, moved on since it was pinned.
        made.put("models", SWITCH, OTHER, layouts.folder("switch_transformers", folder / "switch"), "refs/pr/5")
        yield made


@pytest.fixture
def fetch(served, tmp_path):
    """Fetch a model in a process that asks this hub; the digest of its weights, or the error in one line."""
    served.faults.clear()
    served.asked.clear()

    def fetch(name, code=FETCH, **environment):
        asked = os.environ | served.environment(tmp_path / "home") | {"HF_HUB_DOWNLOAD_TIMEOUT": "5"} | environment
        done = subprocess.run(
            [sys.executable, "-c", code, name], env=asked, capture_output=True, text=True, timeout=300
        )
        return (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()[-1]

    return fetch


@pytest.fixture(scope="module")
def weights(served):
    folders = {"t5": served.repositories["models", T5], "bert": served.repositories["models", "someone/bert"]}
    return {
        kind: sources.file_hash(next(iter(made.commits.values())) / "model.safetensors")
        for kind, made in folders.items()
    }


def test_a_model_is_fetched_once_and_is_there_without_a_network(served, fetch, weights):
    assert fetch(T5) == weights["t5"]
    assert any("/cdn/" in path for _, path, _ in served.asked)  # weights lie apart, as large files of the hub do
    served.asked.clear()
    assert fetch(T5) == weights["t5"]
    assert served.asked == []  # it is known by its commit
    assert fetch(T5, HF_ENDPOINT="http://127.0.0.1:9") == weights["t5"]
    assert fetch(T5, HF_HUB_OFFLINE="1") == weights["t5"]


def test_another_model_needs_its_commit_and_is_cached_by_it(fetch, weights):
    assert fetch(f"someone/bert@{OTHER}") == weights["bert"]
    assert fetch(f"someone/bert@{OTHER}", HF_HUB_OFFLINE="1") == weights["bert"]


def test_a_snapshot_is_read_without_the_name_of_the_proposal_that_it_came_from(fetch, served, tmp_path):
    """As another program, or a copied cache, leaves it."""
    commit = hub.PINNED[SWITCH].ljust(40, "0")
    snapshot = tmp_path / f"home/hub/models--google--switch-base-16/snapshots/{commit}"
    shutil.copytree(served.repositories["models", SWITCH].commits[OTHER], snapshot)
    assert fetch(SWITCH, HF_HUB_OFFLINE="1") == sources.file_hash(snapshot / "model.safetensors")
    assert fetch(SWITCH, CACHED, HF_HUB_OFFLINE="1") == str(snapshot)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/cdn/", after=20_000),
        Fault("/tree/", status=429, headers={"Retry-After": "1"}),
        Fault("model.safetensors", status=503),
    ],
    ids=["cut", "too many", "out of order"],
)
def test_what_passes_is_waited_for(served, fetch, weights, fault):
    served.faults.append(fault)
    assert fetch(T5) == weights["t5"]
    assert fault.times == 0


def test_a_large_download_goes_on_where_it_was_cut(served, fetch, tmp_path):
    """The client keeps pieces of 10 MiB."""
    piece = 10 * 2**20
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(random.Random(0).randbytes(2 * piece))
    served.put("models", "someone/large", OTHER, folder)
    served.faults.append(Fault("/cdn/", after=piece + 1000))
    assert fetch(f"someone/large@{OTHER}") == sources.file_hash(folder / "model.safetensors")
    assert [part for method, path, part in served.asked if "/cdn/" in path and method == "GET"] == [
        "",
        f"bytes={piece}-",
    ]


def test_a_connection_that_is_always_cut_leaves_nothing_that_is_taken_for_whole(served, fetch, weights):
    served.faults.append(Fault("/cdn/", after=20_000, times=99))
    assert fetch(T5).startswith("ConnectionError: google-t5/t5-base is not on this machine and cannot be fetched")
    served.faults.clear()
    assert fetch(T5) == weights["t5"]


@pytest.mark.parametrize(
    ("name", "environment", "says"),
    [
        (f"behind/terms@{OTHER}", {}, r"PermissionError: behind/terms is gated: accept its terms at http://.*HF_TOKEN"),
        (T5, {"HF_TOKEN": "hf_wrong"}, r"PermissionError: the hub refuses the token .* unset HF_TOKEN"),
        (f"no/body@{OTHER}", {}, r"ValueError: the hub has no model 'no/body', or it is private"),
        (f"someone/bert@{'b' * 40}", {}, r"ValueError: the hub has no commit b{40} of someone/bert"),
        (SWITCH, {}, rf"ValueError: .*{SWITCH} at refs/pr/5 is commit a{{40}}, expected .*; the hub changed it"),
        (T5, {"HF_ENDPOINT": "http://127.0.0.1:9"}, r"ConnectionError: .*cannot be fetched.*ask for untrained=True"),
    ],
)
def test_a_refusal_is_named(fetch, name, environment, says):
    assert re.match(says, fetch(name, **environment))


def test_a_token_opens_a_gated_model(fetch, weights):
    assert fetch(f"behind/terms@{OTHER}", HF_TOKEN=TOKEN) == weights["bert"]


def test_what_was_fetched_is_loaded_and_its_untrained_copies_read_as_it_does(fetch, served):
    folder = str(served.repositories["models", T5].commits[hub.PINNED[T5]])
    assert fetch(T5, LOAD) == catalogue.load(folder).fingerprint
    untrained = LOAD.replace("argv[1]", "argv[1], untrained=True, seed=2")
    assert fetch(T5, untrained) == catalogue.load(folder, untrained=True, seed=2).fingerprint
