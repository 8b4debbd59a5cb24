"""Every row of the audit has its place, its switch exists, and both of its sides are run."""

import functools
import importlib
import inspect
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from places import ROOT
from toys import scores_of

from companion.choices import all_choices, choice_figure
from companion.choices.choice_setup import Effect, Setup, mean_of, paired
from companion.choices.routing_choices import JITTER, jittered, nouns_told
from companion.choices.score_choices import unended
from companion.functions import tracks
from companion.models import catalogue
from modularity import capture, predictivity

PAGE = (ROOT / "book/choices.md").read_text(encoding="utf-8")
IDS = [f"D{i}" for i in range(1, 29)]
# On so little input two sides may agree by chance; in these rows they cannot, whatever the input.
DIFFER = {"D2", "D8", "D12", "D14", "D19", "D22", "D23", "D26"}
# And in these they do on this input, which is fixed.
DIFFER |= {"D1", "D3", "D4", "D5", "D6", "D7", "D9", "D11", "D13", "D24"}


@pytest.fixture(scope="module")
def tiny() -> Setup:
    return Setup(per_class=8, many=5, limit=2, rows=6, draws=2, partitions=40, steps=2, tuned=2)


@pytest.fixture(scope="module")
def measured(tiny, tmp_path_factory):
    """Row → its effect; what several rows score is scored once."""
    folder = tmp_path_factory.mktemp("cache")

    @functools.cache
    def measure(row):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MODULARITY_CACHE", str(folder))
            return row.measure(tiny)

    return measure


def test_every_row_stands_once_in_the_table_and_on_the_page():
    assert [row.id for row in all_choices.ROWS] == IDS
    assert re.findall(r"^\((d\d+)\)=$", PAGE, re.MULTILINE) == [i.lower() for i in IDS]
    assert re.findall(r"^### (D\d+) · ", PAGE, re.MULTILINE) == IDS


@pytest.mark.parametrize("row", all_choices.ROWS, ids=lambda row: row.id)
def test_a_row_is_measured_or_says_why_not(row):
    assert (row.measure is None) == bool(row.reason)
    section = re.split(r"^\(d\d+\)=$", PAGE, flags=re.MULTILINE)[int(row.id[1:])]
    glued = re.findall(r"A_choices\.ipynb::(d\d+)_", section)
    assert (row.id.lower() in glued) == (row.measure is not None)


def exists(switch: str) -> bool:
    """Whether every function that a switch names is there, and has the parameters it names."""
    for part in switch.split(" or "):
        module, name, parameters = re.fullmatch(r"([\w.]+)\.(\w+)(?:\((.+)\))?", part).groups()
        function = getattr(importlib.import_module(module), name, None)
        if function is None:
            return False
        known = inspect.signature(function).parameters
        if not set((parameters or "").split(", ")) - {""} <= set(known):
            return False
    return True


@pytest.mark.parametrize("row", [row for row in all_choices.ROWS if row.switch], ids=lambda row: row.id)
def test_a_switch_exists(row):
    assert exists(row.switch)


def test_the_check_of_switches_can_fail():
    assert not exists("modularity.predictivity.predictivity(sign)")
    assert not exists("modularity.predictivity.gone")


@pytest.mark.parametrize("row", all_choices.MEASURED, ids=lambda row: row.id)
def test_both_sides_of_a_switch_are_run(row, measured):
    effect = measured(row)
    assert math.isfinite(effect.text)
    assert math.isfinite(effect.other)
    assert effect.what
    assert bool(effect.of) == math.isfinite(effect.scale)
    if math.isfinite(effect.low):
        assert effect.low - 1e-12 <= effect.difference <= effect.high + 1e-12
    if row.id in DIFFER:
        assert effect.difference != 0


def test_a_measure_is_the_same_twice(tiny, measured):
    """From the start: the second time nothing is stored."""
    for row in all_choices.ROWS:
        if row.id in ("D10", "D18", "D22", "D23"):
            assert repr(measured(row)) == repr(row.measure(replace(tiny)))


# What a difference is


def test_a_difference_is_paired_and_compared_with_the_claim():
    effect = paired("x", np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0]), scale=-4.0, of="y")
    assert (effect.text, effect.other, effect.difference) == (2.0, 3.0, 1.0)
    assert effect.low == effect.high == 1.0  # the differences have no spread
    assert effect.relative == 0.25
    alone = paired("x", np.array([1.0]), np.array([2.0]), scale=1.0, of="y")
    assert math.isnan(alone.low)


def test_the_table_has_the_largest_share_first_and_incomparable_rows_last():
    found = {
        "D14": Effect("a", 1.0, 2.0),
        "D1": Effect("b", 1.0, 1.1, 1.0, "c", -0.1, 0.3),
        "D2": Effect("b", 1.0, 0.5, 1.0, "c", -0.6, -0.4),
    }
    made = all_choices.choices_table(found)
    assert made["row"].tolist() == ["D2", "D1", "D14"]
    assert made["clear"].tolist() == [True, False, False]
    assert made["relative"].iloc[:2].tolist() == pytest.approx([-0.5, 0.1])
    ax = choice_figure.effect_bars(made.dropna(subset="relative"))
    assert [label.get_text().split()[-1] for label in ax.get_yticklabels()] == ["D2", "D1"]
    assert ax.lines[-1].get_xdata().tolist() == pytest.approx([-0.5, 0.1])


def test_the_mean_of_a_function_is_scored_as_one_sub_function(rng):
    values = rng.random((3, 2, 5))
    made = mean_of(scores_of(values, ["task"] * 3))
    assert made.dims == ("subfunction", "layer", "neuron")
    assert np.allclose(made[0], values.mean(0))
    assert made["function"].to_numpy().tolist() == ["task"]


def test_a_half_is_not_the_least_that_the_text_allows():
    """Row D2: class 1 in the middle half of a ranking has a mean of x / (1 + x) over 0 < x < 2 from either end."""
    labels = np.repeat([0, 1, 0], [2000, 4000, 2000])
    ranked = np.arange(8000.0)[:, None]
    least = predictivity.predictivity(ranked, labels, score="signs")[0]
    assert least == pytest.approx((2 - math.log(3)) / 2, abs=1e-3)


# Switches that are made here


def test_a_sentence_without_its_end_mark_is_one_whose_mark_is_masked(untrained, sentences):
    """As the authors do it: the last token gets the id of padding and is left out of attention and pooling."""
    without = capture.pooled_activations(unended(untrained), sentences)
    ids = capture.tokenize(untrained, sentences)
    assert capture.tokenize(unended(untrained), sentences) == [i[:-1] for i in ids]
    part = untrained.encoder.block[0].layer[-1].DenseReluDense
    seen = []
    handle = part.wo.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    masked = torch.tensor([[*ids[0][:-1], 0]])
    mask = torch.ones_like(masked)
    mask[0, -1] = 0
    with torch.no_grad():
        untrained.encoder(input_ids=masked, attention_mask=mask)
    handle.remove()
    assert np.allclose(without[0, 0], seen[0][0, :-1].amax(0), atol=1e-5)
    assert not np.allclose(without, capture.pooled_activations(untrained, sentences))


def test_only_a_copy_loses_its_end_mark(untrained):
    other = unended(untrained)
    assert other.fingerprint != untrained.fingerprint
    assert untrained.tokenizer("one")["input_ids"][-1] == untrained.tokenizer.eos_token_id


@pytest.fixture(scope="module")
def routed():
    return catalogue.load("switch-mini", untrained=True)


def states(model, ids):
    with torch.no_grad():
        return model.encoder(input_ids=ids).last_hidden_state


def test_jitter_is_small_repeatable_and_gone_afterwards(routed):
    ids = torch.arange(10, 50)[None]
    entered = []
    sparse = routed.encoder.block[1].layer[-1].mlp

    def read(_module, inputs):
        entered.append(inputs[0])

    before = sparse.register_forward_pre_hook(read)
    plain = states(routed, ids)
    with jittered(routed, seed=1):
        once = states(routed, ids)
        after = sparse.register_forward_pre_hook(read)  # what the layer is given in the end
        again = states(routed, ids)
    with jittered(routed, seed=1):
        assert torch.equal(once, states(routed, ids))
    before.remove()
    after.remove()
    given, jittered_input = entered[2:4]
    assert not torch.equal(plain, once)
    assert not torch.equal(once, again)  # each pass has its own noise
    assert torch.equal(plain, states(routed, ids))
    assert 0 < (jittered_input / given - 1).abs().max() <= JITTER * 1.0001


def test_nouns_told_counts_what_its_labels_say(routed):
    whole = tracks.first(tracks.load("semantic")[0], 10)
    share = nouns_told(routed, whole)
    first, second = whole.name.split("/")
    exchanged = replace(whole, name=f"{second}/{first}")
    assert nouns_told(routed, exchanged) == pytest.approx(1 - share)
    with pytest.raises(ValueError, match="two nouns"):
        nouns_told(routed, replace(whole, name="one"))


def test_trained_models_tell_hidden_nouns_better_than_guessing():
    model = catalogue.load("t5-mini")
    told = [nouns_told(model, tracks.first(s, 10)) for s in tracks.load("semantic")[:4]]
    assert np.mean(told) > 0.55
