"""What a score is, pinned by hand; what is stored is found again by the same measure and libraries only."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast, T5Config

from companion.experiments import stored_scores
from companion.functions import shipped_chance
from companion.models import model_folder
from modularity import measure, models, moefication, store
from modularity.subfunction import SubFunction

WORDS = {"<pad>": 0, "a": 1, "b": 2, "c": 3, "<unk>": 4}
ASKED = [SubFunction("toy", "semantic", ("a b", "a", "b", "b c", "c"), np.array([1, 1, 0, 0, 1]))]


@pytest.fixture
def toy() -> models.Model:
    """One layer without attention, whose words are the axes: a is (2, 0, 0, 0), which the norm leaves as it is."""
    shape = T5Config(
        vocab_size=5, d_model=4, d_kv=2, d_ff=4, num_heads=2, num_layers=1, num_decoder_layers=1,
        layer_norm_epsilon=0.0, feed_forward_proj="relu",
    )  # fmt: skip
    module = model_folder.fresh(shape, 0).eval().requires_grad_(False)
    for name, parameter in module.encoder.block.named_parameters():
        parameter.fill_(1.0 if "layer_norm" in name else 0.0)
    module.shared.weight.copy_(2 * torch.eye(4)[[3, 0, 1, 2, 3]])
    module.encoder.block[0].layer[1].DenseReluDense.wi.weight.copy_(
        torch.tensor([[1.0, 0, 0, 0], [1.0, 2.0, 3.0, 0], [0, 0, -1.0, 0], [1.0, -1.0, 0, 0]])
    )
    text = Tokenizer(WordLevel(WORDS, unk_token="<unk>"))
    text.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=text, pad_token="<pad>", unk_token="<unk>")
    return models.Model("toy", module, tokenizer)


# W_I x of the words, by neuron: a 2, 2, 0, 2; b 0, 4, 0, −2; c 0, 6, −2, 0. ReLU makes 0 of what is below. Of the
# sentences "a b", "a", "b", "b c" and "c", with labels 1, 1, 0, 0, 1, the greatest are therefore
#   neuron 0 and, after ReLU, neuron 3:  2, 2, 0, 0, 0
#   neuron 1:                            4, 2, 4, 6, 6
#   neuron 2, after ReLU:                0, 0, 0, 0, 0
# Average precision adds the precision times the gain in recall over thresholds; equal values are one threshold.
PINNED = {
    # Neuron 0 for the class: 2/2 · 2/3 + 3/5 · 1/3 = 13/15; for the others: 2/5. Neuron 1: 1/2 · 1/3 + 2/4 · 1/3 +
    # 3/5 · 1/3 = 8/15, the others: 1/2 · 1/2 + 2/4 · 1/2 = 1/2. Neuron 2 has one threshold: 3/5, the others 2/5.
    (): (13 / 15, 8 / 15, 3 / 5, 13 / 15),
    # −a. Neuron 0: 1/3 · 1/3 + 3/5 · 2/3 = 23/45 is less than for a. Neuron 1: 1 · 1/3 + 2/3 · 1/3 + 3/5 · 1/3 = 34/45.
    (("score", "signs"),): (13 / 15, 34 / 45, 3 / 5, 13 / 15),
    # Of the 3 · 2 pairs of a sentence of each class, neuron 0 has 4 in order and 2 equal, neuron 1 has 1 and 2.
    (("score", "auroc"),): (5 / 6, 4 / 6, 1 / 2, 5 / 6),
    # W_I x. Neuron 2: 0, 0, 0, 0, −2, for the class 2/4 · 2/3 + 3/5 · 1/3 = 8/15, for the others 2/4 · 1 = 1/2.
    # Neuron 3: 2, 2, −2, 0, 0, for the class 2/2 · 2/3 + 3/4 · 1/3 = 11/12.
    (("activation", "pre"),): (13 / 15, 8 / 15, 8 / 15, 11 / 12),
    # Means. Neuron 0: 1, 2, 0, 0, 0, for the class 1 · 1/3 + 1 · 1/3 + 3/5 · 1/3 = 13/15, and so neuron 3. Neuron 1:
    # 3, 2, 4, 5, 6: 1 · 1/3 + 2/4 · 1/3 + 3/5 · 1/3 = 7/10.
    (("pooling", "mean"),): (13 / 15, 7 / 10, 3 / 5, 13 / 15),
    # The last word. Neuron 0: 0, 2, 0, 0, 0: 1 · 1/3 + 3/5 · 2/3 = 11/15, and so neuron 3. Neuron 1: as the greatest.
    (("pooling", "last"),): (11 / 15, 8 / 15, 3 / 5, 11 / 15),
}


@pytest.mark.parametrize("options", PINNED)
def test_what_is_scored_is_what_the_version_says(toy, options):
    found = stored_scores.of_model(toy, ASKED, **dict(options)).sel(layer=0).to_numpy().ravel()
    np.testing.assert_allclose(
        found,
        PINNED[options],
        atol=1e-6,
        err_msg="if this definition changed on purpose, raise measure.VERSION, so that nothing stored is taken for it",
    )


def stored(toy: models.Model) -> int:
    """The number of files after each kind of result is asked for."""
    stored_scores.of_model(toy, ASKED)
    stored_scores.of_model(toy, ASKED, layers=[0])
    shipped_chance.chance_level(2, 3, draws=5)
    moefication.experts(toy, 2)
    return len(list(store.folder().iterdir()))


@pytest.mark.parametrize(
    "what", ["measure", "k-means-constrained", "numpy", "ortools", "scipy", "torch", "transformers"]
)
def test_nothing_is_found_that_another_version_made(toy, monkeypatch, what):
    assert stored(toy) == stored(toy) == 4
    with monkeypatch.context() as patch:
        if what == "measure":
            patch.setattr(measure, "VERSION", measure.VERSION + 1)
        else:
            patch.setitem(measure.LIBRARIES, what, "0")
        assert stored(toy) == 8
    assert stored(toy) == 8


def test_the_versions_are_those_that_are_imported():
    assert measure.key()["torch"] == torch.__version__.split("+")[0]
    assert measure.key()["numpy"] == np.__version__
