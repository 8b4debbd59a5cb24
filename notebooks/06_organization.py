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
# # Do words with like meanings share experts?
#
# In {glue:text}`model_name` the clustering score at the end of pre-training is {glue:text}`own:.2f` by the vectors of {glue:text}`vectors`, and {glue:text}`own_corpus:.2f` by the company that words
# keep in the text it was trained on. Randomly assigned groups of neurons score {glue:text}`random_own:.2f` and {glue:text}`random_corpus:.2f`. By the rule of [the ledger](../book/claims.md), the claim that sub-functions about similar words share experts in
# the lowest layer has the verdict *{glue:text}`verdict_lowest-organised`*, and the claim that they share experts more than random groups *{glue:text}`verdict_lowest-over-random`*.
#
# This is [Appendix A.6 of the paper](https://arxiv.org/abs/2305.18390), its Figures 7 and 8.
#
# :::{admonition} Before you start
# **Do:** ask whether sub-functions about similar words have their best experts in common, and when in pre-training they come to.
#
# **Learn:** how two matrices of similarities are compared, why their entries are not independent witnesses, and what a random partition is for.
#
# **Need:** [](06_emergence.ipynb), whose histories are read here.
# About one minute on two CPU cores; with `-p history fresh` a small model is trained first, under five minutes more.
# :::

# %% tags=["remove-cell"]
# In Colab, get this book and what it needs: a few minutes, once. Anywhere else nothing happens.
import importlib.util
import subprocess
import sys

if "google.colab" in sys.modules and importlib.util.find_spec("companion") is None:
    book = "https://github.com/modularity-companion/emergent-modularity"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", book, "book"], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "-e", "book[bert,book]"], check=True)
    sys.path.insert(0, "book/lib")

# %% tags=["parameters"]
model: str = "switch-mini"  # a companion model: t5-mini or switch-mini
beside: str = "t5-mini"  # whose shipped histories are drawn beside it
history: str = "shipped"  # shipped; fresh, a small model trained now; or the folder of a run
seeds: int = 3  # shipped runs of each model, at most
vectors: str = "auto"  # of words: spacy (as the paper), bert, or auto: spaCy's where a model with vectors is installed
recompute: str = "slice"  # of what is shipped: slice (rechecked), none, or full, which computes everything
draws: int = 1000  # random assignments of words to the sub-functions
seed: int = 0  # of a fresh run and of every draw

# %%
import numpy as np
import pandas as pd
from myst_nb import glue
from scipy import stats

from companion import functions
from companion.experiments import history_file, history_source, obtain, shipped_readings
from companion.functions import similarity
from companion.models import word_vectors
from companion.sections import emergence_tables
from companion.sections import organization_figures as figures
from companion.sections import organization_tables as section
from modularity import emergence, specialists

# %% [markdown]
# ## How alike are two words?
#
# The paper takes spaCy's word vectors. No package registry carries a spaCy model that has some, so unless one is installed the vectors are those of the BERT at hand, each word
# read alone. Two more measures need no model: *corpus*, by the company that words keep in the pre-training text (cosine of vectors of co-occurrence), and *wordnet*, by where their first senses stand in its tree. What
# they have in common, as rank correlations over all pairs of the {glue:text}`nouns:d` nouns:

# %%
nouns = similarity.of_nouns("corpus")
embedded = word_vectors.similarity(nouns["word"].to_numpy().tolist(), vectors)
likeness = {embedded.name: embedded, "corpus": nouns, "wordnet": similarity.of_nouns("wordnet")}
upper = np.triu_indices(len(nouns), 1)
pd.DataFrame({name: table.to_numpy()[upper] for name, table in likeness.items()}).corr("spearman").round(2)

# %% [markdown]
# A sub-function of this book is about two nouns, not one word as in the paper, so two sub-functions are as alike as their nouns are on average, matched in the better of the two ways.
#
# (appendix-a6)=
# ## The clustering score
#
# Take the $k$ experts with the highest predictivities for sub-function $i$, and the same for all others. If sub-functions like $i$ share more of them than others do, the ranks of both go together:
#
# ```{math}
# :label: clustering
# V_i^{(k)} = \operatorname{corr}_{j \neq i}\bigl(\operatorname{rank} S_{ij},\, \operatorname{rank} O_{ij}^{(k)}\bigr), \qquad V = \frac{1}{KM} \sum_{k=1}^{K} \sum_{i=1}^{M} V_i^{(k)},
# ```
#
# where $S$ says how alike two sub-functions are and $O^{(k)}$ how many of their top $k$ experts they share. $K$ is one less than the number of experts: with all of them every pair shares all. By hand, for one sub-function and one layer at the last checkpoint:


# %%
def naive_score(i, alike, experts):
    others = [j for j in range(len(alike)) if j != i]
    scores = []
    for k in range(1, experts.shape[1]):
        top = [set(np.argsort(-row, kind="stable")[:k]) for row in experts]
        scores.append(stats.spearmanr(alike[i, others], [len(top[i] & top[j]) for j in others]).statistic)
    return np.nanmean(scores)


sources = {model: history_source.histories(model, history, seeds=seeds, seed=seed)}
sources |= {name: history_source.histories(name, seeds=seeds) for name in beside.split() if name != model}
runs = {name: history_file.together(parts) for name, parts in sources.items()}
ended = section.semantic_experts(runs[model]).isel(run=0, step=-1, layer=0).sel(partition="model")
alike = {name: similarity.between(ended["subfunction"].to_numpy().tolist(), table) for name, table in likeness.items()}
assert np.isclose(
    naive_score(3, alike["corpus"].to_numpy(), ended.to_numpy()), emergence.clustering_score(alike["corpus"], ended)[3]
)

# %% [markdown]
# ## Figures 7 and 8
#
# **Claim (Appendix A.6).** In the lowest layer with experts of Switch the score rises early to .6 and stays; in higher layers it ends near 0, in some after a rise and a fall.
# With random partitions it stays low.

# %%
options = {"draws": draws // 10, "seed": seed}
losses = {name: emergence_tables.loss(table) for name, table in runs.items()}
curves = {(n, m): section.clustering(table, alike[m]) for n, table in runs.items() for m in alike}
bands = {(n, m): section.clustering_chance(table, alike[m], **options) for n, table in runs.items() for m in alike}

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-clustering", "caption": "Clustering score of each layer with experts over pre-training, by word vectors (see the table above for whose), for the model's own experts (top) and a random partition (middle), with training loss (bottom). Lines: mean over runs; bands: from the lowest to the highest run; grey: 95 % of the scores when words are randomly assigned to the sub-functions."}, "image": {"alt": "Six panels in three rows. Both lines stay within or near the grey band around zero, for the model's own experts and for the random partition."}}
axes = figures.clustering(curves[model, embedded.name], bands[model, embedded.name], losses[model], embedded.name)

# %% [markdown]
# These are the paper's figures. And by the company that words keep in the text:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-clustering-corpus", "caption": "The same by co-occurrence in the pre-training text."}, "image": {"alt": "Six panels in three rows. The lines leave the grey band after a tenth of the run and rise to about .15, for the model's own experts and for the random partition alike."}}
axes = figures.clustering(curves[model, "corpus"], bands[model, "corpus"], losses[model], "corpus")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-clustering-beside", "caption": "The same by co-occurrence for the other companion model, all of whose layers have experts: those of MoEfication."}, "image": {"alt": "Six panels in three rows with four lines each, which rise during the run, for own experts and random partition."}}
other = [*runs][-1]
axes = figures.clustering(curves[other, "corpus"], bands[other, "corpus"], losses[other], "corpus")

# %% [markdown]
# **How to read it.** Two kinds of chance are drawn. The grey band deals the *words* to the sub-functions at random and leaves the model as it is: a line above it says that sub-functions with like
# words share experts. The random partition deals the *neurons* to experts and leaves the words as they are: if its line rises as well, then what like words share are neurons, wherever they are, and
# experts have nothing to do with it.
#
# ## At the end, with all pairs of nouns
#
# Histories follow every third pair of nouns. At the last checkpoint all of them are read, and {glue:text}`partitions:d` random partitions are drawn. *p (words)* is the share of deals of the words that reach
# the score of the model's own experts, *p (partition)* that of random partitions.

# %%
pairs = functions.load("semantic")
wanted = {name: similarity.between([s.name for s in pairs], table) for name, table in likeness.items()}
scored, checked = obtain.runs([*runs], pairs, seeds=seeds, copies=0, recompute=recompute)
print(*checked, sep="\n")
tables = {name: section.experts_of(read) for name, (read, _) in scored.items()}
final = {
    (name, measure): section.organisation(*pair, table, draws=draws, seed=seed)
    for name, pair in tables.items()
    for measure, table in wanted.items()
}

# %%
table = pd.concat(final, names=["model", "words alike by"])
table.style.format("{:.3f}")

# %% tags=["remove-cell"]
from companion.claims import emergence_effects, ledger

of_model = {m: table.loc[model, m].mean() for m in likeness}
values = {
    "model_name": model,
    "vectors": embedded.name,
    "nouns": len(nouns),
    "partitions": shipped_readings.DRAWS,
    "followed": len(alike["corpus"]),
    "own": float(of_model[embedded.name]["own"]),
    "own_corpus": float(of_model["corpus"]["own"]),
    "random_own": float(of_model[embedded.name]["random"]),
    "random_corpus": float(of_model["corpus"]["random"]),
}
by = embedded.name  # the vectors of the paper's figure
tested = [emergence_effects.organisation(*pair, wanted[by], name, seed=seed) for name, pair in tables.items()]
tested += [emergence_effects.organised_early(curves[name, by], name) for name in runs]
values |= ledger.to_glue(model, *tested)
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Sub-functions.** Pairs of nouns; the paper's are pairs of senses of one word, and its $S$ compares the words. Noise in a clustering score is larger here: {glue:text}`followed:d` sub-functions are followed
#   where the paper has 529.
# - **Vectors.** The paper does not say which of spaCy's, and nothing of its Figures 7 and 8 is released ([D27](d27)). `-p vectors spacy` takes the installed model with the most vectors.
# - **Top k.** The paper averages over k from 1 to K and does not say what K is, nor what becomes of a row in which all pairs share equally many. Here K is one less than the number of experts, and such rows are left out.
# - **Layers.** Both layers with experts of switch-mini, and all four of t5-mini; the paper has six of Switch. Counted from 0, as in the paper's figure ([D28](d28)).
# - **Random partitions.** One in the figure, the same at all checkpoints of a run; {glue:text}`partitions:d` in the table. The paper averages 1,000.
#
# ## What this page does not show
#
# - That models of this size do not organise words by meaning: a single measure of likeness, and one of sharing, may both be wrong.
# - Anything about experts of the paper's Switch, whose lowest layer reaches a score of .6.
# - That single words are what a BERT trained on sentences has good vectors of.
#
# ## Exercises
#
# ```{exercise} Pairs are not independent
# :label: pairs-no-witnesses
# *(10 minutes, medium.)* Instead of scores by sub-function one could correlate *all pairs* at once, how alike they are and how many of their top four experts they share, and read off the p-value. Assign the words at
# random, so that there is nothing to find, 300 times. Predict how often p is below 0.05, then put the fraction into `rejected`.
#
# :::{hint}
# :class: dropdown
# The matrices are `alike["corpus"]` and, from `ended`, `top @ top.T`; permute rows and columns
# of one alike, and take its upper triangle.
# :::
# ```

# %% tags=["solution", "hide-cell"]
top = (np.argsort(np.argsort(-ended.to_numpy(), axis=1), axis=1) < 4).astype(float)
shared = top @ top.T
corner = np.triu_indices(len(shared), 1)
rng = np.random.default_rng(seed)
orders = [rng.permutation(len(shared)) for _ in range(300)]
assigned = [alike["corpus"].to_numpy()[np.ix_(order, order)][corner] for order in orders]
rejected = np.mean([stats.spearmanr(pairs_alike, shared[corner]).pvalue < 0.05 for pairs_alike in assigned])

# %% tags=["check"]
assert 0.08 < rejected < 0.6, "words are assigned, not pairs: rows and columns move together"
print(f"p < 0.05 in {rejected:.0%} of the random assignments, where 5 % would be right")

# %% [markdown]
# ```{exercise} Ask the neurons
# :label: ask-the-neurons
# *(15 minutes, medium.)* If like words share neurons wherever these are, the overlap of their top neurons should go with likeness too. Predict whether more or less than that of their experts, then put the mean over all pairs of
# nouns of the rank correlation of likeness (`wanted["corpus"]`) with overlap, last layer, last run, into `of_neurons`, and the two matrices that were correlated, a row for each pair and its own entry left out, into
# `rows`.
#
# :::{hint}
# :class: dropdown
# `specialists.top_neurons` takes a reading, as `scored[name][0][-1]`, and `specialists.overlap` what it returns.
# :::
# ```

# %% tags=["solution", "hide-cell"]
overlaps = specialists.overlap(specialists.top_neurons(scored[[*runs][-1]][0][-1]))[-1].to_numpy()
others = ~np.eye(len(overlaps), dtype=bool)
rows = [table[others].reshape(len(overlaps), -1) for table in (wanted["corpus"].to_numpy(), overlaps)]
of_neurons = np.nanmean(emergence.stabilization_score(*rows))

# %% tags=["check"]
by_hand = [stats.spearmanr(a, b).statistic for a, b in zip(*rows) if np.ptp(b)]
assert np.isclose(of_neurons, np.mean(by_hand)), "a correlation for each sub-function, over all others"
experts_of = final[[*runs][-1], "corpus"]["own"].iloc[-1]
print(f"top neurons {of_neurons:.2f}, top experts {experts_of:.2f}")
