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
# # Are neurons specialised?
#
# In word meanings, yes: the best neuron of a layer of {glue:text}`model_name` reaches a predictivity of
# {glue:text}`trained:.3f`, averaged over {glue:text}`subfunctions:d` semantic sub-functions, {glue:text}`layers:d` encoder layers and
# {glue:text}`runs:d` runs, against {glue:text}`untrained:.3f` in copies that were never trained and {glue:text}`null:.3f` for the best of as
# many useless neurons. In tasks the gain is {glue:text}`gain_task:.3f`, in knowledge {glue:text}`gain_knowledge:.3f`.
#
# This is [Section 4 of the paper](https://arxiv.org/abs/2305.18390): both halves of its Figure 1, and Figure 5 of its appendix.
#
# :::{admonition} Before you start
# **Do:** score every neuron of every encoder layer for every sub-function, find the best of each layer, and see which of them are shared.
#
# **Learn:** why a trained model has to be compared with an untrained copy *and* with useless neurons, and what sharing says that
# scores do not.
#
# **Need:** [](03_functionality.ipynb), and for what the companion models are [](02_models.ipynb).
# About eight minutes on two CPU cores the first time, seconds when the scores are stored; a GPU is not needed.
# :::

# %% tags=["remove-cell"]
# In Colab, get this book and what it needs: a few minutes, once. Anywhere else nothing happens.
import importlib.util
import subprocess
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("modularity") is None:
    book = "https://github.com/modularity-companion/emergent-modularity"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", book, "book"], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "-e", "book[bert,book]"], check=True)
    sys.path.insert(0, "book/lib")

# %% tags=["parameters"]
model: str = "t5-mini"  # a companion model, a hub id, or the path of a model folder
beside: str = "switch-mini all-MiniLM-L6-v2"  # models drawn beside it, or nothing
track: str = "mini"  # whose sentences: mini (this book's) or paper
seed: int = 0  # of the first untrained copy, and of every draw
copies: int = 3  # untrained copies of each model, at least 1; the paper has 3
per_class: int = 100  # sentences of each class, at most; 1000 takes all
limit: int = 100  # sub-functions of each function, at least 2
score: str = "labels"  # labels (authors' code), signs (paper's text) or auroc
pooling: str = "max"  # over the tokens: max (the paper), mean or last

# %%
import numpy as np
import pandas as pd
from myst_nb import glue

from modularity import (
    cost,
    functions,
    models,
    plots,
    predictivity,
    published,
    specialists,
    subfunction,
    summaries,
    sweep,
)

# %% [markdown]
# ## Score every neuron for every sub-function
#
# A sub-function is one question with two answers, and a neuron's predictivity says how well its strongest activation in a sentence tells
# them apart ([](03_functionality.ipynb)). Every companion model was trained three times, from three seeds, and each is scored; the untrained
# copies have the same architecture and tokenizer, and weights as before training. All weights are frozen: nothing is tuned on these sentences.

# %%
subfunctions = functions.load_all(track, per_class=per_class, limit=limit, seed=seed)
names = [model, *beside.split()]
options = {"score": score, "pooling": pooling}
scored = {name: sweep.runs(name, subfunctions, copies=copies, seed=seed, **options) for name in names}
trained, untrained = scored[model]
trained[0].sizes

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
    return np.mean([max(run[m, layer].to_numpy()) for run in trained for m in semantic])


semantic = np.flatnonzero(trained[0]["function"] == "semantic")
best = summaries.best_by_layer(trained, seed=seed)
first = best.query("function == 'semantic'")["value"].to_numpy()
assert np.allclose([naive_best(i) for i in range(len(first))], first)
best.round(4)

# %% [markdown]
# ## The floor under the best of many
#
# The best of many useless neurons is well above 0.5. The grey band is drawn without any model: neurons that rank the sentences at
# random, as many as the layer has. It holds 95 % of the *means* over sub-functions. The bands around the curves are a bootstrap over
# sub-functions, because others might have been chosen.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-figure1-left", "caption": "Figure 1 left of the paper. Blue: trained models, the mean over their runs with its 95 % interval over sub-functions. Orange: untrained copies. Grey: the best of N useless neurons. Black: T5-base and Switch-base-16 as the paper prints them, pre-trained (solid) and randomly initialised (dotted), on its own sentences; no BERT is printed."}, "image": {"alt": "A grid of line plots, a row for each model and a column for each function, of best predictivity by encoder layer. For semantic sub-functions trained models lie far above untrained copies, for knowledge like them, for tasks in between where the model was trained on tasks."}}
parts = {(name, init): runs for name, pair in scored.items() for init, runs in zip(("trained", "untrained"), pair)}
curves = [summaries.best_by_layer(runs, seed=seed).assign(model=n, init=i) for (n, i), runs in parts.items()]
floors = [
    summaries.floor(subfunctions, pair[0][0].sizes["neuron"], score=score, seed=seed).assign(model=name)
    for name, pair in scored.items()
]
printed = published.figure1_left()
paper = [printed.query("model == @kind").assign(model=n) for n in names if (kind := published.counterpart(n))]
axes = plots.figure1_left(pd.concat(curves), pd.concat(floors), pd.concat(paper))

# %% [markdown]
# **How to read it.** Three comparisons are in the figure, and they say different things.
#
# - *Trained against untrained* is the paper's claim. The table below has it with its interval, paired by sub-function.
# - *Untrained against useless*: a random network is no useless one. Its neurons are random features of the words that stand in the
#   sentence, and some words go with a class.
# - *Useless against 0.5*: the floor is high only because the best of hundreds was chosen.
#
# The knowledge sub-functions of this book are hard by construction: every entity stands as often in true sentences as in false ones, so that
# only the combination tells. A neuron that responds to an entity is then *more* balanced than a useless one, which is why untrained copies can
# lie below the grey band there. The paper replaces an entity at random, which leaves words that go with a class; its untrained curve is higher.
#
# Of tasks the paper says that they rise with the layers, and of the other functions that they vary little. From its first layer to its last
# {glue:text}`model_name` changes by {glue:text}`task_rise:+.3f` in tasks. Models that were never trained on tasks are in the figure too; the table
# says what they gain. In knowledge the companion models gain nothing over their own start, though they remember the facts they were told
# ([](02_models.ipynb)). `all-MiniLM-L6-v2`, which read far more, gains: these sub-functions can show learning where it is in single neurons.

# %%
gains = pd.concat([summaries.gain(*pair, seed=seed).assign(model=name) for name, pair in scored.items()])
gains.set_index(["model", "function"]).style.format("{:.3f}")

# %% [markdown]
# ## The best of one half, judged on the other
#
# A neuron that was chosen for its score has luck in it. Choosing it on one half of the sentences and scoring it on the other takes the
# luck out, and the floor with it: a useless neuron then stands at chance. Both ways, averaged, for one run of {glue:text}`model_name`:

# %%
loaded = {"trained": models.load(model), "untrained": models.load(model, untrained=True, seed=seed)}
halves = subfunction.halves(subfunctions, seed=seed)
fair = {k: summaries.held_out(*(sweep.scores(m, part, **options) for part in halves)) for k, m in loaded.items()}
fair = pd.concat(fair).groupby(level=0).apply(lambda rows: rows.groupby("function")["value"].mean()).T
fair.style.format("{:.3f}")

# %% [markdown]
# The intervals of the figure are about other sub-functions; this table is about other sentences.
#
# (appendix-a3)=
# ## Who shares their best neurons?
#
# **Claim (Section 4, second half).** Sub-functions of one function share more of their top neurons than sub-functions of different
# functions, and more than in a random model: there are groups of neurons for a function.
#
# With $N_m$ the top $k$ neurons of sub-function $m$ in a layer, the overlap of two sub-functions is
# $|N_m \cap N_{m'}| / k$. By chance it is $k / N$.


# %%
def naive_overlap(m, other, layer):
    sets = [set(np.argsort(-trained[0][i, layer].to_numpy(), kind="stable")[:top]) for i in (m, other)]
    return len(sets[0] & sets[1]) / top


top = specialists.number(trained[0].sizes["neuron"])
shared = specialists.overlap(specialists.top_neurons(trained[0]))
assert np.isclose(naive_overlap(0, 1, 0), shared[0, 0, 1])
shared.sizes

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-figure1-right", "caption": "Figure 1 right and Figure 5 of the paper: overlap of the top 1 % neurons of two sub-functions, averaged over layers and runs, each sub-function with itself left out. Blue: trained. Orange: untrained. Black: as printed for T5-base and Switch-base-16. Dashed: chance. Bars: 95 % intervals (jackknife over sub-functions)."}, "image": {"alt": "Dot plots of overlap, on a logarithmic scale, for pairs of functions. Within the semantic function trained models share several times more than chance."}}
shares = [summaries.overlaps(runs).assign(model=n, init=i) for (n, i), runs in parts.items()]
right = published.figure1_right()
right = [right.query("model == @k").assign(model=n, init="paper") for n in names if (k := published.counterpart(n))]
axes = plots.overlaps(pd.concat([*shares, *right]))

# %% [markdown]
# **How to read it.** Dots right of the dashed line are sub-functions that share more neurons than chance. Above the thin line are pairs
# within one function, below it pairs across functions. The claim asks for two things: within to the right of across, and trained to the right of
# untrained. Untrained copies share too, because a random neuron that responds to a frequent word responds to it in every sub-function.
#
# ## What the paper's models would cost
#
# `--profile paper` reads T5-base and Switch-base-16, trained and untrained, on all sentences of the paper. Measured with an untrained copy of T5-base's shape on this machine, and what the
# operations of the encoder alone take on a GPU that sustains 10 or 100 TFLOP/s (no GPU was at hand to measure):

# %%
costs = cost.reading(copies)
costs.style.format("{:,.1f}").format("{:,.0f}", subset=["sentences"])

# %% tags=["remove-cell"]
from modularity import evidence, ledger

gain_of = gains.query("model == @model").set_index("function")
of_task = best.query("function == 'task'")["value"]
mine = pd.concat(shares).query("model == @model and init == 'trained'").set_index(["function", "other"])["value"]
values = {
    "model_name": models.load(model).name.rstrip("/").split("/")[-1],
    "trained": float(gain_of.loc["semantic", "trained"]),
    "untrained": float(gain_of.loc["semantic", "untrained"]),
    "null": float(floors[0].set_index("function").loc["semantic", "value"]),
    "difference": float(gain_of.loc["semantic", "gain"]),
    "smallest": float(gain_of.loc["semantic", "low"]),
    "gain_task": float(gain_of.loc["task", "gain"]),
    "task_rise": float(of_task.iloc[-1] - of_task.iloc[0]),
    "gain_knowledge": round(float(gain_of.loc["knowledge", "gain"]), 3) + 0.0,  # no minus before a zero
    "subfunctions": len(semantic),
    "layers": trained[0].sizes["layer"],
    "width": trained[0].sizes["neuron"],
    "top": top,
    "runs": len(trained),
    "within": float(mine["semantic", "semantic"]),
    "across": float(mine.drop([(f, f) for f in gain_of.index]).mean()),
    "chance": float(shares[0]["chance"].iloc[0]),
    "cost_cpu": float(costs["hours here"].sum()),
    "cost_gpu": float(costs["minutes at 10 TFLOP/s"].sum()),
}
tables = [evidence.gains(gains), evidence.rises(scored, seed=seed), evidence.shared(scored)]
values["evidence"] = ledger.evidence(*tables)
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Models.** Two small models that this book trained stand for T5-base and Switch-base-16, and a real BERT beside them, which the paper
#   leaves open. The same call with `-p model google-t5/t5-base -p beside google/switch-base-16 -p track paper` runs the paper's.
# - **Sentences.** [](03_functionality.ipynb) says what replaces the paper's. The black curves are printed numbers for other sentences:
#   they show the size of the effect in the paper, and are no target for the blue ones.
# - **Untrained copies.** The paper's text averages three random initialisations; the released code reads one, and its first 30 of 529
#   sub-functions. Here all copies are scored on all sub-functions ([D4](d4), [D5](d5)).
# - **Top 1 %.** Rounded down, as in the code: {glue:text}`width:d` neurons have their first {glue:text}`top:d` ([D7](d7)).
# - **Score.** The larger of two average precisions, as in the code and not as in the text ([D1](d1)); sentences are read with their end mark ([D6](d6)), and MNLI as the text asks it ([D3](d3)).
#
# ## What this page does not show
#
# - That a neuron is *mainly* specialised in one thing: a neuron may be best for many sub-functions.
# - That the model uses these neurons: predictivity is a correlation.
# - That neurons of a function lie together: [](05_functional_experts.ipynb) asks that.
#
# ## Exercises
#
# ```{exercise} Shuffle the labels
# :label: shuffle-labels
# *(5 minutes, easy.)* Predict, then compute: where does the trained model's best predictivity fall when the labels of a sub-function
# are permuted? Put the mean over a few draws for the first sub-function and the first layer into `shuffled`.
#
# :::{hint}
# :class: dropdown
# `predictivity.relabelled_null` takes the pooled activations of `capture.pooled_activations`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
from modularity import capture

one = subfunctions[0]
pooled = capture.pooled_activations(loaded["trained"], one.sentences, pooling=pooling)[0].to_numpy()
rng = np.random.default_rng(seed)
shuffled = predictivity.relabelled_null(pooled, one.labels, score=score, draws=20, rng=rng).mean()

# %% tags=["check"]
assert shuffled < first.mean() - 0.03, "with permuted labels there is nothing left to predict"
assert abs(shuffled - values["null"]) < 0.05, "the best of neurons without labels is near the best of useless ones"
print(f"permuted labels {shuffled:.3f}, independent useless neurons {values['null']:.3f}")

# %% [markdown]
# ```{exercise} Fewer neurons
# :label: fewer-neurons
# *(5 minutes, medium.)* T5-base has 3,072 neurons in a layer, this model {glue:text}`width:d`. Predict whether the gap between trained and
# untrained grows or shrinks when only the first 64 neurons of each layer are looked at, and put both means over the semantic
# sub-functions into `few`.
#
# :::{hint}
# :class: dropdown
# `trained[0].isel(neuron=slice(64))`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
few = [
    float(runs[0].isel(neuron=slice(64), subfunction=semantic).max("neuron").mean()) for runs in (trained, untrained)
]

# %% tags=["check"]
assert few[0] < values["trained"], "trained: the best of 64 cannot beat the best of all"
assert few[1] < values["untrained"] + 0.02, "untrained: the best of 64 cannot beat the best of all"
assert min(few) > float(untrained[0][semantic].mean()) + 0.02, "the best of 64 is better than the mean neuron"
print(f"64 neurons: {few[0]:.3f} and {few[1]:.3f}; all: {values['trained']:.3f} and {values['untrained']:.3f}")

# %% [markdown]
# ```{exercise} More than one percent
# :label: more-than-one-percent
# *(10 minutes, hard.)* Overlap grows with the share of neurons that count as top, if only by chance. Predict whether the semantic overlap
# *relative to chance* grows or falls from 1 % to 5 %, and put both ratios into `relative`.
#
# :::{hint}
# :class: dropdown
# `summaries.overlaps(trained, share)`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
tables = [summaries.overlaps(trained, share).iloc[0] for share in (0.01, 0.05)]
relative = [table["value"] / table["chance"] for table in tables]

# %% tags=["check"]
assert relative[0] > relative[1] > 1, "the very best neurons are shared most, and even the top 5 % more than by chance"
print(f"times chance: {relative[0]:.1f} at 1 %, {relative[1]:.1f} at 5 %")
