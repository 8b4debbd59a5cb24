"""``--profile paper`` at the paper's full size: T5-base (0.9 GB) and Switch-base-16 (4.3 GB) come from a hub here.

Their weights are random: what is shown is that a section gets through, with how much memory and in which time, which
is printed. `make verify` runs this. It needs 11 GB of disk until it ends.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import paper_files
import pytest
from hub import file_digests, running

from companion.functions import downloads
from companion.models import catalogue, hub
from modularity import neurons, stored_file

T5, SWITCH = "google-t5/t5-base", "google/switch-base-16"
NEURONS = {T5: 12 * 3072, SWITCH: 294_912}  # of the encoder; of Switch those of its six layers with experts
SECTION, FEW = "05_functional_experts", ["-p", "limit", "5", "-p", "copies", "1"]
ALONE = ["-p", "beside", ""]
# With T5 alone; they find in the store what SECTION read. Left out is 05_perturbing_switch, which teaches Switch anew.
OTHERS = {
    "04_specialization": [*FEW, *ALONE],
    "05_how_sure": [*FEW[:3], *ALONE],
    "A_released": ["-p", "per_class", "20"],
    "05_perturbing_t5": ["-p", "limit", "2"],
}
SHARD = "1GB"
pytestmark = pytest.mark.full_size


@pytest.fixture(scope="module")
def place():
    """Not pytest's own folder, of which the last three are kept."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@pytest.fixture(scope="module")
def weights(place):
    """Model → bytes of its weights; both are saved as the hub has them, Switch in shards."""
    found = {}
    for name in (T5, SWITCH):
        model = catalogue.load(name, untrained=True, seed=17)  # other weights than those of the untrained copies
        assert sum(part.neurons for part in neurons.layers(model).values()) == NEURONS[name]
        model.module.save_pretrained(place / name, max_shard_size=SHARD)
        model.tokenizer.save_pretrained(place / name)
        found[name] = sum(file.stat().st_size for file in (place / name).glob("*.safetensors"))
    assert len(list((place / SWITCH).glob("*.safetensors"))) > 3
    return found


@pytest.fixture(scope="module")
def run(place, weights, request):
    """Run a section under the profile with other parameters: what it cost, and it is printed."""
    paper = paper_files.folder(place / "paper")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with running() as served:
        for name in weights:
            file_digests(place / name)  # now, so that no client waits for them
            commit = hub.PINNED[name]
            served.put("models", name, commit.ljust(40, "0"), place / name, hub.PROPOSALS.get(name, "main"))
        for name, (repository, commit) in downloads.HUB.items():
            served.put("datasets", repository, commit, paper_files.collection(name, place / name))

        def run(section, *parameters):
            output = place / "done.ipynb"
            asked = os.environ | served.environment(place / "home")
            asked |= {downloads.PAPER: str(paper), "MODULARITY_CACHE": str(place / "cache")}
            command = [sys.executable, "-m", "companion.rerun", section, "--profile", "paper", "-q", "-o", str(output)]
            begun = time.perf_counter()
            done = subprocess.run([*command, *parameters], env=asked, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-3000:]
            peak = json.loads(output.read_text(encoding="utf-8"))["metadata"]["cost"]["peak_mib"] * 2**20
            seconds = time.perf_counter() - begun
            with capture.global_and_fixture_disabled():
                print(f"\n{section} {' '.join(parameters)}: {seconds:,.0f} s, peak {peak / 2**30:.1f} GiB")
            return peak

        yield run


def test_a_section_reads_t5_at_full_size(run, place, weights):
    assert run(SECTION, *FEW, *ALONE) < 3 * weights[T5]
    assert neurons_read(place, T5) == NEURONS[T5]


@pytest.mark.parametrize("section", OTHERS)
def test_other_sections_get_through_with_t5_at_full_size(run, weights, section):
    assert run(section, *OTHERS[section]) < 4 * weights[T5]


# The store has T5's readings by now, so that the time is mostly that of Switch.
def test_a_section_reads_switch_beside_it_at_full_size(run, place, weights):
    assert run(SECTION, *FEW, "-p", "beside", SWITCH) < 3 * sum(weights.values())
    assert neurons_read(place, SWITCH) == NEURONS[SWITCH]


def neurons_read(place, name):
    (stored,) = (place / "cache").glob(f"reading-{name.rsplit('/')[-1]}-[0-9a-f]*.zarr.zip")
    reading = stored_file.read_dataset(stored)
    return reading.sizes["layer"] * reading.attrs["neurons"]
