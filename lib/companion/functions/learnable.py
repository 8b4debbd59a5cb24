"""Tasks that a small model can learn from 128 examples, made from the corpus: topics, and hidden words.

GLUE's tasks are too hard for a small Switch: what stands at chance cannot lose anything. Here the gap of a sentence is
filled with its topic, or with the word that is hidden in it.
"""

import re
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from companion.functions import sources
from companion.functions.prompts import LEARNABLE
from modularity.subfunction import SENTINEL, SubFunction

# Task → the topics of the vital articles whose sentences are to be told apart, label 0 and label 1.
TOPICS = {
    "life/places": ("Biology and health sciences", "Geography"),
    "people/technology": ("People", "Technology"),
    "art/science": ("Arts", "Physical sciences"),
}
CORPORA = ("wikipedia", "brown", "wordnet")
LEAST, MOST = 8, 40  # words of a sentence
TRAIN, VALIDATION = 600, 200  # sentences of a class; of hidden words the 100 that the semantic function has
SEED = 0


def table(name: str, part: str = "validation") -> pd.DataFrame:
    """Sentences of a task: ``sentence, label, source, kind``; as many of each label.

    No article is a source of both parts. Of hidden words the validation part is the sub-function of the semantic
    function, whose sentences no companion model was trained on; their training part is from the text of pre-training.

    Raises
    ------
    ValueError
        An unknown task or part.
    """
    if name not in LEARNABLE:
        raise ValueError(f"there is no task {name!r} to be learned; there are {', '.join(LEARNABLE)}")
    if part not in ("train", "validation"):
        raise ValueError(f"unknown part {part!r}; known: train, validation")
    return (_topics(name) if name in TOPICS else _words(name))[part]


def subfunctions(part: str | None = None) -> list[SubFunction]:
    """The tasks as sub-functions of the task function, of which predictivities are measured."""
    made = []
    for name in sorted(LEARNABLE):
        rows = table(name, part or "validation")
        provenance = "data/corpus, by companion.functions.learnable"
        made.append(SubFunction(name, "task", tuple(rows["sentence"]), rows["label"].to_numpy(np.int8), provenance))
    return made


@cache
def _sentences() -> Any:  # a table
    """Every sentence of the corpus of some length: ``sentence, words, source, topic, corpus``."""
    made = []
    for corpus in CORPORA:
        texts = pd.read_json(sources.path(f"corpus/{corpus}.jsonl.xz"), lines=True)
        topics = texts["topic"] if "topic" in texts else [""] * len(texts)
        for title, text, topic in zip(texts["title"], texts["text"], topics, strict=True):
            made += [(sentence, f"{corpus} {title}", topic, corpus) for sentence in text.split("\n")]
    rows: Any = pd.DataFrame(made, columns=["sentence", "source", "topic", "corpus"]).drop_duplicates("sentence")
    words = rows["sentence"].map(lambda sentence: tuple(re.findall(r"[^\W\d_]+", sentence)))
    return rows.assign(words=words)[words.map(len).between(LEAST, MOST)].reset_index(drop=True)


@cache
def _topics(name: str) -> dict[str, pd.DataFrame]:
    every = _sentences()
    rows: Any = pd.concat([every[every["topic"] == topic].assign(label=i) for i, topic in enumerate(TOPICS[name])])
    titles = np.array(sorted(set(rows["source"])))
    held = set(np.random.default_rng(SEED).permutation(titles)[: len(titles) // 4].tolist())
    validation = rows["source"].isin(held)
    return {"train": _balanced(rows[~validation], TRAIN), "validation": _balanced(rows[validation], VALIDATION)}


@cache
def _words(name: str) -> dict[str, pd.DataFrame]:
    known: Any = pd.read_parquet(sources.path("functions/semantic.parquet")).query("name == @name")
    words = LEARNABLE[name].cloze_words
    validation = pd.DataFrame(
        {
            "sentence": known["sentence"],
            "label": known["keyword"].astype(str).map({word: i for i, word in enumerate(words)}),
            "source": "semantic " + known["part"].astype(str),
        }
    )
    shown = {
        sentence.replace(SENTINEL, word) for sentence, word in zip(known["sentence"], known["keyword"], strict=True)
    }
    every = _sentences()
    every = every[~every["sentence"].isin(shown)]
    found = []
    for label, word in enumerate(words):
        here = every[every["words"].map(lambda seen, word=word: seen.count(word) == 1)]
        hidden = here["sentence"].map(lambda text, word=word: re.sub(rf"\b{word}\b", SENTINEL, text, count=1))
        found.append(here.assign(sentence=hidden, label=label))
    return {"train": _balanced(pd.concat(found), TRAIN), "validation": _balanced(validation, VALIDATION)}


def _balanced(rows: Any, most: int) -> pd.DataFrame:
    """As many rows of either label, at most `most`, in an order of their own."""
    rng = np.random.default_rng(SEED)
    size = min(most, int(rows["label"].value_counts().min()))
    chosen = [part.iloc[rng.permutation(len(part))[:size]] for _, part in rows.groupby("label")]
    made: Any = pd.concat(chosen)
    made = made.iloc[rng.permutation(len(made))].assign(kind="")
    return made[["sentence", "label", "source", "kind"]].astype({"label": int}).reset_index(drop=True)
