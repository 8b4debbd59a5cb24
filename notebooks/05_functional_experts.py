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
# Yes for word meanings in {glue:text}`model_name`: {glue:text}`own_permutation:.1%` of its {term}`experts <expert>` hold more specialised {term}`neurons <top neurons>` than chance allows, against {glue:text}`random_permutation:.1%` of randomly assigned groups of neurons,
# under a test that lets {term}`sub-functions <sub-function>` share neurons. Under the paper's test it is {glue:text}`own:.0%` against {glue:text}`random:.0%`.
#
# ```{verdicts} semantic-experts knowledge-experts task-experts
# ```
#
# This is the first half of [Section 5 of the paper](https://arxiv.org/abs/2305.18390), with its Table 1. [](05_how_sure.ipynb) asks how much of it depends on choices.
#
# :::{admonition} Before you start
# **Do:** count the specialised neurons of each expert, and compare the counts with three kinds of chance.
#
# **Learn:** what a null hypothesis assumes, how a p-value that ignores dependence finds modules in noise, and how to check a method on a
# model whose modules are known.
#
# **Need:** [](04_specialization.ipynb), whose readings are used here.
# Running this page took {cost}`05_functional_experts`, because readings of the models shown are shipped; a GPU is not needed.
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
seed: int = 0  # of the untrained copies and every draw
copies: int = 3  # untrained copies of each model, at least 1
recompute: str = "slice"  # of what is shipped: slice (rechecked), none, or full, which computes everything
limit: int = 0  # of each function's first sub-functions, at least 5; 0 takes all
share: float = 0.01  # of a layer's neurons that count as top
alpha: float = 0.001  # the chance at which an expert is called functional
draws: int = 1000  # random partitions

# %% tags=["hide-input"]
from itertools import combinations

import numpy as np
from myst_nb import glue
from scipy import stats

from companion import functions, models
from companion.experiments import obtain
from companion.released import published
from companion.sections import functional_expert_figures as figures
from companion.sections import functional_expert_tables as section
from companion.sections import sensitivity
from companion.tools import exercise
from modularity import experts, moefication, nulls, specialists

# %% [markdown]
# (table-1)=
# ## The answer in one figure
#
# **Claim (Section 5, Table 1).** The neurons that are specialised in a function are concentrated in some experts: more experts hold a surprising number of them
# than under a random partition, both in T5 and in Switch.
#
# The readings are those of [](04_specialization.ipynb). Switch has experts of its own. The neurons of the other models are divided into experts by MoEfication (Zhang et al., 2022): neurons whose input weights point
# in similar directions are put together, by k-means with clusters of exactly equal size. Nothing in the model is changed.

# %% tags=["hide-input"]
subfunctions = functions.load_all(track, limit=limit or None, seed=seed)
names = list(dict.fromkeys([model, *beside.split()]))
scored, checked = obtain.runs(names, subfunctions, copies=copies, seed=seed, recompute=recompute)
own = scored[model].trained[0]["own"]
print(*checked, sep="\n")

# %%
options = {"share": share, "alpha": alpha, "seed": seed}
found = {n: section.functional(read.trained, **options) for n, read in scored.items()}
before = {n: section.functional(read.untrained, draws=0, **options) for n, read in scored.items()}
chance = {n: section.by_chance(read.trained, draws=draws, **options) for n, read in scored.items()}

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-functional", "caption": "Share of experts called functional, under three nulls. Blue: trained models, mean over runs, with 95 % intervals over sub-functions. Orange: untrained copies. Grey: random partitions of the trained models, with the range of 95 % of them. Black: as printed for T5-base and Switch-base-16, filled with their experts, hollow with random partitions."}, "image": {"alt": "Dot plots, a row a model and a column a function. Under the binomial and exact nulls random partitions of trained models are called functional far more often than alpha for the semantic function; under the permutation null almost never."}}
printed = published.table1().query("pretrained").assign(null="binomial", low=np.nan, high=np.nan)
paper = [published.of(names, rows) for _, rows in printed.groupby(printed["partition"] == "random")]
kinds = {"trained": found, "untrained": before, "null": chance, "paper": paper[0], "paper_null": paper[1]}
axes = figures.functional_experts(section.stacked(kinds))

# %% [markdown]
# **How to read it.** Start with the grey dots. A random partition has nothing to find in it, so a sound test calls at most alpha ({glue:text}`alpha:.1%`) of its experts functional. Under the paper's null, the
# binomial one, random partitions of trained models have many functional experts. The paper reports this as well (hollow diamonds) and explains it: sub-functions share neurons. Under the permutation
# null the grey dots are at alpha. The claim is about how far the blue dots are to the right of the grey ones, which the third row of each panel shows without that bias.
#
# The rest of this page builds the figure in five steps: a count, the paper's test of it, what that test says of random groups, a test that allows for shared neurons, and a model whose modules are known.
#
# ## Step 1: count
#
# The top {glue:text}`share:.0%` of the $N$ neurons of a layer, $k$ neurons, are taken for each of the $M$ sub-functions of a function. Expert $i$ has $n_E$ neurons. Its count and its *modularization degree* are
#
# ```{math}
# :label: count
# r_i = \sum_{m=1}^{M} \bigl|\, N_m \cap \text{expert } i \,\bigr|, \qquad
# \text{degree}_i = \frac{r_i}{n_E} \Big/ \frac{M k}{N}.
# ```
#
# A degree of 1 is what an expert of average luck has. These are the counts of word meanings in the first layers, one row a layer and one column an expert:

# %%
members = specialists.top_neurons(scored[model].trained[0], share)
tested = experts.functional_experts(members, own, null="binomial", alpha=alpha)
tested["count"].sel(function="semantic").to_pandas().head(4)

# %% [markdown]
# ## Step 2: the paper's test
#
# An expert is *functional* if chance would give $r_i$ or more with a probability of at most {glue:text}`alpha`. The paper's null hypothesis (its footnote 3) is that each of the $Mk$ top neurons falls into the
# expert with probability $n_E / N$, independently, which makes the count binomial. Written out for one expert:


# %%
def naive_p(function, layer, expert):
    rows = members[(members["function"] == function).to_numpy(), layer].to_numpy()
    inside = own[layer].to_numpy() == expert
    r = sum(int(row[n]) for row in rows for n in np.flatnonzero(inside))
    return stats.binomtest(r, int(rows.sum()), inside.mean(), alternative="greater").pvalue


assert np.isclose(naive_p("semantic", 0, 3), tested["p"].sel(function="semantic")[0, 3])
tested["functional"].sum(["layer", "expert"]).to_series().rename("functional experts")

# %% [markdown]
# ## Step 3: the same test on random groups
#
# Now the neurons of each layer are randomly assigned to as many groups of the same size. No group means anything, and by chance one group in {glue:text}`one_in:,d` should pass the test. Mean over
# {glue:text}`draws:,d` random partitions, in per cent of the groups:

# %%
(100 * chance[model].pivot(index="null", columns="function", values="proportion").loc[["binomial"]]).round(1)

# %% [markdown]
# The test finds functional experts where there are none. It takes every sub-function for an independent witness, but one neuron can be among the top of many sub-functions ([](04_specialization.ipynb) showed it).
# Wherever such a neuron falls, it brings all of its counts along.
#
# (three-nulls)=
# ## Step 4: let sub-functions share neurons
#
# Three null hypotheses differ in what is randomly assigned:
#
# - **binomial**: each top neuron of each sub-function, independently.
# - **exact**: the same, but the $k$ top neurons of one sub-function are different neurons, so its count is hypergeometric. The sum of $M$ such counts has no closed form and is computed by repeated convolution.
# - **permutation**: *neurons* are shuffled among experts, and each keeps all of its sub-functions.
#
# The permutation null by hand, for a layer of twelve neurons in three experts of four. Each number says for how many sub-functions a neuron is among the top. Two neurons are shared by many:

# %%
hits = np.array([5, 5, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
in_expert = hits[:4].sum()  # the expert that has the first four neurons


def naive_permutation_p(hits, size, count):
    sums = [hits[list(group)].sum() for group in combinations(range(len(hits)), size)]
    return np.mean(np.array(sums) >= count)


by_hand = naive_permutation_p(hits, 4, in_expert)
assert np.isclose(by_hand, nulls.permutation(hits, 4)[in_expert])
by_binomial = stats.binom.sf(in_expert - 1, hits.sum(), 4 / 12)
print(f"count {in_expert}: p = {by_hand:.4f} by permutation, {by_binomial:.2g} by the binomial null")

# %% [markdown]
# All {glue:text}`groups:d` ways to choose four of the twelve neurons are equally likely, and {glue:text}`as_many:d` of them has a count as high as this. The binomial null, which forgets that ten of the twelve counts belong
# to two neurons, makes the same count {glue:text}`times:,.0f` times less likely than it is. In a real layer the thresholds of the three nulls lie as follows.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-counts", "caption": "Top neurons of the sixteen experts of one layer, most first, for each function. Grey line: the mean. Black lines: what chance exceeds with a probability of at most alpha, under three kinds of chance. Dark bars are functional under the permutation null."}, "image": {"alt": "Three bar charts of counts by expert in descending order with horizontal threshold lines. The threshold of the permutation null lies far above those of the other two for the semantic function."}}
last = int(members["layer"][-1])
tails = {null: experts.chances(members, int(own.max()) + 1, null) for null in section.NULLS}
limits = {null: {f: nulls.threshold(t[f, last], alpha) for f in figures.FUNCTIONS} for null, t in tails.items()}
axes = figures.counts_by_expert(tested["count"].sel(layer=last), limits, tested["expected"].sel(layer=last))

# %% [markdown]
# The black lines are far apart for the function whose sub-functions share the most neurons. A bar between them is an expert that the paper's test calls functional and the permutation test does not.
#
# ```{exercise} The permutation null by simulation
# :label: permutation-by-simulation
# *(15 minutes, medium.)* `naive_permutation_p` goes through all groups of neurons. In a layer of 3,072 neurons there are too many groups for that, and a p-value is estimated from random ones. Write a function `simulated_p(hits, size, count, draws, rng)`.
#
# - `hits` is an array of integers of shape (neurons,). It says for how many sub-functions each neuron is among the top. The function does not change it.
# - `size` is the number of neurons in an expert, and `count` is the count observed in an expert.
# - `draws` is the number of random groups. A group has `size` *different* neurons, and all groups are equally likely. The count of a group is the sum of the `hits` of its neurons.
# - `rng` is a generator of random numbers, such as `np.random.default_rng(0)`. No other random numbers are used.
# - It returns the number (1 + b) / (1 + `draws`), where b is the number of random groups with a count of `count` or more. The ones stand for the observed group, which is one of the possible groups. They keep the p-value above 0.
#
# Example: `hits` is [3, 0], `size` is 1, `count` is 3 and `draws` is 4. If the first neuron was drawn twice and the second one twice, b is 2 and the p-value is (1 + 2) / (1 + 4) = 0.6.
#
# :::{hint}
# :class: dropdown
# If all neurons are put in random order, the first `size` of them are a random group.
# :::
# ```


# %% tags=["solution", "hide-cell"]
def simulated_p(hits, size, count, draws, rng):
    counts = np.array([rng.permutation(hits)[:size].sum() for _ in range(draws)])
    return (1 + np.sum(counts >= count)) / (1 + draws)


# %% tags=["check"]
exercise.answered(globals(), "simulated_p")
random = np.random.default_rng(0)
equal = np.full(5, 3)  # every pair has a count of 3 + 3 = 6: all 99 pairs reach 6, (1 + 99) / 100, and none reaches 7
assert simulated_p(equal, 2, 6, 99, random) == 1, "a group with exactly `count` counts too, and every pair has 6 here"
assert np.isclose(simulated_p(equal, 2, 7, 99, random), 1 / 100), "no pair reaches 7: p is (1 + 0) / (1 + 99), not 0"
whole = [simulated_p(np.array([9, 0, 0, 0]), 4, count, 99, random) for count in (9, 10)]
assert np.allclose(whole, [1, 1 / 100]), "four of four neurons have a count of 9: a group has `size` different neurons"
for shared in (np.array([5, 5, 1, 1] + [0] * 8), np.array([3, 2, 2, 1, 1, 0, 0, 0])):
    unchanged, several = shared.copy(), shared.sum() // 2
    all_groups = np.mean([sum(group) >= several for group in combinations(unchanged.tolist(), 4)])
    p_values = [simulated_p(shared, 4, several, 2000, np.random.default_rng(i)) for i in (1, 1, 2)]
    assert (shared == unchanged).all(), "`hits` was changed: shuffle a copy"
    assert p_values[0] == p_values[1], "the same seed gave another p-value: use `rng` only"
    error = 5 * np.sqrt(all_groups * (1 - all_groups) / 2000)
    assert abs(p_values[2] - all_groups) < error, "not the share of all groups: a neuron brings all of its `hits`"
single = np.repeat([1, 0], [12, 48])  # no neuron is shared, so that the count is hypergeometric
gap = simulated_p(single, 15, 5, 2000, random) - stats.hypergeom.sf(4, 60, 12, 15)
assert abs(gap) < 0.05, "not the hypergeometric probability, though no neuron is shared"

# %% [markdown]
# ## Beside the paper's Table 1
#
# The paper prints three rows for each model; ours stand beside them, all under the binomial null: the model's own experts, random partitions (*random*), and random partitions of untrained copies (*untrained*).
# The paper's first observation on this table is that random partitions of a trained model have more functional experts than those of an untrained one, because the sub-functions of a trained model share neurons. *Degree* is averaged
# over layers, with zeros for layers without functional experts, as in the authors' code.

# %%
binomial = [{n: t.query("null == 'binomial'") for n, t in kind.items()} for kind in (found, chance)]
fresh = {n: section.by_chance(read.untrained, draws=draws, null=["binomial"], **options) for n, read in scored.items()}
sources = {"ours": binomial[0], "ours, random": binomial[1], "ours, untrained": fresh}
sources |= {"printed": paper[0], "printed, random": paper[1]}
sources["printed, untrained"] = published.of(names, published.table1().query("not pretrained"))
section.beside(sources, ["proportion", "degree"]).style.format("{:.3f}", na_rep="–")

# %% [markdown]
# ## Step 5: a model whose modules are known
#
# Does the test find what is there, and only that? `planted.load` ([](02_models.ipynb)) builds a T5 with {glue:text}`planted_true:d` functional blocks of neurons in two layers. Three variants have none. With *labels permuted* the
# same neurons are asked meaningless questions. In the *shuffled* copy neurons are randomly assigned to the blocks. In the *rotated* copy every neuron is a mixture of all.
# The table counts functional experts among {glue:text}`planted_tests:d` tests, for the blocks as built and for the groups that MoEfication finds in the weights.

# %%
check = sensitivity.planted_check(seed=seed)
check.set_index(["kind", "partition"])

# %% [markdown]
# **How to read it.** As built, the permutation test finds the planted blocks and no others, and it finds none in the blocks of the three variants. Two other rows need an explanation.
#
# - *Shuffled, by weights*: the blocks were taken apart, but a neuron's weights went with it. MoEfication groups by weights, so it puts the planted blocks together again. The functional experts there are the planted blocks,
#   found in another place; a block that is divided between two groups counts twice.
# - *Rotated, by weights*: no module was built, and some experts are functional all the same. Neurons whose weights are similar respond to similar inputs and are good at the same sub-functions, and MoEfication puts them together.
#
# The second row limits what a functional expert can mean. An excess over random partitions is what this method finds in any model in which similar neurons are good at similar things. Whether such an expert works as a
# part of the model is a question for perturbations ([](05_perturbing_encoders.ipynb)).
#
# ```{exercise} Experts of equal size
# :label: balanced-assignment
# *(15 minutes, medium.)* The k-means of MoEfication repeats two steps: it moves each centre to the mean of its neurons, and it assigns each neuron to a centre. The second step is different from that of ordinary k-means, because each expert gets
# equally many neurons. Write a function `balanced(distances)` that makes this assignment.
#
# - `distances` is an array of shape (points, groups). It has the distance of each point to the centre of each group. The number of points is a multiple of the number of groups.
# - It returns an array of integers of shape (points,), the group of each point, counted from 0. Each group has as many points as every other. The sum of the distances of all points to the centres of their groups is the smallest that is possible
#   with groups of equal size. If several assignments have this sum, it returns any of them.
#
# Example: two centres are at 0 and 10 on a line, and four points at 1, 2, 4 and 9. The `distances` are [[1, 9], [2, 8], [4, 6], [9, 1]]. Three points are nearest to the first centre. The answer is [0, 0, 1, 1], with a sum of 1 + 2 + 6 + 1 = 10.
#
# :::{hint}
# :class: dropdown
# A group with three places is the same as three groups with one place. `scipy.optimize.linear_sum_assignment(costs)` assigns rows to columns, one to one, at the lowest sum.
# :::
# ```


# %% tags=["solution", "hide-cell"]
from scipy.optimize import linear_sum_assignment


def balanced(distances):
    points, groups = distances.shape
    places = np.repeat(distances, points // groups, axis=1)  # those of one group stand together
    return linear_sum_assignment(places)[1] // (points // groups)


# %% tags=["check"]
exercise.answered(globals(), "balanced")
from itertools import permutations

from scipy.optimize import linprog

on_a_line = np.array([[1, 9], [2, 8], [4, 6], [9, 1]])
line = balanced(on_a_line)
assert np.bincount(line, minlength=2).tolist() == [2, 2], "each group has as many points as every other: here 2"
# The third point moves: 1 + 2 + 6 + 1 = 10. If the second moved instead: 1 + 8 + 4 + 1 = 14.
assert line.tolist() == [0, 0, 1, 1], "not the assignment with a sum of 10"
# The first point gives way to the second: 2 + 1 = 3. If it took its nearest centre: 1 + 9 = 10.
assert balanced(np.array([[1, 2], [1, 9]])).tolist() == [1, 0], "the sum is 3, not 10, if the first point gives way"
for near in np.random.default_rng(0).random((30, 6, 3)):
    least = min(near[range(6), way].sum() for way in set(permutations([0, 0, 1, 1, 2, 2])))
    assert np.isclose(near[range(6), balanced(near)].sum(), least), "a smaller sum of distances is possible"
far = np.random.default_rng(1).random((40, 5))
one_group, eight_points = np.kron(np.eye(40), np.ones(5)), np.kron(np.ones(40), np.eye(5))
least = linprog(far.ravel(), A_eq=np.vstack([one_group, eight_points]), b_eq=[1] * 40 + [8] * 5).fun
assert np.bincount(balanced(far), minlength=5).tolist() == [8] * 5, "40 points in 5 groups are 8 in each"
assert np.isclose(far[range(40), balanced(far)].sum(), least), "40 points: a smaller sum of distances is possible"

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
    "one_in": round(1 / alpha),
    "share": share,
    "draws": draws,
    "groups": len(list(combinations(range(len(hits)), 4))),
    "as_many": round(by_hand * len(list(combinations(range(len(hits)), 4)))),
    "times": float(by_hand / by_binomial),
    "planted_true": int(check["planted"].max()),
    "planted_tests": int(check["tests"].max()),
}
values |= ledger.to_glue(model, expert_effects.functional_effects(scored, share=share, alpha=alpha, seed=seed))
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Null.** Table 1 is computed as printed, and then under two more nulls. The paper takes the excess over random partitions as its evidence, and so does this page; it adds a test under which random partitions have
#   no functional experts to begin with.
# - **Models and sentences.** Those of [](04_specialization.ipynb). Proportions depend on the number of sub-functions, so ours and the printed ones are not on one scale ({ref}`more sub-functions, more experts <more-subfunctions>`).
# - **GELU.** The paper MoEfies T5 only and leaves open what happens in models without ReLU, such as the two sentence encoders here. Weights can be grouped whatever the activation function is.
# - **Tasks.** The two sentence encoders were tuned on data similar to some tasks ([](04_specialization.ipynb)), and their functional experts for tasks may come from that.
# - **Random partitions.** {glue:text}`draws:,d`, as the text says; the released code draws 200, 50 or 30 ([D22](d22)).
# - **Degree.** The tables beside printed ones average over layers, as the code does; `pooled_degree` is the text's ([D26](d26)).
# - **Untrained copies.** In the figure they have experts of their own. The paper's have random ones, as in the table; no released code makes them ([D24](d24)).
# - **Intervals.** Resampling sub-functions *with* replacement would count one sub-function as two that agree, which is what the tests look for. The intervals
#   leave a fifth of the sub-functions out instead (a delete-d jackknife).
#
# ## Take away
#
# - A count is evidence only beside what chance gives, and the null hypothesis decides what chance is.
# - Sub-functions share neurons. A test that ignores this finds functional experts in random groups.
# - A functional expert holds neurons that are good at the same things. That alone does not make it a part that the model needs.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - That experts are the right borders: the partition was made by weights or by the router, and others are possible.
# - That a functional expert is needed for its function: that is a question for perturbations.
# - That three runs are enough to speak of pre-training in general.
#
# ## Exercises
#
# {ref}`permutation-by-simulation` and {ref}`balanced-assignment` stand above, where their ideas are introduced. The other exercises of this page follow.
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
exercise.answered(globals(), "fooled")
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
exercise.answered(globals(), "rejected")
assert 0 <= rejected <= 1, "a share of partitions and layers"
assert rejected > 0.05, "it takes every count for an independent witness"
print(f"{rejected:.0%} of random partitions are found to hold something, where 5 % would be right")
