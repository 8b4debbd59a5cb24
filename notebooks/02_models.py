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
# # What did the companion models learn?
#
# They learned the text that they read (poorly), the facts that it states, and most of their tasks: over {glue:text}`runs:d` runs, {glue:text}`model_name` answers
# {glue:text}`answered:.0%` of its tasks' validation rows correctly, where guessing gets {glue:text}`guessed:.0%`.
#
# The paper measures T5-base and Switch-base-16 ([Section 3](https://arxiv.org/abs/2305.18390)), which cannot be trained on two CPU cores. This page shows what stands for them in this book: how
# they were trained, how far they got, and where they fall short. Of the {glue:text}`bars:d` bars that this book sets its models, {glue:text}`met:d` are met.
#
# :::{admonition} Before you start
# **Do:** read the logs of six training runs, put the models to the test, and look into a model whose modules are known.
#
# **Learn:** what a model must be able to do before conclusions are drawn from its {term}`neurons <neuron>`, and how to test the method itself.
#
# **Need:** nothing but this book. Running this page took {cost}`02_models`; the first time it takes longer, because every neuron is scored. A GPU is not needed.
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
model: str = "t5-mini"  # the companion model that answers the tasks: t5-mini or switch-mini
seed: int = 0  # of every draw, and of the planted model
rows: int = 300  # validation rows a task that each run answers; 3000 takes all of them
copies: int = 3  # untrained copies of each model
recompute: str = "slice"  # of what is shipped: slice (rechecked), none, or full, which computes everything

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from myst_nb import glue

from companion import functions, models, quality
from companion.experiments import answering, history_file, obtain
from companion.functions import prompts
from companion.models import planted, suited
from companion.sections import models_figures as figures
from companion.sections import specialization_tables as section
from companion.tools import exercise
from modularity import capture, neurons, predictivity, specialists

# %% [markdown]
# ## The answer in one figure
#
# **t5-mini** stands for T5-base. It is an encoder and decoder with ReLU, trained on span corruption *and* on tasks, text in and answer out, as T5
# was. **switch-mini** stands for Switch-base-16. The feed-forward part of every second layer is replaced by sixteen experts, a router
# sends each token to one of them, and the model is trained on span corruption only. Both models read the same text. Beside it they read the true triples of the
# knowledge sub-functions, in other words than those with which they are evaluated, half of a fact hidden at a time.
#
# Every model was trained three times, from three seeds. The losses say what was learned, and when.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-training", "caption": "Losses of six pre-training runs, three of each model. Both axes are logarithmic. Left: hidden spans of running text. Middle: the hidden half of a stated fact. Right: answers to tasks, which only t5-mini is trained on."}, "image": {"alt": "Three panels of falling curves over training steps. The three seeds of a model lie almost on top of each other, except for one run of t5-mini whose text loss is lower from about step 2,700 on."}}
loaded = suited.companion(model)
runs = [(name, run) for name in models.MINI for run in models.seeds(name)]
logs = pd.concat([history_file.log(name, seed=run).assign(model=name, seed=run) for name, run in runs])
axes = figures.training(logs)

# %% [markdown]
# **How to read it.** A falling curve shows learning. The loss of the text falls from the start. The loss of the facts falls fastest at the end, when the facts are remembered one by one.
# The loss of the tasks stays near guessing (a mean of {glue:text}`guessing_loss:.2f` nats) for a thousand steps, and then falls. At the end, {glue:text}`model_name` answers {glue:text}`answered:.0%` of the rows correctly.
# One run of t5-mini finds something in the
# text near step 2,700 that the others do not find: runs that differ in nothing but their seed are not the same model. The last losses of the text lie
# between {glue:text}`text_best:.2f` and {glue:text}`text_worst:.2f` nats a token, for a vocabulary of 4,096 pieces. So these are poor language
# models. This book asks only whether their neurons show what the paper reports of good ones.
#
# Each run was made by one thread, at a median of {glue:text}`speed_t5:,.0f` (t5-mini) and {glue:text}`speed_switch:,.0f`
# (switch-mini) tokens a second.
#
# ## Does the router use its experts?
#
# **Why it matters.** If a router sends everything to one expert, the sixteen experts act as one, and there is no modularity to study. Two losses keep Switch
# from this, one on imbalance and one on large router scores (Fedus et al., 2022; Zoph et al., 2022). Tokens for which an expert has no room are dropped.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-routers", "caption": "Left: z-loss, which keeps the router's scores small. Middle: entropy of the load of the sixteen experts, as a share of its maximum, by encoder layer with experts, for every run; dotted, the bar this book sets. Right: share of the tokens that each expert got in the last steps; grey, equal shares."}, "image": {"alt": "Left: falling curves. Middle: curves near one over training steps. Right: dots scattered around one sixteenth for each of sixteen experts."}}
switches = {run: history_file.log("switch-mini", seed=run) for run in models.seeds("switch-mini")}
layers = list(neurons.layers(models.load("switch-mini")))
tables = [[t.assign(seed=run) for t in history_file.routers(log, layers)] for run, log in switches.items()]
entropy, share = (pd.concat(parts, ignore_index=True) for parts in zip(*tables))
axes = figures.router_load(pd.concat([log.assign(seed=run) for run, log in switches.items()]), entropy, share)

# %% [markdown]
# **How to read it.** The closer the curves in the middle are to one, the more evenly the router uses its experts. At the end of training, the lowest entropy of any layer and run is {glue:text}`entropy:.3f` of the maximum, and at most
# {glue:text}`dropped:.2%` of the tokens find their expert full.
#
# ## Does it answer its tasks?
#
# **Why it matters.** Section 5 of the paper perturbs experts and measures what a skill loses. A model without the skill has nothing to lose.
#
# The model's answer is the one of the task's answers that has the highest likelihood. In five lines, for one row:


# %%
def naive_answer(loaded, task, row):
    ids = loaded.tokenizer(prompts.prompt(task, row), return_tensors="pt").input_ids
    words = [loaded.tokenizer(word, return_tensors="pt").input_ids for word in prompts.task(task).words]
    losses = [loaded.module(input_ids=ids, labels=word).loss * word.shape[1] for word in words]
    return int(np.argmin(losses))


sample = functions.task_table("mnli").iloc[::500]
naive = [naive_answer(loaded, "mnli", row) for row in sample.to_dict("records")]
assert naive == answering.predictions(loaded, "mnli", sample).tolist()

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-accuracy", "caption": "Accuracy of the model's three runs on validation rows of its tasks. Neither these rows nor the texts from which they were made were in its training mixture. Grey: guessing, which is also the fraction of the most frequent answer."}, "image": {"alt": "One row of dots for each of seven tasks, with a short grey line at what guessing reaches."}}
answers = quality.answers(model, rows=rows)
axes = figures.accuracies(answers)

# %%
answers.groupby("task")["accuracy"].agg(["mean", "min", "max"]).style.format("{:.2f}")

# %% [markdown]
# ## Are its neurons better than before training?
#
# The figure compares the best neuron of a layer, averaged over layers, runs and sub-functions, in trained models and in copies with ordinary random weights, as in the paper. What the numbers mean is
# the subject of [](03_functionality.ipynb) and [](04_specialization.ipynb), which use the same readings. The
# intervals are a bootstrap over sub-functions, because another hundred word pairs, relations or tasks might have been chosen.
#
# Reading all sub-functions takes minutes for each of the twelve
# copies, so it was done once and its results are shipped. Every run of this page draws some of them at random, reads them again, and stops if they differ. A model other than these is read while the page runs, for as many minutes as it needs, and its readings are then stored on this machine.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-start-end", "caption": "Best predictivity of untrained copies and of trained models, by function, with 95 % intervals over sub-functions. Three runs of each model, averaged. The panels have their own scales."}, "image": {"alt": "Three panels, one a function, of the best predictivity of untrained copies and of trained models, joined by lines. For semantic sub-functions both models lie far above untrained copies."}}
subfunctions = functions.load_all()
scored, checked = obtain.runs(models.MINI, subfunctions, copies=copies, recompute=recompute)
print(*checked, sep="\n")
parts = {(name, init): runs for name, pair in scored.items() for init, runs in pair._asdict().items()}
ends = pd.concat(section.mean_best(runs).assign(model=name, init=init) for (name, init), runs in parts.items())
axes = figures.start_and_end(ends)

# %%
ends.set_index(["model", "function", "init"])[["value", "low", "high"]].unstack("init").style.format("{:.3f}")

# %% [markdown]
# [](04_specialization.ipynb) judges by these gains the claim that pre-training makes the best neurons far better. Its verdicts for word meanings: {glue:text}`04_specialization.ipynb::verdicts_semantic-gain:s`; for knowledge:
# {glue:text}`04_specialization.ipynb::verdicts_knowledge-gain:s`; for tasks: {glue:text}`04_specialization.ipynb::verdicts_task-gain:s`.
#
# Two stricter comparisons are on that page as well. The attention of these models did not start from ordinary random weights ([model card](../book/data.md)), so one comparison is with a run's own start. In the paper's false triples an entity was replaced at random, so that some entities go with a class and a random network can respond to them.
# The other comparison is with a control in which every
# entity stands as often in true sentences as in false ones ([](03_functionality.ipynb)).
#
# ## Are they good enough?
#
# This book set bars for its models before they were trained. The table has what was measured, for the bars that are met and for those that are missed;
# `python -m companion.quality` prints the same with all validation rows. The [model card](../book/data.md) says why some bars are missed.

# %%
table = quality.bars(scored, answers, switches)
table.style.format({"measured": "{:.3f}", "met": lambda met: "met" if met else "missed"}).hide()

# %% [markdown]
# ## A real model beside them
#
# `all-MiniLM-L6-v2` is a BERT of six layers that others trained on a billion sentence pairs. It comes in a package and loads without a network.
# Its activation function is GELU, which is negative in places and not monotone. So it has to be said what is read of a neuron: here it is the value after the activation function.
# The table has the best predictivity of each layer, averaged over eight semantic sub-functions.

# %%
bert = models.load("all-MiniLM-L6-v2")
few = functions.load("semantic")[:8]
real = predictivity.scores(capture.stream(bert, few)).max("neuron").mean("subfunction")
before = (
    predictivity.scores(capture.stream(models.load(bert.name, untrained=True), few)).max("neuron").mean("subfunction")
)
pd.DataFrame({"trained": real, "untrained": before}, index=pd.Index(real["layer"], name="layer")).T.style.format(
    "{:.3f}"
)

# %% [markdown]
# ## A model whose modules are known
#
# A method that finds modules should be tested where the truth is known. `planted.load()` builds a T5 whose first six blocks of 32 neurons
# each respond to the words of one function, two blocks a function. The other ten blocks respond to nothing in particular. The table counts, for each block, how often one of its neurons is among the five best
# of a sub-function. In the model as built (*blocks*), the planted blocks stand out. In the same model with its neurons rotated into each other (*rotated*), no
# block does.

# %%
counts = {}
for kind in ("blocks", "rotated"):
    built = planted.load(kind, seed=seed)
    scores = predictivity.scores(capture.stream(built.model, built.subfunctions)).sel(layer=0)
    best = np.argsort(-scores.to_numpy(), axis=1)[:, :5]
    for function in planted.FUNCTIONS:
        chosen = best[(scores["function"] == function).to_numpy()]
        counts[kind, function] = np.bincount(built.partition[chosen].ravel(), minlength=planted.BLOCKS)
pd.DataFrame(counts, index=pd.RangeIndex(planted.BLOCKS, name="block")).T

# %% tags=["remove-cell"]
speed = logs.groupby("model")["tokens_per_s"].median()
last = logs.sort_values("step").groupby(["model", "seed"]).last()
chances = [np.log(len(prompts.task(task).words)) for task in prompts.FUNCTION_TASKS]
sizes = [len(functions.task_table(task, "train")) for task in prompts.FUNCTION_TASKS]
at_end = entropy[entropy["step"] == entropy["step"].max()]
values = {
    "runs": len(models.seeds(model)),
    "model_name": model,
    "answered": float(answers["accuracy"].mean()),
    "guessed": float(answers["chance"].mean()),
    "guessing_loss": float(np.average(chances, weights=sizes)),
    "speed_t5": float(speed.loc["t5-mini"]),
    "speed_switch": float(speed.loc["switch-mini"]),
    "text_best": float(last["loss"].min()),
    "text_worst": float(last["loss"].max()),
    "entropy": float(at_end["entropy"].min()),
    "dropped": float(at_end["dropped"].max()),
    "bars": len(table),
    "met": int(table["met"].sum()),
}
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Models.** Two small models, trained for this book, stand for T5-base and Switch-base-16. Each has three runs from three seeds.
# - **Stated facts.** Both models read the true triples of the knowledge sub-functions, in other words. The paper's T5 read text and supervised tasks, and its Switch read text only. This pushes the companions' predictivity for knowledge up.
# - **Tasks.** t5-mini was trained on tasks of the same kind as those by which it is evaluated, most of them made by rule. The paper's T5 was pre-trained on tasks as well.
# - **Start.** The attention of these models began with weights that are prepared for small models, not with ordinary random ones ([model card](../book/data.md)).
#
# ## Take away
#
# - A model must have a skill before an experiment can say which of its neurons the skill needs.
# - Runs that differ in nothing but their seed are not the same model, so each model here has three.
# - A method that finds modules has to be tested on a model whose modules are known, and on one that has none.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - That these models are good. Their language is poor, and their tasks are made by rules from their own corpus.
# - That what holds for them holds for T5-base. The sections ask that one by one, beside the paper's numbers.
# - That three seeds are enough for an interval over seeds. They show whether a result depends on a single run.
#
# ## Exercises
#
# ```{exercise} Only what was routed
# :label: routed-only
# *(5 minutes, easy.)* The paper reads all experts' neurons on every token, also those that the token was not sent to. Predict whether the
# best predictivity of switch-mini falls when only routed neurons are read, then put its mean over layers for the first sub-function,
# `few[0]`, into `routed`, and that of all neurons into `every`.
#
# :::{hint}
# :class: dropdown
# `capture.pooled_activations(..., routed_only=True)`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
switch = models.load("switch-mini")
sub = few[0]
activations = {r: capture.pooled_activations(switch, sub.sentences, routed_only=r) for r in (False, True)}
every, routed = (
    np.mean([predictivity.predictivity(a.to_numpy(), sub.labels).max() for a in activations[r]]) for r in (False, True)
)

# %% tags=["check"]
exercise.answered(globals(), "every", "routed")
read_before = specialists.best(scored["switch-mini"].trained[0]).sel(subfunction=few[0].name).mean("layer")
assert np.isclose(every, read_before), "`every` is not what this page found above for the same neurons and sentences"
assert 0.5 < routed != every, "a neuron that is read on some tokens only does not score the same"
print(f"every expert {every:.3f}, only the routed one {routed:.3f}")

# %% [markdown]
# ```{exercise} Shuffled, not rotated
# :label: shuffled-blocks
# *(10 minutes, medium.)* In `planted.load("shuffled")` the same neurons are randomly assigned to the blocks. Predict what a count by block shows, and
# what balanced k-means on the weights would find. Put the largest count of any block and function into `largest`.
#
# :::{hint}
# :class: dropdown
# The cell above.
# :::
# ```

# %% tags=["solution", "hide-cell"]
shuffled = planted.load("shuffled", seed=seed)
scores = predictivity.scores(capture.stream(shuffled.model, shuffled.subfunctions)).sel(layer=0)
best = np.argsort(-scores.to_numpy(), axis=1)[:, :5]
functions_of = scores["function"].to_numpy()
largest = max(np.bincount(shuffled.partition[best[functions_of == f]].ravel()).max() for f in planted.FUNCTIONS)

# %% tags=["check"]
exercise.answered(globals(), "largest")
assert max(counts["blocks", f].max() for f in planted.FUNCTIONS) > largest, "no block stands out as it did as built"
assert planted.BLOCKS * largest >= max(n.sum() for n in counts.values()), "the fullest block holds less than the mean"
print(f"largest count: {largest} shuffled, {max(counts['blocks', f].max() for f in planted.FUNCTIONS)} as built")
