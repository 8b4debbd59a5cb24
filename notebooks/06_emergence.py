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
# # Do experts settle before their neurons?
#
# For word meanings in {glue:text}`model_name`, the {term}`order` of {term}`experts <expert>` by {term}`predictivity` stays nearly the same from one checkpoint to the next from {glue:text}`first_expert:.0%` of training on, and the order of {term}`neurons <neuron>` from {glue:text}`first_neuron:.0%` on.
#
# ```{verdicts} semantic-experts-before-neurons experts-early stabilises between-over-within functional-early
# ```
#
# This is [Section 6 of the paper](https://arxiv.org/abs/2305.18390), with its Figures 3 and 4, and Figure 6 of its appendix. The rule of the verdicts is on the page of [the ledger](../book/claims.md).
#
# :::{admonition} Before you start
# **Do:** follow the predictivities of neurons and experts through pre-training, and ask when their order stops changing.
#
# **Learn:** what a correlation of adjacent checkpoints measures, why noise that both checkpoints share raises it and noise of each lowers it, and how halves of the data tell the two apart.
#
# **Need:** [](04_specialization.ipynb) and [](05_functional_experts.ipynb).
# Running this page took {cost}`06_emergence`, with the shipped histories. With `-p history fresh` a small model is trained first; {ref}`the table of costs <cost>` says how long this takes.
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
model: str = "t5-mini"  # a companion model: t5-mini or switch-mini
beside: str = "switch-mini"  # whose shipped histories are drawn beside it
history: str = "shipped"  # shipped; fresh, a small model trained now; or the folder of a run
seeds: int = 3  # shipped runs of each model, at most
recompute: str = "slice"  # of what is shipped: slice (rechecked), none, or full, from the checkpoints in runs/
alpha: float = 0.001  # the chance at which an expert is called functional
level: float = 0.9  # a curve that stays above it is called stabilised
draws: int = 10  # random partitions
seed: int = 0  # of a fresh run, of random partitions and of the bootstrap

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from myst_nb import glue
from scipy import stats

from companion import functions
from companion.experiments import history_file, history_source
from companion.models.recipe import RECIPES
from companion.released import published
from companion.sections import emergence_figures as figures
from companion.sections import emergence_tables as section
from companion.sections import noise_figures, noise_tables
from companion.tools import exercise
from modularity import emergence, predictivity

# %% [markdown]
# ## The answer in one figure
#
# **Claim (Section 6).** Experts settle early, at about 15 % of training, long before neurons (75 %) and before random partitions. The paper calls this coarse to fine.
#
# While each companion model was trained, {glue:text}`checkpoints:d` checkpoints were kept: the start, then evenly spaced in the logarithm up to a tenth of training, where most changes, then evenly spaced to the end.
# At every checkpoint the predictivity of every neuron was read for {glue:text}`subfunctions:d` sub-functions. The predictivity of an expert is the mean over its neurons. The *stabilisation score* is the
# rank correlation of these predictivities at two adjacent checkpoints. A curve has *settled* where it stays above {glue:text}`level`.

# %% tags=["hide-input"]
wanted = {model: history} | {name: "shipped" for name in beside.split() if name != model}
made = {name: history_source.obtain(name, source, recompute, seeds=seeds, seed=seed) for name, source in wanted.items()}
made["constant"] = history_source.obtain("t5-mini-constant", recompute=recompute)
sources = {name: made[name][0] for name in wanted}
runs = {name: history_file.together(parts) for name, parts in sources.items()}
print(*(said for _, checked in made.values() for said in checked), sep="\n")

# %% tags=["hide-input"]
scores = {name: section.stabilization(table) for name, table in runs.items()}
by_step = {name: section.by_run(table) for name, table in scores.items()}
losses = {name: section.loss(table) for name, table in runs.items()}
printed = published.of(runs, published.figure4())
firsts = section.stacked({n: section.stabilised(t, level, seed=seed) for n, t in scores.items()})
as_printed = section.printed(pd.concat(printed.values()), level)[["model", "function", "level", "first"]]
settled = firsts.merge(as_printed, on=["model", "function", "level"], how="left", suffixes=("", " as printed"))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-stabilization", "caption": "Stabilisation scores during pre-training of the first model, mean over sub-functions and layers, on a linear (left) and a logarithmic axis (middle). Lines: mean over runs; bands: from the lowest to the highest run. Right: as printed in the paper. The vertical axes are stretched near 1 (by Fisher's z of the correlation), and what is above 0.995 is drawn at their upper edge. Dotted: the level above which a curve counts as settled. Dots: where each curve settles. Below: training loss."}, "image": {"alt": "Three rows of panels, a row a function, and the loss below. Scores fall from near one to a low point at about a tenth of training, and rise from there to near one at the end. Experts lie above neurons, and random partitions close to neurons. On the dotted line at the level the dots of experts stand left of those of neurons. The printed curves rise from zero, experts first."}}
axes = figures.stabilization(by_step[model], losses[model], printed[model], settled.query("model == @model"), level)

# %% [markdown]
# **How to read it.** A dot stands on the dotted line where a curve crosses it for the last time. The claim is about how far the dot of experts (dark blue) stands to the left of the dot of neurons (light blue). All of this lies
# above {glue:text}`level`, so the vertical axis is stretched there.
#
# The printed curves begin at the first saved checkpoint, at 2.5 % of training. Ours begin before anything is learned. The first checkpoints are close together: the ranking of neurons is still random and hardly changes
# between them, so the curves are high. They fall as the model learns, and then rise until the end of training. The distance between checkpoints grows up to a tenth of training and is constant from there on.
#
# The readings take hours and are shipped. For this page, a sub-function drawn at random was read again at the start or the end of each run. As in the paper, the experts of T5 are those that MoEfication finds
# at the *last* checkpoint.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-stabilization-beside", "caption": "The same as the figure before for the other model."}, "image": {"alt": "As the figure before, for the other model: a fall to about a tenth of training and a rise to near one, with experts and neurons closer together."}}
other = [*runs][-1]
axes = figures.stabilization(by_step[other], losses[other], printed[other], settled.query("model == @other"), level)

# %% [markdown]
# The next table gives the fraction of training from which on each curve stays above {glue:text}`level`. The 95 % intervals are from a bootstrap of runs and sub-functions. *inf* means that the curve ends below the level, and *never* is
# the fraction of bootstrap draws in which it does.

# %%
settled.set_index(["model", "function", "level"]).style.format("{:.2f}", na_rep="–")

# %% [markdown]
# The rest of this page asks what such a difference can come from: the choice of layers, averaging, noise of the sentences, and the learning rate. Figure 3, on functional experts, follows at the end.
#
# ## Step 1: the score of one layer
#
# The stabilisation score of a layer, for a sub-function, at checkpoint $t$ is
#
# ```{math}
# :label: stabilization
# \rho_t = \operatorname{corr}\bigl(\operatorname{rank} p^{(t-1)},\, \operatorname{rank} p^{(t)}\bigr),
# ```
#
# over its neurons, or over its experts. By hand, for the experts of one layer:


# %%
def naive_score(before, after):
    ranks = [stats.rankdata(values) for values in (before, after)]
    x, y = (r - r.mean() for r in ranks)
    return (x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum())


pair = runs[model]["experts"].sel(partition="model").isel(run=0, subfunction=0, layer=-1, step=[-2, -1])
pair = pair.transpose("step", "expert").to_numpy()
assert np.isclose(naive_score(*pair), emergence.stabilization_score(*pair))

# %% [markdown]
# This is Spearman's rank correlation. Its ranks have to be defined for equal values, which are called ties: neurons that stay off in all sentences, for example, have equal predictivities.
#
# ```{exercise} Spearman's correlation with ties
# :label: spearman-with-ties
# *(15 minutes, medium.)* `naive_score` leaves the ranks to `stats.rankdata`. Write a function `rank_correlation(x, y)` that computes the ranks as well, without `stats.rankdata` and `stats.spearmanr`.
#
# - `x` and `y` are arrays of numbers of the same shape, (n,). Neither is changed.
# - The lowest value has rank 1. Equal values share the mean of the ranks that they would have if they differed a little.
# - It returns the correlation of the ranks of `x` with the ranks of `y`, a number from −1 to 1. If all values of `x` or all values of `y` are equal, it returns `nan`, because there is no order to compare.
#
# Example: `x` is [1, 2, 2, 3] and `y` is [10, 30, 20, 40]. The ranks of `x` are [1, 2.5, 2.5, 4], because the two equal values share the ranks 2 and 3. The ranks of `y` are [1, 3, 2, 4]. The correlation is 4.5 / √(4.5 · 5) = 0.949.
#
# :::{hint}
# :class: dropdown
# The rank of a value is the number of lower values, plus half of one more than the number of values equal to it, itself included. The formula 1 − 6 Σd² / (n (n² − 1)) is for ranks without ties only.
# :::
# ```


# %% tags=["solution", "hide-cell"]
def rank_correlation(x, y):
    ranks = []
    for v in (x, y):
        lower, equal = (v[:, None] > v).sum(axis=1), (v[:, None] == v).sum(axis=1)
        ranks.append(lower + (equal + 1) / 2)
    a, b = (r - r.mean() for r in ranks)
    scale = np.sqrt((a**2).sum() * (b**2).sum())
    return (a * b).sum() / scale if scale else np.nan


# %% tags=["check"]
exercise.answered(globals(), "rank_correlation")
# No ties, ranks [1, 2, 3] and [1, 3, 2]: the products of the deviations sum to 1 + 0 + 0 = 1, the squares to 2 and 2.
assert np.isclose(rank_correlation(np.array([1, 2, 9]), np.array([5, 7, 6])), 0.5), "not 1 / 2: are values ranked?"
# Ranks [1, 2.5, 2.5, 4] and [1, 3, 2, 4] minus 2.5: products 2.25 + 0 + 0 + 2.25 = 4.5, squares 4.5 and 5.
two_tied = rank_correlation(np.array([1, 2, 2, 3]), np.array([10, 30, 20, 40]))
assert not np.isclose(two_tied, 0.95), "1 − 6 Σd² / (n (n² − 1)) gives 0.95: it is for ranks without ties only"
assert np.isclose(two_tied, 4.5 / np.sqrt(4.5 * 5)), "the ties have the mean rank (2 + 3) / 2 = 2.5: 0.949"
assert np.isclose(rank_correlation(np.array([1, 2, 2, 3]), np.array([10, 20, 30, 40])), two_tied), "ties have no order"
assert np.isnan(rank_correlation(np.ones(4), np.arange(4))), "all of `x` are equal: `nan`"
assert np.isnan(rank_correlation(np.arange(4), np.ones(4))), "all of `y` are equal: `nan`"
drawn = np.random.default_rng(0)
for different in (3, 10, 1000):  # the fewer different values, the more ties
    for _ in range(20):
        one, other_one = drawn.integers(0, different, (2, 30))
        found_here = rank_correlation(one, other_one)
        assert np.isclose(found_here, stats.spearmanr(one, other_one).statistic), "not SciPy's correlation"
        raised = rank_correlation(np.exp(one / different), other_one)
        assert np.isclose(raised, found_here), "it changed with the values of `x`, whose order is the same"

# %% [markdown]
# ## Step 2: experts and neurons of the same layers
#
# In the authors' figure the neurons of Switch are those of all twelve layers, and its experts those of every other layer. The next table shows where the curves of neurons first stay above {glue:text}`level` in this book's models, in the layers with experts and in all layers:

# %%
same = {name: section.stabilised(section.all_layers(table), level, seed=seed) for name, table in runs.items()}
section.stacked(same).set_index(["model", "level", "function"])["first"].unstack().style.format("{:.2f}")

# %% [markdown]
# (averaging)=
# ## Step 3: does averaging make experts stable?
#
# An expert's predictivity is the mean over many neurons, and means are less noisy. This alone does not raise the correlation if neurons are grouped at random. What differs between neurons averages out like noise, so the mean loses as
# much signal as noise. The correlation of random groups therefore tends to the linear correlation of neurons (of their values, not of their ranks), whatever the size of the groups. The next table gives means over the last nine
# tenths of training, for the {glue:text}`kept:d` sub-functions of which every neuron is kept:

# %%
sizes = {name: noise_tables.by_group_size(table, draws=draws, seed=seed) for name, table in runs.items()}
pd.concat(sizes, names=["model"]).style.format("{:.2f}")

# %% [markdown]
# Where experts are more stable than random groups of their size, this is not an artefact of averaging. The neurons of such an expert have something in common, and what they have in common changes less than what they
# do not. It may change less because it is learned first, or because it is read with less noise.
#
# (noise-of-sentences)=
# ## Step 4: noise of the sentences
#
# A predictivity is estimated from some two hundred sentences, and from *the same* sentences at every checkpoint. Chance effects of these sentences on a neuron are the same at both checkpoints and raise their correlation.
# At the end of training, when weights hardly change any more, even a chance-level neuron keeps its rank.
#
# So the sentences of each sub-function are split into halves $A$ and $B$. One checkpoint is read with one half, and the other checkpoint with the other half. This lowers the correlation by the unreliability of each half. The
# reliability is the correlation of both halves at a single checkpoint. The correlation of two checkpoints is divided by the geometric mean of their reliabilities (Spearman, 1904):
#
# ```{math}
# :label: corrected
# \hat\rho_t = \frac{\operatorname{corr}(p^{(t-1)}_A,\, p^{(t)}_B)}{\sqrt{\operatorname{corr}(p^{(t-1)}_A, p^{(t-1)}_B) \operatorname{corr}(p^{(t)}_A, p^{(t)}_B)}}.
# ```

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-noise", "caption": "Correlations of the first model. Solid: adjacent checkpoints, the same sentences at both (the paper's measure). Dashed: adjacent checkpoints, one half of the sentences at one and the other half at the other. Dotted: one checkpoint, both halves. Black: the dashed line corrected for the unreliability of the halves, cut at 1.2."}, "image": {"alt": "Nine panels, a row each for experts, random partition and neurons, a column each for the functions. Solid lines end near one. Dashed and dotted lines end far below. Black lines lie above the solid ones and end near one."}}
noise = {name: noise_tables.noise(table) for name, table in runs.items()}
axes = noise_figures.noise(noise[model])

# %% [markdown]
# **How to read it.** The solid line is the paper's measure. The dotted line, the reliability, says how much of an order would be found again with other sentences. For the order of neurons by word meanings it is {glue:text}`reliability_neuron:.2f` at the end of training,
# where the solid line is near 1. Where halves agree by less than .05 nothing is corrected, because noise would be divided by noise. At the last checkpoint (*whole* is the solid line, *across* the dashed, *reliability* the dotted and *corrected* the black one):

# %%
pairs = ["whole", "across", "reliability", "corrected"]
at_end = {name: noise_tables.last(table, ["level", "pair"])[["expert", "neuron"]] for name, table in noise.items()}
pd.concat(at_end, names=["model"]).reindex(columns=pairs, level="pair").style.format("{:.2f}", na_rep="–")

# %% [markdown]
# ## Step 5: between and within experts
#
# A neuron's rank is the mean rank of its expert plus a rest. The covariance of neurons at two checkpoints is the sum of the covariances of these two parts, so each part has a correlation of its own. If pre-training goes
# from coarse to fine, the part between experts is the more stable one while the part within experts still changes, also after the correction. The reverse does not follow: a gap that lasts from the
# beginning to the end of training does not say which part was built first.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-parts", "caption": "Top: correlation of adjacent checkpoints of the first model, for the part of neurons' ranks between experts and for the part within experts, with the same sentences (solid) and corrected for noise (dashed, cut at 1.2). Bottom: share of the variance of ranks that lies between experts."}, "image": {"alt": "Six panels. Dark blue lines of the part between experts lie above light blue lines of the part within. Below, the share of variance between experts is a few per cent, and higher late in training than at the start."}}
parts = noise_tables.parts(runs[model])
axes = noise_figures.parts(parts)

# %% [markdown]
# Two differences are averaged over the last nine tenths of training: the correlation of experts minus that of neurons, and the correlation of the part between experts minus that of the part within. The 95 % intervals are from a
# bootstrap of runs and sub-functions:

# %%
leads = section.stacked({name: noise_tables.leads(table, seed=seed) for name, table in runs.items()})
leads.set_index(["model", "comparison", "function", "pair"]).unstack("pair").swaplevel(axis=1).sort_index(
    axis=1, level=0, sort_remaining=False
).style.format("{:+.2f}", na_rep="–")

# %% [markdown]
# For word meanings in {glue:text}`model_name`, the part between experts is more stable from checkpoint to checkpoint than the part within, by {glue:text}`lead:.2f` after the correction (95 % interval {glue:text}`lead_low:.2f` to
# {glue:text}`lead_high:.2f`). Without the correction the difference is {glue:text}`lead_whole:.2f`.
#
# ## Step 6: the learning rate
#
# The learning rate of the companion models falls linearly to zero from a tenth of training on. When the weights stop changing, every order of neurons stops changing too. One more t5-mini was trained with
# a *constant* rate, from the same weights and on the same batches (run 0). Up to a tenth of training both are the same. Both are read for every second sub-function.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-schedules", "caption": "Stabilisation scores of t5-mini, run 0, with a learning rate that decays to zero (solid) and with a constant one (dashed, shorter training), mean over sub-functions and layers."}, "image": {"alt": "Six panels, a row each for experts and neurons, a column each for the functions. Solid lines rise to near one. Dashed lines end earlier and lower."}}
rates = {"decaying": history_source.histories("t5-mini", seeds=1), "constant": made["constant"][0]}
noisy = {name: noise_tables.noise(history_file.together(parts)) for name, parts in rates.items()}
schedules = section.stacked(noisy, "schedule").query("level in ['expert', 'neuron']")
axes = figures.schedules(schedules.query("pair == 'whole'"), level)

# %% [markdown]
# Only the rate differs after a tenth of training, so a difference between the two lines comes from the rate. The next table is for step {glue:text}`last_step:,d`, the last with the constant rate, where the decaying rate has fallen to {glue:text}`rate_left:.0%`.
# *Reliability* is measured at one checkpoint, so a rate cannot raise it by slowing changes down:

# %%
last_step = int(rates["constant"][0]["step"][-1])
there = schedules.query("step == @last_step and pair in ['whole', 'across', 'reliability', 'corrected']")
there.pivot_table("value", ["level", "function"], ["pair", "schedule"])[
    ["whole", "across", "reliability", "corrected"]
].style.format("{:.2f}")

# %% [markdown]
# In this one run, the correlation on the same sentences (*whole*) is lower under the constant rate in every row, and the reliability is higher in every row. So the higher score under the decaying rate does not come from a more reliable reading.
#
# ## Figure 3: functional experts during pre-training
#
# **Claim (Section 6).** The proportion of functional experts and their degree of modularization rise fast, early in pre-training, and then hardly change.
#
# At every checkpoint the tests of [](05_functional_experts.ipynb) are made with the paper's null. Training loss is drawn below, so that a step can be placed.

# %%
own = {name: section.functional_by_step(parts, alpha=alpha) for name, parts in sources.items()}
shuffled = {
    name: section.functional_by_step(parts, random=draws, alpha=alpha, seed=seed) for name, parts in sources.items()
}
curves = pd.concat([section.stacked(own), section.stacked(shuffled)])

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-emergence", "caption": "Share of experts called functional under the paper's null (top), modularization degree (middle) and training loss (bottom) during pre-training, on a linear and a logarithmic axis. Lines: mean over runs; bands: from the lowest to the highest run. Dotted: random partitions."}, "image": {"alt": "Twelve panels in three rows. Proportion and degree lie at zero early and rise later in training. The proportion is highest for the semantic function. The dotted lines of random partitions for word meanings rise a little and stay lower."}}
axes = figures.modularity(curves.query("kind == 'functional'"), losses)

# %% [markdown]
# **How to read it.** Solid lines are the models' own experts. The dotted line of word meanings rises a little too: the paper's null takes sub-functions for independent, and the more the model learns, the more of its
# neurons serve many sub-functions at once, which makes counts uneven ([](05_functional_experts.ipynb)). The permutation null lets sub-functions share neurons. Under it the curves of the models' own experts are these:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-emergence-permutation", "caption": "The same as the figure before under the permutation null, for the models' own experts only. Under this null random partitions are at alpha."}, "image": {"alt": "Twelve panels in three rows. The curves are lower than in the figure before and still rise during training."}}
fair = section.stacked(
    {n: section.functional_by_step(parts, null="permutation", alpha=alpha) for n, parts in sources.items()}
)
axes = figures.modularity(fair.query("kind == 'functional'"), losses)

# %% [markdown]
# The next table has the fraction of training at which the mean over runs first reaches half of its highest proportion, and the proportion at the end:

# %%
ends = {
    n: section.half_way(t)
    for n, t in {"paper's null": curves.query("partition == 'model'"), "permutation": fair}.items()
}
pd.concat(ends, axis=1).style.format("{:.3f}", na_rep="never")

# %% [markdown]
# (appendix-a5-emergence)=
# ## Figure 6: one sub-function at a time
#
# The same test can be made for every sub-function by itself (Appendix A.5):

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-emergence-sub", "caption": "Proportion, degree and loss as above, for experts that are functional for a single sub-function, mean over the sub-functions of a function."}, "image": {"alt": "Twelve panels in three rows with small proportions that rise during training. Dotted lines of random partitions stay near alpha."}}
axes = figures.modularity(curves.query("kind == 'sub-functional'"), losses)

# %% [markdown]
# With one sub-function nothing is shared, and random partitions stay at the level of alpha throughout.

# %% tags=["remove-cell"]
from companion.claims import emergence_effects, ledger

end = at_end[model].loc["semantic"]
ahead = leads.query("model == @model and function == 'semantic' and comparison == 'between − within'").set_index("pair")
first = firsts.query("model == @model and function == 'semantic'").set_index("level")["first"]
values = {
    "model_name": model,
    "level": level,
    "draws": draws,
    "steps": int(runs[model]["step"].max()),
    "checkpoints": runs[model].sizes["step"],
    "subfunctions": runs[model].sizes["subfunction"],
    "known": len(functions.load_all()),
    "first_expert": float(first["expert"]),
    "first_neuron": float(first["neuron"]),
    "reliability_neuron": float(end["neuron", "reliability"]),
    "kept": runs[model].sizes["kept"],
    "last_step": last_step,
    "rate_left": RECIPES["t5-mini"].learning_rate(last_step) / RECIPES["t5-mini"].lr,
    "lead": float(ahead.loc["corrected", "difference"]),
    "lead_low": float(ahead.loc["corrected", "low"]),
    "lead_high": float(ahead.loc["corrected", "high"]),
    "lead_whole": float(ahead.loc["whole", "difference"]),
}
found = [emergence_effects.appearance(own), emergence_effects.between_over_within(leads)]
found += [emergence_effects.stabilization_effects(table, name, level, seed=seed) for name, table in scores.items()]
values |= ledger.to_glue(model, *found)
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Runs.** Three of each companion model, of {glue:text}`steps:,d` steps; the paper has one of each, of 200,000. Its checkpoints are 2.5 % of training apart, ours 3.75 % from a tenth of training on.
# - **Learning rate.** Ours decays to zero over nine tenths of training. The paper gives one rate, 1e-4, and no schedule, so its figure does not tell whether its neurons settled or were stopped. The decay
#   pushes all curves up late in training, because weights that change less are ranked alike.
# - **Stated facts and tasks.** Both companion models read facts as sentences, and t5-mini reads tasks with their answers; the paper's own T5 read text. That pushes knowledge and tasks up and may make them earlier.
# - **Sub-functions.** The histories follow {glue:text}`subfunctions:d` of this book's {glue:text}`known:d` sub-functions: every third semantic one and all others, with 100 sentences a class and the balanced false triples that
#   were this book's before it took the paper's. Fewer semantic sub-functions mean fewer functional experts by the same test. Balanced triples push knowledge down.
# - **Layers of neurons.** Those with experts. One table has all layers of Switch, as in the authors' figure ([D25](d25)). In the authors' own Switch the choice matters more
#   ([](A_released.ipynb)).
# - **Step 0.** Ours is the start; the paper's curves begin with the first saved checkpoint.
# - **Random partitions.** One in the stabilisation curves, twenty in the figure of noise, {glue:text}`draws:d` in the counts; the paper averages 1,000 ([D22](d22)). They differ little from one to another.
# - **Experts of T5.** Those of the last checkpoint, as in the paper. That favours late checkpoints: before that, neurons are grouped by weights that they do not have yet.
# - **Halves.** Every other sub-function (all tasks), one split. Each half has half of the sentences, so dashed and dotted lines are those of a test half as long. The corrected line is not.
#
# ## Take away
#
# - A correlation of adjacent checkpoints is high if roles have settled, and also if both readings share their noise, if little training lies between them, or if the learning rate has run out.
# - Two halves of the data separate repeated noise from order. Correct for this noise before you compare curves of different reliability.
# - A difference in stability does not say what was built first.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - That the paper's own curves are noise. Its word meanings have as many sentences as ours (100 of a sense), its relations twice and its tasks up to ten times as many. How reliable a score is
#   depends on the neurons as well. The activations, which would tell, are not among the released files.
# - Why experts settle when they do. The correction removes what sentences do by chance, not what a different *choice* of sentences would (other topics, other wordings).
# - That the structure between experts is built *before* what neurons do within them. The ledger judges the mean gap over training, which says nothing about order in time.
#   [](07_emergence_order.ipynb) compares every checkpoint with the last one.
# - That what is stable is modular. An order of experts can be stable for many reasons, for example because some experts are more active than others.
#
# ## Exercises
#
# {ref}`spearman-with-ties` stands above, where its idea is introduced. The other exercises of this page follow.
#
# ```{exercise} Fewer checkpoints
# :label: fewer-checkpoints
# *(10 minutes, easy.)* The paper saves a checkpoint every 5,000 steps. Would experts have settled later if it had saved every fourth of these? Predict, then keep every fourth checkpoint of `runs[model]`, and put the table of
# `section.stabilised` into `rarely`.
#
# :::{hint}
# :class: dropdown
# `runs[model].isel(step=…)`. Look at the experts only: `stability`, that of neurons, compares each checkpoint with the one before it in the full history.
# :::
# ```

# %% tags=["solution", "hide-cell"]
sparse = section.stabilization(runs[model].isel(step=slice(None, None, 4)))
rarely = section.stabilised(sparse.sel(level=["expert"]), level, seed=seed)

# %% tags=["check"]
exercise.answered(globals(), "rarely")
often = firsts.query("model == @model and level == 'expert'").set_index("function")["first"]
later = rarely.set_index("function")["first"]
assert (later >= often.loc[later.index]).all(), "more happens between checkpoints that lie further apart"
assert (later > often.loc[later.index]).any(), "this is the table of all checkpoints"
print(pd.concat({"every checkpoint": often, "every fourth": later}, axis=1))

# %% [markdown]
# ```{exercise} Chance-level neurons look stable
# :label: frozen-noise
# *(10 minutes, medium.)* Draw activations of 1,000 chance-level neurons on 100 sentences of either class from a normal distribution, and a second checkpoint that changes each activation by a tenth of its spread. Predict the
# stabilisation score of the neurons' predictivities and put it into `frozen`. Then read one half of the sentences at the first checkpoint and the other half at the second, and put the score into `crossed`.
#
# :::{hint}
# :class: dropdown
# `predictivity.predictivity(activations, labels)`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
rng = np.random.default_rng(seed)
labels = np.arange(200) % 2
once = rng.standard_normal((200, 1000))
later = once + 0.1 * rng.standard_normal(once.shape)
read = [predictivity.predictivity(a, labels) for a in (once, later)]
frozen = emergence.stabilization_score(*read)
half = predictivity.predictivity(once[:100], labels[:100]), predictivity.predictivity(later[100:], labels[100:])
crossed = emergence.stabilization_score(*half)

# %% tags=["check"]
exercise.answered(globals(), "frozen", "crossed")
assert 0.7 < frozen < 1, "the same sentences meet nearly the same neurons"
assert abs(crossed) < 0.2, "chance-level neurons have no ranking to keep"
print(f"same sentences {frozen:.2f}, crossed halves {crossed:.2f}")
