"""What simple classifiers reach on the mini track: a function that they solve is too easy to be one."""

from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from modularity import functions, prompts
from modularity.controls import words

Kind = Literal["words", "word pairs", "length", "overlap"]
SEEN = "words, same sentences"
NEGATIONS = {"no", "not", "never", "nobody", "nothing", "none", "nor", "without", "n't"}


def accuracy(train: pd.DataFrame, test: pd.DataFrame, fields: list[str], kind: Kind, *, label: str = "label") -> float:
    """Balanced accuracy on `test` of a linear classifier with ridge penalty fitted to `train`.

    Logistic regression reaches the same within a point here and takes thirty times as long.

    Parameters
    ----------
    fields : the text columns, each with features of its own.
    kind : ``words``, which words occur; ``word pairs``, words and adjacent pairs; ``length``, how many words and
        characters; ``overlap``, of two fields, the share of each one's words that are in the other, and negations.
    """
    if kind in ("words", "word pairs"):
        vectorizers = [
            CountVectorizer(ngram_range=(1, 1 + (kind == "word pairs")), token_pattern=r"\S+", binary=True)
            for _ in fields
        ]
        x = sparse.hstack([v.fit_transform(train[f]) for v, f in zip(vectorizers, fields, strict=True)]).tocsr()
        y = sparse.hstack([v.transform(test[f]) for v, f in zip(vectorizers, fields, strict=True)]).tocsr()
        model = RidgeClassifier(alpha=10, solver="sparse_cg")
    else:
        measure = _lengths if kind == "length" else _overlap
        x, y = measure(train.loc[:, fields]), measure(test.loc[:, fields])
        model = make_pipeline(StandardScaler(), RidgeClassifier())
    return float(balanced_accuracy_score(test[label], model.fit(x, train[label]).predict(y)))


def _lengths(texts: pd.DataFrame) -> np.ndarray:
    columns = [texts[f].map(measure) for f in texts for measure in (lambda t: len(words(t)), len)]
    if len(texts.columns) == 2:
        columns += [columns[0] - columns[2], columns[1] - columns[3]]
    return np.stack(columns, axis=1).astype(float)


def _overlap(texts: pd.DataFrame) -> np.ndarray:
    rows = []
    for pair in texts.itertuples(index=False):
        first, second = (set(words(t)) for t in pair)
        shared = len(first & second)
        negated = [float(bool(NEGATIONS & s)) for s in (first, second)]
        rows.append((shared / max(len(first), 1), shared / max(len(second), 1), *negated))
    return np.array(rows)


def report(function: functions.Function | functions.Control) -> pd.DataFrame:
    """Balanced accuracy of every baseline on every sub-function (of tasks: with the labels of GLUE), a column each.

    Fitted on the train part and measured on the validation part, which share no entity or source sentence; semantic
    and topics sub-functions have no parts and are cross-validated (5 folds). Chance is 0.5, for MNLI's three labels
    1/3.

    Knowledge and its balanced control have a column more, ``SEEN``: words, fitted to all sentences and measured on the
    same ones. Entities tell nothing about other entities, but a neuron is chosen on the sentences that score it, and
    what entities tell there is a part of its score.
    """
    rows: dict[str, dict[str, float]] = {}
    if function == "task":
        for name in tqdm(prompts.FUNCTION_TASKS, desc="baselines", unit="task"):
            fields = list(prompts.task(name).fields)
            train, test = functions.task_table(name, "train"), functions.task_table(name)
            kinds = ("words", "word pairs", "length", "overlap")[: 3 + (len(fields) > 1)]
            rows[name] = {kind: accuracy(train, test, fields, kind) for kind in kinds}
    elif function in ("knowledge", "balanced"):
        for name, table in tqdm(functions.table_of(function).groupby("name", observed=True), desc="baselines"):
            train, test = table.query("part == 'train'"), table.query("part == 'validation'")
            kinds = ("words", "word pairs", "length")
            rows[str(name)] = {kind: accuracy(train, test, ["sentence"], kind) for kind in kinds}
            rows[str(name)][SEEN] = accuracy(table, table, ["sentence"], "words")
    else:
        for name, table in tqdm(functions.table_of(function).groupby("name", observed=True), desc="baselines"):
            folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(table, table["label"]))
            rows[str(name)] = {
                kind: float(np.mean([accuracy(table.iloc[a], table.iloc[b], ["sentence"], kind) for a, b in folds]))
                for kind in ("words", "length")
            }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("subfunction").reset_index()
    table.insert(0, "function", function)
    return table
