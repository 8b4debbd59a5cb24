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
# # Does perturbing experts hurt what they are good at?
#
# In {glue:text}`model_name`, a task's loss from strong {term}`noise <perturbation>` in its own {term}`experts <expert>` minus its loss from the same noise in the experts of other tasks is {glue:text}`own:+.1f` points of accuracy (95 % interval {glue:text}`own_low:.1f` to {glue:text}`own_high:.1f`).
#
# ```{verdicts} own-experts experts-over-random experts-over-neurons unseen-too perturbing-experts-guessing
# ```
#
# This is the second half of [Section 5 of the paper](https://arxiv.org/abs/2305.18390), its Figure 2, with the details of Appendix A.2.
#
# :::{admonition} Before you start
# **Do:** perturb {term}`neurons <neuron>` while a model answers, in the order of their {term}`predictivity`, one by one and by experts, and compare on equal terms.
#
# **Learn:** what a lesion shows and what it does not, why masks must be matched, and what a {term}`double dissociation` is.
#
# **Need:** [](02_models.ipynb) for what the models can do, [](05_functional_experts.ipynb) for experts.
# Running this page took {cost}`05_perturbing_t5`: the grid is made beforehand, and a part of it is computed again here. {ref}`The table of costs <cost>` says how long all of it takes.
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
model: str = "t5-mini"  # a T5 with ReLU neurons that answers: t5-mini, a hub id, or the path of a model folder
track: str = "mini"  # whose tasks: mini (this book's) or paper
recompute: str = "slice"  # slice: a part chosen at random; full: everything; none
tolerance: float = 0.01  # mean difference of accuracies that lets a slice pass
workers: int = 0  # processes of recompute full; 0 for one a core, or one on a GPU
limit: int = 0  # at most so many draws, seen tasks, unseen tasks and numbers of experts, computed now; 0 takes all
seed: int = -1  # of the choice of the slice; -1 for another one each time

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
import torch
from myst_nb import glue
from scipy import stats

from companion import functions, models
from companion.experiments import cost, experiment, grids, lesion_grid, lesion_orders, lesions
from companion.models import suited
from companion.released import published
from companion.sections import perturbing_t5_figures as figures
from companion.sections import perturbing_t5_tables as section
from companion.tools import exercise
from modularity import capture, neurons, perturb

# %% [markdown]
# ## The answer in one figure
#
# **Claim (Section 5).** When functional experts are perturbed, the tasks that suffer are those that they are for.
#
# For each task, experts are ranked by the summed predictivity of their neurons for this task. In the last third of the encoder's layers, the fifth of the experts that ranks highest gets noise while each task is asked, and the accuracy that is lost is counted. The same is done with a
# fifth of the neurons, ranked one by one. The noise is stronger than the paper's (variance 64), because the paper's noise on a fifth of the neurons costs this model only {glue:text}`lost_text:.1f` points.
#
# All answers under perturbation are made once (`make results`) and shipped. A slice of them, a run, a kind of perturbation, a task and a number chosen at random, was computed again for this page:

# %% tags=["hide-input"]
loaded = suited.t5(models.load(model))
grid = grids.Grid("t5", model, track, tolerance, limit=limit)
made, checked = experiment.obtain(grid, recompute, cells=1, workers=workers or None, seed=seed)
accuracy = made["accuracy"]
fine, reach, tasks = grid.plan.fine, grid.plan.reach, list(grid.plan.tasks)
print(checked)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-dissociation", "caption": "Percentage points of accuracy that a task (column) loses when the fifth of the experts (left) or neurons (right) best at another task (row) get noise of variance 64. Framed: the experts or neurons of the task itself."}, "image": {"alt": "Two square heat maps of seven by seven tasks with numbers. The diagonal is framed; columns differ more than rows."}}
lost = {kind: section.drops(accuracy.sel(setting="strong"), kind, reach) for kind in ("experts", "neurons")}
axes = figures.dissociation({kind: table.mean(["seed", "draw"]).to_pandas() for kind, table in lost.items()})

# %% [markdown]
# **How to read it.** Read down one column: it shows what one task loses, whichever task's experts are perturbed. If experts serve their tasks, the framed number is the largest of its column. Columns differ far more than rows: some tasks
# lose more than others, whatever is perturbed. A single column, or a mean over tasks, would look like an effect of the experts.
#
# - *Own and other experts.* The mean of the framed numbers minus the mean of all others is {glue:text}`own:+.1f` points for experts ({glue:text}`own_low:.1f` to {glue:text}`own_high:.1f`).
# - *Experts and random neurons.* With the same noise on a fifth of the neurons, {glue:text}`model_name` loses {glue:text}`lost_moe:.1f` points of accuracy when they are whole experts with the highest summed predictivity over four tasks, and
#   {glue:text}`lost_random:.1f` points when they are drawn at random.
#
# The rest of this page defines the perturbation and the orders of neurons, repeats the paper's figure, and then compares experts with neurons on equal terms.
#
# ## Step 1: perturb a neuron
#
# Neuron $n$ of a layer writes its activation $a_n$ times a column of $W_O$ to the output (Equation 1). To ask what it is for, its activation is
# changed while the model answers, and everything else stays as it is. Such a perturbation is called a *lesion*. The text adds noise,
#
# ```{math}
# :label: noise
# \tilde a_n = a_n + \varepsilon, \qquad \varepsilon \sim \mathcal{N}(0,\, 4),
# ```
#
# drawn for every token. The released code instead shuffles the activations of the chosen neurons over tokens, sentences and neurons, and multiplies them by
# four. The library has both, and three more: zero, the mean, and resampling. Written out for zero:

# %%
layer = lesions.last_third(loaded)[0]
part = neurons.feed_forward(loaded)[layer]
x = torch.randn(2, 5, part.w_in[0].in_features, generator=torch.Generator().manual_seed(0))


def naive_zero(x, chosen):
    activations = np.maximum(x.numpy() @ part.w_in[0].weight.numpy().T, 0)
    activations[..., chosen] = 0
    return activations @ part.w_out[0].weight.numpy().T


with perturb.neurons(loaded, {layer: [3, 70]}, how="zero"):
    found = loaded.encoder.block[layer].layer[-1].DenseReluDense(x)
assert np.allclose(found.numpy(), naive_zero(x, [3, 70]), atol=1e-4)

# %% [markdown]
# ```{exercise} A hook that sets neurons to zero
# :label: silencing-hook
# *(15 minutes, medium.)* `naive_zero` computes one layer again. To perturb a model while it answers, `perturb.neurons` uses *hooks*. A hook is a function that PyTorch calls whenever a module is called. Write a function `silence(w_out, chosen)` that sets
# the activations of some neurons to zero.
#
# - `w_out` is the module that holds $W_O$, a `torch.nn.Linear`. It is called with the activations, a tensor whose last dimension is the neurons. There may be any number of dimensions before it, such as sentences and tokens.
# - `chosen` is a list of neurons, counted from 0. It may be empty.
# - It returns the handle of a hook. Until `handle.remove()` is called, `w_out` computes its output as if the activations of the chosen neurons were 0 and all others as they are.
# - The tensor with which `w_out` is called is not changed, because other parts of a model may use it. The weights are not changed either.
#
# Example: the weights are [[1, 10, 100]] without a bias. For the activations [1, 2, 3] the output is 1 + 20 + 300 = 321. After `silence(w_out, [1])` it is 1 + 300 = 301, and after `handle.remove()` it is 321 again.
#
# :::{hint}
# :class: dropdown
# `w_out.register_forward_pre_hook(hook)` returns a handle. Before each call of the module, PyTorch calls `hook(module, inputs)`, where `inputs` is a tuple. If the hook returns a tuple, the module gets this one instead.
# :::
# ```


# %% tags=["solution", "hide-cell"]
def silence(w_out, chosen):
    def hook(_module, inputs):
        activations = inputs[0].clone()
        activations[..., chosen] = 0
        return (activations,)

    return w_out.register_forward_pre_hook(hook)


# %% tags=["check"]
exercise.answered(globals(), "silence")
toy, fired = torch.nn.Linear(3, 1, bias=False), torch.tensor([[1.0, 2.0, 3.0], [2.0, 0.0, 0.0]])  # of two tokens
toy.weight.data = torch.tensor([[1.0, 10.0, 100.0]])  # 1 + 20 + 300 = 321, and 2
handle = silence(toy, [1])
assert hasattr(handle, "remove"), "it returns a handle, so that the hook can be removed"
outputs = [toy(fired).flatten().tolist() for _ in range(2)]
handle.remove()
assert fired.tolist() == [[1, 2, 3], [2, 0, 0]], "the tensor that was passed to `w_out` was changed: change a copy"
assert outputs[0] != [321, 0], "this silences the second token: neurons are the last dimension"
assert outputs[0] == [301, 2], "without neuron 1 the outputs are 1 + 300 = 301 and 2"
assert outputs[1] == outputs[0], "the second call differs from the first"
assert toy(fired).flatten().tolist() == [321, 2], "after `remove` the outputs are 321 and 2 as before"
for w_out, chosen in [(torch.nn.Linear(6, 4), [5, 0]), (torch.nn.Linear(6, 4), []), (part.w_out[0], [3, 70])]:
    fired = torch.rand(2, 5, w_out.in_features)
    others = torch.ones(w_out.in_features).index_fill(0, torch.tensor(chosen, dtype=torch.long), 0)
    handle = silence(w_out, chosen)
    for given in (fired, fired[0, 0]):
        expected = torch.nn.functional.linear(given * others, w_out.weight, w_out.bias)
        assert torch.allclose(w_out(given), expected, atol=1e-4), "not the output without the activations of `chosen`"
    handle.remove()

# %% [markdown]
# (appendix-a2-t5)=
# ## Step 2: choose the order of neurons
#
# Neurons are perturbed in the last third of the encoder's layers, as in the paper's last four of twelve. Their number is always that of some number of *fine experts*:
# {glue:text}`fine:d` a layer, as the paper's 96. Neurons are ranked by their predictivities on the *training* parts of the tasks, and answers are judged on the validation
# parts. Four tasks are *seen*, which means that the sums use them, and three are *unseen*.
#
# | order | the first are |
# |---|---|
# | random | any neurons |
# | neurons: sst2, … | those with the highest predictivity for one task |
# | Avg (4) | those with the highest sum over the four *seen* tasks, as the text says |
# | Avg (8) | the same over all eight task sub-functions, as the authors' code does, so that no task is unseen |
# | MoE (4), MoE (8) | whole experts, those with the highest sums first |
# | MoE, permuted | whole experts of a random partition, ranked the same way |
# | MoE, least | whole experts, those with the lowest sums first |
# | equal mass | as many neurons as reach the *mass* of the experts of MoE (4): the sum of their mean activations |
#
# The last three are not in the paper. Experts and neurons differ in more than being experts, and each of these orders changes one thing at a time.
#
# The grid has the paper's orders at every number of experts up to a fifth, the others at every quarter of the way, and the tasks one by one at a fifth, for each task and run: {glue:text}`asked:,d` answers.
#
# ## Figure 2
#
# **Claim (Section 5).** Experts with high predictivities matter: at a tenth of them the accuracy of T5-base falls to that of guessing, and it falls further than
# with the same number of neurons chosen one by one.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-perturbed", "caption": "Accuracy while neurons of the last third of the layers get noise of variance 4, against their share. Above: here, mean over runs and tasks, bands are 95 % intervals over 20 draws of rows, noise and random orders. Dotted: chance; dashed: the most frequent answer. Below: as printed for T5-base."}, "image": {"alt": "Four panels of lines. Above, all lines stay flat near the accuracy of the plain model, far above guessing. Below, the printed lines of T5-base fall, MoE and Avg furthest, random least."}}
lines = section.guessing({t: functions.task_table(t, track=track)["label"] for t in tasks})
text = section.curves(accuracy.sel(setting="text"), fine)
axes = figures.curves(text, published.figure2(), lines)

# %% [markdown]
# **How to read it.** A perturbation that costs nothing at a fifth of the neurons says nothing about which of them matter. The paper set the variance of the noise to the size of
# T5-base's activations. In these layers of {glue:text}`model_name` the mean activation is {glue:text}`size:.2f`. The standard deviation of the noise, 2, is
# {glue:text}`louder:.0f` times as large as what it disturbs, and accuracy is almost unchanged with this noise on a fifth of the neurons of its last two layers ({glue:text}`lost_text:.1f` points are lost).
#
# A comparison needs a loss, so the next figure has the same with sixteen times the variance. That number was chosen by the random order alone: it costs somewhat more than
# half of what can be lost.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-perturbed-strong", "caption": "The same with noise of variance 64, in steps of 5 %."}, "image": {"alt": "Two panels of lines that fall from the accuracy of the plain model towards guessing, close together for all orders."}}
strong = section.curves(accuracy.sel(setting="strong"), fine)
axes = figures.curves(strong, published.figure2().head(0), lines)

# %% [markdown]
# ## On equal terms
#
# A *mask* is the set of neurons that is perturbed. All masks were tried on the same rows with the same noise, and averages do not use this. The next figure pairs the masks draw by draw: how much lower is the accuracy when the experts with the highest sums are
# perturbed than under each other order? Against *MoE, permuted* only the partition differs. Against *equal mass* the two perturb as much activation:
# experts with high sums have low activations, and {glue:text}`equal:.0%` as many random neurons have the same mass. The effect of added noise depends on the number of neurons and not on their mass, so *random, equal mass* is the weaker perturbation.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-fair", "caption": "Accuracy under MoE (4) minus accuracy under other orders, noise of variance 64, mean over all tasks and runs with 95 % intervals over draws. Ticks: the lowest and highest run. Below zero, experts cost more."}, "image": {"alt": "Six small panels of dots with intervals around a line at zero, against the share of perturbed neurons."}}
others = ["random", "random, equal mass", "Avg (4)", "Avg (4), equal mass", "MoE, permuted", "MoE, least"]
fair = section.compared(accuracy.sel(setting="strong"), "MoE (4)", others)
axes = figures.differences(fair, fine, "difference,\npercentage points")

# %% [markdown]
# Of the {glue:text}`intervals:d` intervals in five of the panels (all but *random, equal mass*), {glue:text}`below:d` lie wholly below zero and {glue:text}`above:d` wholly above. By
# chance, one interval in twenty excludes zero, on either side. At a fifth, in percentage points:

# %%
at_reach = fair.query("number == @reach").set_index("against").drop(columns="number")
(100 * at_reach).style.format("{:+.1f}")

# %% [markdown]
# ## Double dissociation
#
# When a lesion hurts, something was there; the lesion does not say what it was for. The stronger test, which the first figure shows, crosses two things: perturb what is best at task $i$ and ask task $j$. If parts serve
# their tasks, the diagonal of the matrix is larger than the rest:
#
# ```{math}
# :label: dissociation
# D = \frac{1}{J} \sum_{j} \Delta_{jj} - \frac{1}{J (J-1)} \sum_{i \neq j} \Delta_{ij},
# ```
#
# with $\Delta_{ij}$ the accuracy that task $j$ loses. Its p-value is counted over all ways to assign the rows to the tasks. The table has $D$ as a fraction, so that 0.010 is one percentage point:

# %%
strengths = {"variance 4": "text", "variance 64": "strong"}
crossed = {
    (name, kind): section.dissociation(section.drops(accuracy.sel(setting=setting), kind, reach))
    for name, setting in strengths.items()
    for kind in ("experts", "neurons")
}
pd.DataFrame(crossed).T.style.format("{:+.3f}").format("{:.3f}", subset=["p"])

# %% [markdown]
# The verdict of [the ledger](../book/claims.md)
# on the double dissociation of experts is *{glue:text}`verdict_own-experts`*. The interval at variance 64 says which differences remain possible.
#
# ## Noise, shuffling, and all layers
#
# The next figure has four kinds of perturbation, each on a fifth of the neurons: the text's noise (*text*), sixteen times the variance (*strong*), the code's shuffling (*code*), and the text's noise in all layers of one run (*all layers*).

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-settings", "caption": "Mean accuracy over tasks with a fifth of the neurons perturbed, by order and kind of perturbation, with 95 % intervals over draws. Grey lines: nothing perturbed."}, "image": {"alt": "Four panels of dots, a row an order. In text the dots lie at or near the grey line, in code too except for MoE, least; in strong they lie far to the left of it, and random of equal mass is the least far."}}
at_a_fifth = section.at_most(accuracy, reach, [str(order) for order in lesion_orders.CURVES + lesion_orders.FAIR])
axes = figures.settings(at_a_fifth)

# %% [markdown]
# Shuffling costs the most where the experts with the *lowest* sums are shuffled: {glue:text}`shuffled_least:.1f` points, and {glue:text}`shuffled_moe:.1f` for those with the highest sums. The experts with the lowest sums have high activations: their mean activation
# is {glue:text}`loud:.1f` times that of the experts with the highest sums, and shuffling multiplies activations by four. How much a lesion costs depends on how large the activations of neurons are as well as on what the neurons are
# for. Large activations and high predictivity need not go together.
#
# ## What the paper's models would cost
#
# The same notebook runs T5-base: `-p model google-t5/t5-base -p track paper -p recompute full`. The hours here are measured with an untrained copy of its shape on the machine that ran this page. The hours on a GPU are what the operations of the
# encoder alone take at a sustained 10 or 100 TFLOP/s:

# %%
costs = cost.estimate(grids.Grid("t5", cost.SHAPE, "paper"))
costs.to_frame("estimate").style.format("{:,.2f}")

# %% tags=["remove-cell"]
from companion.claims import ledger, perturbation_effects

means = at_a_fifth.set_index(["setting", "order"])["accuracy"].unstack("order")
cost_of = 100 * means.rsub(means["none"], axis=0)
sentences = [s for t in functions.load("task", track) for s in t.sentences[::50]]
own = crossed["variance 64", "experts"]
layers = lesion_grid.perturbed_layers(loaded, "text")
mass = lesion_grid.mass(loaded, sentences, layers)
pairs = [(order, reach) for order in ("random, equal mass", "MoE, least", "MoE (4)")]
masks = lesion_grid.masks(loaded, layers, pairs, grid.plan, grid.experts(0), track=track)
sizes = [len(chosen) for mask in masks[pairs[0]] for chosen in mask.values()]
loudness = [np.mean([row[masks[pair][0][layer]].mean() for layer, row in zip(layers, mass)]) for pair in pairs[1:]]
rest = fair.query("against != 'random, equal mass'")
values = {
    "intervals": len(rest),
    "below": int((rest["high"] < 0).sum()),
    "above": int((rest["low"] > 0).sum()),
    "model_name": loaded.name.rstrip("/").split("/")[-1],
    "lost_moe": float(cost_of.loc["strong", "MoE (4)"]),
    "lost_random": float(cost_of.loc["strong", "random"]),
    "lost_text": float(cost_of.loc["text", "MoE (4)"]),
    "shuffled_least": float(cost_of.loc["code", "MoE, least"]),
    "shuffled_moe": float(cost_of.loc["code", "MoE (4)"]),
    "loud": float(loudness[0] / loudness[1]),
    "fine": fine,
    "equal": float(np.mean(sizes)) / (reach * part.neurons / fine),
    "cost_cpu": float(costs["hours here"]),
    "cost_gpu": float(costs["hours at 10 TFLOP/s"]),
    "asked": int(np.isfinite(accuracy.isel(number=slice(1, None))).sum()) * grid.plan.rows,
    "size": float(mass.mean()),
    "louder": perturb.VARIANCE**0.5 / float(mass.mean()),
}
values |= ledger.to_glue(model, perturbation_effects.t5(accuracy, fine, reach, lines, model))
values |= {f"own{end}": 100 * float(own[key]) for end, key in (("", "difference"), ("_low", "low"), ("_high", "high"))}
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Tasks.** This book's, seven of them; seen are cola, mrpc, qqp and sst2 as in the paper, unseen mnli, qnli and rte. The paper's unseen ones are five other data sets.
# - **Which sum.** The text sums over four seen data sets; the released code over eight task sub-functions with MNLI, QNLI and RTE among them. Both are in the grid, named (4) and (8) ([D9](d9)). A single task's neurons are ranked by all of its questions, in the code by the first ([D10](d10)).
# - **Ranked where.** By the training parts, judged on the validation parts. The authors' scripts rank by the validation parts as well ([D21](d21)).
# - **Which layers.** The last third: two of four layers, where the paper perturbs four of twelve. Fewer layers follow a perturbed layer, so fewer layers can compensate for what is lost. The two
#   hold half of the neurons, so the same share of them is a larger part of the model. That pushes our losses up.
# - **Tasks in pre-training.** t5-mini read these tasks while it was pre-trained and has little else to do in its last layers. That pushes the losses up too.
# - **Draws.** Twenty, each with its own rows, where the paper has five repeats on the same rows ([D11](d11), [D13](d13)).
# - **Strength.** Variance 4, and 64 beside it, for the reason given above. The code shuffles instead of adding noise ([D8](d8)).
# - **Numbers of experts.** A share is what is perturbed of the neurons; the figure in the paper counts experts of 96 on its horizontal axis ([D12](d12)).
#
# ## Take away
#
# - A perturbation that costs almost nothing cannot say which neurons matter. Its strength must be chosen without looking at the comparison.
# - Compare experts with neurons that differ from them in one thing only: the number, the mass, the partition, or the rank.
# - That a lesion hurts a task is not enough. In a double dissociation, a part must hurt its own task more than it hurts the others.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - That T5-base is not modular. Its printed curves fall as claimed; ours are of a far smaller model, which has other ways to answer. [](A_released.ipynb) asks
#   the authors' own accuracies, at the proportions that their figure leaves out too.
# - That experts are not modules: noise in the last third of four layers is one kind of lesion.
# - Anything about tasks that {glue:text}`model_name` does not answer: cola and mrpc are near guessing, and have little to lose.
#
# ## Exercises
#
# {ref}`silencing-hook` stands above, where its idea is introduced. The other exercises of this page follow.
#
# ```{exercise} Five repeats
# :label: five-repeats
# *(10 minutes, medium.)* The paper repeats each perturbation five times. Put the twenty draws of *random* at a fifth, variance 64, mean over runs and tasks, into `draws`, and pick five of them twice, with replacement. How
# often are the two means 2 points or more apart, though both are of the same order? Predict, then put the share over 2,000 trials into `apart`.
#
# :::{hint}
# :class: dropdown
# `accuracy.sel(…)`, and `rng.choice(draws, 5)` with
# `rng = np.random.default_rng(0)`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
of_draw = accuracy.sel(setting="strong", number=reach).mean(["seed", "task"])
draws = of_draw.sel(order="random").to_numpy()
rng = np.random.default_rng(0)
apart = np.mean([abs(rng.choice(draws, 5).mean() - rng.choice(draws, 5).mean()) >= 0.02 for _ in range(2000)])

# %% tags=["check"]
exercise.answered(globals(), "draws", "apart")
expected = 2 * stats.norm.sf(0.02 / np.sqrt(2 * draws.var() / 5))
assert abs(apart - expected) < 0.1 or limit, "means of five are nearly normal; are there five of each?"
print(f"{apart:.0%} of the pairs are 2 points or more apart")

# %% [markdown]
# ```{exercise} A weaker lesion
# :label: quieter-lesion
# *(15 minutes, medium.)* Noise gives a model activations that it never has otherwise. Replace *all* neurons of the last layer by their means instead, and ask qqp on 200 rows. Predict the accuracy
# beside that of the plain model, then put both into `plain_qqp` and `mean_qqp`.
#
# :::{hint}
# :class: dropdown
# `lesions.accuracies(…, how="mean", means={layer: …})`, and
# `capture.pooled_activations(…, pooling="mean")` for the means.
# :::
# ```

# %% tags=["solution", "hide-cell"]
top = lesions.last_third(loaded)[-1]
questions = next(s for s in functions.load("task", track) if s.name == "qqp").sentences[:200]
means = {
    top: capture.pooled_activations(loaded, questions, layers=[top], pooling="mean").mean("sentence").to_numpy()[0]
}
lesioned = {"plain": {}, "mean": {top: range(len(means[top]))}}
found = lesions.accuracies(loaded, lesioned, ["qqp"], how="mean", means=means, draws=1, rows=200, track=track)
plain_qqp, mean_qqp = found.to_numpy().ravel()

# %% tags=["check"]
exercise.answered(globals(), "plain_qqp", "mean_qqp")
assert plain_qqp > 0.7 or model != "t5-mini", "nothing is perturbed in the plain model"
assert 0.3 < mean_qqp <= plain_qqp + 0.05, (
    "a mean holds nothing of the sentence at hand, and guessing is right at times"
)
print(f"plain {plain_qqp:.2f}, all neurons of the last layer at their means {mean_qqp:.2f}")
