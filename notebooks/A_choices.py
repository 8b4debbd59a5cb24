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
# # Which choices matter?
#
# Of the {glue:text}`rows:d` places where the paper's text leaves a choice or its code makes another one, {glue:text}`measured:d` can be measured here and {glue:text}`clear:d` change a number by more than chance would; the largest is {glue:text}`first`, which changes its number by
# {glue:text}`first_share:+.0%` of the effect that the claim is about.
#
# This page belongs to [the audit](../book/choices.md), which says row by row what the text says, what the code does and what this book does. It does not decide claims; it says how far they depend on choices.
#
# :::{admonition} Before you start
# **Do:** run both sides of every choice on the companion models, and put what they change on one scale.
#
# **Learn:** that a difference is large or small only beside the effect that it could create or hide, and that one run cannot tell a small difference from chance.
#
# **Need:** [](04_specialization.ipynb) to [](06_emergence.ipynb), whose measures are used here.
# Running this page took {cost}`A_choices`; the first time it takes longer, because neurons are scored. A GPU is not needed.
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
model: str = "t5-mini"  # a T5 with ReLU neurons that answers, or the path of its folder
routed: str = "switch-mini"  # a Switch that answers, or the path of its folder
per_class: int = 50  # sentences of each class of a sub-function
limit: int = 12  # semantic sub-functions where they are scored anew
draws: int = 10  # of rows and noise
tuned: int = 3  # draws of the examples that T5 is tuned on
seed: int = 0  # of everything that is drawn
recompute: str = "slice"  # of what is shipped: slice (rechecked), none, or full, which computes everything

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from myst_nb import glue
from sklearn.metrics import average_precision_score

from companion.choices import all_choices as choices
from companion.choices import audit, score_choices
from companion.choices import choice_figure as figures
from companion.choices.choice_setup import Setup, mean_best
from companion.experiments import stored_scores
from companion.sections import perturbing_switch_tables as section
from companion.tools import exercise
from modularity import experts, predictivity

# %% [markdown]
# ## The answer in one figure
#
# A row is one choice. It is measured under the text and under the code (or, where there is no code, under what else could be done). The dot is the second number minus the first, in per cent of the effect that the claim in question is about. The text of the paper stands at 0.
# Intervals are over what both sides share: sub-functions, draws of rows, or tasks.

# %% tags=["hide-input"]
setup = Setup(model, routed, per_class=per_class, limit=limit, draws=draws, tuned=tuned, seed=seed)
effects, checked = audit.obtain(setup, recompute)
print(checked)
found = choices.choices_table(effects)
compared = found.dropna(subset="relative")

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-choices", "caption": "What each choice changes, in per cent of the effect that its claim is about, with 95 % intervals, the largest on top. The black line at 0 is the text of the paper. The axis is linear within ten per cent and logarithmic beyond. Dashed: a change as large as the effect itself."}, "image": {"alt": "A dot plot with a row for each choice. The dot of D2, what chance gives, lies beyond the right dashed line, and that of D16, functional experts, beyond the left one. A few lie between ten and fifty per cent, and most within ten per cent of zero."}}
axes = figures.effect_bars(compared)

# %% [markdown]
# **How to read it.** Dots far from zero are choices that any report should state, whatever their interval. A dot near zero with a short bar is a choice that does not matter here. A dot near zero with a long
# bar is a choice whose effect this page cannot tell.
#
# - **The largest** comes from a sentence of the text and not from the code: that a predictivity of 0.5 marks a neuron that knows nothing (D2). The best of a layer of chance-level neurons reaches {glue:text}`d2_other:.2f`. Comparing
#   a layer's best neuron with 0.5 therefore mistakes chance for a function.
# - **The test of functional experts** (D16). Section 5's test adds up many sub-functions. The code's test for Switch looks at the top neurons of their mean, and calls
#   {glue:text}`d16_other:.0%` of the experts functional where the former calls {glue:text}`d16_text:.0%`.
# - **The degree of modularization** (D26) depends on whether a layer without functional experts counts as 0 or is left out.
#
# The three largest whose interval does not contain 0 are {glue:text}`first` ({glue:text}`first_share:+.0%`), {glue:text}`second` ({glue:text}`second_share:+.0%`) and {glue:text}`third` ({glue:text}`third_share:+.0%`). Of the {glue:text}`compared:d` rows on this scale, {glue:text}`small:d` stay below a
# tenth of their effect.
#
# ## Step 1: one choice by hand
#
# A neuron may be *less* active for class 1, and should be credited for it. The text of Appendix A.2 takes the average precision of the activations and of their opposites. The code takes that of the labels
# and of the labels inverted. The two sound the same, and neither is a mistake: average precision is not symmetric in the two classes. For a neuron with activations $a$ and labels $y$,
#
# ```{math}
# :label: both-ways
# \max\{\mathrm{AP}(y, a),\, \mathrm{AP}(y, -a)\} \quad\text{and}\quad \max\{\mathrm{AP}(y, a),\, \mathrm{AP}(1-y, a)\}
# ```
#
# differ where a neuron is less active for class 1. By hand, for one such neuron:


# %%
def naive_sides(y, a):
    upwards = average_precision_score(y, a)
    return {
        "signs": max(upwards, average_precision_score(y, -a)),
        "labels": max(upwards, average_precision_score(1 - y, a)),
    }


rng = np.random.default_rng(seed)
y = np.arange(40) % 2
a = rng.standard_normal(40) - y  # it fires less for class 1
by_hand = naive_sides(y, a)
assert all(np.isclose(predictivity.predictivity(a[:, None], y, score=k)[0], v) for k, v in by_hand.items())
pd.Series(by_hand, name="predictivity").round(3)

# %% [markdown]
# The two numbers differ. Whether such a difference is large depends on what is read from them. Section 4 reads how much the *best* neuron of a trained layer exceeds that of an untrained one.
# So the choice is measured on this gain, and its effect is compared with the gain itself.
#
# ## Step 2: every choice on one scale
#
# The same is done for every row of the audit that can be run. Let $q_\text{text}$ be what is measured under the text and $q_\text{other}$ what is measured under the code or the other possibility.
# With $e$ the size of the effect that the claim is about, in the same unit, the *relative effect* of the choice is
#
# ```{math}
# :label: relative-effect
# r = \frac{q_\text{other} - q_\text{text}}{|e|}.
# ```
#
# At $|r| = 1$ the choice changes the number by as much as the whole effect. The column *of* of the table below says what $e$ is: the gain by training, how many more functional experts the model's own partition has than random ones, the most accuracy that
# a perturbation can destroy, or, where a companion model shows no effect, the effect that the paper prints.
#
# Little data is used, to be quick: {glue:text}`per_class:d` sentences of each class and, where neurons have to be scored anew, {glue:text}`limit:d` semantic sub-functions. So numbers differ a little from those of the sections, which use more. What takes hours (the grids of Section 5 and the
# histories of Section 6) is read as it is shipped, and checked on its own pages.

# %%
shown = ["topic", "what", "text", "other", "low", "high", "clear", "of", "relative"]
clear = found["clear"].map({True: "yes", False: "no"}).where(found["low"].notna(), "–")
listed = found.assign(clear=clear).set_index("row")[shown]
listed.style.format("{:.3f}", subset=shown[2:6], na_rep="–").format("{:+.0%}", subset=["relative"], na_rep="–")

# %% [markdown]
# *text* and *other* are the number under the text and under the code or the other possibility. *low* and *high* are the ends of the 95 % interval of their difference, *clear* says whether this interval leaves out 0, and *relative* is $r$. A row without
# an interval has nothing to resample: one model and one number.
#
# ## What cannot be measured

# %%
why = pd.DataFrame([(r.id, r.topic, r.reason) for r in choices.ROWS if r.reason], columns=["row", "topic", "why"])
why.style.hide(axis="index")

# %% tags=["remove-cell"]
values = {
    "rows": len(choices.ROWS),
    "measured": len(found),
    "clear": int(found["clear"].sum()),
    "compared": len(compared),
    "small": int((compared["relative"].abs() < 0.1).sum()),
    "model_name": model,
    "gain": float(found.set_index("row").loc["D2", "scale"]),
    "per_class": per_class,
    "limit": limit,
}
for name, row in zip(("first", "second", "third"), found[found["clear"]].to_dict("records")):
    values |= {name: f"{row['topic']} ({row['row']})", f"{name}_share": row["relative"]}
for row in found.to_dict("records"):
    columns = ("text", "other", "difference", "low", "high", "relative")
    values |= {f"{row['row'].lower()}_{column}": row[column] for column in columns}
grid = setup.tuning.sel(setting="code")
values["d19_level"] = 100 * float((section.best(grid) - section.fair(grid)).mean())
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Models and sentences.** Small ones, trained and written for this book. A choice that matters little here may matter more in T5-base, and the other way round. What the authors' released numbers say of the same rows
#   is in [the audit](../book/choices.md).
# - **Switch.** switch-mini hardly learns a task from a few examples, so its routing is judged by something it can do: tell which of two nouns was hidden in a sentence.
# - **MNLI's template.** It is learned by {glue:text}`model_name`, which can learn it, and not by the Switch, which cannot.
#
# ## Take away
#
# - A difference between text and code has a size only beside the effect that the claim is about.
# - What chance-level neurons reach and which test is used can change a number by more than the effect. Report both.
# - A difference that one run cannot tell from chance is not a difference of zero.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - That choices with a small effect are harmless together. Each is changed alone.
# - Which side of a choice is right. In most rows both are defensible, as long as the report says which one was taken.
# - That the interval of a row holds all that is uncertain. Most rows use one run of each model.
#
# ## Exercises
#
# ```{exercise} A layer without experts
# :label: layer-without-experts
# *(5 minutes, easy.)* The functional experts of one layer have degrees 4 and 2, and the other layer has none. Predict the degree of the model by the text (the mean over all functional experts) and by the code (the mean
# over layers of the mean in a layer, 0 where there is none), then put both into `degrees`, in this order.
#
# :::{hint}
# :class: dropdown
# The text divides by two functional experts, the code by two layers.
# :::
# ```

# %% tags=["solution", "hide-cell"]
degrees = [np.mean([4, 2]), np.mean([np.mean([4, 2]), 0])]

# %% tags=["check"]
exercise.answered(globals(), "degrees")
import xarray as xr

dims = ("function", "layer", "expert")
tested = {"functional": (dims, [[[True, True], [False, False]]]), "degree": (dims, [[[4.0, 2.0], [1.0, 1.0]]])}
made = experts.summary(xr.Dataset(tested))
assert np.allclose(degrees, [made["pooled_degree"].item(), made["degree"].item()]), "compare with `experts.summary`"
print(f"text {degrees[0]:.1f}, code {degrees[1]:.1f}: the code's degree falls with every layer that has none")

# %% [markdown]
# ```{exercise} Two at once
# :label: two-at-once
# *(10 minutes, medium.)* This page changes one choice at a time. Do effects add up? Change two at once for {glue:text}`model_name`: read sentences without their end mark (D6) *and* score by signs (D1). Predict whether the
# mean of the best predictivities equals the one with both unchanged plus the two single effects. Then put the four means into `four`, a dictionary with the keys `none`, `end mark`, `score` and `both`.
#
# :::{hint}
# :class: dropdown
# `stored_scores.of_model(model, setup.semantic, score="signs")`, and `score_choices.unended(setup.loaded)`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
without = score_choices.unended(setup.loaded)
asked = {"none": (setup.loaded, "labels"), "end mark": (without, "labels")}
asked |= {"score": (setup.loaded, "signs"), "both": (without, "signs")}
four = {k: float(mean_best(stored_scores.of_model(m, setup.semantic, score=s)).mean()) for k, (m, s) in asked.items()}

# %% tags=["check"]
exercise.answered(globals(), "four")
added = four["end mark"] + four["score"] - four["none"]
assert np.isclose(four["none"], mean_best(stored_scores.of_model(setup.loaded, setup.semantic)).mean()), "none is plain"
assert 0 < abs(added - four["both"]) < 0.01, "the two effects are small, and nearly add up"
print(f"added {added:.4f}, together {four['both']:.4f}")
