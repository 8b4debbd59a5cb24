"""Masks of an encoder are of what they say; a piece reads the plain model at 0 and what is asked for elsewhere."""

import numpy as np
import pytest
import torch
import xarray as xr

from companion.experiments import (
    encoder_masks,
    encoder_plan,
    encoder_shipped,
    experiment,
    judged,
    lesions,
    read_outs,
    shipped_readings,
    stored_scores,
)
from companion.experiments.encoder_grid import EncoderGrid
from companion.experiments.encoder_masks import ORDERS
from companion.experiments.encoder_plan import SETTINGS
from companion.experiments.experiment import UnavailableError
from companion.experiments.lesion_orders import Order
from companion.functions import tracks
from companion.models import catalogue, mpnet
from modularity import capture, moefication, neurons, perturb

LAYERS = [4, 5]
GRID = EncoderGrid(catalogue.MINILM)
# One sub-function with ten sentences of a class, under settings of every kind.
ONE = judged.first(judged.judged()[0], 10, 10)
SMALL = EncoderGrid(catalogue.MINILM, ("scaled", "zero", "zero, all layers", "text", "mean", "kept"), (ONE,))


@pytest.fixture(scope="module")
def minilm():
    return catalogue.load(catalogue.MINILM)


@pytest.fixture(scope="module")
def given(minilm):
    groups = moefication.experts(minilm, encoder_plan.FINE).sel(layer=LAYERS)
    described = encoder_masks.describe(minilm, LAYERS, encoder_masks.sample())
    return {"ranked": encoder_masks.totals(minilm.name, LAYERS), "groups": groups, "described": described}


def test_neurons_are_described_by_all_real_tokens(minilm, sentences):
    found = encoder_masks.describe(minilm, [5], sentences)
    seen = []
    part = neurons.layers(minilm, [5])[5]
    handle = part.read(lambda values: seen.append(values[0]))
    with torch.inference_mode():
        for ids in capture.tokenize(minilm, sentences):
            capture.encoded(minilm, [ids], [0])
    handle.remove()
    tokens = torch.cat(seen).double().numpy()
    np.testing.assert_allclose(found.mean[0], tokens.mean(0), atol=1e-5)
    np.testing.assert_allclose(found.deviation[0], tokens.std(0), atol=1e-4)
    np.testing.assert_allclose(found.mass[0], np.abs(tokens).mean(0), atol=1e-5)
    column = part.w_out[0].weight[:, 3].norm().item()
    np.testing.assert_allclose(found.output[0, 3], found.mass[0, 3] * column, rtol=1e-5)


def test_a_ranking_by_others_leaves_out_what_is_judged(minilm):
    few = {f: [tracks.first(s, 5) for s in shipped_readings.asked()[f][:3]] for f in encoder_masks.FUNCTIONS}
    scores = {f: stored_scores.of_model(minilm, some, layers=LAYERS).to_numpy() for f, some in few.items()}
    names = {"subfunction": [*few], "layer": LAYERS}
    means, expected = (
        xr.DataArray([of[part].mean(0) for of in scores.values()], names, ("subfunction", "layer", "neuron"))
        for part in (slice(None), slice(1, None))
    )
    found = encoder_masks.without(means, minilm, few, [some[0].name for some in few.values()])
    xr.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("order", ORDERS)
def test_masks_have_the_size_of_their_experts(given, order):
    made = encoder_masks.masks(ORDERS[order], 3, draws=2, **given)
    assert len(made) == (2 if not ORDERS[order].by or ORDERS[order].variant == "permuted" else 1)
    for mask in made:
        assert list(mask) == LAYERS
        for layer, chosen in mask.items():
            assert len(set(chosen.tolist())) == len(chosen)
            assert len(chosen) == 3 * 16 or "equal" in order
            if order in ("experts: task", "experts: task, least"):
                assert len(set(given["groups"].sel(layer=layer).to_numpy()[chosen].tolist())) == 3


def test_equal_output_writes_as_much_as_the_experts(given):
    like, made = (
        encoder_masks.masks(Order(u, "semantic", v), 3, draws=1, **given)[0]
        for u, v in (("experts", ""), ("neurons", "equal output"))
    )
    for row, layer in enumerate(LAYERS):
        output = given["described"].output[row]
        assert abs(output[made[layer]].sum() - output[like[layer]].sum()) <= output[made[layer]].max()


def test_the_best_experts_and_the_least_have_nothing_in_common(given):
    best, least = (encoder_masks.masks(Order("experts", "task", v), 40, draws=1, **given)[0] for v in ("", "least"))
    assert all(not set(best[layer]) & set(least[layer]) for layer in LAYERS)


def test_remembered_layers_change_nothing(minilm, sentences):
    before = read_outs.states(minilm, sentences)
    with lesions.remembered(minilm, range(4)):
        first, second = (read_outs.states(minilm, sentences) for _ in range(2))
    np.testing.assert_array_equal(first, before)
    np.testing.assert_array_equal(second, before)
    np.testing.assert_array_equal(read_outs.states(minilm, sentences), before)


def test_what_comes_before_perturbed_neurons_is_remembered_and_changes_nothing(minilm, sentences):
    runs = []
    handle = minilm.encoder.encoder.layer[4].attention.output.register_forward_hook(lambda *_: runs.append(1))
    masks = [{4: range(0, 1536, 2), 5: range(300)}, {4: range(1, 1536, 3), 5: range(700)}]
    plain = []
    for mask in masks:
        with perturb.neurons(minilm, mask):
            plain.append(read_outs.states(minilm, sentences))
    once = len(runs) // 2
    with lesions.remembered(minilm, range(4), before_neurons_of=4):
        for mask, expected in zip(masks, plain, strict=True):
            with perturb.neurons(minilm, mask):
                np.testing.assert_array_equal(read_outs.states(minilm, sentences), expected)
    assert len(runs) == 3 * once
    handle.remove()
    parts = [minilm.encoder.encoder.layer[4].attention, *neurons.feed_forward(minilm)[4].w_in]
    assert not any("forward" in vars(part) for part in parts)


def test_every_setting_names_known_orders_and_possible_numbers():
    for setting in SETTINGS.values():
        assert setting.pairs
        assert {order for order, _ in setting.pairs} <= set(ORDERS)
        assert all(0 < number < encoder_plan.FINE for _, number in setting.pairs)


@pytest.fixture(scope="module")
def few():
    pairs = [("random", 48), ("experts: semantic", 48)]
    return {setting: SMALL.piece((setting, ONE.name), pairs) for setting in SMALL.settings}


def test_a_piece_has_the_plain_model_and_what_was_asked(few):
    plain = {setting: made.sel(number=0, read_out="accuracy").to_numpy() for setting, made in few.items()}
    assert len({value for values in plain.values() for value in values.ravel().tolist()}) == 1
    for made in few.values():
        probe = made.sel(read_out="accuracy")
        assert probe.sel(order="random", number=48).notnull().all()
        assert int(probe.sel(order="experts: semantic", number=48).notnull().sum()) == 1
        assert int(probe.sel(number=slice(1, None)).notnull().sum()) == encoder_plan.DRAWS + 1
        assert made.sel(read_out="similarity").isnull().all()


def test_noise_of_the_text_destroys_what_noise_in_own_units_leaves(few):
    lost = {s: float(few[s].sel(number=0).mean() - few[s].sel(number=48, order="random").mean()) for s in few}
    assert lost["text"] > lost["scaled"]


def test_paraphrases_are_judged_by_similarity_too(minilm):
    one = next(one for one in judged.judged() if one.name == "qqp")
    found = GRID.piece(("zero", one.name), [("random", 5)]).sel(read_out="similarity")
    assert 0.6 < float(found.sel(order="random", number=0)[0]) <= 1
    assert found.sel(order="random", number=5).notnull().all()


def test_a_wrong_cell_is_found(few):
    data, _ = SMALL.assemble(lambda cell: few[str(cell[0])].to_dataset(name="value"))
    probe = ("zero", ONE.name, "random", 48)
    assert probe in SMALL.probes(data)
    assert experiment.recheck(SMALL, data, [probe], cells=1).cells == 1
    with pytest.raises(ValueError, match="nan off"):
        experiment.recheck(SMALL, data.assign_attrs(weights="others"), [probe], cells=1)
    data["value"] += 0.1
    with pytest.raises(ValueError, match=r"zero, .*random, 48"):
        experiment.recheck(SMALL, data, [probe], cells=1)


def test_functions_take_turns_so_that_what_is_done_is_of_all():
    names = list(dict.fromkeys(name for _, name in GRID.cells()))
    assert sorted(names) == sorted(GRID.asked)
    assert [GRID.asked[str(name)].function for name in names] == [*encoder_masks.FUNCTIONS] * 6


def test_what_decides_a_cell_is_in_its_key(monkeypatch):
    cell = ("zero", ONE.name)
    before = SMALL.key(cell)
    other = judged.first(judged.judged()[0], 9, 9)
    assert EncoderGrid(catalogue.MINILM, SMALL.settings, (other,)).key(cell)["subfunction"] != before["subfunction"]
    louder = EncoderGrid(catalogue.MINILM, SMALL.settings, (ONE,), variance=1.0)
    lower = EncoderGrid(catalogue.MINILM, SMALL.settings, (ONE,), layers=(0,))
    assert len({str(sorted(g.key(cell).items(), key=str)) for g in (SMALL, louder, lower)}) == 3
    monkeypatch.setattr(encoder_masks, "sample", lambda: ["Another sentence."])
    assert SMALL.key(cell)["described by"] != before["described by"]


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(mpnet, "folder", lambda: (_ for _ in ()).throw(FileNotFoundError("run `make base`")))
    with pytest.raises(UnavailableError, match="make base"):
        EncoderGrid(mpnet.NAME).cells()
    with pytest.raises(UnavailableError, match="no reading of other is shipped"):
        encoder_masks.totals("other", [0])
    assert len(GRID.cells()) == len(SETTINGS) * len(judged.judged())


def test_noise_of_no_variance_costs_nothing_and_layers_are_those_named():
    still = EncoderGrid(catalogue.MINILM, ("scaled",), (ONE,), variance=0.0, layers=(1,))
    made = still.piece(("scaled", ONE.name), [("random", 48)]).sel(read_out="accuracy", order="random", draw=0)
    assert made.sel(number=48) == made.sel(number=0)
    model = catalogue.load(catalogue.MINILM)
    assert still.perturbed(model, "scaled") == [1]
    assert still.perturbed(model, "zero, all layers") == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="has no encoder layer 7; its layers are 0 to 5"):
        EncoderGrid(catalogue.MINILM, layers=(7,)).perturbed(model, "zero")


def test_an_unknown_setting_is_named():
    with pytest.raises(ValueError, match="unknown setting 'none'; known: scaled, zero"):
        encoder_shipped.obtain(catalogue.MINILM, settings=["none"])
    with pytest.raises(ValueError, match="got -1 sub-functions of each function, expected 1 or more"):
        encoder_shipped.obtain(catalogue.MINILM, per_function=-1)


def test_a_part_of_what_is_shipped_is_taken_from_it():
    made, said = encoder_shipped.obtain(catalogue.MINILM, "none", settings=["text"], per_function=2)
    assert (said.cells, said.computed) == (0, False)
    assert made["setting"].to_numpy().tolist() == ["text"]
    assert made["function"].to_numpy().tolist() == [f for f in encoder_masks.FUNCTIONS for _ in range(2)]


def test_a_ranking_by_others_is_shipped_so_that_a_recheck_reads_nothing_else(monkeypatch):
    monkeypatch.setattr(stored_scores, "of_model", lambda *_, **__: pytest.fail("nothing is to be read"))
    shipped = experiment.load(GRID)
    probe = (encoder_plan.UNSEEN, "rte", "neurons: knowledge", encoder_plan.FIFTH)
    right = GRID.again(shipped, probe)
    other = shipped.assign(
        by_others=shipped["by_others"].sel(of=["task", "semantic", "knowledge"]).assign_coords(of=shipped["of"])
    )
    assert right < 0.01 < GRID.again(other, probe)
