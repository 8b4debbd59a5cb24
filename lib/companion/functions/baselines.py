"""What simple classifiers reach on the mini track: a function that they solve is too easy to be one."""

from importlib import metadata
from typing import Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Int
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from companion.functions import prompts, sources, tracks
from companion.functions.controls import words
from modularity import store

VERSION = 1  # raise it by one in the commit that changes what a baseline is: reports are stored by it
Kind = Literal["words", "word pairs", "length", "overlap"]
Features = Any  # rows × features: an array, or a sparse one
FEW = 1000  # rows whose inner products are soon computed
SAME_SENTENCES = "words, same sentences"
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
    both = pd.concat([train, test])
    rows = np.arange(len(both))
    split = rows[: len(train)], rows[len(train) :]
    return _accuracy(_features(both.loc[:, fields], kind), both[label].to_numpy(), *split)


def cross_validated(table: pd.DataFrame, fields: list[str], kind: Kind, *, label: str = "label") -> float:
    """Mean over five folds of what `accuracy` measures, each fold in turn being the rows that it is measured on."""
    x, labels = _features(table.loc[:, fields], kind), table[label].to_numpy()
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(x, labels)
    return float(np.mean([_accuracy(x, labels, *split) for split in folds]))


def _features(texts: pd.DataFrame, kind: Kind) -> Features:
    """A row for each row of texts."""
    if kind in ("words", "word pairs"):
        ngrams = (1, 1 + (kind == "word pairs"))
        vectorizer = CountVectorizer(ngram_range=ngrams, token_pattern=r"\S+", binary=True, dtype=np.float64)  # type: ignore[arg-type]
        return sparse.hstack([vectorizer.fit_transform(texts[f]) for f in texts]).tocsr()
    return _lengths(texts) if kind == "length" else _overlap(texts)


def _accuracy(x: Features, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Balanced accuracy on the rows `test` after fitting to the rows `train`."""
    fitted, measured, penalty = x[train], x[test], 10.0
    if sparse.issparse(x):
        known = np.flatnonzero(fitted.getnnz(axis=0))
        fitted, measured = fitted[:, known], measured[:, known]
    else:  # measures of different units
        scaler = StandardScaler().fit(fitted)
        fitted, measured, penalty = scaler.transform(fitted), scaler.transform(measured), 1.0
    return float(balanced_accuracy_score(labels[test], predicted(fitted, labels[train], measured, penalty)))


def predicted(
    x: Features, labels: Int[np.ndarray, "row"], y: Features, penalty: float, few: int = FEW
) -> Int[np.ndarray, "other"]:
    """The labels of the rows `y` by a ridge classifier fitted to the rows `x`, as scikit-learn's.

    With up to `few` rows the solution is exact, in terms of the rows' inner products (there are more features than
    rows), and takes a tenth of the time.
    """
    if x.shape[0] > few:
        return RidgeClassifier(alpha=penalty).fit(x, labels).predict(y)  # type: ignore[return-value]
    classes = np.unique(labels)
    targets = np.where(labels[:, None] == classes, 1.0, -1.0)
    mean = np.asarray(x.mean(axis=0)).ravel()
    seen, new, offset = x @ mean, y @ mean, mean @ mean

    def centred(products: Features, left: np.ndarray) -> np.ndarray:
        dense = products.toarray() if sparse.issparse(products) else products
        return dense - left[:, None] - seen + offset

    weights = np.linalg.solve(centred(x @ x.T, seen) + penalty * np.eye(len(labels)), targets - targets.mean(axis=0))
    likely = centred(y @ x.T, new) @ weights + targets.mean(axis=0)
    return classes[likely.round(9).argmax(axis=1)]  # where classes tie, the first, and not what rounding says here


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


def report(function: tracks.Function | tracks.Control) -> pd.DataFrame:
    """Balanced accuracy of every baseline on every sub-function (of tasks: with the labels of GLUE), a column each.

    Fitted on the train part and measured on the validation part, which share no entity or source sentence; semantic
    and topics sub-functions have no parts and are cross-validated (5 folds). Chance is 0.5, for MNLI's three labels
    1/3.

    Knowledge and its balanced control have a column more, `SAME_SENTENCES`: words, fitted to all sentences and measured
    on the same ones. Entities tell nothing about other entities, but a neuron is chosen on the sentences that score it,
    and what entities tell there is a part of its score.

    Stored once computed.
    """
    sources.path(file := f"functions/{function}.parquet")  # stops where there is none, or a damaged one
    key = {"version": VERSION, "table": sources.registry()[file].sha256}
    key |= {name: metadata.version(name) for name in ("numpy", "scikit-learn", "scipy")}
    found = store.cached(f"baselines-{function}", key, lambda: _computed(function).to_xarray().to_dataarray("kind"))
    table = found.to_dataset("kind").to_dataframe().reset_index()
    table.insert(0, "function", function)
    return table


def _computed(function: tracks.Function | tracks.Control) -> pd.DataFrame:
    """What `report` says, indexed by ``subfunction``."""
    rows: dict[str, dict[str, float]] = {}
    if function == "task":
        for name in tqdm(prompts.FUNCTION_TASKS, desc="baselines", unit="task"):
            fields = list(prompts.task(name).fields)
            train, test = tracks.task_table(name, "train"), tracks.task_table(name)
            kinds = ("words", "word pairs", "length", "overlap")[: 3 + (len(fields) > 1)]
            rows[name] = {kind: accuracy(train, test, fields, kind) for kind in kinds}
    elif function in ("knowledge", "balanced"):
        for name, table in tqdm(tracks.table_of(function).groupby("name", observed=True), desc="baselines"):
            train, test = table.query("part == 'train'"), table.query("part == 'validation'")
            kinds = ("words", "word pairs", "length")
            rows[str(name)] = {kind: accuracy(train, test, ["sentence"], kind) for kind in kinds}
            rows[str(name)][SAME_SENTENCES] = accuracy(table, table, ["sentence"], "words")
    else:
        for name, table in tqdm(tracks.table_of(function).groupby("name", observed=True), desc="baselines"):
            rows[str(name)] = {kind: cross_validated(table, ["sentence"], kind) for kind in ("words", "length")}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("subfunction")
