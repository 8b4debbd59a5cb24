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
# # Do words with similar meanings share experts?
#
# In {glue:text}`model_name`, by word vectors as in the paper, the {term}`clustering score` at the end of pre-training is {glue:text}`own:.2f` for the model's {term}`experts <expert>` and {glue:text}`random_own:.2f` for randomly assigned groups of {term}`neurons <neuron>`; by the contexts in which
# words are used, it is {glue:text}`own_corpus:.2f` and {glue:text}`random_corpus:.2f`. A score of 0 means that {term}`sub-functions <sub-function>` about similar words do not share more experts than others. Where random groups score as high as experts, similar words share neurons, and
# the score does not show that they share experts beyond that.
#
# ```{verdicts} lowest-organised lowest-over-random higher-not organised-early
# ```
#
# This is [Appendix A.6 of the paper](https://arxiv.org/abs/2305.18390), with its Figures 7 and 8. The verdicts above are judged by word vectors, as these figures are drawn. The scores by contexts are an addition of this book, and no verdict uses them.
#
# :::{admonition} Before you start
# **Do:** ask whether sub-functions about similar words have their best experts in common, and when in pre-training this comes about.
#
# **Learn:** how two matrices of similarities are compared, why their entries are not independent, and what a random partition is for.
#
# **Need:** [](06_emergence.ipynb), whose histories are read here.
# Running this page took {cost}`06_organization`. With `-p history fresh` a small model is trained first; {ref}`the table of costs <cost>` says how long this takes.
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

# %% tags=["hide-input"]
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
from companion.tools import exercise
from modularity import emergence, specialists

# %% [markdown]
# ## The answer in one figure
#
# **Claim (Appendix A.6).** In the lowest layer of Switch with experts, the clustering score rises early to .6 and stays there. In higher layers it ends near 0, in some after a rise and a fall.
# With random partitions it stays low.
#
# Each semantic sub-function is about two nouns. For one sub-function, the *clustering score* is the rank correlation, over all others, of how similar their nouns are to its own with how many of their best experts they share with it.
# The score of a layer is the mean over sub-functions. In this first figure two nouns are similar if they occur in similar contexts in the pre-training text, because by contexts the scores are high enough to be compared. {numref}`fig-clustering` is the same by word vectors.

# %% tags=["hide-input"]
nouns = similarity.of_nouns("corpus")
embedded = word_vectors.similarity(nouns["word"].to_numpy().tolist(), vectors)
likeness = {embedded.name: embedded, "corpus": nouns, "wordnet": similarity.of_nouns("wordnet")}
sources = {model: history_source.histories(model, history, seeds=seeds, seed=seed)}
sources |= {name: history_source.histories(name, seeds=seeds) for name in beside.split() if name != model}
runs = {name: history_file.together(parts) for name, parts in sources.items()}
followed = section.semantic_experts(runs[model])["subfunction"].to_numpy().tolist()
alike = {name: similarity.between(followed, table) for name, table in likeness.items()}

# %% tags=["hide-input"]
options = {"draws": draws // 10, "seed": seed}
losses = {name: emergence_tables.loss(table) for name, table in runs.items()}
curves = {(n, m): section.clustering(table, alike[m]) for n, table in runs.items() for m in alike}
bands = {(n, m): section.clustering_chance(table, alike[m], **options) for n, table in runs.items() for m in alike}

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-clustering-corpus", "caption": "Clustering score of each layer with experts during pre-training, words alike by co-occurrence in the pre-training text, for the model's own experts (top) and a random partition (middle), with training loss (bottom). Lines: mean over runs; bands: from the lowest to the highest run; grey: 95 % of the scores when words are randomly assigned to the sub-functions."}, "image": {"alt": "Six panels in three rows. The lines rise above the grey band in the first third of training and end between .14 and .19, for the model's own experts and for the random partition."}}
axes = figures.clustering(curves[model, "corpus"], bands[model, "corpus"], losses[model], "corpus")

# %% [markdown]
# **How to read it.** The figure has two controls, each with one thing randomly assigned. For the grey band, *words* are randomly assigned to the sub-functions, and the model stays as it is. A line above the band says that sub-functions with similar
# words share experts. For the random partition, *neurons* are randomly assigned to experts, and the words stay as they are. If its line rises as high as that of the model's own experts, similar words share neurons, and the score does not
# show that they share experts beyond that.
#
# The rest of this page explains how alike two words are and how the score is computed, and then shows the paper's figures and all pairs of nouns at the end of training.
#
# ## Step 1: how alike two words are
#
# The paper takes spaCy's word vectors. No package registry carries a spaCy model with vectors. Unless one is installed, the vectors are those of a BERT, which reads each word
# alone; here they are those of {glue:text}`vectors`. Two more measures need no model. *corpus*, which the figure above takes, is the cosine of two words' vectors of co-occurrence in the pre-training text. *wordnet* is how close the first senses of two words are in WordNet's tree. The next table shows how far the measures agree, as
# rank correlations over all pairs of the {glue:text}`nouns:d` nouns:

# %%
upper = np.triu_indices(len(nouns), 1)
pd.DataFrame({name: table.to_numpy()[upper] for name, table in likeness.items()}).corr("spearman").round(2)

# %% [markdown]
# A sub-function of this book is about two nouns, not about one word as in the paper. Two sub-functions are as alike as their nouns are on average, matched in the better of the two ways.
#
# (appendix-a6)=
# ## Step 2: the clustering score
#
# Take the $k$ experts with the highest predictivities for sub-function $i$, and the same for all others. If sub-functions that are like $i$ share more of these experts with it than others do, likeness and sharing are correlated:
#
# ```{math}
# :label: clustering
# V_i^{(k)} = \operatorname{corr}_{j \neq i}\bigl(\operatorname{rank} S_{ij},\, \operatorname{rank} O_{ij}^{(k)}\bigr), \qquad V = \frac{1}{KM} \sum_{k=1}^{K} \sum_{i=1}^{M} V_i^{(k)},
# ```
#
# where $S$ says how alike two sub-functions are and $O^{(k)}$ how many of their top $k$ experts they share. $K$ is one less than the number of experts, because with all experts every pair shares all. By hand, for one sub-function and one layer at the last checkpoint:


# %%
def naive_score(i, alike, experts):
    others = [j for j in range(len(alike)) if j != i]
    scores = []
    for k in range(1, experts.shape[1]):
        top = [set(np.argsort(-row, kind="stable")[:k]) for row in experts]
        scores.append(stats.spearmanr(alike[i, others], [len(top[i] & top[j]) for j in others]).statistic)
    return np.nanmean(scores)


ended = section.semantic_experts(runs[model]).isel(run=0, step=-1, layer=0).sel(partition="model")
assert np.isclose(
    naive_score(3, alike["corpus"].to_numpy(), ended.to_numpy()), emergence.clustering_score(alike["corpus"], ended)[3]
)

# %% [markdown]
# ## Step 3: the paper's figures, and another model
#
# Figures 7 and 8 of the paper are drawn by word vectors:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-clustering", "caption": "The same as the first figure, words alike by word vectors (the title says whose): the model's own experts (top), a random partition (middle) and training loss (bottom)."}, "image": {"alt": "Six panels in three rows. Both lines stay within or near the grey band around zero, for the model's own experts and for the random partition."}}
axes = figures.clustering(curves[model, embedded.name], bands[model, embedded.name], losses[model], embedded.name)

# %% [markdown]
# By co-occurrence, the other companion model looks as follows:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-clustering-beside", "caption": "The same as the first figure, words alike by co-occurrence, for the other companion model. The experts of t5-mini are those of MoEfication, in all layers."}, "image": {"alt": "Six panels in three rows with four lines each, which rise during training, for the model's own experts and for the random partition."}}
other = [*runs][-1]
axes = figures.clustering(curves[other, "corpus"], bands[other, "corpus"], losses[other], "corpus")

# %% [markdown]
# ## Step 4: all pairs of nouns at the end
#
# The histories follow every third pair of nouns, {glue:text}`followed:d` sub-functions. At the last checkpoint all pairs are read, and {glue:text}`partitions:d` random partitions are drawn.

# %%
pairs = functions.load("semantic")
wanted = {name: similarity.between([s.name for s in pairs], table) for name, table in likeness.items()}
scored, checked = obtain.runs([*runs], pairs, seeds=seeds, copies=0, recompute=recompute)
print(*checked, sep="\n")
tables = {name: section.experts_of(read.trained) for name, read in scored.items()}
final = {
    (name, measure): section.organization(*pair, table, draws=draws, seed=seed)
    for name, pair in tables.items()
    for measure, table in wanted.items()
}

# %%
table = pd.concat(final, names=["model", "words alike by"])
table.style.format("{:.3f}")

# %% [markdown]
# **How to read it.** *own* is the score of the model's own experts in a layer, and *random* the mean score of random partitions. *p (words)* is the fraction of random assignments of the words that reach the score of the model's own experts, and *p (partition)* the fraction of
# random partitions that do. By word vectors, the mean over layers of {glue:text}`model_name` is {glue:text}`own:.2f` for its own experts and {glue:text}`random_own:.2f` for random partitions. By contexts, in its last layer with experts, the score is {glue:text}`own_corpus_last:.2f` for its own
# experts and {glue:text}`random_corpus_last:.2f` for random partitions.

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
    "own_corpus_last": float(final[model, "corpus"]["own"].iloc[-1]),
    "random_corpus_last": float(final[model, "corpus"]["random"].iloc[-1]),
}
by = embedded.name  # the vectors of the paper's figure
tested = [emergence_effects.organization_effects(*pair, wanted[by], name, seed=seed) for name, pair in tables.items()]
tested += [emergence_effects.organised_early(curves[name, by], name) for name in runs]
values |= ledger.to_glue(model, *tested)
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Sub-functions.** Pairs of nouns; the paper's are pairs of senses of one word, and its $S$ compares the words. The noise in a clustering score is larger here: {glue:text}`followed:d` sub-functions are followed
#   where the paper has 529.
# - **Vectors.** The paper does not say which of spaCy's it takes, and nothing of its Figures 7 and 8 is released ([D27](d27)). `-p vectors spacy` takes the installed model with the most vectors.
# - **Top k.** The paper averages over k from 1 to K. It does not say what K is, nor what becomes of a row in which all pairs share equally many. Here K is one less than the number of experts, and such rows are left out.
# - **Layers.** Both layers with experts of switch-mini, and all four of t5-mini; the paper has six of Switch. Layers are counted from 0, as in the paper's figure ([D28](d28)).
# - **Random partitions.** One in the figures, the same at all checkpoints of a run; {glue:text}`partitions:d` in the table. The paper averages 1,000.
#
# ## Take away
#
# - Two matrices of similarities are compared by rank correlation. Their entries are not independent, so chance is found by permuting rows and columns together.
# - A score above chance for words says that similar words share something. Random partitions tell whether it is experts or only neurons.
# - The score depends on the measure of likeness: compare several before you conclude.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - That models of this size do not organise words by meaning. Each measure of likeness, and the measure of sharing, may be wrong.
# - Anything about experts of the paper's Switch, whose lowest layer reaches a score of .6.
# - That an encoder trained on sentences has good vectors of single words.
#
# ## Exercises
#
# ```{exercise} Pairs are not independent
# :label: pairs-no-witnesses
# *(10 minutes, medium.)* Instead of a score for each sub-function, one could correlate *all pairs* at once: how alike they are and how many of their top four experts they share. The correlation has a p-value. Assign the words
# randomly, so that there is nothing to find, 300 times. Predict how often p is below 0.05, then put the fraction into `rejected`.
#
# :::{hint}
# :class: dropdown
# The matrices are `alike["corpus"]` and, from `ended`, `top @ top.T`. Permute rows and columns
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
exercise.answered(globals(), "rejected")
assert 0.08 < rejected < 0.6, "words are assigned, not pairs, so rows and columns are permuted together"
print(f"p < 0.05 in {rejected:.0%} of the random assignments, where 5 % would be right")

# %% [markdown]
# ```{exercise} Ask the neurons
# :label: ask-the-neurons
# *(15 minutes, medium.)* If similar words share neurons, wherever these are, then the overlap of their top neurons should be correlated with likeness too. Predict whether the correlation is higher or lower than that of their experts. Then take the last layer
# of the last run. For each pair of nouns, correlate the ranks of likeness (`wanted["corpus"]`) and of overlap over all other pairs, and put the mean into `of_neurons`. Put the two matrices that were correlated into `rows`, a row for each pair of nouns, without its own entry.
#
# :::{hint}
# :class: dropdown
# `specialists.top_neurons` takes a reading, as `scored[name].trained[-1]`, and `specialists.overlap` what it returns.
# :::
# ```

# %% tags=["solution", "hide-cell"]
overlaps = specialists.overlap(specialists.top_neurons(scored[[*runs][-1]][0][-1]))[-1].to_numpy()
others = ~np.eye(len(overlaps), dtype=bool)
rows = [table[others].reshape(len(overlaps), -1) for table in (wanted["corpus"].to_numpy(), overlaps)]
of_neurons = np.nanmean(emergence.stabilization_score(*rows))

# %% tags=["check"]
exercise.answered(globals(), "rows", "of_neurons")
by_hand = [stats.spearmanr(a, b).statistic for a, b in zip(*rows) if np.ptp(b)]
assert np.isclose(of_neurons, np.mean(by_hand)), "a correlation for each sub-function, over all others"
experts_of = final[[*runs][-1], "corpus"]["own"].iloc[-1]
print(f"top neurons {of_neurons:.2f}, top experts {experts_of:.2f}")
