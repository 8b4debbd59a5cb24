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
# By the paper's measure, the order of experts of {glue:text}`model_name` stays above a correlation of {glue:text}`level` from {glue:text}`first_expert:.0%` of the run on, for word meanings, and
# that of neurons from {glue:text}`first_neuron:.0%` on. But noise that repeats counts as stable there: with other sentences, the order of neurons at the end correlates with itself at
# {glue:text}`reliability_neuron:.2f` only. Corrected for this, the part between experts is more stable from checkpoint to checkpoint than the part within them, by {glue:text}`lead:.2f` (95 % interval
# {glue:text}`lead_low:.2f` to {glue:text}`lead_high:.2f`), instead of {glue:text}`lead_whole:.2f`. By the rule of [the ledger](../book/claims.md), the claim that experts settle long before neurons has, for
# word meanings, the verdict *{glue:text}`verdict_semantic-experts-before-neurons`*, and the claim that the structure between experts is the more stable one *{glue:text}`verdict_between-over-within`*.
#
# This is [Section 6 of the paper](https://arxiv.org/abs/2305.18390), its Figures 3 and 4, and Figure 6 of its appendix.
#
# :::{admonition} Before you start
# **Do:** follow the predictivities of neurons and experts through pre-training, and ask when their order stops changing.
#
# **Learn:** what a correlation of adjacent checkpoints measures, why shared noise raises it and noise of its own lowers it, and how halves of the data tell them apart.
#
# **Need:** [](04_specialization.ipynb) and [](05_functional_experts.ipynb).
# About two minutes on two CPU cores with the shipped histories. With `-p history fresh` a small model is trained first: under five minutes more.
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

# %%
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
from companion.sections import noise_tables
from modularity import emergence, predictivity

# %% [markdown]
# ## Histories
#
# While the companion models were trained, {glue:text}`checkpoints:d` checkpoints were kept: the start, then evenly spaced in the logarithm up to a tenth of the run, where most
# changes, then evenly spaced to its end. Every checkpoint was read as in the sections before: the predictivity of every neuron for
# {glue:text}`subfunctions:d` sub-functions, and of every expert, which is the mean over its neurons. As in the paper, the experts of T5 are those that MoEfication finds at the
# *last* checkpoint.
#
# The readings take hours and are shipped. For this page, a sub-function drawn at random was read again at the start or the end of each run:

# %%
wanted = {model: history} | {name: "shipped" for name in beside.split() if name != model}
made = {name: history_source.obtain(name, source, recompute, seeds=seeds, seed=seed) for name, source in wanted.items()}
made["constant"] = history_source.obtain("t5-mini-constant", recompute=recompute)
sources = {name: made[name][0] for name in wanted}
runs = {name: history_file.together(parts) for name, parts in sources.items()}
print(*(said for _, checked in made.values() for said in checked), sep="\n")

# %% [markdown]
# ## Figure 3: functional experts over pre-training
#
# **Claim (Section 6).** The proportion of functional experts and their degree of modularization rise fast, early in pre-training, and then hardly change.
#
# The same tests as in [](05_functional_experts.ipynb) at every checkpoint, with the paper's null. Training loss is below, so that a step can be placed.

# %%
own = {name: section.functional_by_step(parts, alpha=alpha) for name, parts in sources.items()}
dealt = {
    name: section.functional_by_step(parts, random=draws, alpha=alpha, seed=seed) for name, parts in sources.items()
}
losses = {name: section.loss(table) for name, table in runs.items()}
curves = pd.concat([section.stacked(own), section.stacked(dealt)])

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-emergence", "caption": "Share of experts called functional under the paper's null (top), modularization degree (middle) and training loss (bottom) over pre-training, on a linear and a logarithmic axis. Lines: mean over runs; bands: from the lowest to the highest run. Dotted: random partitions."}, "image": {"alt": "Twelve panels in three rows. Proportion and degree lie at zero early and rise later in the run, most for the semantic function; dotted lines of random partitions rise with them but stay lower."}}
axes = figures.modularity(curves.query("kind == 'functional'"), losses)

# %% [markdown]
# **How to read it.** The dotted line of word meanings rises a little too. The paper's null takes sub-functions for independent, and the more the model learns, the more of its
# neurons serve many sub-functions at once; that alone makes counts uneven ([](05_functional_experts.ipynb)). Under the permutation null, which lets sub-functions share neurons,
# the curves of the models' own experts are these:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-emergence-permutation", "caption": "The same under the permutation null, models' own experts only; there random partitions lie at alpha."}, "image": {"alt": "Twelve panels in three rows. The curves are lower than before and still rise during the run."}}
fair = section.stacked(
    {n: section.functional_by_step(parts, null="permutation", alpha=alpha) for n, parts in sources.items()}
)
axes = figures.modularity(fair.query("kind == 'functional'"), losses)

# %% [markdown]
# The step at which the mean of the runs first reaches half of its highest proportion, as a fraction of training, and what it ends at:

# %%
ends = {
    n: section.half_way(t)
    for n, t in {"paper's null": curves.query("partition == 'model'"), "permutation": fair}.items()
}
pd.concat(ends, axis=1).style.format("{:.3f}", na_rep="never")

# %% [markdown]
# (appendix-a5-emergence)=
# ## Figure 6: one sub-function at a time

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-emergence-sub", "caption": "The same as the first figure for experts that are functional for a single sub-function, mean over the sub-functions of a function."}, "image": {"alt": "Twelve panels in three rows with small proportions that rise during the run; dotted lines of random partitions stay near alpha."}}
axes = figures.modularity(curves.query("kind == 'sub-functional'"), losses)

# %% [markdown]
# With one sub-function there is nothing to share, and random partitions stay at the level of alpha throughout.
#
# ## Figure 4: stabilisation
#
# **Claim (Section 6).** Experts settle early, at about 15 % of the run, long before neurons (75 %) and before random partitions: pre-training goes from coarse to fine.
#
# The *stabilisation score* of a layer, for a sub-function, is the rank correlation of predictivities at two adjacent checkpoints,
#
# ```{math}
# :label: stabilization
# \rho_t = \operatorname{corr}\bigl(\operatorname{rank} p^{(t-1)},\, \operatorname{rank} p^{(t)}\bigr),
# ```
#
# over its neurons, or over its experts. By hand, for experts of one layer:


# %%
def naive_score(before, after):
    ranks = [stats.rankdata(values) for values in (before, after)]
    x, y = (r - r.mean() for r in ranks)
    return (x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum())


pair = runs[model]["experts"].sel(partition="model").isel(run=0, subfunction=0, layer=-1, step=[-2, -1])
pair = pair.transpose("step", "expert").to_numpy()
assert np.isclose(naive_score(*pair), emergence.stabilization_score(*pair))

# %%
scores = {name: section.stabilization(table) for name, table in runs.items()}
settled = {name: section.by_run(table) for name, table in scores.items()}
printed = published.of(runs, published.figure4())

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-stabilization", "caption": "Stabilisation scores of one companion model over pre-training, mean over sub-functions and layers; lines are means over runs, bands from the lowest to the highest. Right: as printed. Dotted: the level that counts as stabilised."}, "image": {"alt": "Three rows of panels, a row a function, and the loss below. Scores fall from near one to a low point at about a tenth of the run, and rise from there to near one at the end; experts above neurons, random partitions close to neurons. The printed curves rise from zero, experts first."}}
axes = figures.stabilization(settled[model], losses[model], printed[model], level)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-stabilization-beside", "caption": "The same for the other companion model."}, "image": {"alt": "As the figure before, for the other model: a fall to about a tenth of the run and a rise to near one, experts and neurons closer together."}}
other = [*runs][-1]
axes = figures.stabilization(settled[other], losses[other], printed[other], level)

# %% [markdown]
# **How to read it.** The printed curves begin at the first saved checkpoint, 2.5 % into the run; ours begin before anything is learned. The first checkpoints are close together: the ranking of neurons, which
# is still random, hardly changes between them, and the curves are high. They fall as the model learns, and then rise until the end of training. Distances between checkpoints grow up to a tenth of the run, and
# are equal from there on.
#
# Where does each curve first stay above {glue:text}`level`? As a fraction of training, with 95 % intervals from a bootstrap of runs and sub-functions; *never* is the fraction of bootstrap draws in which the curve ends below it.

# %%
firsts = section.stacked({n: section.stabilised(t, level, seed=seed) for n, t in scores.items()})
as_printed = section.printed(pd.concat(printed.values()), level)[["model", "function", "level", "first"]]
table = firsts.merge(as_printed, on=["model", "function", "level"], how="left", suffixes=("", " as printed"))
table.set_index(["model", "function", "level"]).style.format("{:.2f}", na_rep="–")

# %% [markdown]
# ## Experts and neurons in the same layers
#
# In the authors' figure the neurons of Switch are those of all twelve layers, its experts those of every other one. Does it matter here? Where the curves of neurons first stay above {glue:text}`level`:

# %%
same = {name: section.stabilised(section.all_layers(table), level, seed=seed) for name, table in runs.items()}
section.stacked(same).set_index(["model", "level", "function"])["first"].unstack().style.format("{:.2f}")

# %% [markdown]
# (averaging)=
# ## Does averaging make experts stable?
#
# An expert's predictivity is the mean of many neurons, and means are less noisy. Could that alone raise the correlation? Not if neurons are grouped at random: each
# mean then loses as much of its signal as of its noise, because what neurons have of their own averages out like noise. The correlation of random groups tends to the linear correlation of neurons (that is, of their
# values, not their ranks), whatever the size of the groups. Over the last nine tenths of the run, for the {glue:text}`kept:d` sub-functions of which every neuron is kept:

# %%
sizes = {name: noise_tables.by_group_size(table, draws=draws, seed=seed) for name, table in runs.items()}
pd.concat(sizes, names=["model"]).style.format("{:.2f}")

# %% [markdown]
# Where experts are more stable than random groups of their size, then, it is no artefact of averaging: their neurons have something in common, and what they have in common moves less than
# what they have not. But *why* does it move less? Because it is learned first, or because it is read with less noise?
#
# (noise-of-sentences)=
# ## What of it is noise
#
# A predictivity is estimated from some two hundred sentences, and *the same* sentences at every checkpoint. Whatever a neuron does to them by chance is in both checkpoints and raises
# their correlation, until, at the end of a run whose weights hardly move any more, even a chance-level neuron keeps its rank. So the sentences of each
# sub-function are split into halves $A$ and $B$, and one checkpoint is read by one half, the other by the other. That lowers the correlation by the unreliability of each half, which is
# measured at a single checkpoint, and divided out (Spearman, 1904):
#
# ```{math}
# :label: corrected
# \hat\rho_t = \frac{\operatorname{corr}(p^{(t-1)}_A,\, p^{(t)}_B)}{\sqrt{\operatorname{corr}(p^{(t-1)}_A, p^{(t-1)}_B) \operatorname{corr}(p^{(t)}_A, p^{(t)}_B)}}.
# ```

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-noise", "caption": "Correlation of adjacent checkpoints of the first model with the same sentences at both (solid, the paper's measure), with one half of them at one and the other half at the other (dashed), of both halves at one checkpoint (dotted), and corrected for the halves' unreliability (black; cut at 1.2)."}, "image": {"alt": "Nine panels, a row a level and a column a function. Solid lines end near one; dashed and dotted lines lie far below, lowest for neurons; black lines lie between, high for the semantic function and ragged for the task function."}}
noise = {name: noise_tables.noise(table) for name, table in runs.items()}
axes = figures.noise(noise[model])

# %% [markdown]
# Where halves agree by less than .05 nothing is corrected: it would divide noise by noise. At the last checkpoint:

# %%
pairs = ["whole", "across", "reliability", "corrected"]
at_end = {name: noise_tables.last(table, ["level", "pair"])[["expert", "neuron"]] for name, table in noise.items()}
pd.concat(at_end, names=["model"]).reindex(columns=pairs, level="pair").style.format("{:.2f}", na_rep="–")

# %% [markdown]
# ## Between and within experts
#
# A neuron's rank is the mean rank of its expert plus a rest. The covariance of neurons at two checkpoints is the sum of the covariances of both parts, so each has a correlation of its own. If pre-training went
# from coarse to fine, the part between experts should be the more stable one while the part within them still changes, also after the correction. The reverse does not follow: a gap that is there from the
# beginning to the end of training is no order in time.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-parts", "caption": "Correlation of adjacent checkpoints of the part of neurons' ranks that lies between experts and of the part within them (top), with the same sentences (solid) and corrected (dashed, cut at 1.2); share of the variance between experts (bottom). The first model."}, "image": {"alt": "Six panels. Blue lines of the part between experts lie above orange lines of the part within; below, the share of variance between experts is a few per cent and grows."}}
parts = noise_tables.parts(runs[model])
axes = figures.parts(parts)

# %% [markdown]
# How much higher is the correlation of experts than that of neurons, and of the part between experts than of the part within them, on average over the last nine tenths of training? With 95 % intervals from a
# bootstrap of runs and sub-functions:

# %%
leads = section.stacked({name: noise_tables.leads(table, seed=seed) for name, table in runs.items()})
leads.set_index(["model", "comparison", "function", "pair"]).unstack("pair").swaplevel(axis=1).sort_index(
    axis=1, level=0, sort_remaining=False
).style.format("{:+.2f}", na_rep="–")

# %% [markdown]
# ## Does the learning rate settle them?
#
# The learning rate of the companion models falls linearly from a tenth of the run on, to zero. When weights stop, so does every order of them. One more t5-mini was trained with
# a rate that does *not* fall, from the same weights on the same batches (run 0; up to a tenth of the run both are the same). Both are read by every other sub-function.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-schedules", "caption": "Stabilisation scores of t5-mini, run 0, with a learning rate that decays to zero (solid) and one that stays (dashed), mean over sub-functions and layers."}, "image": {"alt": "Panels of experts and neurons by function. Solid lines rise to one; dashed lines rise less and level off below."}}
rates = {"decaying": history_source.histories("t5-mini", seeds=1), "constant": made["constant"][0]}
noisy = {name: noise_tables.noise(history_file.together(parts)) for name, parts in rates.items()}
schedules = section.stacked(noisy, "schedule").query("level in ['expert', 'neuron']")
axes = figures.schedules(schedules.query("pair == 'whole'"), level)

# %% [markdown]
# At step {glue:text}`last_step:,d`, the last of the constant rate, where the decaying one has fallen to {glue:text}`rate_left:.0%`.
# Weights and batches were the same up to a tenth of the run and only the rate differs since, so what lies between the two lines comes from the rate. *Reliability* is measured at one checkpoint, so a rate cannot raise it by slowing things down:

# %%
last_step = int(rates["constant"][0]["step"][-1])
there = schedules.query("step == @last_step and pair in ['whole', 'across', 'reliability', 'corrected']")
there.pivot_table("value", ["level", "function"], ["pair", "schedule"])[
    ["whole", "across", "reliability", "corrected"]
].style.format("{:.2f}")

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
found += [emergence_effects.stabilisation(table, name, level, seed=seed) for name, table in scores.items()]
values |= ledger.to_glue(model, *found)
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Runs.** Three of each companion model, of {glue:text}`steps:,d` steps; the paper has one of each, of 200,000. Its checkpoints are 2.5 % of the run apart, ours 3.75 % from a tenth of the run on.
# - **Learning rate.** Ours decays to zero over nine tenths of the run. The paper gives one rate, 1e-4, and no schedule; its figure does not tell whether its neurons settled or were stopped. The decay
#   pushes all curves up late in the run: weights that move less are ranked alike.
# - **Stated facts and tasks.** Both companion models read facts as sentences, and t5-mini tasks with their answers; the paper's own T5 read text. That pushes knowledge and tasks up and may make them earlier.
# - **Sub-functions.** The histories follow {glue:text}`subfunctions:d` of this book's {glue:text}`known:d` sub-functions: every third semantic one and all others, with 100 sentences a class and the balanced false triples that
#   were this book's before it took the paper's. Fewer semantic sub-functions mean fewer functional experts by the same test; balanced triples push knowledge down.
# - **Layers of neurons.** Those with experts; over all layers of Switch, as in the authors' figure, in one table ([D25](d25)). In the authors' own Switch it matters more
#   ([](A_released.ipynb)).
# - **Step 0.** Ours is the start; the paper's curves begin with the first saved checkpoint.
# - **Random partitions.** One in the stabilisation curves, twenty in the figure of noise, {glue:text}`draws:d` in the counts; the paper averages 1,000 ([D22](d22)). They differ little from one to another.
# - **Experts of T5.** Of the last checkpoint, as in the paper. That favours late checkpoints: before that, neurons are grouped by weights that they do not have yet.
# - **Halves.** Every other sub-function (all tasks), one split. Each half has half of the sentences, so dashed and dotted lines are those of a test half as long; the corrected one is not.
#
# ## What this page does not show
#
# - That the paper's own curves are noise. Its word meanings have as many sentences as ours (100 of a sense), its relations twice and its tasks up to ten times as many; and how reliable a score is
#   depends on the neurons as well. Activations, which would tell, are not among the released files.
# - Why experts settle when they do. The correction removes what sentences do by chance, not what a different *choice* of sentences would (other topics, other wordings).
# - That the structure between experts is built *before* what neurons do within them: the mean gap over training, which the ledger judges, says nothing about order in time.
# - That what is stable is modular: an order of experts can be stable for many reasons, loudness among them.
#
# ## Exercises
#
# ```{exercise} Fewer checkpoints
# :label: fewer-checkpoints
# *(10 minutes, easy.)* The paper saves every 5,000 steps. Had it saved every fourth of these, would experts have settled later? Predict, then keep every fourth checkpoint of `runs[model]`, and put the table of
# `functional_expert_tables.stabilised` into `rarely`.
#
# :::{hint}
# :class: dropdown
# `runs[model].isel(step=…)`; `stability` of neurons compares with the checkpoint before, so look at the experts only.
# :::
# ```

# %% tags=["solution", "hide-cell"]
sparse = section.stabilization(runs[model].isel(step=slice(None, None, 4)))
rarely = section.stabilised(sparse.sel(level=["expert"]), level, seed=seed)

# %% tags=["check"]
often = firsts.query("model == @model and level == 'expert'").set_index("function")["first"]
later = rarely.set_index("function")["first"]
assert (later >= often.loc[later.index]).all(), "more happens between checkpoints that lie further apart"
assert (later > often.loc[later.index]).any(), "this is the table of all checkpoints"
print(pd.concat({"every checkpoint": often, "every fourth": later}, axis=1))

# %% [markdown]
# ```{exercise} Chance-level neurons look stable
# :label: frozen-noise
# *(10 minutes, medium.)* Draw activations of 1,000 chance-level neurons on 100 sentences of either class from a normal distribution, and a second checkpoint that moves each activation by a tenth of its spread. Predict the
# stabilisation score of the neurons' predictivities, then put it into `frozen`, and into `crossed` that of one half of the sentences at the first checkpoint with the other half at the second.
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
assert 0.7 < frozen < 1, "the same sentences meet nearly the same neurons"
assert abs(crossed) < 0.2, "chance-level neurons have no ranking to keep"
print(f"same sentences {frozen:.2f}, crossed halves {crossed:.2f}")
