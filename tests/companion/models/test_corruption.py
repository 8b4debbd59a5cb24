"""Span corruption hides what it should, loses nothing, and depends on the step and the seed only."""

import numpy as np
import pytest

from companion.functions import sources, tracks
from companion.models import corruption

OPTIONS = {"batch": 4, "length": 32, "noise": 0.15, "span": 3.0, "sentinel": 1000, "seed": 0}


def restored(inputs, targets, sentinel=1000):
    """The window, with each sentinel of the input replaced by what the target lists for it."""
    hidden = {}
    for token in targets[:-1]:
        if token >= sentinel:
            current = hidden.setdefault(token, [])
        else:
            current.append(token)
    return [t for token in inputs[:-1] for t in (hidden[token] if token >= sentinel else [token])]


@pytest.mark.parametrize("seed", range(5))
def test_input_and_target_hold_every_token_once(seed):
    raw, hidden, spans = corruption.raw_length(64, 0.15, 3.0)
    windows = np.random.default_rng(seed).integers(2, 900, (6, raw))
    inputs, targets = corruption.corrupt(windows, hidden, spans, sentinel=1000, rng=np.random.default_rng(seed))
    assert inputs.shape == (6, 64)
    assert targets.shape == (6, hidden + spans + 1)
    assert (inputs[:, -1] == corruption.EOS).all()
    for row in range(6):
        assert restored(inputs[row], targets[row]) == windows[row].tolist()
        assert (np.sort(inputs[row][inputs[row] >= 1000]) == 1000 + np.arange(spans)).all()


def test_the_share_of_hidden_tokens_is_the_one_asked_for():
    raw, hidden, spans = corruption.raw_length(128, 0.15, 3.0)
    assert (raw, hidden, spans) == (141, 21, 7)  # 141·0.15 = 21.15 hidden in 21/3 spans: 141 − 21 + 7 + 1 = 128
    assert raw - hidden + spans + 1 == 128


def test_every_position_is_hidden_about_equally_often():
    windows = np.tile(np.arange(2, 37), (4000, 1))
    inputs, _ = corruption.corrupt(windows, 5, 2, sentinel=1000, rng=np.random.default_rng(0))
    kept = np.bincount(inputs[inputs < 1000].ravel(), minlength=37)[2:] / 4000
    # The first token of a window is never hidden and the last always is, as in the original; the rest is even.
    assert kept[0] == 1
    assert kept[-1] == 0
    assert np.ptp(kept[5:-5]) < 0.1


def test_batches_depend_on_the_step_and_the_seed_only():
    stream = np.arange(2, 900)
    whole = list(corruption.batches(stream, steps=range(12), **OPTIONS))
    tail = list(corruption.batches(stream, steps=range(7, 12), **OPTIONS))
    for (a, b), (c, d) in zip(whole[7:], tail, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)
    other = next(corruption.batches(stream, steps=range(1), **OPTIONS | {"seed": 1}))
    assert not np.array_equal(whole[0][0], other[0])


def test_an_epoch_shows_every_window_once():
    stream = np.arange(2, 900)
    raw, *_ = corruption.raw_length(32, 0.15, 3.0)
    per_epoch = (len(stream) - raw) // raw // 4
    first = [inputs[:, 0] for inputs, _ in corruption.batches(stream, steps=range(per_epoch), **OPTIONS)]
    assert len(np.unique(np.concatenate(first))) == 4 * per_epoch


def test_too_little_text_is_an_error():
    with pytest.raises(ValueError, match="the text has 50 tokens, one step needs"):
        next(corruption.batches(np.arange(50), steps=range(1), **OPTIONS))


def test_no_evaluation_sentence_is_in_the_training_text():
    held_out = tracks.evaluation_sentences()
    parts = ("wikipedia", "brown", "wordnet")
    everything = {s for part in parts for document in sources.corpus(part) for s in document}
    assert len(held_out) == 20_000
    assert held_out <= everything  # so that leaving them out is not vacuous
    assert not held_out & {s for document in corruption.documents() for s in document}


def test_a_sentinel_is_one_token_wherever_it_stands(untrained):
    sentinel = untrained.tokenizer.convert_tokens_to_ids("<extra_id_0>")
    for text in ("a <extra_id_0> b", "a <extra_id_0>.", "<extra_id_0> b", "re<extra_id_0>ed"):
        assert untrained.tokenizer(text)["input_ids"].count(sentinel) == 1
    assert untrained.tokenizer.tokenize("a <extra_id_0>.")[-1] == "."  # no word mark between them
