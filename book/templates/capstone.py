# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What does your model do?
#
# *Name, date:*
#
# This is the template of a report on one model and one labelled table. It runs as it is, from top to bottom, on an example: a tiny model and a table that it makes. Run it once, read it, and then put your own model and table in its place. The book's page *What does your model do?* says what a good table is and how the report is graded.
#
# Below each cell is a prompt, **Write.** Replace it with one to five sentences of your own. Name the number first and then what it means, and keep what you expected even if it was wrong.
#
# ## 1 · The question
#
# **Write, before you run anything.** What do you ask of the model, as one sentence with a question mark? Which result would answer *yes*, which would answer *no*, and which one do you expect?

# %%
import numpy as np
import pandas as pd
import torch
import transformers
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, BertConfig, BertTokenizer

import modularity
from modularity import perturb

name, path = "capstone-example", "capstone-example.csv"  # the folder of your model, and your table

# %% [markdown]
# **Write.** Which model is this, who trained it on what, and where does its folder come from? Who wrote the sentences, who labelled them, and may they be shared?

# %% [markdown]
# ## 2 · The example (delete this section)
#
# Delete this section when you have your own model and table, and set `name` and `path` above.
#
# The table has two functions with six sub-functions each. *Subject* asks whether the first noun is singular: both classes have the same words in another order. *Place* asks which of two words is in the sentence: *near* or *behind*. The verb is hidden.

# %%
NOUNS, VERBS = "dog cat bird boy girl king".split(), "sing sleep wait run".split()
ADJECTIVES, PLACES = "old young big small".split(), ("near", "behind")
rng = np.random.default_rng(0)


def phrases(noun=None):
    """One noun phrase in the singular and one in the plural, of two nouns, in either order."""
    first, second = rng.permutation([noun or rng.choice(NOUNS), rng.choice([n for n in NOUNS if n != noun])])
    return f"the {rng.choice(ADJECTIVES)} {first}", f"the {rng.choice(ADJECTIVES)} {second}s"


rows = []
for noun in NOUNS:
    for one, many in sorted({phrases(noun) for _ in range(70)})[:50]:
        place, (first, second) = rng.choice(PLACES), rng.permutation([one, many])
        rows += [
            (f"{a} {place} {b} <extra_id_0>", int(a == one), noun, "subject") for a, b in [(one, many), (many, one)]
        ]
        rows += [(f"{first} {p} {second} <extra_id_0>", int(p == "near"), f"{noun}, place", "place") for p in PLACES]
pd.DataFrame(rows, columns=["sentence", "label", "subfunction", "function"]).to_csv(path, index=False)
rows[:4]

# %% [markdown]
# **Write.** Nothing here. In your own report, say how you made the table.

# %% [markdown]
# The model is a BERT with two layers of 512 neurons. It learns for a few seconds to fill in the hidden verb, which agrees with the first noun.

# %%
words = [*PLACES, *ADJECTIVES, "the", *(w + s for w in NOUNS + VERBS for s in ("", "s"))]
vocabulary = {w: i for i, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])}
tokenizer = BertTokenizer(vocab=vocabulary)
shape = {"hidden_size": 64, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 4}
dropout = {"hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0}  # learns sooner without
torch.manual_seed(0)
example = AutoModelForMaskedLM.from_config(BertConfig(vocab_size=len(vocabulary), **shape, **dropout))

# %% [markdown]
# **Write.** Nothing here. In your own report, say how large your model is: layers, neurons of a layer, parameters.

# %%
optimizer = torch.optim.AdamW(example.parameters(), lr=2e-3)
for _ in range(300):
    pairs = [rng.permutation(phrases()) for _ in range(32)]
    verbs = [rng.choice(VERBS) + ("" if a.endswith("s") else "s") for a, _ in pairs]
    asked = tokenizer([f"{a} {rng.choice(PLACES)} {b} [MASK]" for a, b in pairs], return_tensors="pt", padding=True)
    answers = torch.full_like(asked["input_ids"], -100)  # -100: not asked
    answers[asked["input_ids"] == tokenizer.mask_token_id] = torch.tensor([vocabulary[v] for v in verbs])
    loss = example(**asked, labels=answers).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
example.save_pretrained(name)
tokenizer.save_pretrained(name)
print(f"loss {loss.item():.2f}; knowing the number of the verb, and no more, gives {np.log(len(VERBS)):.2f}")

# %% [markdown]
# **Write.** Nothing here. In your own report, say how well your model does what it was trained for.

# %% [markdown]
# ## 3 · The table
#
# A neuron that tells two classes apart may tell apart anything in which they differ. The first two cells look at the two simplest differences: length and words.

# %%
table = pd.read_csv(path)
subfunctions = modularity.SubFunction.from_table(table)
sizes = pd.DataFrame([(s.function, s.name, *s.sizes) for s in subfunctions], columns=["function", "subfunction", 1, 0])
length = table.assign(words=table["sentence"].str.split().str.len()).groupby(["function", "label"])["words"]
display(sizes, length.agg(["count", "mean", "min", "max"]))

# %% [markdown]
# **Write.** How many sentences has each class? Are the classes matched for length? If not, shorten the longer class, or say what a neuron that counts words would score.

# %%
said = table[["function", "label"]].join(table["sentence"].str.lower().str.findall(r"\w+").map(set).rename("word"))
among = said.explode("word").groupby(["function", "word", "label"]).size().unstack("label", fill_value=0)
share = among / table.groupby(["function", "label"]).size().unstack("label").reindex(among.index, level="function")
difference = (share[1] - share[0]).rename("share in class 1 minus share in class 0")
difference.loc[difference.abs().groupby("function").nlargest(3).index.droplevel(0)]

# %% [markdown]
# **Write.** Which words differ most between the classes? If one word tells the classes apart, your question is about that word. *(Example: in* subject *no word differs; in* place *the word is the question.)*

# %% [markdown]
# ## 4 · Data of the model, and its controls
#
# Three controls are computed before any result is looked at: *untrained copies* have the same shape and random weights; *shuffled labels* keep the sentences and destroy the question; *chance level* is what the best of as many neurons reaches if all rank the sentences at random.

# %%
tokenizer = AutoTokenizer.from_pretrained(name)
config = AutoConfig.from_pretrained(name)
model = modularity.wrap(AutoModelForMaskedLM.from_pretrained(name), tokenizer)
copies = []
for seed in range(3):
    torch.manual_seed(seed)
    fresh = AutoModelForMaskedLM.from_config(config)
    copies.append(modularity.wrap(fresh, tokenizer, name=f"untrained {seed}"))

# %% [markdown]
# **Write.** Which class of `transformers` loads your model? (One without a head, `AutoModel`, is enough up to section 7.) How many untrained copies do you take, and why more than one?

# %%
options = {"share": 0.05}  # of a layer's neurons: 25 of the example's; the default 0.01 suits layers of 1,000 or more
found = modularity.analyse(model, subfunctions, **options)
untrained = [modularity.analyse(copy, subfunctions, **options) for copy in copies]
rng = np.random.default_rng(0)
labels = table.groupby("subfunction")["label"].transform(lambda column: rng.permutation(column))
shuffled = modularity.analyse(model, modularity.SubFunction.from_table(table.assign(label=labels)), **options)

# %% [markdown]
# **Write.** Which options of `analyse` did you choose (score, number of experts, share of top neurons), and did you choose them before you saw a result? *(Example: no. The sentences, the training and `share` were tried in several versions until the model learned the verb and few results tied. An example may do so; a report has to say so.)*

# %% [markdown]
# ## 5 · The best neurons
#
# In each layer, the *predictivity* of the best neuron for each sub-function, mean over sub-functions. *Held out* is its predictivity on sentences that did not choose it.

# %%
by = ["function", "layer"]
best = found.best().groupby(by)[["predictivity", "held_out", "chance"]].mean()
best["shuffled"] = shuffled.best().groupby(by)["predictivity"].mean()
of_copies = pd.concat([u.best().groupby(by)["predictivity"].mean() for u in untrained], axis=1)
best["untrained"], best["lowest"], best["highest"] = (
    of_copies.mean(axis=1),
    of_copies.min(axis=1),
    of_copies.max(axis=1),
)
best.round(2)

# %% [markdown]
# **Write.** Is *shuffled* at chance level? If it is far above, something is wrong before any result. Then say for each function by how much the model exceeds chance level, and by how much it exceeds the untrained copies. Which of the two differences can training have made?

# %%
axis = best[["predictivity", "untrained", "chance"]].plot.bar(ylim=(0.5, 1), ylabel="predictivity of the best neuron")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
# %% [markdown]
# **Write.** A caption: what is compared, on which model and how many sentences, what the bars are means of, and one sentence that says what the figure shows.

# %%
gain = found.best().set_index(["subfunction", "layer"])["predictivity"]
gain = (
    gain
    - pd.concat([u.best().set_index(["subfunction", "layer"])["predictivity"] for u in untrained])
    .groupby(["subfunction", "layer"])
    .mean()
)
gain.groupby("subfunction").mean().sort_values().round(2)

# %% [markdown]
# **Write.** In how many of your sub-functions does the model exceed the untrained copies? Name the one that gains least, not only the one that gains most.

# %% [markdown]
# ## 6 · Top neurons and functional experts
#
# The *top neurons* of a sub-function are the best neurons of each layer, as many as `share` says. The share that two sub-functions have in common:

# %%
found.overlap().merge(untrained[0].overlap(), on=["function", "other", "chance"], suffixes=("", " untrained")).round(3)

# %% [markdown]
# **Write.** Do sub-functions of one function share more top neurons than those of two? And in the untrained copy? If many neurons reach a predictivity of 1, the first of them are taken, and what is shared then says little: ask a harder question, or read `found.reading`.

# %% [markdown]
# An *expert* is a group of neurons with similar weights. It is *functional* if it holds more of a function's top neurons than the permutation null allows, which shuffles neurons among experts; each neuron keeps its sub-functions.

# %%
columns = ["proportion", "random_proportion", "low", "high", "degree", "random_degree"]
both = {"model": found.summary()[columns], "untrained": untrained[0].summary()[columns]}
pd.concat(both, names=["of"]).round(3)

# %% [markdown]
# **Write.** Compare *proportion* with the range *low* to *high* of random partitions, and with the untrained copy. If it lies within that range, write that functional experts are not shown, not that there are none.

# %% [markdown]
# ## 7 · One perturbation, and what it costs
#
# What a neuron is good at need not be what the model uses it for. Here Gaussian noise is added to the top neurons of one function, and then to as many random neurons of the same layers, again and again.
#
# `does` measures what *your* model is for. In the example it is the probability that the hidden verb has the right number. With your own model, replace the next cell: let `does` return the accuracy of your classifier, or minus the mean loss of your language model, on sentences that it was not trained on.

# %%
asked = table[table["function"] == "subject"]
endings = [vocabulary[v + "s"] for v in VERBS], [vocabulary[v] for v in VERBS]


@torch.inference_mode()
def does():
    """The probability that the hidden verb has the right number, mean over sentences."""
    text = asked["sentence"].str.replace("<extra_id_0>", tokenizer.mask_token).tolist()
    read = tokenizer(text, return_tensors="pt", padding=True)
    logits = model.module(**read).logits[read["input_ids"] == tokenizer.mask_token_id]
    singular, plural = (logits.softmax(1)[:, e].sum(1).numpy() for e in endings)
    return float(np.where(asked["label"] == 1, singular, plural).mean())


unperturbed = does()
print(f"unperturbed: {unperturbed:.3f}")

# %% [markdown]
# **Write.** What does `does` measure, on how many sentences, were they part of training, and what would a model get that guesses?


# %%
def top(function):
    """The top neurons of a function's sub-functions, by layer."""
    of = found.top.isel(subfunction=(found.top["function"] == function).to_numpy()).any("subfunction")
    return {int(layer): np.flatnonzero(of.sel(layer=layer)) for layer in of["layer"]}


def cost(which):
    """By how much `does` falls while these neurons are perturbed."""
    with perturb.neurons(model, which, how="gaussian", variance=100):
        return unperturbed - does()


costs = {function: cost(top(function)) for function in table["function"].unique()}
costs

# %% [markdown]
# **Write.** Which perturbation did you choose, how strong is it, and why? The paper's noise has a variance of 4, which changes almost nothing in the example; 100 was chosen after 4, 25, 100 and 400 had been tried. Strong noise can take the model to states that never occur; `how="resample"` keeps activations that do occur, and `how="zero"` silences the neurons.

# %%
rng = np.random.default_rng(0)
width = found.top.sizes["neuron"]
rows = []
for function, loss in costs.items():
    sizes = {layer: len(index) for layer, index in top(function).items()}
    random = [cost({i: rng.choice(width, n, replace=False) for i, n in sizes.items()}) for _ in range(20)]
    rows.append((function, sum(sizes.values()), loss, np.mean(random), min(random), max(random)))
pd.DataFrame(rows, columns=["top neurons of", "neurons", "cost", "random", "lowest", "highest"]).round(3)

# %% [markdown]
# **Write.** Do the top neurons cost more than random neurons of the same number? More than those of another function? What is the largest difference that your run leaves possible, and what would show a *dissociation*?

# %% [markdown]
# ## 8 · What this report does not show
#
# **Write.** Three sentences that a reader could believe after this report, and that it does not show. For each one, say which data or control would be needed. Think of other words and other lengths, another seed of training, another model, another score, and how many comparisons you made.
#
# ## 9 · Answer
#
# **Write.** Your question again, and its answer in two sentences: the comparison, the difference, and what it means. Then your prediction from section 1 beside it.

# %%
{
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "model": name,
    "table": path,
    "copies": len(copies),
}

# %% [markdown]
# **Write.** Which files does somebody need who wants to run your report again? What help did you have, from people or programs?
