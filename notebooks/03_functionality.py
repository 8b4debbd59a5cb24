# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What can one neuron tell?
#
# One neuron of layer {glue:text}`layer:d` of {glue:text}`model_name`, chosen among {glue:text}`neurons:d`, tells sentences that hide
# the word *{glue:text}`word_1`* from sentences that hide *{glue:text}`word_0`* with a predictivity of {glue:text}`best:.2f`;
# the best of as many useless neurons would reach {glue:text}`floor:.2f` on average.
#
# This page builds the measure of [Section 3 and Appendix A.2 of the paper](https://arxiv.org/abs/2305.18390) from nothing:
# what a neuron is, what its activation on a sentence is, and how that activation is scored.
#
# :::{admonition} Before you start
# **Do:** open one feed-forward layer, compute activations and scores by hand, then with the library.
#
# **Learn:** neuron, pooled activation, sub-function, predictivity, and why 0.5 is *not* what a useless neuron gets.
#
# **Need:** what a Transformer's feed-forward layer is, and what a precision is.
# Half a minute on two CPU cores; a GPU makes no difference here.
# :::

# %% tags=["parameters"]
model: str = "t5-mini"  # a shipped model, or the path of a model folder
subfunction: str = "conflict/heat"  # one of the 100 noun pairs
layer: int = 2  # encoder layer, 0-based
seed: int = 0  # of the useless neurons

# %%
import numpy as np
import torch
from myst_nb import glue

from modularity import capture, functions, models, plots, predictivity

# %% [markdown]
# ## A sub-function is two kinds of sentences
#
# A *function* in the paper is broad (understanding word senses, knowing facts, solving a task).
# A *sub-function* is one narrow case of it that can be tested: a list of sentences and a label, 0 or 1, for each.
# For the semantic function the paper takes two senses of one word from OneSeC, a corpus of sentences tagged with senses.
#
# :::{admonition} What this stands in for
# No sense-tagged corpus may be shipped with a book, so here a "sense" is a word that is not shown.
# Two nouns of similar frequency are each hidden behind T5's own mark for missing text, `<extra_id_0>`, in 100 sentences.
# What is left is the question that word-sense data asks too: does the neuron read the context?
# What is missing is the word itself. In OneSeC the ambiguous word is visible and the same in both classes;
# here nothing is visible, and the two "senses" are those of two different words, which are easier to tell apart than two senses
# of one word. The sentences also come with no human annotation, and need none.
# :::
#
# The two nouns of a pair have equally many sentences from each source (Wikipedia, Brown corpus, WordNet's examples), so the
# style of a source does not give the word away. No noun and no sentence is used twice in the 100 pairs, and none of
# these 20,000 sentences was in the text on which the companion model was pre-trained.

# %%
chosen = functions.find(functions.load("semantic"), subfunction)
for i in (0, 1, 100, 101):
    print(f"label {chosen.labels[i]}: {chosen.sentences[i]}")

# %% [markdown]
# ## A neuron is a row and a column
#
# The feed-forward network of a T5 layer takes one token's state $x$ and computes $W_O\,\sigma(W_I x)$, with
# $\sigma$ the ReLU and no biases. Written out over rows of $W_I$ and columns of $W_O$ it is a sum of independent terms,
#
# ```{math}
# :label: neuron
# \mathrm{FFN}(x) = \sum_{i=1}^{d_\mathrm{ff}} \sigma(W^I_{i,:} \cdot x)\; W^O_{:,i},
# ```
#
# and each term is a *neuron*: $\sigma(W^I_{i,:}\cdot x)$ says how strongly it fires, $W^O_{:,i}$ what it then adds
# (Equation 1 of the paper). To see it, take a random state and add the neurons up one after another.

# %%
companion = models.load(model)
ffn = companion.encoder.block[layer].layer[-1].DenseReluDense
x = torch.randn(ffn.wi.in_features, generator=torch.Generator().manual_seed(seed))
terms = [torch.relu(row @ x) * column for row, column in zip(ffn.wi.weight, ffn.wo.weight.T, strict=True)]
assert torch.allclose(sum(terms), ffn(x), atol=1e-4)
print(f"{len(terms)} neurons add up to the layer's output")

# %% [markdown]
# ## Its activation on a sentence is its strongest token
#
# A neuron fires once for every token. The paper takes the maximum over the sentence (Section 3):
#
# ```{math}
# :label: pooled
# a_{ij} = \max_{x_k \in s_i} \sigma(W^I_{j,:} \cdot x_k).
# ```
#
# By hand, that is one sentence at a time, with a look at what reaches $W_O$. The library does the same in batches of
# similar length, for all layers in one pass, and takes care that padding never counts.


# %%
def naive_activations(sentence):
    seen = []
    handle = ffn.wo.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        companion.encoder(companion.tokenizer(sentence, return_tensors="pt").input_ids)
    handle.remove()
    return seen[0][0].max(dim=0).values.numpy()


by_hand = np.array([naive_activations(s) for s in chosen.sentences[:20]])
activations = capture.pooled_activations(companion, chosen.sentences)
assert np.allclose(by_hand, activations.sel(layer=layer)[:20], atol=1e-4)
activations.sizes

# %% [markdown]
# ## Its predictivity is an average precision
#
# Rank the sentences by the neuron's activation, highest first, and walk down the list. Each time a sentence of class 1
# appears, note the share of class 1 so far, the *precision*. The average over all sentences of class 1 is the
# average precision,
#
# ```{math}
# :label: ap
# \mathrm{AP}(y, a) = \frac{1}{|\{i : y_i = 1\}|} \sum_{i : y_i = 1}
# \frac{|\{k : a_k \ge a_i,\; y_k = 1\}|}{|\{k : a_k \ge a_i\}|}.
# ```
#
# Sentences with equal activation stand or fall together, which the $\ge$ says. A neuron may also fire *less* for
# class 1, and is as useful then. The authors' code therefore takes the larger of $\mathrm{AP}(y, a)$ and
# $\mathrm{AP}(1-y, a)$; the text of Appendix A.2 says $\mathrm{AP}(y, -a)$. Both are in the library
# (`score="labels"` and `score="signs"`), and this book uses the first unless it says otherwise.


# %%
def naive_ap(labels, a):
    precisions = [labels[a >= threshold].mean() for threshold in a[labels == 1]]
    return np.mean(precisions)


y, matrix = chosen.labels, activations.sel(layer=layer).to_numpy()
naive = [max(naive_ap(y, a), naive_ap(1 - y, a)) for a in matrix.T]
scores = predictivity.predictivity(matrix, y)
assert np.allclose(naive, scores, atol=1e-12)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-activation", "caption": "The neuron with the highest predictivity in the chosen layer. The further the two heaps stand apart, the more of the list's top belongs to one word; a perfect neuron would show no overlap."}, "image": {"alt": "Two overlapping histograms of one neuron's maximum activation, one for each hidden word."}}
best = int(scores.argmax())
axes = plots.activation_by_label(matrix[:, best], y, tuple(subfunction.split("/")), scores[best])
# %% [markdown]
# ## What do useless neurons get?
#
# The appendix calls 0.5 the value of a useless neuron. One useless neuron does come close when the classes are of equal
# size; taking the better of two directions lifts it a little. But a layer is judged by its *best* neuron, and the best of
# hundreds of useless ones is far from 0.5. A useless neuron ranks the sentences at random, so its score can be drawn
# without any model.

# %%
rng = np.random.default_rng(seed)
positives, negatives = int(y.sum()), int((1 - y).sum())
sizes = [1, len(scores), 3072]
null = {n: predictivity.best_of_null(positives, negatives, n, draws=200 if n > 1 else 5000, rng=rng) for n in sizes}
relabelled = predictivity.relabelled_null(matrix, y, draws=50, rng=rng)
{n: float(draws.mean().round(3)) for n, draws in null.items()} | {"relabelled": float(relabelled.mean().round(3))}

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-null", "caption": "Predictivity of useless neurons: of one, and of the best of as many as a layer of this model and a layer of T5-base have. The more neurons a layer has, the higher its best useless one."}, "image": {"alt": "Density curves of predictivity under random ranking. One neuron lies near 0.53, the best of several hundred near 0.64, the best of 3,072 higher still."}}
axes = plots.null_of_best(null[1], {n: null[n] for n in sizes[1:]})
# %% [markdown]
# Any "best predictivity" has to be read against the curve of its own layer width and class
# sizes. The neurons of a real layer resemble each other, so they are fewer than they look: permuting the labels and
# keeping this layer's activations gives a best of {glue:text}`relabelled:.3f` on average, beside {glue:text}`floor:.3f` for
# independent neurons.

# %% tags=["remove-cell"]
glue("model_name", companion.name, display=False)
glue("layer", layer, display=False)
glue("neurons", len(scores), display=False)
glue("word_1", subfunction.split("/")[0], display=False)
glue("word_0", subfunction.split("/")[1], display=False)
glue("best", float(scores.max()), display=False)
glue("floor", float(null[len(scores)].mean()), display=False)
glue("relabelled", float(relabelled.mean()), display=False)

# %% [markdown]
# ## What this page does not show
#
# - One pair of words and one layer: whether neurons *in general* are specialised is the question of
#   [](04_specialization.ipynb).
# - The best neuron was chosen on the same sentences that score it. The null is chosen the same way, so the comparison
#   is fair, but {glue:text}`best:.2f` is not what this neuron would get on new sentences.
# - A neuron that predicts a word need not be *used* to understand it. That takes an intervention.
#
# ## Exercises
#
# ```{exercise} A silent neuron
# :label: silent-neuron
# *(3 minutes, easy.)* A neuron that never fires has activation 0 on all sentences. Without running anything: what is
# its predictivity for {glue:text}`positives:d` sentences of class 1 and {glue:text}`negatives:d` of class 0? And
# for 30 and 70? Put the two numbers into `answer`. *Hint:* all sentences share one threshold.
# ```

# %% tags=["solution", "hide-cell"]
answer = (0.5, 0.7)  # the one precision is the share of a class, and the larger class counts

# %% tags=["check"]
silent = np.zeros((100, 1))
assert np.isclose(answer[0], predictivity.predictivity(silent, np.arange(100) % 2)[0]), "not for equal classes"
assert np.isclose(answer[1], predictivity.predictivity(silent, np.arange(100) >= 70)[0]), "not for 30 and 70"

# %% [markdown]
# ```{exercise} Mean instead of maximum
# :label: mean-pooling
# *(5 minutes, medium.)* Equation {eq}`pooled` takes the maximum. Predict: does the best predictivity of this layer rise or
# fall when the *mean* over the tokens is taken? Then compute it into `mean_best` with `capture.pooled_activations`.
# *Hint:* its argument is `pooling`.
# ```

# %% tags=["solution", "hide-cell"]
mean_pooled = capture.pooled_activations(companion, chosen.sentences, pooling="mean").sel(layer=layer)
mean_best = predictivity.predictivity(mean_pooled.to_numpy(), y).max()

# %% tags=["check"]
assert 0.5 <= mean_best <= 1, "a predictivity lies between 0.5 and 1 for classes of equal size"
assert not np.isclose(mean_best, scores.max()), "this is the value for the maximum"
print(f"best predictivity: {scores.max():.3f} with the maximum, {mean_best:.3f} with the mean")

# %% tags=["remove-cell"]
glue("positives", positives, display=False)
glue("negatives", negatives, display=False)
