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
# # What can one neuron tell?
#
# One {term}`neuron` of layer {glue:text}`layer:d` of {glue:text}`model_name`, chosen among {glue:text}`neurons:d`, tells sentences that hide
# the word *{glue:text}`word_1`* from sentences that hide *{glue:text}`word_0`* with a {term}`predictivity` of {glue:text}`best:.2f`, where 1 is perfect and
# the best of as many {term}`chance-level neurons <chance-level neuron>` would reach {glue:text}`floor:.2f` on average.
#
# This page builds the measure of [Section 3 and Appendix A.2 of the paper](https://arxiv.org/abs/2305.18390) step by step:
# what a {term}`function` and a neuron are, what a neuron's {term}`activation` on a sentence is, and how this activation is scored.
#
# :::{admonition} Before you start
# **Do:** look at the data of the three functions and at what else tells their classes apart, open one feed-forward layer, compute activations and
# scores by hand, then with the library.
#
# **Learn:** function and sub-function, neuron, pooled activation, predictivity, and why 0.5 is *not* what chance gives.
#
# **Need:** what a Transformer's feed-forward layer is, and what a precision is.
# Running this page took {cost}`03_functionality`; a GPU makes no difference here.
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
model: str = "all-mpnet-base-v2"  # whose neuron is looked for: a model of the book, or the path of a folder
small: str = "t5-mini"  # a T5 with ReLU neurons, which is taken apart by hand
subfunction: str = "conflict/heat"  # one of the 100 noun pairs
layer: int = 5  # of the model, 0-based
seed: int = 0  # of what is drawn
recompute: str = "slice"  # of shipped activations: slice (some are rechecked), none, or full, which computes all

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
import torch
from myst_nb import glue

from companion import functions, models
from companion.experiments import example
from companion.functions import baselines, controls, sources
from companion.models import suited
from companion.sections import functionality_figures as figures
from companion.tools import exercise
from modularity import capture, neurons, predictivity
from modularity.subfunction import find

# %% [markdown]
# ## The answer in one figure
#
# **The measure (Section 3).** A neuron is specialised in a sub-function, such as telling two words apart, as far as its activations predict the sub-function's labels.
#
# Here the label of a sentence says which of two words was hidden in it. The neuron belongs to a real model of T5-base's size. Activations of one of its layers are shipped, and where the model is installed
# (`make base`) some are computed again.

# %% tags=["hide-input"]
companion = suited.t5(models.load(small), answers=False)  # taken apart below
loaded = {name: functions.load(name) for name in ("semantic", "knowledge", "task", *functions.CONTROLS)}
chosen = find(loaded["semantic"], subfunction)
read, checked = example.obtain(model, chosen, layer, recompute)
y, matrix = chosen.labels, read.to_numpy()
scores = predictivity.predictivity(matrix, y)
print(checked)

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-activation", "caption": "The neuron with the highest predictivity in the chosen layer: how many sentences of each hidden word have which maximum activation. The two histograms of a perfect neuron would not overlap."}, "image": {"alt": "Two overlapping histograms of one neuron's maximum activation, one for each hidden word."}}
best = int(scores.argmax())
axes = figures.activation_by_label(matrix[:, best], y, tuple(subfunction.split("/")), scores[best])

# %% [markdown]
# **How to read it.** Each sentence is counted once, at the neuron's strongest activation in it. Sentences of one hidden word are blue, those of the other are orange. The less the two histograms overlap, the
# better the neuron tells the two words apart. Its score, the *predictivity*, is {glue:text}`best:.2f`. It has to be compared with {glue:text}`floor:.2f`, which the best of {glue:text}`neurons:d` neurons reaches on average if all of them rank the sentences at random.
#
# The rest of this page builds the figure in five steps: the sentences and their labels, what else tells the labels apart, the neuron, its activation on a sentence, and its score. Then it asks what chance gives.
#
# ## Step 1: three functions, divided into sub-functions
#
# A *function* in the paper is broad: understanding words (**semantic**), knowing facts (**knowledge**), solving a task
# (**task**). A *sub-function* is one narrow case of it that can be tested: a list of sentences, and a label, 0 or 1, for each.
# The paper has 529, 39 and 8 of them (Section 3). None of its data sets may be shipped with a book. So each has a stand-in
# here, made from text and facts that may be shipped. Two *controls* stand beside them: **balanced** for knowledge, and **topics** for
# semantic.

# %%
licences = {name: sources.registry()[f"functions/{name}.parquet"].licence for name in loaded}
pd.options.display.max_colwidth = None  # licences are long
pd.DataFrame({name: controls.card(s) | {"licence": licences[name]} for name, s in loaded.items()})

# %% [markdown]
# :::{admonition} What the semantic function stands in for
# The paper takes two senses of one word from OneSeC, a corpus of sentences tagged with senses.
# Here a "sense" is a hidden word.
# Two nouns of similar frequency are each hidden in 100 sentences, behind the mark for missing text that a model was pre-trained with: `<extra_id_0>`, as below, is T5's,
# and `<mask>` takes its place where MPNet reads.
# This keeps the question that word-sense data asks: does the neuron read the context?
# It loses the word itself. In OneSeC the ambiguous word is visible, and it is the same in both classes.
# Here no word is visible, and the two "senses" are those of two different words, which are easier to tell apart than two senses
# of one word. The sentences come without human annotation, and need none.
# :::
#
# The two nouns of a pair have equally many sentences from each source (Wikipedia, Brown corpus, WordNet's examples), so the
# style of a source does not tell which word was hidden. No noun and no sentence is used twice in the 100 pairs, and none of
# these 20,000 sentences was in the text on which the companion models were pre-trained. all-mpnet-base-v2 was pre-trained on Wikipedia among other texts, so it can have
# read some of them, without the labels.

# %%
for i in (0, 1, 100, 101):
    print(f"label {chosen.labels[i]}: {chosen.sentences[i]}")

# %% [markdown]
# The control, **topics**, is closer to OneSeC. OneSeC takes the sense of a word from the category of the Wikipedia article in which its
# sentence stands, one sense per category. By the same rule, a sub-function of *topics* is one noun, visible in every sentence,
# and two topics of articles. Nothing checks that the noun means something else in the other topic, and with these common nouns it
# often does not: what has to be told apart is the topic.

# %%
for s in loaded["topics"][::20]:
    print(f"{s.name}\n  label 1: {s.sentences[0]}\n  label 0: {s.sentences[-1]}")

# %% [markdown]
# :::{admonition} What the knowledge function stands in for
# The paper takes triples of Wikidata from T-REx, 200 true ones for each of 39 relations, and makes as many false ones by replacing
# the head or the tail. Here the triples come from WordNet, from Wikipedia's one-line descriptions, and from well-kept packages
# about countries, cities and chemical elements. The false ones are made in the same way: the head or the tail of a true triple,
# chosen at random, becomes a random entity that stands in the same place of another true triple of the relation. The result
# is checked to be false against everything that the sources say.
#
# In the control, **balanced**, the tails of the same true triples are *permuted*. Each head and each tail occurs as often in false
# as in true sentences, so that no word, no length and no frequency tells them apart. Only whether the two belong together does.
# :::

# %%
for s, control in list(zip(loaded["knowledge"], loaded["balanced"], strict=True))[::7]:
    true, false = (s.sentences[list(s.labels).index(label)] for label in (1, 0))
    other = control.sentences[list(control.labels).index(0)]
    print(f"{s.name}\n  label 1: {true}\n  label 0: {false}\n  label 0, balanced: {other}")

# %% [markdown]
# :::{admonition} What the task function stands in for
# The paper takes seven tasks of GLUE, one of them (MNLI, three labels) as two binary questions, and writes them with T5's
# prompts. Here are seven tasks of the same shape, with the same prompts. Sentiment has human ratings of snippets from movie
# reviews. The others are made by rule from real sentences: acceptability by breaking sentences, paraphrase by two descriptions of one thing or
# two phrasings of one question, inference by exchanging words along WordNet's tree in contexts that widen or narrow,
# question answering by sentences of one article. Rules are cleaner and narrower than what annotators do. A model that is
# good here has a skill, but this skill is not GLUE's.
# :::

# %%
for s in loaded["task"]:
    for label in (1, 0):
        print(f"{s.name}, label {label}: {s.sentences[list(s.labels).index(label)]}")

# %% [markdown]
# ## Step 2: what else tells the classes apart
#
# A neuron could score well for a reason that has nothing to do with the function: the sentences of one class may be longer, or
# their words more common. So this step looks at the data before it looks at any neuron.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-balance", "caption": "Length and word frequency of class 1 minus those of class 0; a dot is a sub-function. Balanced lies at zero: its two classes are made of the same words, paired differently (a mean of means can differ a little)."}, "image": {"alt": "Two strip plots with a row for each function and control. Semantic and topics dots scatter around zero by several words, knowledge dots lie near zero, balanced dots at zero, task dots near zero."}}
balance = pd.concat([controls.by_label(s) for s in loaded.values()])
axes = figures.class_balance(balance)

# %% [markdown]
# The next figure shows what a classifier without any network reaches. One sees which words occur, one also sees adjacent pairs of words, one
# sees only lengths, and, where there are two sentences, one sees how many words they share. The classifiers of knowledge and task are fitted on a
# training part that shares no entity and no source sentence with the sentences on which they are measured. Those of semantic and topics are cross-validated.

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-baselines", "caption": "Balanced accuracy of simple classifiers; a dot is a sub-function (a task, for task). A function on which they exceed 0.9 would be too easy to be called one; some sub-functions of the control topics are, and two of word meanings lie just above. Chance is 0.5, for the three labels of MNLI 0.33."}, "image": {"alt": "Strip plot of balanced accuracy by function, control and baseline. Words reach most on topics, where nine of 53 exceed 0.9, and on semantic sub-functions; nothing above chance on new entities in knowledge and balanced, and medium values on tasks."}}
easy = pd.concat([baselines.report(name) for name in loaded], ignore_index=True)
axes = figures.baselines(easy.drop(columns=baselines.SAME_SENTENCES))

# %%
means = easy.groupby("function", sort=False).mean(numeric_only=True)
means.style.format("{:.2f}", na_rep="")

# %% [markdown]
# The column *words, same sentences* asks something else: how well a linear classifier that sees only which words occur can fit *the same* sentences on
# which it is measured. In the paper's form of knowledge it reaches {glue:text}`seen_knowledge:.2f`. In the balanced form it reaches
# {glue:text}`seen_balanced:.2f`, because no weighing of words can separate these classes. On new entities, the words of either form tell
# nothing ({glue:text}`new_knowledge:.2f` and {glue:text}`new_balanced:.2f`). A neuron is chosen on the sentences that score it. So a
# good neuron for the paper's form may be one that fires for some of the entities; a good neuron for the balanced form cannot be.

# %%
easy.query("function == 'task'").drop(columns=["function", baselines.SAME_SENTENCES]).set_index("subfunction").round(2)

# %% [markdown]
# These tables show three things.
#
# - *Words.* Semantic sub-functions can be read from single words: {glue:text}`semantic_words:.2f` on average. Topics reach
#   {glue:text}`topics_words:.2f`. A high predictivity there shows a neuron that has gathered such words, and not more. Topics shows the
#   ambiguous word, as OneSeC does, but it is the easier of the two.
# - *Length.* Semantic sub-functions can also be guessed a little from length alone
#   ({glue:text}`semantic_length:.2f`), because texts about different things are written differently. This is the reason for the labels of length at the end of this page.
# - *Tasks.* Of the four binary tasks about two texts, these classifiers read none above {glue:text}`pairs_most:.2f`. In MRPC, QQP and QNLI each text stands
#   equally often under each label, so that only the two together decide. Sentiment is the one task that words go far in
#   ({glue:text}`sst2_words:.2f`), as in GLUE.
#
# ## Step 3: a neuron is a row and a column
#
# The feed-forward network of a T5 layer takes one token's state $x$ and computes $W_O\,\sigma(W_I x)$, with
# $\sigma$ the ReLU and no biases. Written out over rows of $W_I$ and columns of $W_O$, it is a sum of independent terms,
#
# ```{math}
# :label: neuron
# \mathrm{FFN}(x) = \sum_{i=1}^{d_\mathrm{ff}} \sigma(W^I_{i,:} \cdot x)\; W^O_{:,i},
# ```
#
# and each term is a *neuron*. $\sigma(W^I_{i,:}\cdot x)$ says how strongly it fires, and $W^O_{:,i}$ says what it then adds
# (Equation 1 of the paper). The next cell takes a random state and adds the neurons up one after another.

# %%
ffn = companion.encoder.block[-1].layer[-1].DenseReluDense
x = torch.randn(ffn.wi.in_features, generator=torch.Generator().manual_seed(seed))
terms = [torch.relu(row @ x) * column for row, column in zip(ffn.wi.weight, ffn.wo.weight.T, strict=True)]
assert torch.allclose(sum(terms), ffn(x), atol=1e-4)
print(f"{len(terms)} neurons add up to the layer's output")

# %% [markdown]
# (appendix-a1)=
# ### In an expert there is a gate as well
#
# In a layer of Switch the neurons of $E$ experts stand side by side. A router gives each token's state a weight $\alpha_i$ for every expert,
# zero for all but one, and the layer is again a sum over neurons (Equation 3 of the paper, in its Appendix A.1):
#
# ```{math}
# :label: neuron-moe
# \mathrm{MoE}(x) = \sum_{i=1}^{E} \sum_{j} \sigma(W^I_{i,j,:} \cdot x)\; \alpha_i W^O_{i,:,j}.
# ```
#
# So a neuron of an expert is a row and a column as well; the gate only scales its column. Its activation is read before the gate. So it is read on every
# token, including tokens that go to other experts.

# %%
moe = neurons.feed_forward(models.load("switch-mini"))[1]  # the first layer with experts
x = torch.randn(1, 1, moe.w_in[0].in_features, generator=torch.Generator().manual_seed(seed))
chosen_expert, gate, _ = moe.sparse.router(x)
alpha = (chosen_expert * gate)[0, 0]
weighed = zip(alpha, moe.w_in, moe.w_out, strict=True)
terms = [torch.relu(w_in.weight @ x[0, 0]) * a * w_out.weight for a, w_in, w_out in weighed]  # columns of W_O
assert torch.allclose(torch.cat(terms, dim=1).sum(1), moe.sparse(x)[0, 0], atol=1e-4)
print(
    f"{moe.neurons:,} neurons of {moe.experts} experts, {int((alpha > 0).sum())} of them open, add up to the layer's output"
)

# %% [markdown]
# ## Step 4: its activation on a sentence is its strongest token
#
# A neuron fires once for every token. The paper takes the maximum over the sentence (Section 3):
#
# ```{math}
# :label: pooled
# a_{ij} = \max_{x_k \in s_i} \sigma(W^I_{j,:} \cdot x_k).
# ```
#
# By hand, this is one sentence at a time, with a look at what reaches $W_O$, here in the last encoder layer of {glue:text}`small`. The library does the same in batches of
# similar length, for all layers in one pass, and makes sure that padding never counts.


# %%
def naive_activations(sentence):
    seen = []
    handle = ffn.wo.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        companion.encoder(companion.tokenizer(sentence, return_tensors="pt").input_ids)
    handle.remove()
    return seen[0][0].max(dim=0).values.numpy()


by_hand = np.array([naive_activations(s) for s in chosen.sentences[:20]])
activations = capture.pooled_activations(companion, chosen.sentences)
maxima = activations.isel(layer=-1).to_numpy()
assert np.allclose(by_hand, maxima[:20], atol=1e-4)
activations.sizes

# %% [markdown]
# ```{exercise} A hook that reads a layer
# :label: reading-hook
# *(15 minutes, medium.)* `naive_activations` reads one layer with a *hook*, a function that PyTorch calls whenever a module is called. Write a function `outputs_of(module, run)` that reads what any module computes.
#
# - `module` is a `torch.nn.Module`, a part of some model, that returns one tensor.
# - `run` is a function without arguments that runs this model. It may call `module` any number of times, and it may raise an exception.
# - It returns a list of tensors, the outputs of `module` while `run()` was running, in the order of the calls. The list is empty if `module` was not called.
# - Each tensor has the values that `module` returned, even if the model changes its own tensor in place afterwards, as `ReLU(inplace=True)` does. It is detached, which means that it carries no gradient.
# - Afterwards `module` has no hook of this function, also if `run` raised an exception. The exception is not caught.
#
# Example: a `torch.nn.Linear` multiplies by 2, and `run` calls it with 3 and then with 5. The list has the two tensors [6.] and [10.].
#
# :::{hint}
# :class: dropdown
# After each call of the module, a hook of `module.register_forward_hook(hook)` is called as `hook(module, inputs, output)`. What it returns replaces the output, unless it is `None`. Use `try` and `finally` to remove it.
# :::
# ```


# %% tags=["solution", "hide-cell"]
def outputs_of(module, run):
    seen = []
    handle = module.register_forward_hook(lambda _module, _inputs, output: seen.append(output.detach().clone()))
    try:
        run()
    finally:
        handle.remove()
    return seen


# %% tags=["check"]
exercise.answered(globals(), "outputs_of")
from contextlib import suppress

double = torch.nn.Linear(1, 1, bias=False)
double.weight.data = torch.tensor([[2.0]])
twice = outputs_of(double, lambda: [double(torch.tensor([value])) for value in (3.0, 5.0)])
assert [output.tolist() for output in twice] == [[6], [10]], "2 x 3 = 6 and 2 x 5 = 10: one tensor a call, in order"
assert not any(output.requires_grad for output in twice), "the tensors carry gradients: detach them"
assert outputs_of(double, lambda: None) == [], "the module was not called, so the list is empty"
two = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(inplace=True), torch.nn.Linear(6, 2))
tokens, later = torch.randn(3, 5, 4), []
hidden = outputs_of(two[0], lambda: later.append(two(tokens)))[0]
expected = tokens @ two[0].weight.T + two[0].bias
assert hidden.shape == (3, 5, 6), "the output of the first layer has 6 numbers a token"
assert torch.allclose(hidden, expected, atol=1e-5), "not the output: is it a copy from before ReLU changed it in place?"
assert torch.allclose(later[0], two[2](torch.relu(expected)), atol=1e-5), "the hook changed what the model computes"
with suppress(ZeroDivisionError):
    outputs_of(double, lambda: 1 / 0)
    raise AssertionError("an exception of `run` was caught")
assert not double._forward_hooks, "a hook is left on the module after an exception"
assert not two[0]._forward_hooks, "a hook is left on the module"

# %% [markdown]
# ```{exercise} The maximum over real tokens
# :label: real-maximum
# *(10 minutes, easy.)* A batch has sentences of different lengths. Short ones are filled up with padding tokens, and a model computes activations for these as well. Write a function `real_maximum(activations, mask)` that computes Equation {eq}`pooled` for a batch.
#
# - `activations` is an array of shape (sentences, tokens, neurons). Its numbers may be negative, as those of GELU. At padding tokens they may be anything, also infinite or `nan`.
# - `mask` is an array of integers of shape (sentences, tokens), 1 at real tokens and 0 at padding. Padding may stand anywhere, and every sentence has a real token.
# - It returns an array of shape (sentences, neurons), the maximum over the real tokens of each sentence. The arguments are not changed.
#
# Example: one sentence has two real tokens and then a padding token. The activations of its only neuron are [-0.2, -0.1, 5.0]. The answer is [[-0.1]].
#
# :::{hint}
# :class: dropdown
# `np.where(condition, a, b)` makes a new array. `mask[:, :, None]` has the shape (sentences, tokens, 1).
# :::
# ```


# %% tags=["solution", "hide-cell"]
def real_maximum(activations, mask):
    return np.where(mask[:, :, None] == 1, activations, -np.inf).max(axis=1)


# %% tags=["check"]
exercise.answered(globals(), "real_maximum")
short = real_maximum(np.array([[[-0.2], [-0.1], [5.0]]]), np.array([[1, 1, 0]]))
assert np.shape(short) == (1, 1), "expected sentences in rows and neurons in columns"
assert short.item() != 5, "the padding token counted: 5.0 is its activation"
assert short.item() != 0, "padding counted as 0, which is more than the activations of the real tokens"
assert short.item() == -0.1, "the larger of -0.2 and -0.1 is -0.1"
generator = np.random.default_rng(0)
for padding in (-9.0, 9.0, np.inf, np.nan):
    batch, real = generator.normal(size=(8, 7, 5)), generator.integers(0, 2, (8, 7))
    real[:, 3] = 1  # every sentence has a real token
    batch[real == 0] = padding
    copies = batch.copy(), real.copy()
    one_by_one = [batch[sentence, real[sentence] == 1].max(axis=0) for sentence in range(8)]
    assert np.allclose(real_maximum(batch, real), one_by_one), f"wrong where the activations of padding are {padding}"
    assert np.array_equal(batch, copies[0], equal_nan=True), "`activations` was changed: change a copy"
    assert np.array_equal(real, copies[1]), "`mask` was changed"
assert np.allclose(real_maximum(batch[:, 3:4], real[:, 3:4]), batch[:, 3]), "of one real token, the maximum is itself"

# %% [markdown]
# ## Step 5: its predictivity is an average precision
#
# Rank the sentences by the neuron's activation, highest first, and walk down the list. Each time a sentence of class 1
# appears, note the fraction of class 1 so far, the *precision*. The average over all sentences of class 1 is the
# average precision,
#
# ```{math}
# :label: ap
# \mathrm{AP}(y, a) = \frac{1}{|\{i : y_i = 1\}|} \sum_{i : y_i = 1}
# \frac{|\{k : a_k \ge a_i,\; y_k = 1\}|}{|\{k : a_k \ge a_i\}|}.
# ```
#
# Sentences with equal activation enter the list together, which the $\ge$ says. A neuron may also fire *less* for
# class 1, and is as useful then. The authors' code therefore takes the larger of $\mathrm{AP}(y, a)$ and
# $\mathrm{AP}(1-y, a)$. The text of Appendix A.2 says $\mathrm{AP}(y, -a)$. Both are in the library
# (`score="labels"` and `score="signs"`), and this book uses the first unless it says otherwise ([D1](d1) of the audit).


# %%
def naive_ap(labels, a):
    precisions = [labels[a >= threshold].mean() for threshold in a[labels == 1]]
    return np.mean(precisions)


naive = [max(naive_ap(y, a), naive_ap(1 - y, a)) for a in matrix.T]
assert np.allclose(naive, scores, atol=1e-12)

# %% [markdown]
# A neuron with ReLU that stays off in a sentence gives exactly zero, so that all such sentences are equal. A neuron with GELU gives a rounding error instead:
# {glue:text}`silent:.0%` of the maxima of this layer of {glue:text}`model_name` are closer to zero than a millionth. The order of these maxima depends on the processor, and so does
# a part of the predictivity of a neuron that is off in most sentences.
#
# ```{exercise} Average precision with ties
# :label: precision-with-ties
# *(15 minutes, hard.)* `naive_ap` goes through all sentences again for each sentence of class 1. Write a function `sorted_ap(labels, activations)` that sorts the sentences once and gives the same result, without scikit-learn.
#
# - `labels` is an array of integers, 0 or 1, of shape (sentences,). At least one is 1.
# - `activations` is an array of numbers of shape (sentences,), in the same order. Sentences with equal activations are *tied*.
# - It returns the average precision of Equation {eq}`ap`, a number. Tied sentences enter the list together: the precision of each of them is that of the list after the last of them. So the order in which tied sentences stand in the arrays does not matter.
#
# Example: `labels` is [0, 1, 0, 1] and `activations` is [3, 2, 2, 1]. After the tied second and third sentences the precision is 1 / 3, and after the fourth it is 2 / 4. The average precision is (1 / 3 + 2 / 4) / 2 = 5 / 12.
#
# :::{hint}
# :class: dropdown
# Sort by activation, highest first. `np.cumsum` of the sorted labels counts class 1 so far. Only the last place of each group of ties has the precision you need; how many sentences of class 1 have it?
# :::
# ```


# %% tags=["solution", "hide-cell"]
def sorted_ap(labels, activations):
    order = np.argsort(-activations)
    ones = np.cumsum(labels[order])
    last = np.flatnonzero(np.append(np.diff(activations[order]) != 0, True))  # of each group of ties
    return (np.diff(ones[last], prepend=0) * ones[last] / (last + 1)).sum() / ones[-1]


# %% tags=["check"]
exercise.answered(globals(), "sorted_ap")
from sklearn.metrics import average_precision_score

# Highest first, no ties: precision 1 / 1 at the first sentence and 2 / 3 at the third, so (1 + 2 / 3) / 2 = 5 / 6.
plain = sorted_ap(np.array([1, 0, 1, 0]), np.array([4.0, 3.0, 2.0, 1.0]))
assert np.isclose(plain, 5 / 6), "without ties: the mean of 1 and 2 / 3 is 5 / 6; is the highest activation first?"
tied = [sorted_ap(np.array(labels), np.array([3.0, 2.0, 2.0, 1.0])) for labels in ([0, 1, 0, 1], [0, 0, 1, 1])]
assert np.isclose(*tied), "the result depends on the order in which tied sentences stand"
assert np.isclose(tied[0], 5 / 12), "ties enter together: (1 / 3 + 2 / 4) / 2 = 5 / 12"
assert np.isclose(sorted_ap(np.array([1, 0, 0, 1, 0]), np.zeros(5)), 2 / 5), "all are tied: the share of class 1, 2 / 5"
assert np.isclose(sorted_ap(np.array([0, 0, 1]), np.array([1.0, 2.0, 0.0])), 1 / 3), "class 1 is last: 1 / 3"
generator = np.random.default_rng(0)
for different in (2, 5, 1000):  # the fewer different activations, the more ties
    for sentences in (1, 2, 10, 200):
        truth = generator.permutation(np.append(1, generator.integers(0, 2, sentences - 1)))
        fires = generator.integers(0, different, sentences).astype(float)
        expected = average_precision_score(truth, fires), naive_ap(truth, fires)
        assert np.allclose(sorted_ap(truth, fires), expected), f"not scikit-learn's for {sentences} sentences with ties"

# %% [markdown]
# ## What does a neuron get by chance?
#
# The appendix calls 0.5 the value of a useless neuron ([D2](d2)). A *chance-level neuron*, one that ranks the sentences at random, does come close when the classes are of equal
# size; taking the better of two directions raises it a little. But a layer is judged by its *best* neuron, and the best of
# thousands of chance-level neurons is far above 0.5. Their scores can be drawn
# without any model.

# %%
rng = np.random.default_rng(seed)
positives, negatives = int(y.sum()), int((1 - y).sum())
sizes = [1, activations.sizes["neuron"], len(scores)]
null = {n: predictivity.best_of_null(positives, negatives, n, draws=200 if n > 1 else 5000, rng=rng) for n in sizes}
relabelled = predictivity.relabelled_null(matrix, y, draws=50, rng=rng)
{n: float(draws.mean().round(3)) for n, draws in null.items()} | {"relabelled": float(relabelled.mean().round(3))}

# %% tags=["hide-input"] mystnb={"figure": {"name": "fig-null", "caption": "Predictivity of chance-level neurons: of one, and of the best of as many as a layer of the small T5 and a layer of T5-base's size have. The more neurons a layer has, the higher the best of them scores by chance."}, "image": {"alt": "Density curves of predictivity under random ranking. One neuron lies near 0.53, the best of several hundred near 0.64, the best of 3,072 higher still."}}
axes = figures.null_of_best(null[1], {n: null[n] for n in sizes[1:]})

# %% [markdown]
# A "best predictivity" has to be compared with the curve of its own layer width and class
# sizes. The neurons of a real layer resemble each other, so they act like fewer neurons than there are. If the labels are permuted and
# this layer's activations kept, the best predictivity is {glue:text}`relabelled:.3f` on average, beside {glue:text}`floor:.3f` for
# independent neurons.
#
# ## What do meaningless labels get?
#
# The second guard is a label that has nothing to do with the function, on the same sentences. Class 1 is the longer half, or
# the half with the more common words, or half of the sentences by a coin that is tossed once for each *last word*, so that only
# memory of words could predict it (a control task after [Hewitt and Liang, 2019](https://arxiv.org/abs/1909.03368)).

# %%
variants = {"its own labels": chosen, "control task": controls.control_task(chosen, seed)}
variants |= {of: controls.nuisance(chosen, of) for of in ("length", "frequency")}
on_control = {name: predictivity.predictivity(matrix, s.labels).max() for name, s in variants.items()}
pd.Series(on_control).round(3).to_frame("best predictivity in the layer")

# %% [markdown]
# Length is easily read from a *maximum*: a longer sentence has more tokens that could fire. A score on the sub-function's own labels must be judged
# with this in mind. Here these labels agree with the length labels on {glue:text}`agreement:.0%` of the sentences, where chance is 50 %.

# %% tags=["remove-cell"]
glue("model_name", models.known_as(model).rstrip("/").split("/")[-1], display=False)
glue("small", small, display=False)
glue("layer", layer, display=False)
glue("neurons", len(scores), display=False)
glue("word_1", subfunction.split("/")[0], display=False)
glue("word_0", subfunction.split("/")[1], display=False)
glue("best", float(scores.max()), display=False)
glue("silent", float((np.abs(matrix) < 1e-6).mean()), display=False)
glue("floor", float(null[len(scores)].mean()), display=False)
glue("relabelled", float(relabelled.mean()), display=False)
for form in ("knowledge", "balanced"):
    glue(f"seen_{form}", float(means.loc[form, baselines.SAME_SENTENCES]), display=False)
    glue(f"new_{form}", float(means.loc[form, "words"]), display=False)
held_out = functions.evaluation_sentences()
topical = [text not in held_out for s in loaded["topics"] for text in s.sentences]
glue("topics_trained", float(np.mean(topical)), display=False)
glue("topics_words", float(means.loc["topics", "words"]), display=False)
glue("semantic_words", float(means.loc["semantic", "words"]), display=False)
glue("semantic_length", float(means.loc["semantic", "length"]), display=False)
glue("sst2_words", float(easy.set_index("subfunction").loc["sst2", "words"]), display=False)
pairs = easy.set_index("subfunction").loc[["mrpc", "qqp", "qnli", "rte"]]
glue("pairs_most", float(pairs.max(numeric_only=True).max()), display=False)
glue("agreement", float((variants["length"].labels == y).mean()), display=False)

# %% [markdown]
# (data-departures)=
# ## Where this page departs from the paper
#
# The measure is the paper's, computed as in the authors' code ([D1](d1)). The model and the data are not the paper's. The table says in which direction each difference pushes.
#
# | departure | direction |
# |---|---|
# | semantic: two hidden nouns, not two senses of one visible word | open: two nouns differ more than two senses, but by OneSeC's rule (*topics*) the classes differ in even more words, {glue:text}`topics_words:.2f` against {glue:text}`semantic_words:.2f` |
# | 100 semantic and 29 knowledge sub-functions, not 529 and 39 | wider intervals; no direction |
# | knowledge: no entity that resembles its partner in spelling, in true or false triples | one cue less than T-REx has: predictivity falls |
# | knowledge: true triples were stated, in other words, in the companions' training text | a trained model can know them: predictivity of trained models rises |
# | knowledge: templates of our own | unknown: the paper does not print its templates |
# | task: made by rule, and t5-mini was trained on the training part | cleaner than GLUE: predictivity of t5-mini rises; of other models the direction is open |
# | real models tuned as sentence encoders, on pairs such as inference, duplicate questions, and questions with answers | predictivity of these tasks rises |
# | task: 1,000 sentences of every label | GLUE's CoLA, MRPC and RTE have fewer and unequal ones: chance-level neurons score lower here |
# | topics: {glue:text}`topics_trained:.0%` of the sentences were in the companions' training text, without any label | little: no sentence is told from another by that |
#
# ## Take away
#
# - A neuron is a row and a column of a feed-forward layer. Its activation on a sentence is that of its strongest token, and its predictivity says how well these activations rank the sentences by label.
# - The best of many neurons scores far above 0.5 by chance alone, and the more neurons a layer has, the higher.
# - Words and length tell many of the classes apart as well. A high score does not say which of these a neuron responds to.
#
# ## Check yourself
#
# ```{quiz}
# ```
#
# ## What this page does not show
#
# - Whether neurons *in general* are specialised: this page has one pair of words and one layer, and [](04_specialization.ipynb) asks about all of them.
# - What this neuron would get on new sentences. The best neuron was chosen on the same sentences that score it. The chance level is chosen in the same way, so the comparison
#   is fair, but {glue:text}`best:.2f` is not the score on new sentences.
# - That the neuron is *used* to understand the word it predicts. This takes an intervention.
#
# ## Exercises
#
# {ref}`reading-hook`, {ref}`real-maximum` and {ref}`precision-with-ties` stand above, where their ideas are introduced. The other exercises of this page follow.
#
# ```{exercise} A silent neuron
# :label: silent-neuron
# *(3 minutes, easy.)* A neuron that never fires has activation 0 on all sentences. Without running anything: what is
# its predictivity for {glue:text}`positives:d` sentences of class 1 and {glue:text}`negatives:d` of class 0? And
# for 30 and 70? Put the two numbers into `answer`.
#
# :::{hint}
# :class: dropdown
# All sentences share one threshold.
# :::
# ```

# %% tags=["solution", "hide-cell"]
answer = (0.5, 0.7)  # the one precision is the share of a class, and the larger class counts

# %% tags=["check"]
exercise.answered(globals(), "answer")
silent = np.zeros((100, 1))
assert np.isclose(answer[0], predictivity.predictivity(silent, np.arange(100) % 2)[0]), "not for equal classes"
assert np.isclose(answer[1], predictivity.predictivity(silent, np.arange(100) >= 70)[0]), "not for 30 and 70"

# %% [markdown]
# ```{exercise} Mean instead of maximum
# :label: mean-pooling
# *(5 minutes, medium.)* Equation {eq}`pooled` takes the maximum. Predict: does the best predictivity of the last layer of {glue:text}`small` rise or
# fall when the *mean* over the tokens is taken? Then put these activations, an array like `maxima`, into `mean_pooled`, and their
# best predictivity into `mean_best`.
#
# :::{hint}
# :class: dropdown
# `capture.pooled_activations` has an argument `pooling`.
# :::
# ```

# %% tags=["solution", "hide-cell"]
mean_pooled = capture.pooled_activations(companion, chosen.sentences, pooling="mean").isel(layer=-1).to_numpy()
mean_best = predictivity.predictivity(mean_pooled, y).max()

# %% tags=["check"]
exercise.answered(globals(), "mean_pooled", "mean_best")
assert mean_pooled.shape == maxima.shape, "expected the sentences in rows and the neurons of one layer in columns"
assert (mean_pooled <= maxima + 1e-5).all(), (
    "a mean is never above the maximum of the same layer: is it that of the last layer?"
)
assert ((mean_pooled > 0) == (maxima > 0)).all(), "a neuron that fires on any token has a mean above zero"
assert mean_pooled.sum() < 0.9 * maxima.sum(), "these are the maxima"
assert np.isclose(mean_best, predictivity.predictivity(mean_pooled, y).max()), "not the best of these activations"
print(
    f"best predictivity: {predictivity.predictivity(maxima, y).max():.3f} with the maximum, {mean_best:.3f} with the mean"
)

# %% tags=["remove-cell"]
glue("positives", positives, display=False)
glue("negatives", negatives, display=False)
