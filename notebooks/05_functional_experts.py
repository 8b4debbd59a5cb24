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
# # Do specialised neurons gather in experts?
#
# For word meanings, the verdict on this claim is *{glue:text}`verdict_semantic-experts`* by the rule of [the ledger](../book/claims.md): under the paper's test {glue:text}`own:.0%` of the experts of {glue:text}`model_name` hold
# too many semantic top neurons, but so do {glue:text}`random:.0%` of the experts of random partitions; under a test that lets sub-functions share
# neurons, {glue:text}`own_permutation:.1%` do, against {glue:text}`random_permutation:.1%`.
#
# This is the first half of [Section 5 of the paper](https://arxiv.org/abs/2305.18390), its Tables 1, 4 and 5.
#
# :::{admonition} Before you start
# **Do:** group the neurons of every layer into experts, count the top neurons of each, and test the counts against three kinds of chance.
#
# **Learn:** what a null hypothesis assumes, how a p-value that ignores dependence finds modules in noise, and how to check a method on a
# model whose modules are known.
#
# **Need:** [](04_specialization.ipynb), whose readings are taken here.
# About one minute on two CPU cores, because readings of the models shown are shipped; a GPU is not needed.
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
model: str = "all-mpnet-base-v2"  # a model that the book knows, a hub id, or the path of a model folder
beside: str = "all-MiniLM-L6-v2 t5-mini switch-mini"  # models shown beside it, or nothing
track: str = "mini"  # whose sentences: mini (this book's) or paper
seed: int = 0  # of the untrained copies, k-means and every draw
copies: int = 3  # untrained copies of each model, at least 1
recompute: str = "slice"  # of what is shipped: slice (rechecked), none, or full, which computes everything
limit: int = 0  # of each function's first sub-functions, at least 5; 0 takes all
share: float = 0.01  # of a layer's neurons that count as top
alpha: float = 0.001  # the chance at which an expert is called functional
draws: int = 1000  # random partitions

# %%
import numpy as np
import pandas as pd
from myst_nb import glue
from scipy import stats
from sklearn.metrics import adjusted_rand_score

from companion import functions, models
from companion.experiments import obtain, partitions, variants
from companion.released import published
from companion.sections import functional_expert_figures as figures
from companion.sections import functional_expert_tables as section
from companion.sections import resampling, sensitivity
from modularity import experts, moefication, nulls, specialists

# %% [markdown]
# (scores-and-experts)=
# ## Readings and experts
#
# The readings are those of [](04_specialization.ipynb). The experts of Switch are its own. Those of the other models are found by MoEfication
# (Zhang et al., 2022): neurons whose input weights point the same way are put together, by k-means with clusters of exactly equal size. Nothing
# of the model is changed; it is a way of drawing lines between neurons.

# %%
subfunctions = functions.load_all(track, limit=limit or None, seed=seed)
names = [model, *beside.split()]
scored, checked = obtain.runs(names, subfunctions, copies=copies, seed=seed, recompute=recompute)
own = scored[model][0][0]["own"]
print(*checked, sep="\n")

# %% [markdown]
# Everything below hangs on one partition, so how much do two runs of k-means agree? The adjusted Rand index is 1 for equal
# partitions and 0 for chance. Between two seeds, by layer:

# %%
parted, checked = partitions.obtain(model, recompute)
rerun = [parted.get(("k-means seed", i), own) for i in range(2)]
agreement = [adjusted_rand_score(a, b) for a, b in zip(*(r.to_numpy() for r in rerun))]
print(checked)
pd.Series(agreement, own["layer"], name="adjusted Rand index").round(3)

# %% [markdown]
# The nearer to 0, the less two partitions of one layer share. What is said about experts below must not depend on which one was drawn; the
# sensitivity figure near the end shows several.
#
# ## Count, and compare with chance
#
# **Claim (Section 5).** The neurons specialised in a function are concentrated in some experts: more of its experts hold a surprising number of
# them than under a random partition, both in T5 and in Switch.
#
# Of the $N$ neurons of a layer, the top $k$ are taken for each of the $M$ sub-functions of a function; expert $i$ has $n_E$ neurons and holds
#
# ```{math}
# :label: count
# r_i = \sum_{m=1}^{M} \bigl|\, N_m \cap \text{expert } i \,\bigr|, \qquad
# \text{degree}_i = \frac{r_i}{n_E} \Big/ \frac{M k}{N}.
# ```
#
# It is *functional* if chance would give $r_i$ or more with a probability of at most {glue:text}`alpha`. Written out for one expert, with the
# paper's null hypothesis, under which each of the $Mk$ top neurons falls into the expert with probability $n_E / N$:


# %%
def naive_p(function, layer, expert):
    rows = members[(members["function"] == function).to_numpy(), layer].to_numpy()
    inside = own[layer].to_numpy() == expert
    r = sum(int(row[n]) for row in rows for n in np.flatnonzero(inside))
    return stats.binomtest(r, int(rows.sum()), inside.mean(), alternative="greater").pvalue


members = specialists.top_neurons(scored[model][0][0], share)
tested = experts.functional_experts(members, own, null="binomial", alpha=alpha)
assert np.isclose(naive_p("semantic", 0, 3), tested["p"].sel(function="semantic")[0, 3])
tested["count"].sel(function="semantic").to_pandas()

# %% [markdown]
# (three-nulls)=
# ## Three kinds of chance
#
# - **binomial**: each top neuron of each sub-function is assigned to an expert at random, independently (the paper's footnote 3).
# - **exact**: the same, but the $k$ neurons of a sub-function are different ones, so its part is hypergeometric; the sum of $M$ of them has
#   no closed form, and is computed by repeated convolution.
# - **permutation**: *neurons* are shuffled among experts; each keeps all of its sub-functions.
#
# The first two take sub-functions to be independent. But sub-functions share neurons ([](04_specialization.ipynb) showed it): wherever such
# a neuron falls, it brings many counts at once. That makes large counts common without any module.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-counts", "caption": "Top neurons of the sixteen experts of one layer, most first, for each function. Grey line: the mean. Black lines: what chance exceeds with a probability of at most alpha, under three kinds of chance. Dark bars are functional under the permutation null."}, "image": {"alt": "Three bar charts of counts by expert in descending order with horizontal threshold lines. The threshold of the permutation null lies far above those of the other two for the semantic function."}}
last = int(members["layer"][-1])
tails = {null: experts.chances(members, int(own.max()) + 1, null) for null in section.NULLS}
limits = {null: {f: nulls.threshold(t[f, last], alpha) for f in figures.FUNCTIONS} for null, t in tails.items()}
axes = figures.counts_by_expert(tested["count"].sel(layer=last), limits, tested["expected"].sel(layer=last))

# %% [markdown]
# (table-1)=
# ## Table 1, under all three
#
# Of every model: its trained runs with their own experts, its untrained copies with theirs, and {glue:text}`draws:,d` random partitions of the trained
# runs. The last are the test of the test: there is nothing to find in a random partition, so a sound test calls no more than alpha of its experts
# functional.

# %%
options = {"share": share, "alpha": alpha, "seed": seed}
found = {n: section.functional(trained, **options) for n, (trained, _) in scored.items()}
before = {n: section.functional(untrained, draws=0, **options) for n, (_, untrained) in scored.items()}
chance = {n: section.by_chance(trained, draws=draws, **options) for n, (trained, _) in scored.items()}

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-functional", "caption": "Share of experts called functional, under three nulls. Blue: trained models, mean over runs, with 95 % intervals over sub-functions. Orange: untrained copies. Grey: random partitions of the trained models, with the range of 95 % of them. Black: as printed for T5-base and Switch-base-16, filled with their experts, hollow with random partitions."}, "image": {"alt": "Dot plots, a row a model and a column a function. Under the binomial and exact nulls random partitions of trained models are called functional far more often than alpha for the semantic function; under the permutation null almost never."}}
printed = published.table1().query("pretrained").assign(null="binomial", low=np.nan, high=np.nan)
paper = [published.of(names, rows) for _, rows in printed.groupby(printed["partition"] == "random")]
kinds = {"trained": found, "untrained": before, "null": chance, "paper": paper[0], "paper_null": paper[1]}
axes = figures.functional_experts(section.stacked(kinds))

# %% [markdown]
# **How to read it.** Grey first. Under the paper's null, random partitions of trained models are full of functional experts, as the paper itself
# reports (hollow diamonds) and explains with dependence between sub-functions. Under the permutation null the grey dots sit at alpha: only
# there does a blue dot speak for itself. The question of the claim is then how far blue is right of grey in the third row of a panel.
#
# Here are the three rows that the paper prints for each model, ours beside them, all under the binomial null: the model's own experts, random partitions (*random*), and random
# partitions of untrained copies (*untrained*). From the last to the second, the paper's first observation on this table is that proportions rise, because the sub-functions of a
# pre-trained model share neurons. *Degree* is averaged over layers with zeros for layers without functional experts, as in the authors' code.

# %%
binomial = [{n: t.query("null == 'binomial'") for n, t in kind.items()} for kind in (found, chance)]
fresh = {n: section.by_chance(runs, draws=draws, null=["binomial"], **options) for n, (_, runs) in scored.items()}
sources = {"ours": binomial[0], "ours, random": binomial[1], "ours, untrained": fresh}
sources |= {"printed": paper[0], "printed, random": paper[1]}
sources["printed, untrained"] = published.of(names, published.table1().query("not pretrained"))
section.beside(sources, ["proportion", "degree"]).style.format("{:.3f}", na_rep="–")

# %% [markdown]
# ## Many tests at once
#
# One model has a test for each layer, expert and function. With the p-values of the permutation null, how many survive when the false
# discovery rate is held at 5 %, by Benjamini and Hochberg (tests that do not hinder each other) and by Benjamini and Yekutieli (any dependence)?

# %%
p = experts.functional_experts(members, own, null="permutation")["p"]
flat = p.to_numpy().ravel()
q = {m: p.copy(data=stats.false_discovery_control(flat, method=m).reshape(p.shape)) for m in ("bh", "by")}
kept = {"p ≤ alpha": p <= alpha, "Benjamini–Hochberg": q["bh"] <= 0.05, "Benjamini–Yekutieli": q["by"] <= 0.05}
pd.DataFrame({k: v.sum(["layer", "expert"]).to_series() for k, v in kept.items()}).T

# %% [markdown]
# ## More sub-functions, more experts
#
# A test of more sub-functions finds smaller departures from chance. The paper compares 529 semantic sub-functions with 39 and 8 of the others, so
# its proportions would differ for this reason even if the neurons did not. Here the same number is drawn from each function.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-by-number", "caption": "Share of experts called functional (left, binomial null) and modularization degree (right) when only some of a function's sub-functions are tested, mean over draws. Solid: the model's experts. Dashed: a random partition."}, "image": {"alt": "Two line plots against the number of sub-functions on a logarithmic axis. The proportion rises with the number, also for the random partition, most for the semantic function."}}
numbers = [n for n in (2, 4, 8, 16, 29, 50, 100) if n <= len(subfunctions)]
dealt = moefication.at_random(own, seed=seed)
tables = [resampling.fewer(members, groups, numbers, alpha=alpha, seed=seed) for groups in (own, dealt)]
fewer = [table.to_dataframe().dropna().reset_index() for table in tables]
axes = figures.by_number(*fewer)

# %% tags=["hide-input"]
equal = max(n for n in numbers if n <= 8)
matched = [table.query("number == @equal").groupby("function")["proportion"].mean() for table in fewer]
pd.concat(matched, axis=1, keys=["own", "random"]).rename_axis(f"{equal} of each").style.format("{:.3f}")

# %% [markdown]
# (appendix-a5)=
# ## One sub-function at a time: Table 4
#
# The same test for every sub-function by itself (Appendix A.5). With one sub-function nothing is shared, and all three nulls agree with the
# hypergeometric distribution, up to the binomial approximation.

# %%
alone = {n: section.subfunctional(trained, share=share, alpha=alpha) for n, (trained, _) in scored.items()}
lone = {n: section.subfunctional_by_chance(table) for n, table in chance.items()}
fourth = published.of(names, published.table4().query("partition != 'random'"))
sources = {"ours": alone, "ours, random": lone, "printed": fourth}
section.beside(sources, ["proportion", "degree"]).style.format("{:.3f}", na_rep="–")

# %% [markdown]
# (appendix-a4)=
# ## Do functional experts have the better neurons? Table 5
#
# An expert was called functional by counting its top neurons. Its *predictivity* is the mean over all its neurons. If both mean the same, ranking
# the experts by predictivity puts the functional ones first: an average precision near 1 (Appendix A.4). Layers without functional experts are left
# out.

# %%
fifth = published.of(names, published.table5().rename(columns={"average_ap": "consistency"}))
section.beside({"ours": binomial[0], "printed": fifth}, ["consistency"]).style.format("{:.3f}", na_rep="–")

# %% [markdown]
# Counts and means come from the same scores, so they agree by construction to some degree. So the functional experts are taken from one half of the sentences and judged by
# the predictivities of the other, for one run; *again* is the share of them that the other half calls functional too.

# %%
fair = section.cross_fitted(scored[model][0][0], null="binomial", alpha=alpha)
fair.set_index("function").style.format("{:.3f}", na_rep="–")

# %% [markdown]
# ## How large is it?
#
# A small p-value says that something is there, not how much. Two sizes: the *odds ratio* of a place in a functional expert being taken by a top
# neuron, against a place elsewhere (permutation null); and the *intraclass correlation*, the share of the variance of predictivity that lies between
# experts, for the model's own experts and for random ones.

# %%
alike = {n: section.sizes(trained) for n, (trained, _) in scored.items()}
odds = {n: t.query("null == 'permutation'") for n, t in found.items()}
sizes = [section.beside({"odds ratio": odds}, ["odds"]), section.beside({"ICC": alike}, ["own", "random"])]
pd.concat(sizes, axis=1).style.format("{:.3f}", na_rep="–")

# %% [markdown]
# ## What if one choice had been another?
#
# One choice at a time is changed, all others stay; permutation null, one run. Score and pooling are those of {glue:text}`varied`, all others of {glue:text}`model_name`.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-sensitivity", "caption": "Share of functional experts (permutation null) when one choice is changed: how many neurons count as top, alpha, the number of experts, the seed of k-means, the score and the pooling over tokens. Crosses: the mean of random partitions."}, "image": {"alt": "Six panels of dots for three functions, a panel a choice, with crosses near zero for random partitions."}}
varied = "t5-mini"  # another pooling takes another pass over all sentences
others, checked = variants.obtain(varied, subfunctions, recompute)
usual = scored if varied in scored else obtain.runs([varied], subfunctions, recompute="none")[0]
options = {"draws": 100, "seed": seed}
choices = [
    sensitivity.one_at_a_time(scored[model][0][0], parted, {}, **options).query("choice not in ['score', 'pooling']"),
    sensitivity.one_at_a_time(usual[varied][0][0], {}, others, **options)
    .query("choice in ['score', 'pooling']")
    .assign(choice=lambda table: table["choice"] + ", " + varied),
]
print(checked)
axes = figures.sensitivity(pd.concat(choices))

# %% [markdown]
# ## Does the method find what is there, and only that?
#
# `planted.load` ([](02_models.ipynb)) builds a T5 with {glue:text}`planted_true:d` functional blocks of neurons in two layers. With *labels permuted* the same
# neurons are asked nonsense; in the *shuffled* copy they are randomly assigned to the blocks, where only their weights find them again; in the *rotated*
# copy every neuron is a mixture of all. The table counts functional experts
# among {glue:text}`planted_tests:d` tests, for the blocks as built and for those that MoEfication finds in the weights.

# %%
check = sensitivity.planted_check(seed=seed)
check.set_index(["kind", "partition"])

# %% [markdown]
# The method finds all planted blocks and no others, and none, or next to none, where blocks or labels mean nothing. The last row deserves a second look:
# *by weights* some experts of the rotated copy are functional, though no module was built into it. Neurons whose weights point alike respond alike, and are good at the same things.
# MoEfication puts them together, so an excess over random partitions is what it would find in any model whose top neurons are not all different. It
# shows that like neurons are good at like things. Whether they form parts of a machine is a question for perturbations.

# %% tags=["remove-cell"]
from companion.claims import expert_effects, ledger

of_model = {k: kinds[k][model].query("function == 'semantic'").set_index("null") for k in ("trained", "null")}
share_of = {k: t["proportion"] for k, t in of_model.items()}
values = {
    "model_name": models.known_as(model).rstrip("/").split("/")[-1],
    "own": float(share_of["trained"]["binomial"]),
    "random": float(share_of["null"]["binomial"]),
    "own_permutation": float(share_of["trained"]["permutation"]),
    "random_permutation": float(share_of["null"]["permutation"]),
    "alpha": alpha,
    "varied": varied,
    "draws": draws,
    "planted_true": int(check["planted"].max()),
    "planted_tests": int(check["tests"].max()),
}
values |= ledger.to_glue(model, expert_effects.functional_effects(scored, share=share, alpha=alpha, seed=seed))
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Null.** Table 1 is computed as printed, and then under two more nulls. The paper takes the excess over random partitions as its evidence; so does
#   this page, but it also gives the test under which random partitions have no functional experts to begin with.
# - **Models and sentences.** Those of [](04_specialization.ipynb). Proportions depend on the number of sub-functions, so ours and the printed ones are not on one scale.
# - **GELU.** The paper MoEfies T5 only and leaves models without ReLU open, as the two sentence encoders here. Weights can be grouped whatever the activation is.
# - **Tasks.** The two sentence encoders were tuned on data of the kind of some tasks ([](04_specialization.ipynb)); experts functional for tasks may come from there.
# - **Random partitions.** {glue:text}`draws:,d`, as the text says; the released code draws 200, 50 or 30 ([D22](d22)), and its random rows of Table 4 are constants ([D23](d23)).
# - **Degree.** The tables beside printed ones average over layers, as the code does; `pooled_degree` is the text's ([D26](d26)).
# - **Untrained copies.** In the figure they have experts of their own. The paper's have random ones, as in the table; no released code makes them ([D24](d24)).
# - **Intervals.** Resampling sub-functions *with* replacement would count one sub-function as two that agree, which is what the tests look for. The intervals
#   leave a fifth of the sub-functions out instead (a delete-d jackknife).
#
# ## What this page does not show
#
# - That experts are the right borders: the partition was made by weights or by the router, and others are possible.
# - That a functional expert is needed for its function: that is a question for perturbations.
# - That three runs are enough to speak of pre-training in general.
#
# ## Exercises
#
# ```{exercise} Fool the binomial test
# :label: fool-the-binomial
# *(10 minutes, medium.)* Make 100 sub-functions that all have the *same* 12 top neurons of a layer of 1,280, and test a random partition into 16 experts. Predict how
# many experts the binomial null calls functional, then put the number for each null into `fooled`.
#
# :::{hint}
# :class: dropdown
# `members.isel(subfunction=[0] * 100)` repeats one sub-function.
# :::
# ```

# %% tags=["solution", "hide-cell"]
same = members.isel(subfunction=[0] * 100, layer=[0])
groups = moefication.at_random(own, seed=seed).isel(layer=[0])
fooled = {n: int(experts.functional_experts(same, groups, null=n)["functional"].sum()) for n in section.NULLS}

# %% tags=["check"]
assert fooled["binomial"] >= 1, "a hundred copies of one sub-function are no hundred witnesses"
assert fooled["permutation"] == 0, "the permutation null knows that they are one"
print(fooled)

# %% [markdown]
# ```{exercise} A test of your own
# :label: chi-square
# *(15 minutes, hard.)* The counts of a layer could be tested at once, by a chi-square test of equal expected counts. Predict how often it finds an effect (p < 0.05) in
# the semantic counts of a random partition, then put the share over 50 random partitions and all layers into `rejected`.
#
# :::{hint}
# :class: dropdown
# `scipy.stats.chisquare(counts, axis=-1)`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
rejected = []
for i in range(50):
    counted = experts.counts(members, moefication.at_random(own, seed=i))
    of_semantic = counted[(counted["function"] == "semantic").to_numpy()].sum("subfunction")
    rejected.append(stats.chisquare(of_semantic, axis=-1).pvalue < 0.05)
rejected = np.mean(rejected)

# %% tags=["check"]
assert 0 <= rejected <= 1, "a share of partitions and layers"
assert rejected > 0.05, "it takes every count for an independent witness"
print(f"{rejected:.0%} of random partitions are found to hold something, where 5 % would be right")
