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
# # Are neurons specialised in word meanings?
#
# Yes, in the sense of the paper's Figure 1: the best neuron of a layer of {glue:text}`model_name` reaches a predictivity of
# {glue:text}`trained:.3f`, averaged over {glue:text}`subfunctions:d` semantic sub-functions and {glue:text}`layers:d` encoder layers,
# against {glue:text}`untrained:.3f` in copies that were never trained and {glue:text}`null:.3f` for the best of as many useless neurons.
#
# This is [Section 4 of the paper](https://arxiv.org/abs/2305.18390), the left part of its Figure 1, for the semantic function.
#
# :::{admonition} Before you start
# **Do:** score every neuron of every encoder layer for every sub-function, and draw the paper's figure with its floor.
#
# **Learn:** why a trained model has to be compared with two things, an untrained copy *and* useless neurons.
#
# **Need:** [](03_functionality.ipynb).
# About three minutes on two CPU cores the first time, a few seconds when the scores are stored; a GPU is not needed.
# :::

# %% tags=["parameters"]
model: str = "t5-mini"  # a shipped model, or the path of a model folder
seed: int = 0  # of the first untrained copy, and of every draw
copies: int = 3  # untrained copies, at least 1; the paper has 3
limit: int = 100  # sub-functions, 2 to 100
score: str = "labels"  # labels (authors' code), signs (paper's text) or auroc
pooling: str = "max"  # over the tokens: max (the paper), mean or last
draws: int = 400  # of the best of N useless neurons

# %%
import numpy as np
import pandas as pd
from myst_nb import glue
from scipy import stats

from modularity import functions, models, plots, predictivity, published, sweep

# %% [markdown]
# ## Score every neuron for every sub-function
#
# A sub-function hides one of two nouns in 200 sentences, and a neuron's predictivity says how well its strongest activation tells
# them apart ([](03_functionality.ipynb)). The untrained copies have the same architecture and tokenizer, and fresh
# weights from three seeds. All weights are frozen: nothing is tuned on these sentences.

# %%
subfunctions = functions.load("semantic")[:limit]
trained = sweep.scores(models.load(model), subfunctions, score=score, pooling=pooling)
untrained = [
    sweep.scores(models.load(model, untrained=True, seed=seed + i), subfunctions, score=score, pooling=pooling)
    for i in range(copies)
]
trained.sizes

# %% [markdown]
# ## The best neuron of each layer
#
# **Claim (Section 4, first observation).** In every layer, the best neurons of a pre-trained model are far better than the best of a
# randomly initialised one, so they learned the function in pre-training.
#
# For layer $l$, with $p^{l}_{jm}$ the predictivity of neuron $j$ for sub-function $m$ of $M$, the figure shows
#
# ```{math}
# :label: best
# b_l = \frac{1}{M} \sum_{m=1}^{M} \max_j \; p^{l}_{jm}.
# ```
#
# Written out it is two loops; with named dimensions it is one line.


# %%
def naive_best(layer):
    return np.mean([max(trained[m, layer].to_numpy()) for m in range(len(subfunctions))])


best = trained.max("neuron")
assert np.allclose([naive_best(i) for i in range(trained.sizes["layer"])], best.mean("subfunction"))
best.mean("subfunction").to_series().round(4)

# %% [markdown]
# ## The floor under the best of many
#
# A layer has {glue:text}`width:d` neurons, and the best of {glue:text}`width:d` useless ones is well above 0.5. The floor below is
# drawn without any model: neurons that rank the sentences at random. Its band holds 95 % of the *means* over
# {glue:text}`subfunctions:d` sub-functions. The interval of the trained curve is a bootstrap over sub-functions, because other word
# pairs might have been chosen.

# %%
rng = np.random.default_rng(seed)
labels = subfunctions[0].labels
assert all(s.labels.sum() == labels.sum() and len(s.labels) == len(labels) for s in subfunctions)  # one null serves all
useless = predictivity.best_of_null(
    int(labels.sum()), int((1 - labels).sum()), trained.sizes["neuron"], score=score, draws=draws, rng=rng
)
margin = 1.96 * useless.std() / np.sqrt(len(subfunctions))
band = (useless.mean() - margin, useless.mean() + margin)
bootstrap = stats.bootstrap((best.to_numpy(),), np.mean, axis=0, method="percentile", rng=rng)
interval = np.array(bootstrap.confidence_interval)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-figure1-left", "caption": "Figure 1 left of the paper, semantic function. Blue: the trained companion model with its 95 % interval over sub-functions. Orange: untrained copies. Grey: the best of N useless neurons. Black: T5-base as the paper prints it, pre-trained (solid) and randomly initialised (dotted), on its own sentences."}, "image": {"alt": "Line plot of mean best predictivity by encoder layer. The trained model lies near the paper's T5-base curve, well above the untrained copies, which lie above a flat band for useless neurons."}}
paper = published.figure1_left().query("model == 'T5' and function == 'semantic'")
curves = {
    f"T5-base, {'pre-trained' if init == 'pretrained' else 'untrained'}": (
        rows["layer"] / 11,
        rows["mean_best_ap"].to_numpy(),
    )
    for init, rows in paper.groupby("init")
}
means = [scores.max("neuron").mean("subfunction") for scores in untrained]
axes = plots.figure1_left(
    best.mean("subfunction"), means, band, curves, name=model.rstrip("/").split("/")[-1], interval=interval
)
# %% [markdown]
# **How to read it.** Three comparisons are in the figure, and they say different things.
#
# - *Trained against untrained* is the paper's claim: {glue:text}`difference:.3f` more on average, and at least {glue:text}`smallest:.3f`
#   more in every layer (lower end of the 95 % interval of the paired difference over sub-functions).
# - *Untrained against useless*: a random network is no useless one. Its neurons are random features of the words that stand in
#   the sentence, and some words go with the hidden noun, which is worth {glue:text}`untrained_gain:.3f` above the floor.
# - *Useless against 0.5*: the floor is {glue:text}`null:.3f` only because the best of {glue:text}`width:d` was chosen.

# %% tags=["hide-input"]
copies_best = np.mean([scores.max("neuron") for scores in untrained], axis=0)
paired = best.to_numpy() - copies_best
paired_interval = np.array(
    stats.bootstrap((paired,), np.mean, axis=0, method="percentile", rng=rng).confidence_interval
)
table = pd.DataFrame(
    {
        "trained": best.mean("subfunction").to_numpy(),
        "95 % from": interval[0],
        "to": interval[1],
        "untrained": copies_best.mean(0),
        "difference": paired.mean(0),
        "95 % from ": paired_interval[0],
        "to ": paired_interval[1],
        "useless": useless.mean(),
    },
    index=pd.Index(trained["layer"].to_numpy(), name="layer"),
)
table.style.format("{:.3f}")

# %% tags=["remove-cell"]
ours = {
    "model_name": model.rstrip("/").split("/")[-1],
    "trained": float(best.mean()),
    "untrained": float(copies_best.mean()),
    "null": float(useless.mean()),
    "untrained_gain": float(copies_best.mean() - useless.mean()),
    "difference": float(paired.mean()),
    "smallest": float(paired_interval[0].min()),
    "spread": float(np.ptp(table["trained"])),
    "subfunctions": len(subfunctions),
    "layers": trained.sizes["layer"],
    "width": trained.sizes["neuron"],
}
for name, value in ours.items():
    glue(name, value, display=False)

# %% tags=["remove-cell"]
printed = {init: rows["mean_best_ap"] for init, rows in paper.groupby("init")}
glue("paper_trained", float(printed["pretrained"].mean()), display=False)
glue("paper_untrained", float(printed["random_init"].mean()), display=False)
glue("paper_spread", float(np.ptp(printed["pretrained"])), display=False)

# %% [markdown]
# ## Ours beside the paper's
#
# | | {glue:text}`model_name` | T5-base, as printed |
# |---|---|---|
# | trained, mean over layers | {glue:text}`trained:.3f` | {glue:text}`paper_trained:.3f` |
# | untrained, mean over layers | {glue:text}`untrained:.3f` | {glue:text}`paper_untrained:.3f` |
# | highest less lowest trained layer | {glue:text}`spread:.3f` | {glue:text}`paper_spread:.3f` |
#
# Where this page departs from the paper, and why:
#
# - **Model.** A T5 of a few million parameters, pre-trained by this project on 22 MB of text, stands for T5-base: no network is needed.
#   A layer has {glue:text}`width:d` neurons instead of 3,072, which lowers the best of them.
# - **Sentences.** Hidden nouns instead of word senses; [](03_functionality.ipynb) says what that replaces. The two black curves are
#   printed numbers for other sentences: they show the size of the effect in the paper, and are no target for the blue one.
# - **Untrained copies.** The paper's text averages three random initialisations; the released code reads one, and its first
#   30 of 529 sub-functions. Here all three are drawn, each on all sub-functions.
# - **Second observation of Section 4.** For the semantic function the paper finds little change across layers; the row
#   "highest less lowest" is that number. Its other half concerns knowledge and tasks.
#
# ## What this page does not show
#
# - That a neuron is *mainly* specialised in one thing: a neuron may be best for many sub-functions.
# - That the model uses these neurons: predictivity is a correlation.
# - That the neuron would do as well on new sentences. It was chosen on the sentences that score it; untrained copies and useless
#   neurons had the same advantage, which is why the differences count and not the heights.
# - That pre-training elsewhere gives the same: this is one model from one seed.
#
# ## Exercises
#
# ```{exercise} Shuffle the labels
# :label: shuffle-labels
# *(5 minutes, easy.)* Predict, then compute: where does the trained model's best predictivity fall when the labels of a sub-function
# are permuted? Put the mean over a few draws for the first sub-function and layer 0 into `shuffled`. *Hint:*
# `predictivity.relabelled_null` takes the pooled activations of `capture.pooled_activations`.
# ```

# %% tags=["solution", "hide-cell"]
from modularity import capture

first = capture.pooled_activations(models.load(model), subfunctions[0].sentences, pooling=pooling).sel(layer=0)
shuffled = predictivity.relabelled_null(first.to_numpy(), labels, score=score, draws=20, rng=rng).mean()

# %% tags=["check"]
assert shuffled < best.mean() - 0.05, "with permuted labels there is nothing left to predict"
print(f"permuted labels {shuffled:.3f}, independent useless neurons {useless.mean():.3f}")

# %% [markdown]
# ```{exercise} Fewer neurons
# :label: fewer-neurons
# *(5 minutes, medium.)* T5-base has 3,072 neurons in a layer, this model {glue:text}`width:d`. Predict whether the gap between trained and
# untrained grows or shrinks when only the first 64 neurons of each layer are looked at, and put both means into `few`.
# *Hint:* `trained.isel(neuron=slice(64))`.
# ```

# %% tags=["solution", "hide-cell"]
few = [float(scores.isel(neuron=slice(64)).max("neuron").mean()) for scores in (trained, untrained[0])]

# %% tags=["check"]
assert few[0] < best.mean(), "trained: the best of 64 cannot beat the best of all"
assert few[1] < copies_best.mean(), "untrained: the best of 64 cannot beat the best of all"
print(f"64 neurons: {few[0]:.3f} and {few[1]:.3f}; all: {best.mean():.3f} and {copies_best.mean():.3f}")
