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
# # Are neurons specialised?
#
# For word meanings, the best {term}`neuron` of a layer of {glue:text}`model_name` tells two classes of sentences apart with a {term}`predictivity` of {glue:text}`trained:.3f` on average, against {glue:text}`untrained:.3f` in {term}`copies
# of the model that were never trained <untrained copy>`.
#
# ```{verdicts} semantic-gain knowledge-gain task-gain within-over-across one-function
# ```
#
# This is [Section 4 of the paper](https://arxiv.org/abs/2305.18390), with both halves of its Figure 1, and Figure 5 of its appendix.
#
# :::{admonition} Before you start
# **Do:** score every neuron of every encoder layer for every sub-function, find the best neuron of each layer, and count how many of the top neurons are shared.
#
# **Learn:** why a trained model has to be compared with an untrained copy *and* with chance-level neurons, and what shared neurons say that
# scores do not.
#
# **Need:** [](03_functionality.ipynb), and [](02_models.ipynb) for what the companion models are.
# Running this page took {cost}`04_specialization`, because readings of the models shown are shipped; a GPU is not needed.
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
beside: str = "all-MiniLM-L6-v2 t5-mini switch-mini"  # models drawn beside it, or nothing
track: str = "mini"  # whose sentences: mini (this book's) or paper
seed: int = 0  # of the first untrained copy, and of every draw
copies: int = 3  # untrained copies of each model, at least 1; the paper has 3
per_class: int = 0  # sentences of each class, at most; 0 takes the paper's 100, 200 and 1,000
limit: int = 0  # of each function's first sub-functions, at least 2; 0 takes all
recompute: str = "slice"  # of what is shipped: slice (rechecked), none, or full, which computes everything
score: str = "labels"  # labels (authors' code), signs (paper's text) or auroc
pooling: str = "max"  # over the tokens: max (the paper), mean or last

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from myst_nb import glue

from companion import functions, models
from companion.experiments import cost, equal_footing, function_counts, history_source, obtain, stored_scores
from companion.sections import figure1, one_function
from companion.sections import specialization_figures as figures
from companion.sections import specialization_tables as section
from companion.tools import exercise
from modularity import predictivity, readings, specialists

# %% [markdown]
# ## The answer in one figure
#
# **Claim (Section 4, first observation).** In every layer, the best neurons of a pre-trained model are far better than the best neurons of a randomly initialised one. The paper concludes that they learned their function in pre-training.
#
# A *sub-function* is one question with two answers. A neuron's *predictivity* says how well its strongest activation in a sentence tells the two answers apart ([](03_functionality.ipynb)).
# The figure shows the predictivity of the best neuron of each layer, averaged over the sub-functions of a function.

# %% tags=["hide-input"]
sizes = {"per_class": per_class or None, "limit": limit or None}
subfunctions = functions.load_all(track, seed=seed, **sizes)
names = list(dict.fromkeys([model, *beside.split()]))
options = {"copies": copies, "seed": seed, "recompute": recompute, "score": score, "pooling": pooling}
scored, checked = obtain.runs(names, subfunctions, **options)
trained, untrained = scored[model]
print(*checked, sep="\n")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-figure1-left", "caption": "Figure 1 left of the paper. Blue: trained models, the mean over their runs with its 95 % interval over sub-functions. Orange: untrained copies. Grey: the best of N chance-level neurons, where N is the number of neurons of a layer. Black: the paper's pre-trained T5-base and Switch-base-16, as printed, on the paper's own sentences; the paper prints no BERT. The panels of a column have one scale."}, "image": {"alt": "A grid of line plots, a row for each model and a column for each function, of best predictivity by encoder layer. For semantic sub-functions trained models lie far above untrained copies. For knowledge the two real models lie above their untrained copies, and the two small ones close to theirs. For tasks all trained models but switch-mini lie above."}}
left = figure1.left(scored, subfunctions, score=score, seed=seed)
axes = figures.figure1_left(left)

# %% [markdown]
# **How to read it.** The figure makes three comparisons, and they say different things.
#
# - *Trained against untrained* (blue and orange) is the paper's claim. In {glue:text}`model_name`, averaged over {glue:text}`layers:d` layers and {glue:text}`subfunctions:d` semantic sub-functions, pre-training adds {glue:text}`difference:.3f` for word meanings. It adds
#   {glue:text}`gain_knowledge:.3f` for knowledge and {glue:text}`gain_task:.3f` for tasks.
# - *Untrained against chance level* (orange and grey): for word meanings, even an untrained network beats chance. Its neurons are random features of the words in the
#   sentence, and some words go with a class.
# - *Chance level against 0.5*: the best of as many chance-level neurons reaches {glue:text}`null:.3f` for word meanings, because it was chosen among hundreds or thousands.
#
# Models that were never trained on tasks are in the figure too (switch-mini, for example). For knowledge, the orange curves lie below the grey band, and so do the blue curves of t5-mini and switch-mini. Step 3 explains how this can be.
#
# The paper says that the best predictivity for tasks rises with the layers, and that for the other functions it varies little. From its first layer to its last, the best predictivity of
# {glue:text}`model_name` for tasks changes by {glue:text}`task_rise:+.3f`.
#
# ```{verdicts} task-rises task-over-others
# ```
#
# The rest of this page builds the figure step by step, and then asks which sub-functions share their top neurons.
#
# ## Which models and which sentences?
#
# Four models are read. all-mpnet-base-v2 is real and has T5-base's size: 12 layers of 3,072 neurons.
# all-MiniLM-L6-v2 is real and smaller. t5-mini and switch-mini are this book's companions. Each of these two was trained three times, from three seeds, and each
# run is read. The untrained copies have the same architecture and tokenizer and ordinary random weights, as in the paper. All weights are frozen:
# nothing is tuned on these sentences.
#
# :::{admonition} The two real models are sentence encoders
# After pre-training on text they were tuned by contrast on pairs of sentences that belong together. Among these pairs were natural language inference, Quora's
# duplicate questions, and questions with their answers (SQuAD's too). MNLI, RTE, QQP and QNLI are made of data of this kind, though the tasks of this book
# were made anew. What these two models show of tasks can come from this tuning as well as from pre-training.
# :::
#
# A *reading* keeps what the pages ask for: the best 5 % of each layer's neurons with their scores, and means over experts. The readings of the
# models shown here are shipped. This run computes some of them again, drawn at random, where the model is installed (`make base`
# installs all-mpnet-base-v2). Any other model is read when the page runs.
#
# ## Step 1: the best neuron of each layer
#
# For layer $l$, with $p^{l}_{jm}$ the predictivity of neuron $j$ for sub-function $m$ of $M$, the figure shows
#
# ```{math}
# :label: best
# b_l = \frac{1}{M} \sum_{m=1}^{M} \max_j \; p^{l}_{jm}.
# ```
#
# Written out, it is two loops. With named dimensions it is one line. Both are run on a small model, all of whose scores are computed now.


# %%
def naive_best(layer):
    return np.mean([max(table[m, layer].to_numpy()) for table in few for m in range(5)])


small = "t5-mini"  # exercises run on it, too
asked = subfunctions[:5]
few = [stored_scores.of_model(run, asked, score=score, pooling=pooling) for run in models.load_runs(small, 1)]
assert np.allclose(naive_best(0), specialists.best(readings.of_scores(few[0]))[:, 0].mean())
best = section.best_by_layer(trained, seed=seed)
best.round(4)

# %% [markdown]
# The columns `low` and `high` are the band around a curve in the figure. It is a bootstrap over sub-functions, because other sub-functions might have been chosen.
#
# ## Step 2: what the best of many chance-level neurons reaches
#
# A *chance-level neuron* ranks the sentences at random. The best of many of them is well above 0.5. The grey band is computed without any model:
# as many chance-level neurons as the layer has are scored on as many sentences of each class as the sub-functions have. The band contains 95 % of the *means* over sub-functions.
#
# ## Step 3: the gain in numbers
#
# The table has the gain of each model over its untrained copies, paired by sub-function, averaged over layers, with a 95 % interval (bootstrap over sub-functions), and the chance level beside it. It includes two *controls*: *topics* is one visible noun in articles of two topics, and
# in *balanced* every entity stands as often in true sentences as in false ones. The last rows are the paper's Figure 1, averaged over layers. For them the chance level is computed at the paper's numbers of neurons and sentences.

# %% tags=["hide-input"]
controls = functions.load_controls(track, **sizes)
controlled, checked = obtain.runs(names, controls, **options)
print(*checked, sep="\n")

# %%
gains = figure1.gains(scored, subfunctions, score=score, seed=seed)
of_controls = figure1.gains(controlled, controls, score=score, seed=seed)
printed = figure1.printed_gains(names)
rows = pd.concat([gains, of_controls, printed]).set_index(["model", "function"])
rows.loc[[*names, *printed["model"].unique()]].style.format("{:.3f}", na_rep="–")

# %% [markdown]
# **How to read it.** In the paper's false triples an entity was replaced at random, which leaves words that go with a class: a bag of words can separate the sentences
# that it was fitted on ([](03_functionality.ipynb)). In the balanced control only the combination of two entities tells the classes apart. In both forms most entities stand in true
# sentences and in false ones, and in the control each does so equally often. A neuron that responds to an entity is then *more* balanced than a chance-level neuron. This is why the
# best neuron of a model can lie below the chance level. The paper's untrained models lie close to their own chance level for knowledge (last rows).
#
# ## Step 4: the gain over a run's own start
#
# Ordinary random weights are not the weights from which training started: the companion models began with attention prepared for small models
# ([](02_models.ipynb)). The next table has their gain over their own first step. It comes from the shipped histories, which follow the
# sub-functions of [](06_emergence.ipynb) with 100 sentences a class and the balanced false triples.

# %%
own = {n: section.gain_over_start(history_source.histories(n), seed=seed) for n in names if n in models.MINI}
started = pd.concat([table.assign(model=name) for name, table in own.items()] or [gains.iloc[:0]])
started.rename(columns={"untrained": "own start"}).set_index(["model", "function"]).style.format("{:.3f}")

# %% [markdown]
# ## Step 5: selected on one half, scored on the other
#
# Selecting the highest score also selects luck. If the neuron is selected on one half of the sentences and scored on the other half, this luck is gone, and the high chance level with
# it: a chance-level neuron then scores at chance. Both halves take both parts, and the two scores are averaged. For one run of {glue:text}`model_name`:

# %%
fair = {kind: section.held_out(runs[0], seed=seed) for kind, runs in scored[model]._asdict().items()}
fair = pd.concat(fair).groupby(level=0).apply(lambda rows: rows.groupby("function")["value"].mean()).T
fair.style.format("{:.3f}")

# %% [markdown]
# The intervals of the figure say how much the result could change with other sub-functions. This table says how much it changes with other sentences.
#
# (appendix-a3)=
# ## Who shares their best neurons?
#
# **Claim (Section 4, second half).** Sub-functions of one function share more of their top neurons than sub-functions of different
# functions, and more than in a random model: there are groups of neurons for a function.
#
# With $N_m$ the top $k$ neurons of sub-function $m$ in a layer, the overlap of two sub-functions is
# $|N_m \cap N_{m'}| / k$. By chance it is $k / N$.


# %%
def naive_overlap(m, other, layer):
    sets = [set(np.argsort(-few[0][i, layer].to_numpy(), kind="stable")[:top]) for i in (m, other)]
    return len(sets[0] & sets[1]) / top


top = specialists.number(few[0].sizes["neuron"])
assert np.isclose(naive_overlap(0, 1, 0), specialists.overlap(specialists.top_neurons(few[0]))[0, 0, 1])
shared = specialists.overlap(specialists.top_neurons(trained[0]))
shared.sizes

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-figure1-right", "caption": "Figure 1 right and Figure 5 of the paper: overlap of the top 1 % neurons of two sub-functions, averaged over layers and runs, each sub-function with itself left out. Blue: trained. Orange: untrained. Black: as printed for T5-base and Switch-base-16. Dashed: chance. Bars: 95 % intervals (jackknife over sub-functions)."}, "image": {"alt": "Dot plots of overlap, on a logarithmic scale, for pairs of functions. Within the semantic function trained models share several times more than chance."}}
shares = figure1.right(scored)
axes = figures.overlaps(shares)

# %% [markdown]
# **How to read it.** A dot right of the dashed line stands for sub-functions that share more neurons than chance. Above the thin line are pairs
# within one function, below it pairs across functions. The claim asks for two things: *within* has to lie to the right of *across*, and trained to the right of
# untrained. In {glue:text}`model_name`, two semantic sub-functions have {glue:text}`within:.1%` of their top neurons in common, and two sub-functions of different functions {glue:text}`across:.1%`; chance is {glue:text}`chance:.1%`. Untrained copies share neurons too, because a random neuron that responds to a frequent word responds to it in every sub-function.
#
# ```{verdicts} within-over-across groups-emerge within-over-untrained knowledge-task-shared
# ```
#
# ## In one function only?
#
# **Claim (Abstract).** Each neuron is mainly specialised in one function.
#
# A neuron may be among the best for many sub-functions. So this section counts in how many of the three functions a neuron *passes*. In each function, the sub-function is chosen in which the neuron is best on one half of
# the sentences. The neuron passes if it is better than chance at this sub-function on the other half, at a false discovery rate of {glue:text}`rate:.0%` over all neurons and functions. All functions have the same number of sub-functions here, {glue:text}`each:d`,
# with {glue:text}`sentences:d` sentences of a class.
#
# There are two comparisons. *If independent* keeps how many neurons of each layer pass in each function, and makes random which ones they are, as if scores were permuted among neurons, function by function. In a model whose neurons
# are specialised in one function each, more neurons pass in one function only than under independence. The second comparison is with *untrained* copies.

# %%
even = equal_footing.equally_many(subfunctions)
counted, checked = function_counts.obtain(names, even, recompute, copies=copies, seed=seed)
print(*checked, sep="\n")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-one-function", "caption": "Neurons that pass in one, in two and in three functions; the others pass in none. If independent: what is to be expected if passing in one function said nothing about passing in another."}, "image": {"alt": "Stacked bars for each model: trained, if independent, untrained."}}
axes = figures.numbers_of_functions(one_function.numbers(counted))

# %%
alone = (
    one_function.numbers(counted)
    .drop_duplicates(["model", "kind"])
    .pivot(index="model", columns="kind", values="alone")
)
each = one_function.in_each(counted).query("kind == 'trained'").pivot(index="model", columns="function", values="share")
order = [one_function.INDEPENDENT, "trained", "untrained"]
both = {
    "of those that pass, in one function only": alone.loc[names, order],
    "pass in (trained)": each.loc[names, list(equal_footing.FUNCTIONS)],
}
pd.concat(both, axis=1).style.format("{:.1%}")

# %% [markdown]
# The claim is judged by the excess of *trained* over *if independent*: {glue:text}`verdicts_one-function`. That a neuron passes says that chance does not explain its score on new sentences. It does not say that the score is high. What the
# neuron responds to may be something that goes with the classes in more than one function, as length does ([](03_functionality.ipynb)).
#
# ## What the paper's models would cost
#
# `--profile paper` reads T5-base and Switch-base-16, trained and untrained, on all sentences of the paper. The hours are measured on this machine with an untrained copy of T5-base's shape. The minutes are computed: they are what the
# operations of the encoder alone take on a GPU that sustains 10 or 100 TFLOP/s. No GPU was available to measure them.

# %%
costs = cost.reading(copies)
costs.style.format("{:,.1f}").format("{:,.0f}", subset=["sentences"])

# %% tags=["remove-cell"]
from companion.claims import effects, ledger

gain_of = gains.query("model == @model").set_index("function")
of_task = best.query("function == 'task'")["value"]
floor = left.query("model == @model and kind == 'null'").groupby("function")["value"].first()
mine = shares.query("model == @model and init == 'trained'").set_index(["function", "other"])["value"]
values = {
    "model_name": models.known_as(model).rstrip("/").split("/")[-1],
    "trained": float(gain_of.loc["semantic", "trained"]),
    "untrained": float(gain_of.loc["semantic", "untrained"]),
    "null": float(floor["semantic"]),
    "difference": float(gain_of.loc["semantic", "gain"]),
    "smallest": float(gain_of.loc["semantic", "low"]),
    "gain_task": float(gain_of.loc["task", "gain"]),
    "task_rise": float(of_task.iloc[-1] - of_task.iloc[0]),
    "gain_knowledge": round(float(gain_of.loc["knowledge", "gain"]), 3) + 0.0,  # no minus before a zero
    "subfunctions": sum(s.function == "semantic" for s in subfunctions),
    "layers": trained[0].sizes["layer"],
    "width": trained[0].attrs["neurons"],
    "top": specialists.number(trained[0].attrs["neurons"]),
    "small": small,
    "small_width": few[0].sizes["neuron"],
    "runs": len(trained),
    "within": float(mine["semantic", "semantic"]),
    "across": float(mine.drop([(f, f) for f in gain_of.index]).mean()),
    "chance": float(shares["chance"].iloc[0]),
    "rate": function_counts.FALSE,
    "each": len(even) // len(equal_footing.FUNCTIONS),
    "sentences": even[0].sizes[0],
    "cost_cpu": float(costs["hours here"].sum()),
    "cost_gpu": float(costs["minutes at 10 TFLOP/s"].sum()),
}
tables = [effects.gains(gains), effects.rises(scored, seed=seed), effects.shared(scored), effects.one_function(counted)]
values |= ledger.to_glue(model, *tables)
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Models.** Two real models and two small ones that this book trained stand for T5-base and Switch-base-16. all-mpnet-base-v2 has T5-base's number of
#   layers and neurons, but it is an MPNet: its activation function is GELU, it predicts hidden words in its pre-training, and it has no decoder. The paper leaves other architectures
#   open. The same call with `-p model google-t5/t5-base -p beside google/switch-base-16 -p track paper` runs the paper's models.
# - **Tuned afterwards.** The two real models are sentence encoders (see above). The paper's T5 was pre-trained on tasks as well, its Switch on text only.
# - **Sentences.** [](03_functionality.ipynb) says what replaces the paper's. The black curves are printed numbers for other sentences.
#   They show the size of the effect in the paper, and are not a target for the blue ones.
# - **Untrained copies.** The paper's text averages three random initialisations. The released code reads one, and its first 30 of 529
#   sub-functions. Here three copies with ordinary random weights are read on all sub-functions ([D4](d4), [D5](d5)).
# - **Stated facts and tasks in pre-training.** The companion models read facts as sentences, and t5-mini read tasks with their answers. This
#   pushes their knowledge and task curves up, compared with the paper's T5, which read text and supervised tasks, and its Switch, which read text only.
# - **Word meanings.** A semantic sub-function here hides one of two nouns, where the paper shows one noun in two senses: only the context can tell. In which direction this
#   pushes our curve is open. *Topics* is closer to the paper's rule, with topics of articles as senses. Most of its sentences were in the companions' training text, without any label.
# - **Top 1 %.** Rounded down, as in the code: of {glue:text}`width:d` neurons, {glue:text}`top:d` are top neurons ([D7](d7)).
# - **Score.** The larger of two average precisions, as in the code and not as in the text ([D1](d1)). Sentences are read with their end mark ([D6](d6)), and MNLI as the text asks it ([D3](d3)).
#
# ## Take away
#
# - The score of a best neuron is evidence only beside two others: that of an untrained copy, and that of the best of as many chance-level neurons.
# - Selecting the highest score also selects luck. Scoring on sentences that did not select the neuron removes it.
# - Being good at a function and being specialised in it are two questions. The first asks for a score, the second also for what else the neuron is good at.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - That a neuron that passes in one function does nothing else: three functions are looked at, and {glue:text}`each:d` sub-functions of each.
# - That the model uses these neurons: predictivity is a correlation.
# - That neurons of a function lie together: [](05_functional_experts.ipynb) asks that.
#
# ## Exercises
#
# ```{exercise} Shuffle the labels
# :label: shuffle-labels
# *(5 minutes, easy.)* Predict, then compute: where does the best predictivity of the trained {glue:text}`small` fall when the labels of a sub-function
# are permuted? Put the mean over a few draws for the first sub-function and the first layer into `shuffled`.
#
# :::{hint}
# :class: dropdown
# `predictivity.relabelled_null` takes the pooled activations of `capture.pooled_activations`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
from modularity import capture

one = subfunctions[0]
pooled = capture.pooled_activations(models.load(small), one.sentences, pooling=pooling)[0].to_numpy()
rng = np.random.default_rng(seed)
shuffled = predictivity.relabelled_null(pooled, one.labels, score=score, draws=20, rng=rng).mean()

# %% tags=["check"]
exercise.answered(globals(), "shuffled")
true = float(few[0][0, 0].max())
size = {"score": score, "draws": 50, "rng": np.random.default_rng(seed)}
chance = predictivity.best_of_null(*subfunctions[0].sizes, few[0].sizes["neuron"], **size).mean()
assert shuffled < true - 0.03, "with permuted labels there is nothing left to predict"
assert abs(shuffled - chance) < 0.05, "the best of neurons without labels is near the best of chance-level ones"
print(f"its own labels {true:.3f}, permuted labels {shuffled:.3f}, independent chance-level neurons {chance:.3f}")

# %% [markdown]
# ```{exercise} Fewer neurons
# :label: fewer-neurons
# *(5 minutes, medium.)* {glue:text}`model_name` has {glue:text}`width:d` neurons in a layer, {glue:text}`small` {glue:text}`small_width:d`. Predict whether the gap between the trained
# and an untrained {glue:text}`small` grows or shrinks when only the first 64 neurons of each layer are looked at, and put both means of the best predictivity over the five
# sub-functions `asked` into `fewer`.
#
# :::{hint}
# :class: dropdown
# `few[0].isel(neuron=slice(64))` is the trained run's; `stored_scores.of_model(models.load(small, untrained=True), asked)` scores an untrained copy.
# :::
# ```

# %% tags=["solution", "hide-cell"]
both = [
    few[0],
    stored_scores.of_model(models.load(small, untrained=True, seed=seed), asked, score=score, pooling=pooling),
]
fewer = [float(table.isel(neuron=slice(64)).max("neuron").mean()) for table in both]

# %% tags=["check"]
exercise.answered(globals(), "fewer")
fresh = models.load(small, untrained=True, seed=seed)
whole = [few[0], stored_scores.of_model(fresh, asked, score=score, pooling=pooling)]
all_of_them = [float(table.max("neuron").mean()) for table in whole]
assert fewer[0] < all_of_them[0], "trained: the best of 64 cannot beat the best of all"
assert fewer[1] < all_of_them[1], "untrained: the best of 64 cannot beat the best of all"
assert min(fewer) > float(whole[1].mean()) + 0.02, "it beats the mean neuron"
print(f"64 neurons: {fewer[0]:.3f} and {fewer[1]:.3f}; all: {all_of_them[0]:.3f} and {all_of_them[1]:.3f}")

# %% [markdown]
# ```{exercise} More than one percent
# :label: more-than-one-percent
# *(10 minutes, hard.)* Overlap grows with the share of neurons that count as top, if only by chance. Predict whether the semantic overlap
# *relative to chance* grows or falls from 1 % to 5 %, and put both ratios into `relative`.
#
# :::{hint}
# :class: dropdown
# `section.overlaps(trained, share)`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
tables = [section.overlaps(trained, share).iloc[0] for share in (0.01, 0.05)]
relative = [table["value"] / table["chance"] for table in tables]

# %% tags=["check"]
exercise.answered(globals(), "relative")
assert relative[0] > relative[1] > 1, "the very best neurons are shared most, and even the top 5 % more than by chance"
print(f"times chance: {relative[0]:.1f} at 1 %, {relative[1]:.1f} at 5 %")
