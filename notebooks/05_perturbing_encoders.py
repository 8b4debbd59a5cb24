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
# # Does a function need its experts in a real encoder?
#
# It depends on the perturbation. In {glue:text}`model_name`, a function's loss from noise in its own {term}`experts <expert>`, minus its loss from noise in the experts of other functions, is {glue:text}`own:+.1f` points of accuracy
# (95 % interval {glue:text}`own_low:+.1f` to {glue:text}`own_high:+.1f`). Where the experts are ranked by other {term}`sub-functions <sub-function>` and set to zero, the same difference is {glue:text}`others:+.1f` points ({glue:text}`others_low:+.1f` to {glue:text}`others_high:+.1f`).
#
# ```{verdicts} own-experts experts-over-random experts-over-neurons perturbing-experts-guessing
# ```
#
# This page repeats the second half of [Section 5 of the paper](https://arxiv.org/abs/2305.18390), its Figure 2, on pre-trained encoders of real size. The paper perturbs
# T5-base and asks it tasks; [](05_perturbing_t5.ipynb) does the same with a small model.
#
# :::{admonition} Before you start
# **Do:** fit probes on what an encoder knows, perturb the experts of one function, and compare what each function loses.
#
# **Learn:** why noise must be scaled to what it disturbs, how a double dissociation tells a specific effect from a general one, and what a probe can and cannot show.
#
# **Need:** [](05_functional_experts.ipynb) for functional experts, [](05_perturbing_t5.ipynb) for perturbations.
# Running this page took {cost}`05_perturbing_encoders`, because the grids are shipped; {ref}`the table of costs <cost>` says how long all of them take.
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
model: str = "all-mpnet-base-v2"  # a sentence encoder of this book: all-mpnet-base-v2 or all-MiniLM-L6-v2
beside: str = "all-MiniLM-L6-v2"  # encoders shown beside it, or nothing
small: str = "all-MiniLM-L6-v2"  # runs the examples and exercises
read_out: str = "accuracy"  # of the probes; or area, the area under their ROC curve
variance: float = 4.0  # of the noise; another one than 4 computes the grids anew
layers: str = ""  # that are perturbed where a setting does not perturb all, as "4 5"; nothing for the last third
per_function: int = 0  # of each function's first sub-functions; 0 takes all
recompute: str = "slice"  # of what is shipped: slice (a part is computed again), none, or full
seed: int = -1  # of the choice of that part; -1 for another one each time

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from myst_nb import glue

from companion import models
from companion.experiments import encoder_grid, encoder_plan, encoder_shipped, judged, read_outs
from companion.sections import perturbing_encoders_figures as figures
from companion.sections import perturbing_encoders_tables as section
from companion.sections import written_variance
from companion.tools import exercise

# %% [markdown]
# ## The answer in one figure
#
# **Claim (Section 5).** When functional experts are perturbed, the function that suffers is the one that they are for.
#
# Three functions (semantic, knowledge, task) are perturbed and three are judged. A *probe* reads each sub-function from the sentence vector of the encoder. While a fifth of the neurons is perturbed, the figure counts the points of
# accuracy that the probes of a function lose. *Scaled noise* has the paper's variance, in units of each neuron's own standard deviation, and is added in the last third of the layers. *Zero* means that the neurons are set to zero, in all layers.
#
# The grids of perturbed neurons are made once (`make results`) and shipped. One mask of each, chosen at random, is computed again for this page where the model is installed:

# %% tags=["hide-input"]
chosen = [int(layer) for layer in layers.split()]
options = {"variance": variance, "layers": chosen, "per_function": per_function, "seed": seed}
encoder = models.load(encoder_shipped.known(small))
names = list(dict.fromkeys(encoder_shipped.known(name) for name in (model, *beside.split())))
found = {name: encoder_shipped.obtain(name, recompute, **options) for name in names}
grids = {name: made["value"] for name, (made, _) in found.items()}
lost = {name: section.losses(section.probed(grid, read_out)) for name, grid in grids.items()}
first, last = names[0], names[-1]
settings = {"scaled": "scaled noise,\nlast third", "zero, all layers": "zero,\nall layers"}
shown = [(name, setting) for name in grids for setting in settings if setting in grids[name]["setting"]]
print(*(checked for _, checked in found.values()), sep="\n")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-three-by-three", "caption": "Points that sub-functions of the function below lose while a fifth of the neurons is perturbed: the experts of each function (first three rows), or random neurons. Mean over sub-functions. Framed: the function's own experts. Scaled noise is in the last third of the layers, zero in all layers."}, "image": {"alt": "Heat maps of four rows and three columns with numbers, a panel for each model and perturbation. Under scaled noise in the first model the experts of knowledge and of tasks cost all three functions much; with zero the columns differ more than the rows."}}
twentieth, fifth = (number / encoder_plan.FINE for number in (5, 19))
titles = [f"{name.removeprefix('all-')},\n{settings[s].splitlines()[0].strip(',')}" for name, s in shown]
tables = [section.matrix(lost[name], setting, fifth) for name, setting in shown]
axes = figures.matrices(dict(zip(titles, tables)))

# %% [markdown]
# **How to read it.** Read down one column: it shows what one function loses when the experts of each function are perturbed. If experts serve their own function, the framed number is the largest of its column. Some functions lose more
# than others, whatever is perturbed. A comparison within a column is not affected by this.
#
# - *Scaled noise.* Averaged over the three columns, own experts minus the experts of other functions is {glue:text}`own:+.1f` points in {glue:text}`model_name` ({glue:text}`own_low:+.1f` to {glue:text}`own_high:+.1f`). The columns differ: it is
#   {glue:text}`own_semantic:+.1f` for semantic, {glue:text}`own_knowledge:+.1f` for knowledge and {glue:text}`own_task:+.1f` for task. Own experts minus random neurons is
#   {glue:text}`random:+.1f` points ({glue:text}`random_low:+.1f` to {glue:text}`random_high:+.1f`), averaged over the shares of perturbed neurons above 6 % (where the paper compares experts with neurons) and up to a fifth.
# - *Zero.* Setting neurons to zero adds no noise. Own experts minus others is {glue:text}`zero:+.1f` points ({glue:text}`zero_low:+.1f` to {glue:text}`zero_high:+.1f`) in all layers. When neurons are ranked by sub-functions that are not judged, which the figure does not show, own experts minus others is {glue:text}`others:+.1f` points
#   ({glue:text}`others_low:+.1f` to {glue:text}`others_high:+.1f`), and own single neurons minus those of other functions is {glue:text}`others_neurons:+.1f` ({glue:text}`others_neurons_low:+.1f` to {glue:text}`others_neurons_high:+.1f`).
#
# The rest of this page builds the figure in four steps (the probe, what is perturbed, how strong the noise is, and which sub-functions rank the neurons), and then changes one comparison at a time.
#
# ## Step 1: ask an encoder that gives no answers
#
# A sentence encoder returns a vector for a sentence: the mean over tokens of its last layer's states. To measure what a perturbation destroys, a *probe* reads a sub-function
# from this vector. The probe is a logistic regression,
#
# ```{math}
# :label: probe
# \hat y = 1 \iff w \cdot \frac{x - \mu}{\sigma} + b > 0 ,
# ```
#
# fitted on the *unperturbed* encoder. Each item is judged by a probe that was fitted without it, and without any item made from the same source. While neurons are perturbed, the probe stays as it is. A pair of sentences $u, v$ enters
# as $|u - v|$ and $u \odot v$ (Conneau et al., 2017). Written out for one relation between words:

# %%
one = next(o for o in judged.judged() if o.name == "city-country")
probe = judged.probe(encoder, one)
x = read_outs.states(encoder, [text for (text,) in one.texts])


def naive_accuracy(x):
    right = 0
    for fold, search in enumerate(probe.fitted):
        scale, regression = (step for _, step in search.best_estimator_.steps)
        mine = [i for i in one.rows if probe.fold[i] == fold]
        odds = (x[mine] - scale.mean_) / scale.scale_ @ regression.coef_[0] + regression.intercept_
        right += np.sum((odds > 0) == one.labels[mine])
    return right / len(one.rows)


assert np.isclose(naive_accuracy(x), probe.judge(x[one.rows], one.rows)[0])

# %% [markdown]
# The questions are those that both encoders answer. Without any perturbation the probes reach, averaged over the sub-functions of a function:

# %%
plain = {name: section.plain(grid) for name, grid in grids.items()}
pd.concat({name: table.groupby("function", sort=False).mean() for name, table in plain.items()}, axis=1).style.format(
    "{:.2f}", na_rep="–"
)

# %% [markdown]
# *Area* is the area under the ROC curve of the same probes. *Similarity* is another read-out, without any fitted probe: how well the cosine of two sentences tells paraphrases (mrpc and qqp) from other pairs.
#
# These encoders were tuned on pairs of sentences, among them NLI data and Quora's questions. Their tasks are therefore not new to them.
#
# ## Step 2: choose what is perturbed
#
# As in the paper, neurons are perturbed in the last third of the layers, and in units of 96 experts a layer: at every number of experts up to a fifth of the neurons. For each function, experts are ranked by the summed predictivity of
# their neurons for this function. Single neurons are ranked in the same way.
#
# | what is perturbed | which neurons |
# |---|---|
# | random neurons | drawn at random, twice |
# | experts | whole experts with the highest summed predictivity for one function |
# | as many neurons | the neurons with the highest predictivity for the function |
# | neurons of equal mass | the same, until their mean absolute activation adds up to that of the experts |
# | neurons of equal output | the same for the activation times the norm of the neuron's column of $W_O$ |
# | a random partition's experts | experts of the same sizes with randomly assigned neurons, ranked in the same way, drawn twice |
# | the least predictive experts | whole experts with the lowest sums |
#
# ## Step 3: scale the noise
#
# The paper adds noise of variance 4 to each activation. The standard deviation of this noise is 2. In the last third of the layers of {glue:text}`small_name`, the standard deviation of an activation is {glue:text}`deviation:.2f` on average.
# A fair noise has the same strength *relative to what it disturbs*, so in *scaled* noise each neuron's noise is multiplied by the neuron's own standard deviation. The table has both kinds on a twentieth of the neurons,
# in points of the read-out that the function in the column loses:

# %% tags=["hide-input"]
noises = {(name, s): section.matrix(lost[name], s, twentieth) for name in grids for s in ("text", "scaled")}
pd.concat(noises, names=["model", "noise", "perturbed"]).style.format("{:.1f}")

# %% [markdown]
# **How to read it.** Compare the rows of one column. On average {glue:text}`most:.0f` points can be lost before a probe of {glue:text}`model_name` guesses. The text's noise at random neurons costs {glue:text}`text_few:.0f` points at a twentieth of the neurons and
# {glue:text}`text_random:.0f` at a fifth; scaled noise costs {glue:text}`scaled_few:.0f` and {glue:text}`scaled_random:.0f`. The text's noise costs
# about as much at experts as at random neurons. So the claim that it leaves a model guessing says nothing about experts here: a perturbation that destroys everything cannot show what a part is for.
#
# Under scaled noise the rows differ, but one row is high for all three functions: experts of knowledge cost {glue:text}`row_knowledge:.0f` points, mean over the functions that are judged, and experts of the semantic function {glue:text}`row_semantic:.0f`.
# The reason may be how much these neurons write. A neuron writes its activation times its column of $W_O$, and a few neurons write far more than all others. In {glue:text}`model_name`, {glue:text}`top:.0%` of the neurons write
# {glue:text}`top_written:.0%` of the variance that a layer's neurons write one by one, in the layer where this is most uneven. The next table has the share of this variance that a twentieth of the neurons writes, layer by layer:

# %%
written_variance.written(found[first][0], first, 5).style.format("{:.1%}")

# %% [markdown]
# Noise in units of a neuron's own standard deviation is strongest where a neuron writes much variance. Is the loss higher where more of the variance is perturbed? This is the rank correlation over all kinds of neurons in this table and all numbers of experts up to a
# fifth:

# %%
loud = written_variance.loudness(lost[first], found[first][0], first)
ranks = loud[["number", "written", "loss"]].corr("spearman")["loss"]
at_equal = [rows["written"].corr(rows["loss"], "spearman") for _, rows in loud.groupby("number")]
pd.Series(
    {
        "share written": ranks["written"],
        "number of experts": ranks["number"],
        "share written, equal numbers (median)": np.median(at_equal),
    },
    name="Spearman's ρ with the mean loss",
).round(2)

# %% [markdown]
# The loss follows the share that is written (rank correlation {glue:text}`loud:.2f`) more closely than the number of neurons. So a loss under this noise tells less about what experts are for than about whether they hold neurons that write much. This is an association: these
# neurons were not perturbed alone.
#
# (curves-of-encoders)=
# ## Figure 2, function by function
#
# **Claim (Section 5).** Experts with high predictivities matter more for their function than random neurons, and more than as many of the most predictive neurons taken one by one.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-encoders", "caption": "Points of the read-out that are lost, mean over sub-functions, against the share of perturbed neurons, for the page's first model. Solid: experts; dotted: single neurons; colours: the function by which they are chosen; grey: random neurons. Bands: 95 % bootstrap interval over sub-functions for the experts of the function that is judged."}, "image": {"alt": "Panels of lines for semantic, knowledge and task sub-functions. All lines rise with the share of perturbed neurons."}}
axes = figures.curves(section.curves(lost[first]), {s: settings[s] for name, s in shown if name == first})

# %% [markdown]
# **How to read it.** In each panel, compare the solid line of the function that is judged with the grey line (random neurons) and with the two other solid lines. If experts are specific, the line of the judged function is the highest in its own
# panel and not in the others.
#
# ## Step 4: rank by sub-functions that are not judged
#
# The ranking has seen the sentences that are judged, which favours own parts. So setting to zero is repeated with neurons and experts that are *ranked by others*: by sub-functions that are not judged. These are other word pairs, other relations, and for the
# task function the only two tasks that are left. The table has the difference between the diagonal and the rest of the columns in the first figure, with a 95 % interval over sub-functions (jackknife), by accuracy and by area. The area ignores a shift of all states in one
# direction. Such a shift moves items across the border of the probe and lowers its accuracy.

# %%
other = "area" if read_out == "accuracy" else "accuracy"
by = {read_out: lost, other: {name: section.losses(section.probed(grid, other)) for name, grid in grids.items()}}
tried = [(name, s) for name in grids for s in (*settings, encoder_plan.UNSEEN) if s in grids[name]["setting"]]
rows = [(name, setting, unit) for name, setting in tried for unit in section.UNITS]
dissociated = {
    row: np.ravel([section.own_over_others(by[r][row[0]], row[1], fifth, row[2]) for r in by]) for row in rows
}
columns = pd.MultiIndex.from_product([by, ["own minus others", "low", "high"]])
pd.DataFrame(dissociated, index=columns).T.rename_axis(["model", "perturbation", "unit"]).style.format("{:+.1f}")

# %% [markdown]
# A positive number means that a function loses more from its own parts. An interval that includes zero leaves open whether there is a difference; its ends say how large one can be.
#
# Under scaled noise, own *experts* of {glue:text}`model_name` cost less than those of other functions. With zero in all layers, the estimates have the other sign. When the ranking has not seen what is judged, the intervals of {glue:text}`model_name` lie above zero, and those of
# {glue:text}`last_name` include it. Does this difference come from one function? The next table has the points that the function in the column loses when neurons are set to zero (*silenced*):

# %%
chosen_by_others = {
    (name, unit): section.matrix(lost[name], setting, fifth, unit)
    for name, setting in tried
    if setting == encoder_plan.UNSEEN
    for unit in section.UNITS
}
pd.concat(chosen_by_others, names=["model", "unit", "silenced"]).style.format("{:.1f}")

# %% [markdown]
# In {glue:text}`model_name`, knowledge loses {glue:text}`knowledge_neurons:.0f` points from its own neurons and at most {glue:text}`knowledge_most:.0f` from those of other functions. For word meanings the numbers are {glue:text}`semantic_neurons:.1f` and {glue:text}`semantic_most:.1f`. Tasks lose
# {glue:text}`task_neurons:.0f` points from their own neurons and at most {glue:text}`task_most:.0f` from those of other functions. These are means over six sub-functions without intervals. By these means, the difference for single neurons comes mostly from knowledge and does not come from the tasks. The difference for experts is smaller; the first three rows of the table have its parts.
#
# This is the strongest evidence for specific parts on this page, and it has limits. It is one of {glue:text}`perturbations:d` perturbations, it was tried after the noise had been seen, and it has six sub-functions of each function. The verdict of [the ledger](../book/claims.md) on the claim of own
# experts is by scaled noise, which was planned as the fair version before any of this was known.
#
# ## On equal terms
#
# Experts may cost more than random neurons because they are whole experts, because they write more, or because of their function. Each row compares them with an order that differs in one of these:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-encoders-fair", "caption": "Points that a sub-function loses from a fifth of the neurons, taken as experts of its own function, minus points that it loses from other neurons; mean over functions with 95 % jackknife interval over sub-functions. Right of zero, own experts cost more."}, "image": {"alt": "Panels of dots with intervals around a line at zero, a row a comparison."}}
fair = [section.compared(lost[name], setting, fifth) for name, setting in shown]
axes = figures.differences(dict(zip(titles, fair)))

# %% [markdown]
# With scaled noise in {glue:text}`model_name`, {glue:text}`fair_above:d` of the {glue:text}`fair_all:d` intervals lie above zero and {glue:text}`fair_below:d` below. If a difference from random neurons disappears in the comparison with a random partition's experts, or with neurons of
# equal output, it comes from how experts are chosen or from how much they write, and not from their being modules.
#
# ## The reverse: keep a few
#
# If the experts of a function were all that it needs, the function would survive without the rest. Here all other neurons of the last third of the layers are set to zero:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-kept", "caption": "The read-out with all other neurons of the last third set to zero, against the share that is kept, for the page's first model. Dotted: chance."}, "image": {"alt": "Three panels, one for each function, with lines for own experts, own neurons and random neurons that rise to the plain model at 100 %."}}
retained = section.kept(grids[first].sel(read_out=read_out), "kept")
axes = figures.kept(retained, 0.5)

# %% [markdown]
# With a fifth of the neurons of these layers kept, own experts keep {glue:text}`kept_own:.0%` of the plain model's read-out and random neurons {glue:text}`kept_random:.0%`, mean over functions.
#
# ## Other perturbations, and the other read-out
#
# The table has the mean loss over all sub-functions with a fifth of the neurons perturbed, in every way that was computed. *Mean* puts each neuron at its mean, *code* is the shuffling of the authors' code, and *kept* sets all *other* neurons to zero:

# %%
at_fifth = {name: section.by_setting(table, fifth) for name, table in lost.items()}
pd.concat(at_fifth, names=["model", "perturbation"]).style.format("{:.1f}", na_rep="–")

# %% [markdown]
# Does the answer depend on the perturbation? The next table has, for each of them, what a function loses from its own parts minus what it loses from those of the other functions, with its 95 % interval. *Kept* is left out, because there the other neurons are perturbed:

# %%
every = {name: section.over_others(table, fifth) for name, table in lost.items()}
pd.concat(every, names=["model", "perturbation"]).style.format("{:+.1f}", na_rep="–")

# %% [markdown]
# For experts of {glue:text}`model_name`, {glue:text}`every_above:d` of the {glue:text}`every_all:d` intervals lie above zero and {glue:text}`every_below:d` below; for single neurons, {glue:text}`every_neurons_above:d` of {glue:text}`every_neurons_all:d` above and {glue:text}`every_neurons_below:d` below. The sign depends on
# the perturbation: with neurons at their mean, the difference for experts is {glue:text}`mean:+.1f` points ({glue:text}`mean_low:+.1f` to {glue:text}`mean_high:+.1f`), and with neurons of all layers at zero it is {glue:text}`zero:+.1f` ({glue:text}`zero_low:+.1f` to {glue:text}`zero_high:+.1f`). The rows are not
# independent evidence, because the same sub-functions are judged in all of them, and no interval is corrected for the number of rows.

# %% [markdown]
# The cosine similarity of paraphrases needs no probe. These are the points of its area under the curve that are lost at a fifth:

# %%
cosine = {name: section.losses(grid.sel(read_out="similarity")) for name, grid in grids.items()}
pd.concat({name: section.by_setting(table, fifth) for name, table in cosine.items()}).style.format("{:.1f}", na_rep="–")

# %% tags=["remove-cell"]
from companion.claims import ledger, perturbation_effects
from companion.experiments import encoder_masks, lesions

described = encoder_masks.describe(encoder, lesions.last_third(encoder), encoder_masks.sample())
accuracies = {name: grid.sel(read_out="accuracy") for name, grid in grids.items()}
evidence = [
    perturbation_effects.encoder(grid, encoder_plan.FINE, encoder_plan.FIFTH, name) for name, grid in accuracies.items()
]
TOP = 0.01
at_random = {share: section.by_setting(lost[first], share)[section.RANDOM] for share in (twentieth, fifth)}
by_row = section.matrix(lost[first], "scaled", twentieth).mean(axis=1)
uneven = np.sort(found[first][0]["written"], axis=1)[:, ::-1]
loudest = round(TOP * uneven.shape[1])
held = retained[np.isclose(retained["share"], fifth)].groupby("kind")["value"].mean()
held = held / retained[retained["share"] == 1].groupby("kind")["value"].mean()
noisy = fair[0]
values = {
    "deviation": float(described.deviation.mean()),
    "text_random": float(at_random[fifth]["text"]),
    "scaled_random": float(at_random[fifth]["scaled"]),
    "text_few": float(at_random[twentieth]["text"]),
    "scaled_few": float(at_random[twentieth]["scaled"]),
    "row_knowledge": float(by_row["knowledge"]),
    "row_semantic": float(by_row["semantic"]),
    "perturbations": grids[first].sizes["setting"],
    "loud": float(ranks["written"]),
    "top": TOP,
    "top_written": float(uneven[:, :loudest].sum(1).max()),
    "most": 100 * (float(plain[first][read_out].mean()) - 0.5),
    "fair_all": len(noisy),
    "fair_above": int((noisy["low"] > 0).sum()),
    "fair_below": int((noisy["high"] < 0).sum()),
    "kept_own": float(held["own experts"]),
    "kept_random": float(held["random neurons"]),
}
for unit, name in (("experts", "every"), ("neurons", "every_neurons")):
    rows = every[first][unit].dropna()
    numbers = {"all": len(rows), "above": int((rows["low"] > 0).sum()), "below": int((rows["high"] < 0).sum())}
    values |= {f"{name}_{what}": number for what, number in numbers.items()}
values |= {f"{key}_name": models.known_as(name) for key, name in (("model", first), ("last", last), ("small", small))}
values |= ledger.to_glue(first, *evidence)
of_claim = evidence[0].set_index("claim")
contrasts = {
    "random": of_claim.loc["experts-over-random", ["estimate", "low", "high"]],
    "own": of_claim.loc["own-experts", ["estimate", "low", "high"]],
    "others": dissociated[first, encoder_plan.UNSEEN, "experts"][:3],
    "others_neurons": dissociated[first, encoder_plan.UNSEEN, "neurons"][:3],
    "mean": every[first]["experts"].loc["mean"],
    "zero": every[first]["experts"].loc["zero, all layers"],
}
silenced = chosen_by_others[first, "neurons"]
for function in silenced:
    values[f"{function}_neurons"] = float(silenced.loc[function, function])
    others = [other for other in silenced if other != function]
    values[f"own_{function}"] = float(tables[0].loc[function, function] - tables[0].loc[others, function].mean())
    values[f"{function}_most"] = float(silenced[function].drop(function).max())
for name, numbers in contrasts.items():
    values |= dict(zip((name, f"{name}_low", f"{name}_high"), map(float, numbers)))
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Model and read-out.** The paper perturbs T5-base and counts right answers to tasks. These models give no answers, so probes of their sentence vectors are counted. A probe shows what can be read linearly, not what the model would use.
# - **Function.** The paper perturbs experts of *tasks* only. Here experts of all three functions are perturbed and all three are judged.
# - **Noise.** Variance 4 as in the text, and the same variance in units of each neuron's own.
# - **Ranking.** Experts are ranked by sums of the predictivity of all sub-functions of a function, from the shipped readings. The sentences that are judged are among those readings, where the paper ranks by training parts. This favours own experts; one perturbation is therefore repeated with a ranking by sub-functions that are not judged.
# - **Intervals.** They are over sub-functions, six for each function. The paper has repeats of the noise.
#
# ## Take away
#
# - Noise in units of a neuron's own standard deviation hits the neurons that write most of a layer's variance hardest. What a function loses then follows how much of this variance is perturbed.
# - A double dissociation compares within a column: what one function loses from its own parts and from those of other functions. It does not mistake a general loss for a specific one.
# - The answer depends on the perturbation and on the model. One ranking by unseen sub-functions gives a difference in {glue:text}`model_name`; its interval comes from six sub-functions a function.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - That experts are not modules, where an interval includes zero: six sub-functions of a function leave intervals of several points.
# - Anything about sub-functions that these encoders cannot tell. The questions were chosen so that both do.
# - That what a probe loses is lost to the model: another direction of the same states may still carry it, and a probe fitted after the perturbation might find it.
#
# ## Exercises
#
# ```{exercise} Own minus others
# :label: own-minus-others
# *(10 minutes, easy.)* Let $M_{ij}$ be what function $j$ loses by experts of function $i$ (the first three rows of `table` below). Compute
# $D = \frac{1}{3} \sum_j \left( M_{jj} - \frac{1}{2} \sum_{i \neq j} M_{ij} \right)$ with NumPy and put it into `difference`. Then add 5 points to a whole *column*, as if
# this function were easier to destroy, and put the new $D$ into `shifted`. Predict first: does it change?
#
# :::{hint}
# :class: dropdown
# `table = section.matrix(lost[first], "scaled", fifth)`; `np.diag` and `np.trace`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
table = section.matrix(lost[first], "scaled", fifth)
losses = table.to_numpy()[:3]
difference = (np.trace(losses) - (losses.sum() - np.trace(losses)) / 2) / 3
easier = losses + np.array([5, 0, 0])
shifted = (np.trace(easier) - (easier.sum() - np.trace(easier)) / 2) / 3

# %% tags=["check"]
exercise.answered(globals(), "difference", "shifted")
expected = section.own_over_others(lost[first], "scaled", fifth)[0]
assert np.isclose(difference, expected), "each column's own minus the mean of the other two, then the mean over columns"
assert np.isclose(shifted, expected), "what is added to a whole column is added to its diagonal and to the rest"
print(f"D = {difference:+.2f} points, with or without a column that is easier to destroy")

# %% [markdown]
# ```{exercise} Low or high
# :label: low-or-high
# *(15 minutes, medium.)* Put noise in units of their own on half of the neurons, chosen at random, of the *first* layer of `encoder`, and then of the *last* layer. Predict which costs the probe of `one` more, then put both accuracies into `low` and `high`.
#
# :::{hint}
# :class: dropdown
# `encoder_grid.EncoderGrid(small, ("scaled",), (one,), layers=(0,)).piece(("scaled", one.name), [("random", 48)])` has the accuracies of two draws; take the first.
# :::
# ```

# %% tags=["solution", "hide-cell"]
ends = []
for layer in (0, encoder.module.config.num_hidden_layers - 1):
    grid = encoder_grid.EncoderGrid(small, ("scaled",), (one,), layers=(layer,))
    made = grid.piece(("scaled", one.name), [("random", 48)])
    ends.append(float(made.sel(read_out="accuracy", order="random", number=48, draw=0)))
low, high = ends

# %% tags=["check"]
exercise.answered(globals(), "low", "high")
whole = probe.judge(x[one.rows], one.rows)[0]
assert max(low, high) < whole, "half of a layer's neurons with noise as strong as themselves cost something here"
assert abs(low - high) > 0.005, "one value for each layer"
print(f"plain {whole:.3f}, noise in the first layer {low:.3f}, in the last {high:.3f}")
