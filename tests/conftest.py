"""Small models and sub-functions that every test file shares. Nothing here needs the network."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # a test that reaches for the network fails at once

import numpy as np
import pytest

from modularity import models
from modularity.subfunction import SubFunction


@pytest.fixture(scope="session")
def untrained() -> models.Model:
    """t5-mini's architecture with fresh weights."""
    return models.load("t5-mini", untrained=True, seed=3)


@pytest.fixture(scope="session")
def trained() -> models.Model:
    return models.load("t5-mini")


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


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULARITY_CACHE", str(tmp_path / "cache"))
