"""Other scores and poolings choose the neurons that reading with them would choose, from one pass for each pooling."""

import numpy as np
import pytest

from companion.experiments import experiment, variants
from companion.experiments.variants import FLOORED, POOLINGS, SETTINGS, SHIPPED
from companion.functions import tracks
from companion.models import catalogue
from modularity import capture, readings, specialists


def test_settings_are_those_of_the_poolings():
    assert sorted(SETTINGS) == sorted(s for of in POOLINGS.values() for s in of)
    assert all((SETTINGS[s] == "score") == (s == score) for of in POOLINGS.values() for s, score in of.items())


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_neurons_are_those_of_a_reading_with_the_option(pooling):
    model = catalogue.load("t5-mini")
    some = [tracks.first(s, 20) for s in tracks.load("semantic")[:2]]
    made = variants.read(model, some, pooling)
    for setting, score in POOLINGS[pooling].items():
        if setting == variants.FLOORED:
            continue
        expected = readings.read(model, some, score=score, pooling=pooling, kept=specialists.SHARE)
        found = made.sel(setting=setting)
        assert (specialists.top_neurons(found) == specialists.top_neurons(expected)).all()


def test_maxima_near_zero_are_zero_where_a_setting_is_floored():
    model = catalogue.load("t5-mini")
    some = [tracks.first(s, 20) for s in tracks.load("semantic")[:2]]
    settings = {FLOORED: "labels", "labels": "labels"}
    high = max(float(pooled.max()) for _, pooled in capture.stream(model, some))
    for floor, same in ((0.0, True), (high / 2, False)):
        top = variants.read(model, some, "max", settings, floor=floor)["top"]
        assert (top.sel(setting=FLOORED) == top.sel(setting="labels")).all() == same
    top = variants.read(model, some, "max", settings, floor=2 * high)["top"].sel(setting=FLOORED)  # all tied
    assert (top == np.arange(top.sizes["rank"])).all()  # by their number


def test_some_sub_functions_are_taken_from_what_is_shipped():
    some = tracks.load_all(limit=5)
    got, said = variants.obtain("t5-mini", some, "none")
    shipped = experiment.load(SHIPPED["t5-mini"])
    assert not said.computed
    for (_, setting), top in got.items():
        assert top["subfunction"].to_numpy().tolist() == [s.name for s in some]
        assert (top["top"] == shipped["top"].sel(setting=setting, subfunction=top["subfunction"])).all()


@pytest.mark.parametrize("name", [name for name, one in SHIPPED.items() if experiment.is_shipped(one)])
def test_what_is_shipped_is_of_all_sub_functions(name):
    shipped = experiment.load(SHIPPED[name])
    assert shipped["setting"].to_numpy().tolist() == list(SETTINGS)
    assert shipped["subfunction"].to_numpy().tolist() == [s.name for s in tracks.load_all()]


def test_other_neurons_weights_or_sentences_are_found():
    one = SHIPPED["t5-mini"]
    shipped = experiment.load(one)
    assert experiment.recheck(one, shipped, [("last", 104)], cells=1).cells == 1
    wrong = shipped.copy(deep=True)
    wrong["top"] = (wrong["top"] + 1) % shipped.attrs["neurons"]
    layer = shipped.copy(deep=True)
    layer["top"][{"layer": 2}] = wrong["top"].isel(layer=2)
    for other in (wrong, layer):
        with pytest.raises(ValueError, match="variants_t5-mini for last, 104 is"):
            experiment.recheck(one, other, [("last", 104)], cells=1)
    for other in (shipped.assign_attrs(weights="x"), shipped.assign_coords(content=shipped["content"] + "x")):
        with pytest.raises(ValueError, match="nan off"):
            experiment.recheck(one, other, [("last", 104)], cells=1)
