"""Training runs of a second: two recipes, and texts, facts and tasks for them."""

from dataclasses import replace

import pandas as pd

from companion.models import catalogue, mixture, pretrain
from companion.models.recipe import Recipe

NANO = Recipe(
    steps=12,
    batch=4,
    facts=2,
    tasks=6,
    length=24,
    warmup=2,
    decay=0.5,
    lr=0.03,
    d_model=16,
    d_ff=32,
    layers=2,
    decoder_layers=1,
    heads=2,
)
SWITCH = replace(NANO, tasks=0, experts=4, capacity=8, decoder_layers=2)
DOCS = [
    [f"The {a} {b} sat on the {c}.", f"A {c} is no {a}."]
    for a in ("red", "old", "wet")
    for b in ("cat", "dog", "hen")
    for c in ("mat", "hat", "log", "bog")
]


def examples() -> list[mixture.Example]:
    """Red cats are yes, others no."""
    tokenizer = catalogue.tokenizer()
    words = {word: tokenizer(word)["input_ids"] for word in ("yes", "no")}
    made = []
    for i in range(40):
        a, b = ("red", "old")[i % 2], ("cat", "dog", "hen")[i % 3]
        ids = tokenizer(f"The {a} {b}" + " sat" * (i % 5))["input_ids"]
        made.append(mixture.Example(tuple(ids), tuple(words["yes" if (a, b) == ("red", "cat") else "no"])))
    return made


def facts() -> list[mixture.Example]:
    columns = {"wording": ["The {head} is {tail}."] * 3, "head": ["cat", "dog", "hen"], "tail": ["red", "old", "wet"]}
    return mixture.statements(catalogue.tokenizer(), pd.DataFrame(columns))


def train(recipe, folder, **options):
    return pretrain.pretrain(recipe, folder, DOCS, facts(), examples(), **options)
