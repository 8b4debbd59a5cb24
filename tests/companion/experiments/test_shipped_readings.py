"""Shipped readings are those of these weights and sentences; a page takes them, rechecks some, or computes its own."""

from contextlib import nullcontext

import numpy as np
import pytest
import xarray as xr

from companion.experiments import experiment, obtain, reading_file, shipped_readings
from companion.experiments.shipped_readings import SHIPPED, Copy, asked, content
from companion.functions import tracks
from companion.models import catalogue
from modularity import identity, readings, specialists


@pytest.fixture(scope="module")
def t5():
    return experiment.load(SHIPPED["t5-mini"])


@pytest.mark.parametrize("name", [name for name, one in SHIPPED.items() if experiment.is_shipped(one)])
def test_what_is_shipped_is_of_these_sentences_copies_and_weights(name):
    shipped = experiment.load(SHIPPED[name])
    every = [s for f in shipped_readings.ASKED for s in asked()[f]]
    assert shipped["subfunction"].to_numpy().tolist() == [s.name for s in every]
    assert shipped["content"].to_numpy().tolist() == [content(s) for s in every]
    copies = shipped_readings.copies_of(name)
    assert shipped["copy"].to_numpy().tolist() == [str(c) for c in copies]
    for copy in copies:
        one = reading_file.without_gaps(shipped.sel(copy=str(copy)))
        assert not any(one[v].isnull().any() for v in one.data_vars)
        assert one["top"].max() < one.attrs["neurons"] > one["half_top"].max()
        assert one.sizes["rank"] >= specialists.number(one.attrs["neurons"])
        try:
            model = copy.load(name)
        except FileNotFoundError:
            assert name not in catalogue.MINI
            continue
        assert shipped["weights"].sel(copy=str(copy)).item() == identity.weights(model.module)


@pytest.mark.parametrize("name", catalogue.MINI)
def test_a_cell_of_each_kind_is_computed_again(name):
    one, shipped = SHIPPED[name], experiment.load(SHIPPED[name])
    layer = int(shipped["layer"][0])
    relation = asked()["knowledge"][3].name
    probes = [("run 1", "knowledge", relation), ("untrained 2", "knowledge", relation), ("run 0", "partition", layer)]
    said = experiment.recheck(one, shipped, probes, cells=len(probes))
    assert said.cells == len(probes)


def test_a_wrong_score_weight_or_sentence_is_found(t5):
    one, relation = SHIPPED["t5-mini"], asked()["knowledge"][3].name
    probe = ("untrained 0", "knowledge", relation)
    wrong = t5.copy(deep=True)
    row = np.flatnonzero((t5["subfunction"] == relation).to_numpy())[0]
    wrong["score"][{"copy": t5["copy"].to_numpy().tolist().index("untrained 0"), "subfunction": row}] += 0.05
    with pytest.raises(ValueError, match=f"readings_t5-mini for untrained 0, knowledge, {relation} is 0.05 off"):
        experiment.recheck(one, wrong, [probe])
    best = {"copy": t5["copy"].to_numpy().tolist().index("untrained 0"), "subfunction": row, "layer": 0, "rank": 0}
    for off, found in ((0.06, True), (0.03, False)):  # of one neuron five times the tolerance, for rounding's sake
        wrong = t5.copy(deep=True)
        wrong["score"][best] += off
        with pytest.raises(ValueError, match=r"is 0\.012 off") if found else nullcontext():
            experiment.recheck(one, wrong, [probe])
    other = t5.assign_coords(weights=("copy", ["x"] * t5.sizes["copy"]))
    with pytest.raises(ValueError, match="nan off"):
        experiment.recheck(one, other, [probe])
    other = t5.assign_coords(content=("subfunction", ["x"] * t5.sizes["subfunction"]))
    with pytest.raises(ValueError, match="nan off"):
        experiment.recheck(one, other, [probe])


def never(*_, **__):
    raise AssertionError("nothing is to be computed")


def test_a_page_takes_what_is_shipped(monkeypatch, t5):
    monkeypatch.setattr(readings, "read", never)
    everything = tracks.load_all()
    made, (said,) = obtain.runs(["t5-mini"], everything, seeds=2, copies=1, recompute="none")
    trained, untrained = made["t5-mini"]
    assert (len(trained), len(untrained), said.cells) == (2, 1, 0)
    rows = [s.function for s in everything]
    assert trained[1]["function"].to_numpy().tolist() == rows
    expected = t5.sel(copy="run 1").isel(subfunction=slice(len(rows)))["score"].isel(rank=0)
    np.testing.assert_array_equal(specialists.best(trained[1]), expected)
    assert "shuffled" in trained[0]
    assert "shuffled" not in untrained[0]


def test_one_function_alone_is_taken_too(monkeypatch):
    monkeypatch.setattr(readings, "read", never)
    made, _ = obtain.runs(["switch-mini"], tracks.load("knowledge"), copies=0, recompute="none")
    trained, untrained = made["switch-mini"]
    assert untrained == []
    assert set(trained[0]["function"].to_numpy()) == {"knowledge"}


@pytest.mark.parametrize("change", ["limit", "seed", "options", "full"])
def test_what_is_not_shipped_is_computed(monkeypatch, change):
    asked_for = []

    def read(model, subfunctions, **options):
        asked_for.append(model.label)
        return xr.Dataset({"score": (("subfunction", "layer", "rank"), np.zeros((len(subfunctions), 1, 1)))})

    monkeypatch.setattr(shipped_readings, "read", read)
    some = tracks.load("knowledge")
    what = {
        "limit": {"subfunctions": some[:4]},
        "seed": {"subfunctions": some, "seed": 1},
        "options": {"subfunctions": some, "score": "auroc"},
        "full": {"subfunctions": some, "recompute": "full"},
    }[change]
    _, (said,) = obtain.runs(["t5-mini"], seeds=1, copies=1, **what)
    assert said.computed
    assert asked_for == ["t5-mini, seed 0", f"t5-mini, untrained {what.get('seed', 0)}"]


def test_an_unknown_wish_is_named():
    with pytest.raises(ValueError, match="unknown recompute 'some'"):
        obtain.runs(["t5-mini"], [], recompute="some")


def test_copies_have_labels_of_their_own():
    copies = [*shipped_readings.copies_of("t5-mini"), Copy(True, 7)]
    assert len({str(c) for c in copies}) == len(copies)
