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
# # Can Switch do without its functional experts?
#
# On {glue:text}`taught_tasks:d` tasks that 128 examples can teach {glue:text}`model_name`, its accuracy without its {term}`functional experts <functional expert>` minus that of the whole model is {glue:text}`taught_without:+.1f` points (95 % interval {glue:text}`taught_without_low:+.1f` to {glue:text}`taught_without_high:+.1f`), and
# its accuracy with functional experts only minus that of the whole model is {glue:text}`taught_only:+.1f` points ({glue:text}`taught_only_low:+.1f` to {glue:text}`taught_only_high:+.1f`).
#
# ```{verdicts} switch-without switch-only switch-with-over-without
# ```
#
# Read the first verdict beside the other two: a model that may use *only* its functional experts loses as much as one that may not use them, so what costs accuracy here may be that few experts are allowed, whichever they are. In {glue:text}`taught_none:d` of {glue:text}`taught_cases:d` cases no expert passes the test of a functional expert, and one stand-in is used (Step 2).
#
# This is the last part of [Section 5 of the paper](https://arxiv.org/abs/2305.18390), its Tables 2 and 3, with the details of Appendix A.2.
#
# :::{admonition} Before you start
# **Do:** restrict a router to some of its experts, tune the model on a few examples, and compare strategies seed by seed.
#
# **Learn:** how much the best of many evaluations overstates accuracy, what pairing is worth, and what eight seeds can and cannot show.
#
# **Need:** [](05_functional_experts.ipynb) for functional experts.
# Running this page took {cost}`05_perturbing_switch`: the grid is made beforehand, and a part of it is computed again here. {ref}`The table of costs <cost>` says how long all of it takes.
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
model: str = "switch-mini"  # a Switch that answers: switch-mini, a hub id, or the path of a model folder
track: str = "mini"  # whose tasks: mini (this book's) or paper
recompute: str = "slice"  # slice: a part chosen at random; full: everything; none
tolerance: float = 0.03  # mean difference of accuracies that lets a slice pass
workers: int = 0  # processes of recompute full; 0 for one a core, or one on a GPU
limit: int = 0  # at most so many draws, tasks and evaluations on the way, computed now; 0 takes all
seed: int = -1  # of the choice of the slice; -1 for another one each time

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
import torch
from myst_nb import glue

from companion import models
from companion.experiments import cost, experiment, fewshot_grid, grids, lesions, rerouting
from companion.functions import prompts, tracks
from companion.models import suited
from companion.released import published
from companion.sections import intervals
from companion.sections import perturbing_switch_figures as figures
from companion.sections import perturbing_switch_tables as section
from companion.tools import exercise
from modularity import moefication, neurons

# %% [markdown]
# (taught-tasks)=
# ## The answer in one figure
#
# **Claim (Section 5).** Without its functional experts Switch does worse on the average of seven tasks, and with its functional experts only it does better than the whole model.
#
# Switch is told which experts it may use, and is then tuned on 128 examples of a task. A model that stays at chance has nothing to lose, whichever experts it may use, and on the paper's seven tasks {glue:text}`model_name` reaches
# {glue:text}`original:.1f` %, where chance is {glue:text}`chance:.1f` %. So the figure has tasks that are easy enough: the gap of a sentence is filled with its topic (three pairs of topics
# of encyclopedia articles), or with a hidden word (two pairs). No article is both in the examples that teach and in the rows that judge. These are not tasks of the paper; for the paper's own model its own tasks are taken.
#
# The grid of accuracies has all runs of the model and eight seeds. It is made once (`make results`), and a slice of it is computed again now:

# %% tags=["hide-input"]
loaded = suited.switch(models.load(model))
judged_on = "learnable" if track == "mini" else track
taught = grids.Grid("switch", model, judged_on, tolerance, limit=limit)
made, checked = experiment.obtain(taught, recompute, cells=1, workers=workers or None, seed=seed)
learned = made["accuracy"].sel(setting="code")
print(checked)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-taught", "caption": "Accuracy of tasks that 128 examples can teach, and their mean (avg), under three strategies; mean and standard deviation over eight seeds of the mean over three runs. Left: the best evaluation, as the paper reports it. Right: the step chosen on other rows."}, "image": {"alt": "Two panels of dots in three colours, a row a task."}}
taught_best, taught_fair = section.best(learned), section.fair(learned)
learned_tables = {
    "best evaluation": section.accuracy_table(taught_best),
    "step chosen apart": section.accuracy_table(taught_fair),
}
axes = figures.strategies(learned_tables)

# %% [markdown]
# **How to read it.** In each row, compare the three colours. *Original* may use all sixteen experts of the layer that is routed. *Function* may use only the functional experts of the task, or one stand-in where no expert passes the test (Step 2), and *No Function* as many of the others. If the paper's claim is true of this model, the
# dots of *No Function* lie left of *Original*, and those of *Function* right of it.
#
# - *Few against all.* No Function minus Original is {glue:text}`taught_without:+.1f` points, and Function minus Original is {glue:text}`taught_only:+.1f` points, by the best evaluation (left panel). Both strategies allow few of sixteen experts. That alone costs something,
#   because tokens are routed to experts that they were not trained with.
# - *Few against as many.* Only Function minus No Function is free of that cost. It is {glue:text}`taught_over:+.1f` points ({glue:text}`taught_over_low:+.1f` to {glue:text}`taught_over_high:+.1f`).
#
# Before the first step the mean accuracy of the whole model is {glue:text}`taught_before:.1f` %, and after learning it is {glue:text}`taught_after:.1f` % at the step chosen on other rows (right panel).
#
# ## Step 1: route around experts
#
# A Switch sends every token to the one expert of a layer that its router gives the highest probability (Fedus et al., 2022). The paper sets the probability of some experts to zero, so
# that the token goes to the likeliest of the set $A$ that is left. With router logits $h$ and experts $E_e$,
#
# ```{math}
# :label: routing
# e^\ast = \arg\max_{e \in A} h_e(x), \qquad y = g \, E_{e^\ast}(x), \qquad
# g = \frac{\exp h_{e^\ast}}{\sum_{e} \exp h_e} \;\text{ or }\; \frac{\exp h_{e^\ast}}{\sum_{e \in A} \exp h_e}.
# ```
#
# Text and code differ in the gate $g$. If the other probabilities are zero, as the text has it, those of $A$ add up to one (*renormalised*). The released code takes the probability
# among all experts (*original*), so the gate is smaller for a token whose most probable expert is forbidden. The code also drops the limit on how many tokens an expert takes. Both are options of
# `rerouting.routing`. Written out for one token, as in the code:

# %%
layer = lesions.last_third(loaded)[-1]
router = neurons.feed_forward(loaded)[layer].sparse.router
x = torch.randn(1, 6, loaded.module.config.d_model, generator=torch.Generator().manual_seed(0))


def naive_route(logits, allowed):
    chosen = max(allowed, key=lambda e: logits[e])
    return chosen, float(np.exp(logits[chosen]) / np.exp(logits).sum())


with torch.no_grad(), rerouting.routing(loaded, {layer: [2, 5]}, capacity=False):
    index, gate, logits = router(x)
chosen, naive_gate = naive_route(logits[0, 3].numpy(), [2, 5])
assert index[0, 3].argmax() == chosen
assert np.isclose(gate[0, 3, 0], naive_gate, atol=1e-6)

# %% [markdown]
# ## Step 2: find the functional experts
#
# - **Original**: all experts.
# - **Function**: the functional experts of the task only. A task is tested as in Appendix A.5, with the predictivities of its training part.
# - **No Function**: as many of the other experts, drawn anew for each seed.
#
# Experts that pass the test count as functional. Where none passes, the expert with the smallest p-value stands in. The table has the layer that is routed, with sixteen experts, run by run:

# %%
tested_runs = {
    run: section.tested(
        {t: fewshot_grid.task_scores(taught.load(run), t, taught.plan, judged_on) for t in tracks.tasks(judged_on)},
        grids.experts_of(made, run),
    )
    for run in learned["seed"].to_numpy().tolist()
}
taught_tested = pd.concat(tested_runs, names=["run"]).reset_index(level=0)
taught_tested.set_index(["layer", "run", "task"]).style.format({"lowest p": "{:.4f}", "expected": "{:.2f}"})

# %% [markdown]
# In {glue:text}`taught_passing:d` of {glue:text}`taught_cases:d` cases an expert passes, and in {glue:text}`taught_four:d` at least four do. Where none does, *Function* is a model with one stand-in, and *No Function* is one with
# one other expert. Both then use one expert of sixteen.
#
# (appendix-a2-switch)=
# ## Step 3: learn from a few examples
#
# Switch has never seen these tasks. As in the paper it is asked to fill the gap of a cloze template (Gao et al., 2021), and $W_O$ and the routers of the last third of the layers are tuned with
# Adam on 128 examples. Each of eight seeds draws its examples and their order, the same for all strategies, so that strategies can be compared seed by seed.
#
# ## Step 4: compare seed by seed
#
# The three strategies of a seed use the same 128 examples, so a difference within a seed does not depend on how easy these examples are. If strategies did not matter, each
# difference could as well have had the other sign. The p-value counts over all $2^8$ ways to choose the signs: how often is the mean as far from zero? Mean of all tasks that 128 examples can teach:

# %%
taught_paired = {"best evaluation": section.paired(taught_best), "step chosen apart": section.paired(taught_fair)}
taught_rows = pd.concat(taught_paired, names=["judged by"]).reset_index(level=0).query("task == 'avg'")
taught_rows.drop(columns="task").set_index(["judged by", "pair"]).style.format(
    "{:+.2f}", subset=["difference", "low", "high"]
).format("{:.3f}", subset=["p"])

# %% [markdown]
# The paper reports the *best* accuracy of many evaluations on the validation set, each time on the rows that choose it. [The ledger](../book/claims.md) judges the paper's claims by the upper half of this table, which is the paper's report. It has rows of their own for the lower, stricter half, where the step is the one
# that is best on *other* rows:
#
# ```{verdicts} switch-without-strict switch-only-strict switch-with-over-without-strict
# ```
#
# Both halves compare equal numbers of experts for *Function* and *No Function*. *Original*
# may use all sixteen, so a difference from it also has the cost of allowing few experts.
#
# (tables-2-and-3)=
# ## Tables 2 and 3: the paper's seven tasks
#
# The same three strategies, on the tasks of the paper. In the layers of the last third that have experts, this is what the test says of {glue:text}`model_name`:

# %%
plan = fewshot_grid.PLANS[track]
groups = moefication.experts(loaded)
scored = {task: fewshot_grid.task_scores(loaded, task, plan, track) for task in prompts.FUNCTION_TASKS}
tested = section.tested(scored, groups)
tested.set_index(["layer", "task"]).style.format({"lowest p": "{:.4f}", "expected": "{:.2f}"})

# %% [markdown]
# {glue:text}`passing:d` of {glue:text}`tested:d` tests pass at the paper's 0.001. So that there is something to allow for every task, at least the {glue:text}`least:d` experts with the smallest p-values
# stand in for the functional ones. Where they did not pass, the tables test a weak version of the claim. This is their first limit.
#
# The grid for these tasks is shipped in the same way, and a slice of it is computed again:

# %% tags=["hide-input"]
grid = grids.Grid("switch", model, track, tolerance, limit=limit)
made, checked = experiment.obtain(grid, recompute, cells=1, workers=workers or None, seed=seed)
accuracy = made["accuracy"]
print(checked)

# %% [markdown]
# The printed standard deviations are fractions where the means are percent; here both are percent.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-strategies", "caption": "Accuracy of seven tasks and their mean (avg) under three strategies, mean and standard deviation over eight seeds. Left: the best evaluation, as the paper reports it. Middle: the step chosen on other rows. Right: as printed for Switch-base-16."}, "image": {"alt": "Three panels of dots in three colours, a row a task. Here all three strategies lie together near guessing, left a few points higher than in the middle. Printed accuracies lie much higher."}}
code = accuracy.sel(setting="code")
as_paper, honest = section.best(code), section.fair(code)
tables = {"best evaluation": section.accuracy_table(as_paper), "step chosen apart": section.accuracy_table(honest)}
tables["printed"] = published.tables2_and_3()
axes = figures.strategies(tables)

# %%
section.beside(tables)

# %% [markdown]
# **How to read it.** On average over tasks and strategies, the left panel lies {glue:text}`flattery:.1f` points to the right of the middle one, and nothing was learned in between. This much is gained by choosing the best of
# {glue:text}`evaluations:d` evaluations on {glue:text}`judged:d` rows. The paper takes the best of 100 to 600. These are the paired differences, task by task:

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-pairs", "caption": "Paired differences between strategies, mean over eight seeds with 95 % intervals. Above: best evaluation; below: the step chosen apart."}, "image": {"alt": "Six panels of dots with intervals around a vertical line at zero, a row a task. Most intervals contain zero."}}
names = [f"{one} − {other}" for one, other in section.PAIRS]
paired = {"best evaluation": section.paired(as_paper), "step chosen apart": section.paired(honest)}
axes = figures.pairs(paired, names)

# %%
both = pd.concat(paired, names=["judged by"]).reset_index(level=0).query("task == 'avg'")
both.drop(columns="task").set_index(["judged by", "pair"]).style.format(
    "{:+.2f}", subset=["difference", "low", "high"]
).format("{:.3f}", subset=["p"])

# %% [markdown]
# With eight pairs no p-value can be below 2/256 = 0.008. Seven tasks times three pairs are 21 tests, of which about one would fall below 0.05 by chance.
#
# ## Gates, capacity, and more examples
#
# Three settings are compared. *code*: gates as they are, no limit on tokens, 128 examples. *text*: gates renormalised, limit kept. *more*: as code, with 4,096 examples and eight times the steps, for the two tasks
# that rose most in a first look, qqp and sst2. The tables have accuracies and differences of the mean over these two tasks, at the step chosen on other rows, for one run of the model:

# %%
common = list(fewshot_grid.settings_of(track, limit)["more"].tasks)
same = accuracy.sel(seed=[0], task=common)
settings = {s: section.fair(same.sel(setting=s)) for s in accuracy["setting"].to_numpy()}
reached = {
    s: section.accuracy_table(a).query("task == 'avg'").set_index("strategy")["mean"] for s, a in settings.items()
}
pd.DataFrame(reached).T.style.format("{:.1f}")

# %%
tests = {s: section.paired(a).query("task == 'avg'").set_index("pair") for s, a in settings.items()}
pd.concat(tests, names=["setting"]).drop(columns="task").style.format(
    "{:+.2f}", subset=["difference", "low", "high"]
).format("{:.3f}", subset=["p"])

# %% [markdown]
# ## What the paper's model would cost
#
# `-p model google/switch-base-16 -p track paper -p recompute full`, estimated from a measured run of an untrained T5-base, which costs as much per token (hours on a GPU: of the encoder alone):

# %%
costs = cost.estimate(grids.Grid("switch", "google/switch-base-16", "paper"))
costs.to_frame("estimate").style.format("{:,.2f}")

# %% tags=["remove-cell"]
from companion.claims import ledger, perturbation_effects

PAIRS_OF = {"only": "Function − Original", "without": "No Function − Original", "over": "Function − No Function"}
ENDS = (("", "difference"), ("_low", "low"), ("_high", "high"))
of_pairs = {name: rows.query("task == 'avg'").set_index("pair") for name, rows in taught_paired.items()}
upper = of_pairs["best evaluation"]
passed = taught_tested["functional"]
means = {k: t.query("task == 'avg'").set_index("strategy")["mean"] for k, t in tables.items()}
values = {
    "model_name": loaded.name.rstrip("/").split("/")[-1],
    "original": float(means["step chosen apart"]["Original"]),
    "chance": 100 * float(np.mean([1 / len(prompts.task(t).words) for t in prompts.FUNCTION_TASKS])),
    "taught_tasks": learned.sizes["task"],
    "taught_none": int((passed == 0).sum()),
    "taught_passing": int((passed > 0).sum()),
    "taught_four": int((passed >= 4).sum()),
    "taught_cases": len(passed),
    "taught_before": 100 * float(learned.sel(strategy="Original", rows="validation").isel(evaluation=0).mean()),
    "taught_after": 100 * float(taught_fair.sel(strategy="Original").mean()),
    "flattery": float((means["best evaluation"] - means["step chosen apart"]).mean()),
    "cost_cpu": float(costs["hours here"]),
    "cost_gpu": float(costs["hours at 10 TFLOP/s"]),
    "least": plan.least,
    "passing": int(tested["functional"].sum()),
    "tested": len(tested) * len(np.unique(groups)),
    "evaluations": accuracy.sizes["evaluation"],
    "judged": plan.judged,
}
for name, pair in PAIRS_OF.items():
    values |= {f"taught_{name}{end}": float(upper.loc[pair, of]) for end, of in ENDS}
evidence = [
    perturbation_effects.switch(rows, model, strict=strict)
    for rows, strict in zip(taught_paired.values(), (False, True), strict=True)
]
values |= ledger.to_glue(model, *evidence)
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Functional experts.** At least {glue:text}`least:d` of sixteen in a layer for the paper's tasks, and at least one for the tasks that 128 examples can teach, whether or not they pass the test; the paper takes those that pass. Which test that is, text and code say differently ([D16](d16)).
# - **Layers.** The last third: of four layers the last two, one of which has experts. The paper's last four of twelve have two such layers ([D15](d15)). With one layer to act in, the strategies differ
#   less: that pushes our differences towards 0.
# - **Pre-training.** switch-mini read stated facts and no task. That leaves its experts less reason to specialise in tasks, and pushes the differences towards 0.
# - **Learning.** Adam with a rate of 5e-3, the best of three tried on the Original strategy of one run and three tasks; the paper's 2e-4 moved little. 64 steps of 16 in fixed batches, where the
#   paper takes 50 to 300 epochs. The words are compared by their first tokens, without dropout or router noise; the authors' version of the library keeps its noise while it answers ([D18](d18)).
# - **MNLI.** Premise first, as in the paper; the released code exchanges the two ([D20](d20)).
# - **Runs.** Two runs of the model for *code*, averaged seed by seed; one for *text* and *more*; three for the tasks that 128 examples can teach.
# - **Tasks.** The claims are judged on tasks of our own making, because this model does not learn the paper's. Its own sixteen experts of one layer were never trained on them either.
# - **Judged twice.** By the best evaluation as printed, and at a step chosen on other rows ([D19](d19)). Means *and* standard deviations are in per cent ([D14](d14)).
# - **Gates.** The setting *text* renormalises them and keeps the experts' capacity, the setting *code* does neither ([D17](d17)).
#
# ## Take away
#
# - Allowing few experts costs accuracy by itself. The comparison that says something about *functional* experts is with as many others.
# - The best of many evaluations is too high when the rows that judge also choose the step: by {glue:text}`flattery:.1f` points here.
# - Pairing by seed removes the differences between the examples. Eight pairs set a lower limit to the p-value, and they say nothing about other pre-trained models.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - That functional experts do not matter in Switch-base-16: a model that does not learn a task cannot lose it. [](A_released.ipynb) pairs
#   the seeds of the authors' own runs.
# - That {glue:text}`least:d` experts are too few or enough: their number was not varied.
# - That other models do the same: three runs of one small model are tuned, and the seeds draw examples.
#
# ## Exercises
#
# ```{exercise} The best of many
# :label: best-of-many
# *(10 minutes, medium.)* A model answers at random, and each of 100 evaluations on 1,000 rows is a fresh coin for each row. Predict the mean of the best evaluation, then put it, over 500 simulated runs,
# into `flattered`.
#
# :::{hint}
# :class: dropdown
# `np.random.default_rng(0).binomial(1000, 0.5, size=(500, 100))`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
rng = np.random.default_rng(0)
flattered = (rng.binomial(1000, 0.5, size=(500, 100)) / 1000).max(1).mean()

# %% tags=["check"]
exercise.answered(globals(), "flattered")
assert 0.53 < flattered < 0.55, "the best of a hundred lies about two and a half standard deviations above one half"
print(f"guessing reaches {flattered:.1%}")

# %% [markdown]
# ```{exercise} Eight seeds
# :label: eight-seeds
# *(15 minutes, medium.)* All eight differences are positive. What is the two-sided p of the sign-flip test? Predict, then put it into `smallest`. And how large must the true mean be, in standard
# deviations of a difference, for p < 0.05 in four of five experiments? Put the share of 500 simulated experiments with p < 0.05 at a mean of one standard deviation into `power`.
#
# :::{hint}
# :class: dropdown
# `intervals.sign_flip`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
smallest = intervals.sign_flip(np.arange(1.0, 9.0))
power = np.mean([intervals.sign_flip(rng.normal(1, 1, 8)) < 0.05 for _ in range(500)])

# %% tags=["check"]
exercise.answered(globals(), "smallest", "power")
assert np.isclose(smallest, 2 / 256), "only one sign vector is as extreme on each side"
assert 0.5 < power < 0.8, "one standard deviation is not enough for four of five"
print(f"smallest p {smallest:.4f}; power at one standard deviation {power:.0%}")
