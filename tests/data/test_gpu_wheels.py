"""The packages that a borrowed machine lacks are those that are needed and not there."""

import importlib.util

import pytest
from places import ROOT


@pytest.fixture(scope="module")
def wheels():
    spec = importlib.util.spec_from_file_location("gpu_wheels", ROOT / "data/build/gpu_wheels.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_missing_is_what_is_needed_and_not_there(wheels):
    has = wheels.listed((ROOT / "data/build/gpu_has.txt").read_text())
    assert wheels.missing(has) == {}
    assert set(wheels.missing(has - {"jaxtyping"})) == {"jaxtyping", "wadler-lindig"}
    assert wheels.listed("# all\nPyYAML==6.0\nscikit_learn 1.9\n\n") == {"pyyaml", "scikit-learn"}
