"""Partitions with other seeds and numbers of experts are those that MoEfication makes, shipped and rechecked."""

import numpy as np
import pytest

from companion.experiments import experiment, partitions
from companion.experiments.experiment import UnavailableError
from companion.experiments.partitions import Partitions
from companion.models import mpnet
from modularity import moefication


@pytest.fixture(scope="module")
def shipped():
    return experiment.load(Partitions("t5-mini"))


def test_settings_divide_the_layer():
    assert partitions.settings(3072)[:5] == [("experts", n) for n in (8, 16, 32, 64, 96)]
    assert ("experts", 96) not in partitions.settings(1280)
    assert [to for what, to in partitions.settings(1280) if what == "k-means seed"] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", [name for name, one in partitions.SHIPPED.items() if experiment.is_shipped(one)])
def test_what_is_shipped_are_partitions_into_experts_of_equal_size(name):
    file = experiment.load(Partitions(name))
    for (what, to), groups in partitions.as_settings(file).items():
        number = to if what == "experts" else moefication.EXPERTS
        for layer in groups.to_numpy():
            assert set(np.bincount(layer).tolist()) == {len(layer) // number}


def test_a_partition_is_that_of_its_setting(trained, shipped):
    np.testing.assert_array_equal(
        partitions.as_settings(shipped)["experts", 16], partitions.as_settings(shipped)["k-means seed", 0]
    )
    own = moefication.experts(trained)
    assert float((own == partitions.as_settings(shipped)["experts", 16]).mean()) > 0.9  # others round otherwise


def test_a_wrong_partition_is_found(shipped):
    one = Partitions("t5-mini")
    probe = ("k-means seed", 1, 2)
    assert experiment.recheck(one, shipped, [probe], cells=1).cells == 1
    wrong = shipped.copy(deep=True)
    wrong["expert"] = wrong["expert"].copy(data=np.roll(wrong["expert"].to_numpy(), 1, axis=-1))
    with pytest.raises(ValueError, match=r"k-means seed, 1, 2"):
        experiment.recheck(one, wrong, [probe], cells=1)
    with pytest.raises(ValueError, match="nan off"):
        experiment.recheck(one, shipped.assign_attrs(weights="others"), [probe], cells=1)


def test_a_page_takes_what_is_shipped(monkeypatch, shipped):
    monkeypatch.setattr(moefication, "experts", lambda *_a, **_k: pytest.fail("computed"))
    found, said = partitions.obtain("t5-mini", "none")
    assert list(found) == partitions.settings(1280)
    assert said.cells == 0


def test_a_switch_has_its_own():
    found, said = partitions.obtain("switch-mini")
    assert found == {}
    assert said.computed


def test_a_model_that_is_missing_is_said(monkeypatch, shipped):
    monkeypatch.setattr(mpnet, "folder", lambda: (_ for _ in ()).throw(FileNotFoundError("run `make base`")))
    with pytest.raises(UnavailableError, match="make base"):
        Partitions(mpnet.NAME).cells()
    with pytest.raises(UnavailableError, match="make base"):
        Partitions(mpnet.NAME).again(shipped, ("experts", 8, 0))
