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
# # Which comes first in time, experts or neurons?
#
# For word meanings in {glue:text}`model_name`, {term}`experts <expert>` have reached half of their final {term}`order` by {term}`predictivity` at {glue:text}`at_expert:.0%` of training, and {term}`neurons <neuron>` at {glue:text}`at_neuron:.0%`; the
# difference is {glue:text}`lead:+.2f` of training (95 % interval {glue:text}`lead_low:+.2f` to {glue:text}`lead_high:+.2f`), and {glue:text}`lead_path:+.2f` on a random path between the same ends ({glue:text}`path_low:+.2f` to {glue:text}`path_high:+.2f`).
# For the *top* neurons of each checkpoint instead of all, the difference is {glue:text}`top_lead:+.2f` ({glue:text}`top_low:+.2f` to {glue:text}`top_high:+.2f`).
#
# ```{verdicts} experts-first-in-time experts-first-beyond-rate
# ```
#
# This page is not in [the paper](https://arxiv.org/abs/2305.18390). Its Section 6 says that pre-training goes from coarse to fine, which is a statement about time. The measure of Section 6 compares neighbouring checkpoints, so it
# does not say what was there first ([](06_emergence.ipynb)).
#
# :::{admonition} Before you start
# **Do:** compare every checkpoint with the last one, and ask when half of the final order is there, for experts and for neurons.
#
# **Learn:** why a correlation with the last checkpoint needs other sentences and a correction for reliability, and what a decaying learning rate gives by itself.
#
# **Need:** [](06_emergence.ipynb), in particular {ref}`its correction for noise <noise-of-sentences>`.
# Running this page took {cost}`07_emergence_order`, because what is read from models is shipped; a GPU is not needed.
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
beside: str = "switch-mini"  # the companion model shown beside it, or nothing
seeds: int = 3  # runs of each model, at most
recompute: str = "slice"  # of what is shipped: slice (rechecked), none, or full, which computes it anew
part: float = 0.5  # of the final order, whose time is asked for
draws: int = 1000  # of the bootstrap
seed: int = 0  # of the bootstrap

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from myst_nb import glue
from scipy import stats

from companion.experiments import emergence_order, history_file, history_source
from companion.models.recipe import RECIPES
from companion.sections import emergence_order_figures as figures
from companion.sections import emergence_order_tables as section
from companion.sections.emergence_tables import stacked
from companion.tools import exercise

# %% tags=["hide-input"]
names = list(dict.fromkeys([model, *beside.split()]))
histories = {name: history_source.histories(name, seeds=seeds) for name in names}
shipped, said = emergence_order.obtain(names, recompute)
print(*said, sep="\n")

# %% [markdown]
# ## The answer in one figure
#
# **Question (Section 6 leaves it open).** Is the order of experts there before the order of neurons is?
#
# The sentences that the histories were read with are used at every checkpoint. The last checkpoint was read once more, with *other* sentences of the same {glue:text}`subfunctions:d` sub-functions. The rank correlation of a
# checkpoint with this second reading cannot come from chance effects of sentences, because the two readings share none. The last checkpoint itself has such a correlation too, and everything is measured relative to it: the
# *fraction of the final order* is 1 at the end, and no reading is compared with itself.
#
# What was measured, the null, the interval, and what would count as yes and as no were written down before any result was looked at. This text is in the module
# [`emergence_order_tables`](../book/api/sections.md), with what was changed afterwards.

# %% tags=["hide-input"]
curves = {n: section.measured(histories[n], shipped[n]) for n in names}
paths = {n: section.on_random_path(shipped[n].isel(run=slice(seeds))) for n in names}
drawn = {n: section.weights(curves[n], draws=draws, seed=seed) for n in names}
times = {n: section.half_times(curves[n], drawn[n], part=part) for n in names}
path_times = {n: section.path_times(paths[n], drawn[n], RECIPES[n], part=part) for n in names}
reached = stacked({n: section.summary(t) for n, t in times.items()})

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-order", "caption": "Fraction of the final order over training, mean over runs and sub-functions, corrected for reliability. Dark blue: experts. Grey: groups of random neurons of an expert's size, which stand for single neurons. Light blue: the top neurons of each checkpoint. Dashed: the same on a random path with the same ends, on which nothing is learned. Dots: when each line is above one half for good. No line where readings agree too little for a ratio."}, "image": {"alt": "Six panels of curves that rise to one at the end of training, a row a model and a column a function, with dots where they cross one half, and dashed curves of the random path."}}
axes = figures.order(
    stacked({n: section.lines(c) for n, c in curves.items()}),
    stacked({n: section.lines(c) for n, c in paths.items()}),
    reached,
)

# %% [markdown]
# **How to read it.** Compare where the dots stand on the dotted line. If experts come first, the dark blue dot is left of the grey one. The dashed lines say what to expect where nothing is learned in any order: there, a difference
# between dark blue and grey comes from averaging over neurons that have something in common.
#
# The next table gives these times, as fractions of training, with 95 % intervals from a bootstrap of runs and sub-functions. There is no number where the halves of the sentences agree too little for a correction:

# %% tags=["hide-input"]
columns = ["time", "low", "high"]
reached.set_index(["model", "function", "level"])[columns].unstack("level").swaplevel(axis=1).sort_index(
    axis=1, level=0, sort_remaining=False
).style.format("{:.2f}", na_rep="–")

# %% [markdown]
# ## Step 1: the fraction of the final order
#
# Let $p^{(t)}$ be the predictivities of a layer's experts at checkpoint $t$, from the sentences of the histories, and $q$ those at the last checkpoint $T$ from other sentences. With $\rho$ for Spearman's correlation and $R_t$
# for the reliability of $p^{(t)}$,
#
# ```{math}
# :label: final-order
# f_t = \frac{\rho(p^{(t)},\, q)}{\rho(p^{(T)},\, q)} \sqrt{\frac{R_T}{R_t}} .
# ```
#
# The first factor is 1 at the end. What $q$ has of noise, and what the other sentences ask differently, lowers both of its correlations alike and cancels. The second factor corrects for readings that are less reliable at $t$ than at
# $T$. $R$ is made from the agreement $r$ of two halves of the sentences (Spearman–Brown): a reading of all sentences is twice as long as a half, and its reliability is $2r/(1+r)$. By hand, from means over runs, layers and sub-functions:


# %%
def naive_fraction(goes_with_last, agreement):
    reliability = 2 * agreement / (1 + agreement)
    return goes_with_last / goes_with_last[-1] * np.sqrt(reliability[-1] / reliability)


words = curves[model].sel(level="expert").isel(subfunction=curves[model]["function"].to_numpy() == "semantic")
means = words.mean(["run", "subfunction"]).assign_attrs(words.attrs)
found = section.fraction(means).to_numpy()
known = np.isfinite(found)  # where the halves agree enough
by_hand = naive_fraction(means["with_last"].to_numpy()[known], means["reliability"].to_numpy()[known])
assert known[-1]
assert np.allclose(found[known], by_hand)

# %% [markdown]
# The correlations themselves, for one sub-function of one run, mean over layers:

# %%
own = curves[model].sel(level="expert").isel(run=[0], subfunction=[0])
where = {"subfunction": own["subfunction"].item(), "partition": "model"}
values = histories[model][0]["experts"].sel(where).transpose("layer", "step", "expert").to_numpy()
last = shipped[model]["experts"].isel(run=0).sel(where).to_numpy()
by_layer = [[stats.spearmanr(now, q).statistic for now in layer] for layer, q in zip(values, last)]
assert np.allclose(own["with_last"].to_numpy().ravel(), np.mean(by_layer, axis=0))

# %% [markdown]
# The time is read from the curve where it is above {glue:text}`part` for good, on the straight line between the two checkpoints. Means over runs, layers and sub-functions are taken before the ratio, because a ratio of small numbers is noise.
#
# ## Step 2: what stands for neurons
#
# Histories keep all experts of all sub-functions, but every neuron for a few sub-functions only. So *groups of random neurons* of an expert's size stand for neurons: their rank correlation tends to the linear correlation
# of single neurons, and noise is averaged in them as in experts ([](06_emergence.ipynb), {ref}`Step 3 <averaging>`). For the {glue:text}`kept:d` sub-functions of which every neuron is kept and has halves, the two can be compared. The next table has
# the times of both, and of experts, for these sub-functions:

# %%
lone = {n: section.single(histories[n], shipped[n]) for n in names}
alone = {n: section.half_times(c, section.weights(c, draws=draws, seed=seed), part=part) for n, c in lone.items()}
pair = stacked({n: section.summary(t) for n, t in alone.items()})
pair.pivot_table("time", ["model", "function"], "level", sort=False).style.format("{:.2f}", na_rep="–")

# %% [markdown]
# A second measure of neurons has all sub-functions: how high the *top neurons* of a checkpoint rank at the end, with other sentences (light blue in the figure). It is corrected by the reliability of neurons, which holds for a
# selection if scores are about normal. The three are drawn together, as neurons minus experts:

# %% tags=["hide-input"]
later = {n: section.later(t) for n, t in times.items()}
on_path = {n: section.later(t).sel(level=["random"]) for n, t in path_times.items()}
compared = {
    "all neurons (random groups)": {n: t.sel(level=["random"]) for n, t in later.items()},
    "top neurons": {n: t.sel(level=["top"]) for n, t in later.items()},
    "all neurons, random path": on_path,
    "all neurons, runs minus random path": {n: later[n] - on_path[n] for n in names},
}
leads = stacked(
    {k: stacked({n: section.summary(t) for n, t in of.items()}) for k, of in compared.items()}, "comparison"
)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-order-leads", "caption": "By how much neurons reach half of their final order later than experts, as a fraction of training, with 95 % intervals: all neurons (in random groups), top neurons, all neurons on the random path, and the difference between runs and random path. The path is read for word meanings only. Functions without any interval are left out."}, "image": {"alt": "Two panels, one a model, with dots and horizontal intervals for four comparisons beside a vertical line at zero."}}
axes = figures.leads(leads)

# %% [markdown]
# ## Step 3: what a decaying learning rate gives
#
# The rate of the companion models decays to zero. When weights stop moving, every order stops changing, so late checkpoints are like the last one for experts and neurons alike. The null of this page is a *random path*: from the
# weights at the start of each run, random steps lead to the weights at its end. The steps are as large as the recipe's rate makes them, matrix by matrix. Nothing is learned on the way, coarse or fine. At {glue:text}`moments:d`
# moments the weights are put into the model, and it is read for word meanings as a checkpoint is, with halves of the sentences instead of other ones.
#
# On the path of {glue:text}`model_name`, experts have half of their final order at {glue:text}`path_expert:.0%` of training and random groups at {glue:text}`path_neuron:.0%`; in the runs themselves these are {glue:text}`at_expert:.0%` and {glue:text}`at_neuron:.0%`. So the dashed lines
# of {ref}`the first figure <fig-order>` say that a rise of this kind, at about this time, does not need anything to be learned first. What the runs add to the lead of experts is {glue:text}`excess:+.2f` (95 % interval {glue:text}`excess_low:+.2f` to {glue:text}`excess_high:+.2f`).
#
# On this path, the order of experts can be there before that of neurons too: an expert's mean is changed little by random changes of its neurons, if these neurons have something in common. So the lead of experts on the path is what
# has to be exceeded. The clock of the path is the sum of squared rates:

# %%
steps = RECIPES[model].steps
rates = np.array([RECIPES[model].learning_rate(i) for i in range(steps)])
half_of_motion = np.searchsorted(np.cumsum(rates**2), (rates**2).sum() / 2) / steps
print(f"half of the random motion is over at {half_of_motion:.0%} of training")

# %% [markdown]
# A constant rate would walk the same path evenly. The next table has the times on the path under both rates:

# %%
steady = RECIPES["t5-mini-constant"]
even = {n: section.path_times(paths[n], drawn[n], RECIPES[n], along=steady, part=part) for n in names}
both = {"decaying rate": path_times, "constant rate": even}
walked = stacked({k: stacked({n: section.summary(t) for n, t in of.items()}) for k, of in both.items()}, "rate")
walked.pivot_table("time", ["model", "function"], ["rate", "level"], sort=False).style.format("{:.2f}", na_rep="–")

# %% [markdown]
# One t5-mini was trained with a *constant* rate up to step {glue:text}`stopped:,d`. Its last weights are not shipped and its history has no single neurons, so only a weaker comparison is possible: each checkpoint with that of step
# {glue:text}`stopped:,d`, on the same sentences and without a correction, in this run and in run 0 of t5-mini, which is the same up to a tenth of training. Noise that both checkpoints share raises all of these lines.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-order-rates", "caption": "Rank correlation of each checkpoint with the last one of the run with a constant learning rate (dashed), and with the same step of the run with a decaying rate (solid), same sentences. Blue: experts. Grey: random groups."}, "image": {"alt": "Three panels, a column a function, of curves that rise towards the last step; solid and dashed lines, blue for experts and grey for random groups."}}
held = history_source.histories("t5-mini-constant")[0]
stopped = int(held["step"][-1])
of_rates = {"decaying": history_source.histories("t5-mini", seeds=1)[0], "constant": held}
axes = figures.rates(stacked({k: section.same_sentences(h, stopped) for k, h in of_rates.items()}, "schedule"))

# %% [markdown]
# ## Step 4: the routers of Switch
#
# In a Switch, what a router does may be settled before the experts are. [Muennighoff et al. (2024)](https://arxiv.org/abs/2409.02060) follow routes over training, and call the share of
# tokens that already go to the experts of the last checkpoint *router saturation*. The checkpoints of
# switch-mini are not kept, so routes of single tokens cannot be compared with the last ones, nor the words of each expert. The logs of the three runs have the *load* of each expert: the share of the tokens that it gets. The
# correlation of these loads with those at the end is drawn beside the orders of experts and neurons:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-order-routers", "caption": "switch-mini. Correlation of the experts' loads with the last ones, a line a layer with experts, mean over runs with a band from the lowest to the highest run; and the fraction of the final order of experts, random groups and top neurons for word meanings."}, "image": {"alt": "One panel of curves over the fraction of training: loads of two layers, with bands, and the three orders, which rise to one at the end."}}
switch = [history_source.histories("switch-mini", seeds=seeds), emergence_order.obtain(["switch-mini"], "none")[0]]
logs = [history_file.log("switch-mini", seed=i) for i in range(len(switch[0]))]
loads = section.loads(logs, switch[0][0]["layer"].to_numpy().tolist())
ax = figures.routers(loads, section.lines(section.measured(switch[0], switch[1]["switch-mini"])))

# %% [markdown]
# **How to read it.** A load says how many tokens an expert gets, not which ones. Loads that are as at the end are necessary for routes that are, and not sufficient. The balancing loss pushes all loads to be equal, so what is
# compared is small differences.

# %% tags=["remove-cell"]
from companion.claims import ledger, order_effects

evidence = pd.concat([order_effects.first_in_time(times[n], path_times[n], n) for n in names])
semantic = leads.query("function == 'semantic'").set_index(["model", "comparison"])
at = reached.query("function == 'semantic'").set_index(["model", "level"])["time"]
first = semantic.loc[model].loc["all neurons (random groups)"]
in_top = semantic.loc[model].loc["top neurons"]
on_walk = section.summary(path_times[model]).set_index("level")["time"]
excess = semantic.loc[model].loc["all neurons, runs minus random path"]
of_path = semantic.loc[model].loc["all neurons, random path"]
values = {
    "model_name": model,
    "part": part,
    "at_expert": float(at[model, "expert"]),
    "at_neuron": float(at[model, "random"]),
    "at_top": float(at[model, "top"]),
    "lead": float(first["time"]),
    "lead_low": float(first["low"]),
    "lead_high": float(first["high"]),
    "top_lead": float(in_top["time"]),
    "top_low": float(in_top["low"]),
    "top_high": float(in_top["high"]),
    "lead_path": float(of_path["time"]),
    "path_expert": float(on_walk["expert"]),
    "path_neuron": float(on_walk["random"]),
    "excess": float(excess["time"]),
    "excess_low": float(excess["low"]),
    "excess_high": float(excess["high"]),
    "path_low": float(of_path["low"]),
    "path_high": float(of_path["high"]),
    "half_of_motion": float(half_of_motion),
    "subfunctions": shipped[model].sizes["subfunction"],
    "kept": lone[model].sizes["subfunction"],
    "moments": paths[model].sizes["step"],
    "stopped": stopped,
    "steps": steps,
}
values |= ledger.to_glue(model, evidence)
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## What others found
#
# [Saphra and Lopez (2019)](https://arxiv.org/abs/1811.00225) compared the representations of a recurrent language model at its checkpoints with those of taggers, and found that part of speech is learned before topic.
# [Saxe, McClelland and Ganguli (2019)](https://arxiv.org/abs/1810.10531) solved the learning of deep linear networks exactly, in which broad distinctions between concepts are learned before fine ones. Neither compares groups of neurons
# with the neurons in them. [](../book/related.md) has more.
#
# ## Where this page departs from the paper
#
# - **What the paper says.** It infers *coarse to fine* from experts that settle earlier than neurons, by a correlation of neighbouring checkpoints. Nothing in it is compared with the end. This page takes the statement literally, as
#   one about time.
# - **Neighbours and the last.** A correlation of neighbours is high where nothing changes, also before anything is learned. A correlation with the last checkpoint is high only where the final order is there.
# - **Other sentences.** Relations and tasks have sentences that no history was read with. Word meanings have not, so theirs are from the text on which the models were trained, with definitions where examples are too few. That the
#   models have seen these sentences could raise or lower the correlation at all checkpoints; relative to the last checkpoint this cancels if it is the same at all of them.
# - **Experts of T5.** Those of the last checkpoint, as in the paper. Neurons are grouped by weights that they do not have yet, which can make experts of early checkpoints worse or the end better. The random path has the same
#   experts, and a Switch has its experts from the start.
#
# ## Take away
#
# - To ask what is there first, compare with the end, not with the neighbour, and never a reading with itself.
# - A correlation with the end needs sentences that the two readings do not share, and a correction for readings that become more reliable while the model learns.
# - A lead in time is evidence for coarse to fine only as far as it exceeds what random steps between the same ends give.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - That experts *cause* what their neurons become. One comes before the other, or does not.
# - What happens in the paper's models. These are companions of four layers, trained for {glue:text}`steps:,d` steps, three runs each.
# - What comes first in knowledge and tasks: there the halves of the sentences agree too little, or too few sub-functions are left, for narrow intervals.
# - That the random path is the only null. It has the right ends and the right size of steps, but its loss was not measured. On a path of low loss experts and neurons might have other times.
# - What a constant rate gives for single neurons. The one run with a constant rate keeps no neurons, and what is shown of it is not corrected for shared noise.
#
# ## Exercises
#
# ```{exercise} A reliability that grows
# :label: reliability-that-grows
# *(10 minutes, easy.)* Draw the true order of 10,000 neurons from a normal distribution. It does not change over ten checkpoints, but readings become better: at checkpoint $t$ from 1 to 10 the noise has the standard deviation $3 / t$. Predict
# the correlation of a reading of checkpoint 1 with a second, independent reading of checkpoint 10, and put it into `seen`. Then correct it with the reliabilities of both checkpoints, and put the result into `corrected`.
#
# :::{hint}
# :class: dropdown
# The reliability of a reading is its correlation with a second reading of the same checkpoint. Divide by the square root of the product of both reliabilities.
# :::
# ```

# %% tags=["solution", "hide-cell"]
rng = np.random.default_rng(seed)
truth = rng.standard_normal(10_000)
twice = {t: truth + 3 / t * rng.standard_normal((2, 10_000)) for t in (1, 10)}
seen = np.corrcoef(twice[1][0], twice[10][1])[0, 1]
reliabilities = [np.corrcoef(*readings)[0, 1] for readings in twice.values()]
corrected = seen / np.sqrt(np.prod(reliabilities))

# %% tags=["check"]
exercise.answered(globals(), "seen", "corrected")
assert 0.2 < seen < 0.4, "noise of three standard deviations leaves 1 / √10 of a correlation of 1, times 1 / √1.09"
assert 0.8 < corrected < 1.2, "the order is the same at both checkpoints: the true correlation is 1"
print(f"seen {seen:.2f}, corrected {corrected:.2f}")

# %% [markdown]
# ```{exercise} A decaying rate alone
# :label: decaying-rate-alone
# *(15 minutes, medium.)* A weight starts at 0 and makes random steps of the size of the learning rate; nothing is learned. The correlation of its place at a step with its place at the end, over many such weights, is the square root of the
# sum of squared rates so far, divided by that of all steps. Predict at which fraction of training it is above one half, for the rate of t5-mini and for that of `t5-mini-constant`, and put the two fractions into `decaying` and `constant`.
#
# :::{hint}
# :class: dropdown
# `RECIPES[name].learning_rate(i)` is the rate at step i, and `RECIPES[name].steps` the number of steps. `np.cumsum` adds up.
# :::
# ```


# %% tags=["solution", "hide-cell"]
fractions = []
for name in ("t5-mini", "t5-mini-constant"):
    motion = np.cumsum([RECIPES[name].learning_rate(i) ** 2 for i in range(RECIPES[name].steps)])
    fractions.append(np.searchsorted(np.sqrt(motion / motion[-1]), 0.5) / RECIPES[name].steps)
decaying, constant = fractions

# %% tags=["check"]
exercise.answered(globals(), "constant", "decaying")
assert 0.25 < constant < 0.32, "√(t / T) is one half at a quarter of the run; the warm-up makes it a little later"
assert 0.1 < decaying < 0.2, "the rate is highest early, so a quarter of all motion is over early"
print(f"half of the final order without any learning: at {decaying:.0%} (decaying) and {constant:.0%} (constant)")
