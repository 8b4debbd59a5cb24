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
# Of the {glue:text}`rows:d` places where the paper's text leaves a choice or its code makes another one, {glue:text}`measured:d` can be measured here, and {glue:text}`clear:d` change a number by more
# than chance would. The largest, as a share of the effect that their claim is about: {glue:text}`first` ({glue:text}`first_share:+.0%`), {glue:text}`second` ({glue:text}`second_share:+.0%`) and
# {glue:text}`third` ({glue:text}`third_share:+.0%`). Of the {glue:text}`compared:d` rows that can be put on this scale, {glue:text}`small:d` stay below a tenth of their effect.
#
# This page belongs to [the audit](../book/choices.md), which says row by row what the text says, what the code does and what this book does.
#
# :::{admonition} Before you start
# **Do:** run both sides of every choice on the companion models, and put what they change on one scale.
#
# **Learn:** that a difference is large or small only beside the effect that it could create or hide, and that one run cannot tell a small one from chance.
#
# **Need:** [](04_specialization.ipynb) to [](06_emergence.ipynb), whose measures are used here.
# About three minutes on two CPU cores the first time; a GPU is not needed.
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
model: str = "t5-mini"  # a dense companion model, or the path of a model folder
routed: str = "switch-mini"  # a companion model with experts of its own
per_class: int = 50  # sentences of each class of a sub-function
limit: int = 12  # semantic sub-functions where they are scored anew
draws: int = 10  # of rows and noise
tuned: int = 3  # draws of the examples that T5 is tuned on
seed: int = 0  # of everything that is drawn
recompute: str = "slice"  # of what is shipped: slice (rechecked), none, or full, which computes everything

# %%
import numpy as np
import pandas as pd
from myst_nb import glue
from sklearn.metrics import average_precision_score

from companion.choices import all_choices as choices
from companion.choices import audit, score_choices
from companion.choices import choice_figure as figures
from companion.choices.choice_setup import Setup, best
from companion.experiments import stored_scores
from companion.sections import perturbing_switch_tables as section
from modularity import experts, predictivity

# %% [markdown]
# ## One choice by hand
#
# A neuron may fire *less* for class 1, and should be credited for it. The text of Appendix A.2 takes the average precision of the activations and of their opposites; the code takes that of the labels
# and of the labels inverted. Both sound the same, and neither is a slip: average precision is just not symmetric in the two classes. For a neuron with activations $a$ and labels $y$,
#
# ```{math}
# :label: both-ways
# \max\{\mathrm{AP}(y, a),\, \mathrm{AP}(y, -a)\} \quad\text{and}\quad \max\{\mathrm{AP}(y, a),\, \mathrm{AP}(1-y, a)\}
# ```
#
# differ where a neuron fires less for class 1. By hand, for one such neuron:


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
by_hand

# %% [markdown]
# The two numbers are not the same, but is a difference of this size large? That depends on what is read from them. Section 4 reads how much the *best* neuron of a trained layer exceeds that of an untrained one.
# So the choice is measured on that gain, and its effect is compared with the gain itself.
#
# ## Every choice, both ways
#
# The same is done for every row of the audit that can be run. Let $q_\text{text}$ be what is measured under the text and $q_\text{other}$ under the code (or, where there is no code, under what else could be done).
# With $e$ the size of the effect that the claim is about, in the same unit, the *relative effect* of the choice is
#
# ```{math}
# :label: relative-effect
# r = \frac{q_\text{other} - q_\text{text}}{|e|}.
# ```
#
# At $|r| = 1$ the choice moves the number as far as the whole effect. What $e$ is stands in the column *of*: the gain by training, how many more functional experts the model's own partition has than random ones, the accuracy that
# a perturbation can destroy at most, or, where a companion model shows no effect, the one that the paper prints.
#
# To be quick, little data is used: {glue:text}`per_class:d` sentences of each class and, where neurons have to be scored anew, {glue:text}`limit:d` semantic sub-functions. What takes hours (the grids of Section 5 and the
# histories of Section 6) is read as it is shipped, and checked in its own sections. Intervals are over what both sides share: sub-functions, draws of rows, or tasks. Numbers here differ a little from those of the sections, which use more.

# %%
setup = Setup(model, routed, per_class=per_class, limit=limit, draws=draws, tuned=tuned, seed=seed)
effects, checked = audit.obtain(setup, recompute)
print(checked)
found = choices.choices_table(effects)
shown = ["topic", "what", "text", "other", "low", "high", "of", "relative"]
found.set_index("row")[shown].style.format("{:.3g}", subset=shown[2:6], na_rep="–").format(
    "{:+.0%}", subset=["relative"], na_rep="–"
)

# %% [markdown]
# *low* and *high* are the ends of the 95 % interval of the difference. Rows without an interval have nothing to resample: one model and one number.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-choices", "caption": "What each choice changes, as a share of the effect that its claim is about, with 95 % intervals; the largest on top. The axis is linear within ten per cent and logarithmic beyond. Dashed: as large as the effect itself."}, "image": {"alt": "A dot plot with a row for each choice. The dot of D2, what chance gives, lies beyond the right dashed line, that of functional experts near the left one; a few lie between ten and fifty per cent, and most within ten per cent of zero."}}
compared = found.dropna(subset="relative")
axes = figures.effect_bars(compared)

# %% [markdown]
# **How to read it.** Dots far from zero are choices to be stated in any report, whatever their interval. A dot near zero with a short bar is a choice that does not matter here; a dot near zero with a long
# bar is one of which this page knows little.
#
# The largest is no slip of the code but a sentence of the text: that 0.5 means a useless neuron (D2). The best of a layer of chance-level neurons reaches {glue:text}`d2_other:.2f`, and a reader who takes 0.5 for the floor takes
# luck for function. The next is which test makes an expert functional (D16): Section 5's test adds up many sub-functions, the code's test for Switch looks at the top neurons of their mean, and finds
# {glue:text}`d16_other:.0%` where the former finds {glue:text}`d16_text:.0%`. The degree of modularization (D26) depends on whether a layer without functional experts counts as 0 or not at all.
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
grid = setup.tuning.sel(setting="code", strategy="Function")
values["d19_level"] = 100 * float((section.best(grid) - section.fair(grid)).mean())
for name, value in values.items():
    glue(name, value, display=False)

# %% [markdown]
# ## Where this page departs from the paper
#
# - **Models and sentences.** Small ones, trained and written for this book. A choice that matters little here may matter more in T5-base, and the other way round; what the authors' released numbers say of the same rows
#   is in [the audit](../book/choices.md).
# - **Switch.** switch-mini hardly learns a task from a few examples, so its routing is judged by something it can do: tell which of two nouns was hidden in a sentence.
# - **MNLI's template.** It is learned by {glue:text}`model_name`, which can, and not by the Switch, which cannot.
#
# ## What this page does not show
#
# - That choices with a small effect are harmless together. Each is changed alone.
# - Which side of a choice is right. In most rows both are defensible; what is not is to leave unsaid which one was taken.
# - That the interval of a row holds all that is uncertain: one run of each model is used for most of them.
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
# mean of the best predictivities is the one with both unchanged plus the two single effects, then put the four means into `four`, a dictionary with the keys `none`, `end mark`, `score` and `both`.
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
four = {k: float(best(stored_scores.of_model(m, setup.semantic, score=s)).mean()) for k, (m, s) in asked.items()}

# %% tags=["check"]
added = four["end mark"] + four["score"] - four["none"]
assert np.isclose(four["none"], best(stored_scores.of_model(setup.loaded, setup.semantic)).mean()), "none is plain"
assert 0 < abs(added - four["both"]) < 0.01, "the two effects are small, and nearly add up"
print(f"added {added:.4f}, together {four['both']:.4f}")
