"""The built model has the modules it says: a plain count finds them in the first kind and in no other."""

import numpy as np
import pytest
from scipy import stats
from sklearn.cluster import KMeans

from companion.models import planted
from modularity import capture, neurons, predictivity

KINDS = ("blocks", "shuffled", "rotated")


@pytest.fixture(scope="module")
def scores():
    """Predictivity by kind, of a few sub-functions of each function."""
    made = {}
    for kind in KINDS:
        built = planted.load(kind)
        made[kind] = (built, predictivity.scores(capture.stream(built.model, built.subfunctions)))
    return made


def found(scores, partition, *, share=0.01, alpha=0.001):
    """Blocks with more top neurons of a function than chance allows, by layer and function."""
    experts = np.unique(partition)
    top = max(1, round(share * scores.sizes["neuron"]))
    result = {}
    for layer in scores["layer"].to_numpy():
        for function in planted.FUNCTIONS:
            table = scores.sel(layer=layer)[(scores["function"] == function).to_numpy()].to_numpy()
            best = np.argsort(-table, axis=1)[:, :top]
            counts = np.bincount(partition[best].ravel(), minlength=len(experts))
            p = stats.binom.sf(counts - 1, best.size, 1 / len(experts))
            result[int(layer), function] = tuple(int(e) for e in experts[p < alpha])
    return result


def test_the_functions_are_found_in_their_blocks(scores):
    built, table = scores["blocks"]
    for (_, function), blocks in found(table, built.partition).items():
        assert blocks == built.functional[function]


@pytest.mark.parametrize("kind", ["shuffled", "rotated"])
def test_no_block_of_the_other_kinds_holds_the_functions(scores, kind):
    built, table = scores[kind]
    hits = [len(blocks) for blocks in found(table, built.partition).values()]
    assert sum(hits) <= 2  # of 96 chances at 0.001


def test_shuffled_neurons_are_as_specialised_and_their_weights_tell(scores):
    blocks, shuffled = (scores[kind][1].max("neuron") for kind in ("blocks", "shuffled"))
    np.testing.assert_allclose(blocks.mean(), shuffled.mean(), atol=0.02)
    built, table = scores["shuffled"]
    rows = neurons.feed_forward(built.model)[0].input_weights.numpy()
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    regrouped = KMeans(planted.BLOCKS, n_init=1, random_state=0).fit_predict(rows)
    assert all(found(table.sel(layer=[0]), regrouped).values())


def test_rotation_keeps_what_the_layer_holds_together():
    rows = [neurons.feed_forward(planted.load(k).model)[0].input_weights.numpy() for k in ("blocks", "rotated")]
    np.testing.assert_allclose(rows[0].T @ rows[0], rows[1].T @ rows[1], atol=1e-4)


def test_it_depends_on_the_seed_only():
    a, b, c = (planted.load(seed=s, sentences=2) for s in (1, 1, 2))
    assert a.subfunctions[0].sentences == b.subfunctions[0].sentences != c.subfunctions[0].sentences


@pytest.mark.parametrize(
    ("arguments", "message"), [({"kind": "mixed"}, "unknown kind 'mixed'; known: blocks"), ({"sentences": 0}, "is 0")]
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        planted.load(**arguments)
