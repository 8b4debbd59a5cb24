"""Controls keep the sentences and the size of the class, and lose the function."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from companion.functions import baselines, controls, tracks
from modularity.subfunction import SubFunction


@pytest.fixture
def toy() -> SubFunction:
    texts = ("the sea", "a very long day", "an end", "the the the day", "xylyl qat", "of it")
    return SubFunction("toy", "semantic", texts, np.array([1, 0, 0, 1, 1, 0]))


def test_words_are_runs_of_letters_without_the_sentinel():
    assert controls.words("A <extra_id_0>'s 3 dogs, Über-nice.") == ["a", "s", "dogs", "über", "nice"]


def test_length_puts_the_longest_into_class_1(toy):
    # words: 2 4 2 4 2 2; the third place goes by characters: "xylyl qat" has 9, "the sea" 7
    assert controls.nuisance(toy, "length").labels.tolist() == [0, 1, 0, 1, 1, 0]


def test_frequency_puts_the_words_of_the_corpus_first(toy):
    labels = controls.nuisance(toy, "frequency").labels
    assert labels[[3, 5]].tolist() == [1, 1]
    assert labels[4] == 0
    assert labels.sum() == 3
    assert controls.frequency(["xylylqat", ""]).tolist() == [0, 0]
    assert controls.frequency(["the"])[0] > 5  # 3.6 million tokens, one in sixteen


def test_a_control_task_gives_a_word_one_label(toy):
    made = controls.control_task(toy)
    assert made.labels[1] == made.labels[3]  # both end in "day"
    assert made.sentences == toy.sentences


def test_words_that_all_sentences_share_do_not_count():
    made = controls.control_task(SubFunction("x", "task", ("in 1 here", "in 2 here", "in 1 here"), np.array([0, 1, 1])))
    assert made.labels[0] == made.labels[2] != made.labels[1]


def test_a_control_task_depends_on_its_seed_only():
    (s,) = tracks.load("semantic")[:1]
    first, again, other = (controls.control_task(s, seed).labels.tolist() for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("function", ["semantic", "knowledge", "task"])
def test_control_classes_are_about_as_large(function):
    for s in tracks.load(function):
        made = controls.control_task(s)
        share = made.labels.mean() / s.labels.mean()
        assert 0.8 < share < 1.25, (s.name, share)  # whole word types, the commonest of which is large
        for of in ("length", "frequency"):
            assert controls.nuisance(s, of).labels.sum() == s.labels.sum()


def test_bad_controls_are_named(toy):
    with pytest.raises(ValueError, match="unknown nuisance 'colour'; known: length, frequency"):
        controls.nuisance(toy, "colour")
    same = SubFunction("x", "task", ("a b", "b a"), np.array([0, 1]))
    with pytest.raises(ValueError, match="all sentences of 'x' have the same words; a control task needs others"):
        controls.control_task(same)


def test_by_label_measures_each_class(toy):
    table = controls.by_label([toy]).set_index("label")
    assert table["length"].tolist() == [(4 + 2 + 2) / 3, (2 + 4 + 2) / 3]


def test_a_card_counts(toy):
    card = controls.card([toy, toy])
    assert (card["sub-functions"], card["sentences"], card["sentences each"]) == (2, 12, "6")


def frame(texts: list[str], labels: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"text": texts, "other": texts[::-1], "label": labels})


def test_a_baseline_finds_what_it_looks_for():
    cue = frame([f"{'red' if i % 2 else 'tan'} w{i}" for i in range(60)], [i % 2 for i in range(60)])
    long = frame(["w " * (5 + 5 * (i % 2)) for i in range(60)], [i % 2 for i in range(60)])
    assert baselines.accuracy(cue, cue.sample(20, random_state=0), ["text"], "words") == 1
    assert baselines.accuracy(long, long, ["text"], "length") == 1
    assert baselines.accuracy(cue, cue, ["text"], "length") == 0.5


def test_a_baseline_finds_word_order_only_in_pairs():
    order = frame(["a b c" if i % 2 else "c b a" for i in range(40)], [i % 2 for i in range(40)])
    assert baselines.accuracy(order, order, ["text"], "words") == 0.5
    assert baselines.accuracy(order, order, ["text"], "word pairs") == 1


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_few_rows_are_predicted_as_many_are(rng, classes, form):
    """In closed form, and by scikit-learn."""
    x, y = form((rng.random((40, 90)) < 0.2).astype(float)), form((rng.random((500, 90)) < 0.2).astype(float))
    labels = rng.permutation(np.arange(40) % classes)
    few = baselines.predicted(x, labels, y, 2.0)
    assert np.mean(few == baselines.predicted(x, labels, y, 2.0, few=0)) > 0.99  # the other solution is approximate
    assert set(few.tolist()) == set(range(classes))


def test_folds_are_measured_on_what_they_were_not_fitted_to():
    """A word tells what it told in other rows; a word of one row only tells nothing of it."""
    labels = [i % 2 for i in range(60)]
    told = frame([("red" if y else "tan") for y in labels], labels)
    assert baselines.cross_validated(told, ["text"], "words") == 1
    assert baselines.cross_validated(frame([f"w{i}" for i in range(60)], labels), ["text"], "words") == 0.5


def test_a_baseline_finds_overlap_of_two_fields():
    table = pd.DataFrame({"x": ["one two"] * 40, "y": ["one two", "three four"] * 20, "label": [0, 1] * 20})
    assert baselines.accuracy(table, table, ["x", "y"], "overlap") == 1
