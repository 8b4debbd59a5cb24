"""Small models and sub-functions that every test file shares. Nothing here needs the network."""

import os

import hypothesis
import jaxtyping

os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network fails at once
hypothesis.settings.register_profile("book", deadline=None)  # machines are of any speed
hypothesis.settings.load_profile("book")
# Arrays have the types and shapes that annotations name; processes that tests start go unchecked.
jaxtyping.install_import_hook(["modularity", "companion"], "shapes.arrays")

import numpy as np
import pytest
import xarray as xr
from browsing import CHROMIUM, OPTIONS
from toys import glue_rows, groups_of, scores_of

from companion.functions import prompts
from companion.models import catalogue
from companion.released import release
from modularity import models, specialists
from modularity.subfunction import SubFunction


@pytest.fixture(scope="session")
def untrained() -> models.Model:
    """t5-mini's architecture with fresh weights."""
    return catalogue.load("t5-mini", untrained=True, seed=3)


@pytest.fixture(scope="session")
def trained() -> models.Model:
    return catalogue.load("t5-mini")


@pytest.fixture(scope="session")
def authors():
    """The authors' result files, where they are at hand; they are not part of the repository."""
    folder = release.find()
    if folder is None:
        pytest.skip(f"{release.ENVIRONMENT} names no folder with the authors' result files")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def sentences() -> list[str]:
    """Of very different lengths, so that batches hold padding."""
    return [
        "one.",
        "The <extra_id_0> ran.",
        "word " * 40,
        "A short sentence about rain.",
        "To be " * 9,
        "Last one, number six",
    ]


@pytest.fixture
def subfunction(sentences) -> SubFunction:
    return SubFunction("toy", "semantic", tuple(sentences), np.array([1, 0, 1, 0, 1, 0]))


@pytest.fixture
def shared_scores(rng) -> xr.DataArray:
    """Sub-functions of a function like the same neurons, as in a trained model: 60 and 10, 2 layers of 240 neurons."""
    functions = ["semantic"] * 60 + ["task"] * 10
    liking = rng.gamma(0.5, size=(2, 2, 240))
    return scores_of(np.array([liking[int(f == "task")] * rng.random((2, 240)) for f in functions]), functions)


@pytest.fixture
def shared(shared_scores) -> xr.DataArray:
    """The top 12 neurons of each of them."""
    return specialists.top_neurons(shared_scores, 0.05)


@pytest.fixture
def dealt(rng) -> xr.DataArray:
    """8 experts of 30 neurons, at random."""
    return groups_of([rng.permutation(np.repeat(np.arange(8), 30)) for _ in range(2)])


@pytest.fixture
def figures():
    """Closes the figures that a test draws."""
    from matplotlib import pyplot

    yield
    pyplot.close("all")


@pytest.fixture
def unchecked():
    """For what is given arrays that annotations forbid, to see that it refuses them itself."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULARITY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def glue_folder(tmp_path, monkeypatch):
    """GLUE and SuperGLUE in the hub's layout with a few rows of each task, for track paper."""
    for name, task in prompts.TASKS.items():
        place = tmp_path / task.collection / name
        place.mkdir(parents=True)
        for split in ("train", task.split):
            labels = list(range(len(task.words))) * (5 if split == "train" else 3)
            glue_rows(name, labels).to_parquet(place / f"{split}-00000-of-00001.parquet")
    monkeypatch.setenv("MODULARITY_PAPER", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium, of one module only: while it is open no other event loop can run in this process."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium: install it, or name it in CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()
