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
# # What do the authors' own files say?
#
# Of {glue:text}`numbers:d` printed numbers, {glue:text}`agree:d` come out of the authors' files within rounding, and the files hold more: with eight of 96 {term}`experts <expert>` perturbed, a number that the paper's figure leaves out, single {term}`neurons <neuron>` cost T5-base {glue:text}`avg_eight:.1f`
# to {glue:text}`avg_eight_most:.1f` points *more* accuracy than whole experts.
#
# ```{verdicts} experts-over-neurons switch-without switch-only switch-with-over-without semantic-experts-before-neurons
# :models: T5-base, released; Switch-base-16, released; T5 of the authors, released; Switch of the authors, released
# ```
#
# The numbers are those of Figures 2 and 4 and Tables 2 and 3 of [the paper](https://arxiv.org/abs/2305.18390) (Sections 5 and 6). The files are those of [thunlp/Modularity-Analysis](https://github.com/thunlp/Modularity-Analysis) at commit e86b38e.
# The tables of this page were {glue:text}`origin`.
#
# :::{admonition} Before you start
# **Do:** recompute four of the paper's figures and tables from the authors' result files, then ask these files what the paper does not ask.
#
# **Learn:** what a permutation F-test says about groups, why pairing and the number of evaluations matter, and how much the choice of layers can change.
#
# **Need:** [](05_functional_experts.ipynb) for experts and [](06_emergence.ipynb) for stabilisation.
# Running this page took {cost}`A_released`. With the files (4 MB, see below) everything is computed in front of you; without them the page shows
# tables that come with this book.
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
folder: str = ""  # the authors' files; empty: the variable MODULARITY_RELEASED, or fetched before, or none
model: str = "t5-mini"  # a model without experts of its own, whose neurons are put beside T5-base's
track: str = "mini"  # whose task sentences that model reads: mini or paper
per_class: int = 100  # sentences of each class, at most
seed: int = 0  # of permutations and bootstrap draws

# %% tags=["hide-input"]
from itertools import product

import numpy as np
import pandas as pd
from myst_nb import glue

from companion import functions, models
from companion.claims import ledger, released_answers
from companion.experiments import stored_scores
from companion.models import suited
from companion.released import recomputed as report
from companion.sections import intervals, perturbing_switch_figures, released_partitions, released_tables
from companion.sections import perturbing_switch_tables as section
from companion.sections import released_figures as figures
from companion.tools import exercise
from modularity import moefication

# %% [markdown]
# ## The answer in one figure
#
# **Claim (Section 5, Figure 2).** Perturbing whole experts costs T5-base more accuracy than perturbing as many single neurons, once more than 6 % of the experts are perturbed.
#
# The figure in the paper shows 2, 6, 10 and 12 of 96 experts. The files also have 4, 8 and 14, for the seen data sets 16, 18 and 20, and the data set RTE, which is in no panel. *MoE* perturbs the experts with the highest sums of predictivities over four data sets, *Avg* as
# many neurons with the highest sums, *neurons: …* those with the highest predictivities for one data set, and *random* random neurons. *Seen* are the four data sets by which neurons were chosen.

# %% tags=["hide-input"]
loaded = suited.dense(models.load(model))
answers, origin = released_answers.obtain(folder, seed=seed)
lines = released_tables.guessing()

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-left-out", "caption": "Accuracy of T5-base when the neurons of some of 96 experts, or as many single neurons, are perturbed, in the authors' files. Filled points are printed in Figure 2; hollow points are not. Bands: 95 % intervals over five repeats of the noise. Dotted: one over the number of answers."}, "image": {"alt": "Two line plots of accuracy against the number of perturbed experts. At 4 and 8, which the paper leaves out, Avg lies below MoE. At 6, 10 and 12 it lies above."}}
axes = figures.perturbed(answers["perturbed"], lines)

# %% [markdown]
# **How to read it.** Compare the thick dark blue line (experts) with the thick light blue line (single neurons, same sums). Where the dark line is lower, experts cost more. At the filled points above 6 %, the dark line is lower in both panels. At the hollow
# point of 8 experts, the light line is lower in both.
#
# *Like guessing.* The paper says that noise in about a tenth of the experts leaves the model guessing. With ten experts, MoE leaves {glue:text}`ten_seen:.1%` on the seen data sets and {glue:text}`ten_unseen:.1%` on the unseen ones. One over the number of answers is {glue:text}`chance_seen:.0%` and
# {glue:text}`chance_unseen:.0%` (dotted). Always giving the most frequent answer would reach more than the dotted line in several data sets.
#
# ## Do the printed numbers come out of the files?
#
# The files are pickles, and a pickle can run any program when it is opened. So each file has to have the bytes of the pinned commit. It is then
# read by a loader that knows tensors and NumPy arrays only, and a file that names anything else is refused by name. To get the files,
# run `python -m companion.released --fetch`. A folder that you have is named with `folder` above.

# %%
report.summary(answers["recomputed"]).style.format({"largest difference": "{:.1e}", "rounding": "{:.1e}"})

# %% [markdown]
# **How to read it.** Each row is a panel of a figure or a table: how many printed numbers it has, how many agree, the largest difference, and the largest difference that rounding can make. The
# standard deviations of Table 3 agree as *fractions*: beside means in percent, the printed "± 0.01" is a whole percentage point. They are those of a sample of eight.
#
# ## Experts or single neurons, number by number

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-left-out-difference", "caption": "Accuracy under MoE minus that under other orders, in percentage points. Below zero, experts cost more. Thick: 95 % intervals over repeats of the noise, mostly hidden by their points. Thin: over data sets. Hollow: not printed."}, "image": {"alt": "Eight panels of points with intervals. Minus random and minus single neurons, the points are below zero from six experts on. Minus the neurons of QQP and minus Avg, they change sign from number to number."}}
shown = answers["perturbed"].query("order == 'MoE (4)'")[["panel", "number", "printed"]]
others = answers["against"].query("panel in ('seen', 'unseen') and against != 'plain'")
axes = figures.against(others.merge(shown, on=["panel", "number"]))

# %% [markdown]
# **How to read it.** Experts cost more than *random* neurons, and more than neurons chosen by one data set (*single*, the mean of four such orders), from six experts on, beyond the noise and in nearly every data set. *QQP* is the
# costliest of the four orders: against it, experts cost less at 8 and from 14 on. *Avg* takes neurons with the same sums one by one. Against it, the sign changes from number to number:

# %%
shown_as = {
    "difference": "{:+.3f}",
    "low": "{:+.3f}",
    "high": "{:+.3f}",
    "low tasks": "{:+.3f}",
    "high tasks": "{:+.3f}",
}
avg = others.query("against == 'Avg (4)'").drop(columns="against").set_index(["panel", "number"])
avg.style.format(shown_as)

# %% [markdown]
# Intervals over repeats (*low*, *high*) are narrow: the noise was drawn often enough. Intervals over data sets (*low tasks*, *high tasks*) say what another choice of data sets might give. Against Avg,
# {glue:text}`off_zero:d` of {glue:text}`compared:d` of them do not contain zero, and {glue:text}`off_zero_above:d` of these are at more than 6 % of the experts.
#
# The paper observes that experts cost more above 6 %. Five numbers above it were run under both orders. At 6, 10, 12 and 14 of 96, experts cost more on average. At 8, which is not
# printed, they cost less in both panels. Averaged over these five numbers, by data set:

# %%
effect = answers["by_task"].query("claim == 'experts-over-neurons'").set_index("task")["effect"]
effect.to_frame("points that experts cost more than Avg").T.style.format("{:+.1f}")

# %% [markdown]
# The mean over the nine data sets is {glue:text}`over_neurons:.1f` points. Its interval depends on what is drawn:
#
# - If seen and unseen data sets are drawn each among their own kind, the 95 % interval is {glue:text}`over_neurons_low:.1f` to {glue:text}`over_neurons_high:.1f`. The seen data sets, by which neurons were
#   chosen, differ far more among themselves than the unseen ones. The ledger takes this interval, and its verdict on the claim is *{glue:text}`verdict_experts-over-neurons_T5-base-released`*.
# - If all nine are taken for one sample, it is {glue:text}`one_sample_low:.1f` to {glue:text}`one_sample_high:.1f`.
# - Five repeats of the noise say nothing about other data sets. With them alone the answer would seem certain.
#
# ## Does avoiding functional experts hurt?
#
# Tables 2 and 3 have eight seeds for each of seven tasks. The eight seeds are the same under each strategy, and the released script draws the training examples by them. So differences can be taken seed by seed. The test flips the
# signs of the eight differences in all $2^8$ ways. By hand on a toy:


# %%
def naive_sign_flip(differences):
    means = [abs(np.mean(np.multiply(signs, differences))) for signs in product((1, -1), repeat=len(differences))]
    return np.mean(np.array(means) >= abs(np.mean(differences)) - 1e-12)


rng = np.random.default_rng(seed)
toy = rng.normal(0.5, 1, 8)
assert np.isclose(naive_sign_flip(toy), intervals.sign_flip(toy))

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-paired-released", "caption": "Differences in accuracy of Switch-base-16 between two strategies, seeds paired, with 95 % intervals over eight seeds. The row avg is the mean over tasks; the row other tasks is the same mean with the interval over the seven tasks. From top to bottom: the highest accuracy of all evaluations, of the first half, and of the first tenth."}, "image": {"alt": "Nine panels of points with intervals around zero. Function minus No Function lies right of zero on average. No Function minus Original has an interval that contains zero with all evaluations."}}
names = {1.0: "all evaluations", 0.5: "first half", 0.1: "first tenth"}
parts = {names[part]: rows for part, rows in answers["paired"].groupby("evaluations", sort=False)}
axes = perturbing_switch_figures.pairs(parts, [f"{one} − {other}" for one, other in section.PAIRS])

# %%
on_average = answers["paired"].query("task in ('avg', 'other tasks')")
on_average.drop(columns="p (Holm)").set_index(["evaluations", "pair", "task"]).style.format("{:.3f}").format_index(
    "{:.0%}", level="evaluations"
)

# %% [markdown]
# **How to read it.** *Original* is the whole model, *Function* has its functional experts only, and *No Function* avoids them. There are two intervals: one for these seven tasks and other draws of the examples (*avg*), one for other tasks (*other tasks*).
#
# | difference in accuracy, points | mean | other draws of examples | other tasks | verdict |
# |---|---|---|---|---|
# | No Function minus Original | {glue:text}`without:+.2f` | {glue:text}`without_low:.2f` to {glue:text}`without_high:.2f` | {glue:text}`without_tasks_low:.2f` to {glue:text}`without_tasks_high:.2f` | {glue:text}`verdict_switch-without_Switch-base-16-released` |
# | Function minus Original | {glue:text}`only:+.2f` | {glue:text}`only_low:.2f` to {glue:text}`only_high:.2f` | {glue:text}`only_tasks_low:.2f` to {glue:text}`only_tasks_high:.2f` | {glue:text}`verdict_switch-only_Switch-base-16-released` |
# | Function minus No Function | {glue:text}`between:+.2f` | {glue:text}`between_low:.2f` to {glue:text}`between_high:.2f` | {glue:text}`between_tasks_low:.2f` to {glue:text}`between_tasks_high:.2f` | {glue:text}`verdict_switch-with-over-without_Switch-base-16-released` |
#
# The claims are about tasks, so the ledger judges by the intervals over tasks. Corrected for seven tasks (Holm), {glue:text}`holm:d` single differences are below 0.05, and none could be, because eight seeds allow
# no p below 1/128.
#
# The accuracy of a run is the highest of up to {glue:text}`looks:d` evaluations on the validation set for which it is reported. The stored curves are the highest values so far, so the accuracy at the
# last step cannot be found from them. With the first tenth of the evaluations, Function minus Original is {glue:text}`only_tenth:+.2f`, and No Function minus Original is
# {glue:text}`without_tenth:+.2f`. So the comparison is about how soon a good step is reached as well as about how good it is.
#
# ## When do curves stabilise if all use the same layers?
#
# Switch has experts in every other layer. The paper says that it looks at the neurons of these layers. The released code averages its curves of neurons over all twelve.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-same-layers", "caption": "Figure 4 from the authors' files: rank correlation of adjacent checkpoints. Solid light blue: neurons of all layers. Dashed: neurons of the layers that have experts only."}, "image": {"alt": "Six line plots. In Switch, for semantic and knowledge, the dashed line of neurons in expert layers runs close to the line of experts, far above the solid line of all neurons. For tasks it does not."}}
axes = figures.stabilization(answers["curves"])

# %%
first = answers["stabilised"].set_index(["model", "function", "level"])
cells = first.apply(lambda row: f"{row['first']:.1%} ({row['low']:.1%}, {row['high']:.1%})", axis=1)
cells.unstack("level")[["expert", "random", "neuron", "neuron, expert layers", "neuron − expert"]]

# %% [markdown]
# **How to read it.** The table has the fraction of training after which a curve stays above 0.9, with intervals from drawing layers. All layers of T5 have experts, so the choice changes nothing there: experts come first, by about half of training.
#
# In Switch, the dense layers made the difference. Neurons settle for word meanings at {glue:text}`neuron_all:.0%` of training if all layers count, and at {glue:text}`neuron_same:.0%` in the layers with experts; experts settle at {glue:text}`expert:.1%`. In the layers with experts, neurons follow experts by
# {glue:text}`lag_semantic:.1%` of training for word meanings, by {glue:text}`lag_knowledge:.1%` for knowledge and by {glue:text}`lag_task:.1%` for tasks. The claim that experts settle before neurons has one verdict for each function in Switch: *{glue:text}`verdict_semantic-experts-before-neurons_Switch-of-the-authors-released`* for word meanings,
# *{glue:text}`verdict_knowledge-experts-before-neurons_Switch-of-the-authors-released`* for knowledge, and *{glue:text}`verdict_task-experts-before-neurons_Switch-of-the-authors-released`* for tasks. Random partitions settle later than both for the first two.
#
# [](06_emergence.ipynb) asks of this book's models how much of such curves is repeated noise of the same sentences. These files cannot tell.
#
# ## Do experts explain which neurons are good at tasks?
#
# The files hold the predictivity of all 36,864 encoder neurons of T5-base, summed over eight task sub-functions, and its partitions into 16 and into 96 experts.
# If neurons were randomly assigned to experts, the neurons of one expert would not be more alike than others. The intraclass correlation says how alike they are,
#
# ```{math}
# :label: icc
# \mathrm{ICC} = \frac{\mathrm{MS}_b - \mathrm{MS}_w}{\mathrm{MS}_b + (n - 1)\, \mathrm{MS}_w}, \qquad F = \frac{\mathrm{MS}_b}{\mathrm{MS}_w},
# ```
#
# with the mean squares between and within experts of $n$ neurons. By hand, for one layer of {glue:text}`beside`:


# %%
def naive_icc(values, groups):
    parts = [values[groups == g] for g in np.unique(groups)]
    n, k = len(parts[0]), len(parts)
    between = n * sum((p.mean() - values.mean()) ** 2 for p in parts) / (k - 1)
    within = sum(((p - p.mean()) ** 2).sum() for p in parts) / (len(values) - k)
    return (between - within) / (between + (n - 1) * within)


asked = [functions.first(s, per_class) for s in functions.load("task", track)]
sums = stored_scores.of_model(loaded, asked).sum("subfunction")
own = {number: moefication.experts(loaded, number) for number in (16, sums.sizes["neuron"] // 32)}
ours = pd.concat([released_partitions.variance_explained(sums, groups, seed=seed) for groups in own.values()])
assert np.isclose(naive_icc(sums[0].to_numpy(), own[16][0].to_numpy()), ours["icc"].iloc[0])

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-variance", "caption": "Intraclass correlation of the summed task predictivity of neurons in one expert, by layer, with 95 % intervals of normal theory. Left: T5-base, from the authors' files. Right: a model of this book, its own tasks."}, "image": {"alt": "Two line plots with error bars. For T5-base the correlation rises from near zero in the first layers to about a quarter in layer 9, for 16 and for 96 experts, all above zero."}}
both = {"T5-base, released": answers["variance"], loaded.name.rstrip("/").split("/")[-1]: ours}
axes = figures.variance(pd.concat([table.assign(model=name) for name, table in both.items()]))

# %%
by_number = answers["variance"].groupby("experts")
by_number[["icc", "share", "share by chance"]].mean().join(by_number["p"].max().rename("highest p")).style.format(
    "{:.4f}"
)

# %% [markdown]
# **How to read it.** In every layer of T5-base the neurons of an expert are more alike than chance (permutation test, highest p {glue:text}`highest_p:.4f`). In layer {glue:text}`icc_layer:d`, {glue:text}`icc_most:.0%` of the
# variance lies between the 16 experts; in layer {glue:text}`icc_least_layer:d`, {glue:text}`icc_least:.0%`. So experts differ in what their neurons are good at, and most of the differences between neurons lie within experts. MoEfication
# groups neurons by their input weights, and neurons with similar weights respond to similar inputs. A correlation within experts is expected of any such grouping, as
# [](05_functional_experts.ipynb) shows on a model without modules.
#
# ## Is one partition a refinement of the other?
#
# The paper finds functional experts among 16 and perturbs experts of 96. If the 96 were parts of the 16, a result on one partition would apply to the other.

# %%
nested = answers["refinement"].set_index("layer")
nested.style.format("{:.3f}", subset=["purity", "purity by chance", "p", "adjusted Rand"])

# %% [markdown]
# They are two groupings: {glue:text}`whole:d` of {glue:text}`fine:,d` fine experts lie inside a coarse one. On average, the most frequent coarse expert holds {glue:text}`purity:.0%` of a fine one (*purity*), and {glue:text}`purity_chance:.0%` where neurons are
# randomly assigned. The two partitions are related, but what is found for one has to be shown again for the other.

# %% tags=["remove-cell"]
by16 = answers["variance"].query("experts == 16").set_index("layer")["icc"]
mean_of = on_average.set_index(["evaluations", "pair", "task"])
without, only, between = (f"{a} − {b}" for a, b in (("No Function", "Original"), section.PAIRS[0], section.PAIRS[1]))
off_zero = (avg["low tasks"] > 0) | (avg["high tasks"] < 0)
ten = answers["perturbed"].query("order == 'MoE (4)' and number == 10").set_index("panel")["accuracy"]
values = {
    "origin": origin,
    "numbers": len(answers["recomputed"]),
    "agree": int(answers["recomputed"]["agrees"].sum()),
    "avg_eight": 100 * float(avg.xs(8, level="number")["difference"].min()),
    "avg_eight_most": 100 * float(avg.xs(8, level="number")["difference"].max()),
    "beside": loaded.name.rstrip("/").split("/")[-1],
    "highest_p": float(answers["variance"]["p"].max()),
    "icc_layer": int(by16.idxmax()),
    "icc_most": float(by16.max()),
    "icc_least_layer": int(by16.idxmin()),
    "icc_least": float(by16.min()),
    "whole": int(nested["whole"].sum()),
    "fine": 96 * len(nested),
    "purity": float(nested["purity"].mean()),
    "purity_chance": float(nested["purity by chance"].mean()),
    "off_zero": int(off_zero.sum()),
    "off_zero_above": int(off_zero[off_zero.index.get_level_values("number") > 0.06 * 96].sum()),
    "compared": len(avg),
    "holm": int((answers["paired"].query("evaluations == 1")["p (Holm)"] < 0.05).sum()),
    "looks": int(answers["audit"].set_index("name").loc["d19_evaluations", "value"]),
    "neuron_all": float(first.loc[("switch", "semantic", "neuron"), "first"]),
    "neuron_same": float(first.loc[("switch", "semantic", "neuron, expert layers"), "first"]),
    "expert": float(first.loc[("switch", "semantic", "expert"), "first"]),
}
for name, pair in (("without", without), ("only", only), ("between", between)):
    values |= {name: float(mean_of.loc[(1.0, pair, "avg"), "difference"])}
    for over, task in (("", "avg"), ("_tasks", "other tasks")):
        values |= {f"{name}{over}_{end}": float(mean_of.loc[(1.0, pair, task), end]) for end in ("low", "high")}
    values |= {f"{name}_tenth": float(mean_of.loc[(0.1, pair, "avg"), "difference"])}
for panel, chance in lines.itertuples(index=False):
    values |= {f"ten_{panel}": float(ten[panel]), f"chance_{panel}": float(chance)}
for function in ("semantic", "knowledge", "task"):
    values[f"lag_{function}"] = float(first.loc[("switch", function, "neuron − expert"), "first"])
values |= dict(answers["audit"].itertuples(index=False, name=None))
values["d13_twice"], values["d14_factor"] = int(values["d13_twice"]), int(values["d14_factor"])
interval = answers["evidence"].query("claim == 'experts-over-neurons'").iloc[0]
values |= {
    f"over_neurons{end}": float(interval[key]) for end, key in (("", "estimate"), ("_low", "low"), ("_high", "high"))
}
_, values["one_sample_low"], values["one_sample_high"] = intervals.student(effect.to_numpy())
values |= ledger.to_glue("", answers["evidence"])
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Take away
#
# - Result files answer more than the paper that they belong to: numbers left out, intervals over data sets, other layers.
# - An interval depends on what is drawn. Repeats of the noise say nothing about other data sets or tasks.
# - Compare two curves in the same layers before you say which comes first.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - Anything about semantic and knowledge predictivity of T5-base: the files have the sums over tasks only.
# - Whether other trainings would give the same: there is one T5, one Switch and one partition of each kind.
# - What the most frequent answer reaches in each data set: their labels are not among the files.
# - That seeds mean the same examples in all three strategies: the names of the files say so, and the released script draws by seed.
#
# ## Exercises
#
# ```{exercise} Made to be nested
# :label: made-nested
# *(5 minutes, easy.)* Make a fine partition of 3,072 neurons into 96 experts and a coarse one into 16 that it refines. Predict the mean purity of
# `released_partitions.refinement`, then put it into `purity`.
#
# :::{hint}
# :class: dropdown
# Six fine experts make a coarse one; the function takes arrays with dims `(layer, neuron)`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
import xarray as xr

fine = xr.DataArray(rng.permutation(3072)[None] % 96, {"layer": [0]}, ("layer", "neuron"))
purity = released_partitions.refinement(fine, fine // 6, seed=seed)["purity"].mean()

# %% tags=["check"]
exercise.answered(globals(), "purity")
assert purity == 1, "every fine expert has to lie inside one coarse expert"
print(f"nested {purity:.2f}, T5-base {values['purity']:.2f}, by chance {values['purity_chance']:.2f}")

# %% [markdown]
# ```{exercise} How much do six hundred evaluations give?
# :label: six-hundred-looks
# *(10 minutes, medium.)* A model answers each of 1,000 validation rows correctly with probability 0.75, and learns nothing. It is evaluated 600 times with independent answers. Predict the mean of the
# *highest* accuracy, then put it into `highest`. Real evaluations share rows and weights, so this is the most that repeated evaluation can give.
#
# :::{hint}
# :class: dropdown
# `rng.binomial(1000, 0.75, (200, 600))` is the number of right answers of 200 such runs.
# :::
# ```

# %% tags=["solution", "hide-cell"]
highest = (rng.binomial(1000, 0.75, (200, 600)) / 1000).max(1).mean()

# %% tags=["check"]
exercise.answered(globals(), "highest")
assert 0.78 < highest < 0.81, "the highest of 600 lies about three standard errors above 0.75"
print(
    f"{highest:.3f}: {100 * (highest - 0.75):.1f} points for nothing, where strategies differ by {values['only']:.1f}"
)
