"""What can be read from an encoder's last states: by a linear probe, or by the similarity of two sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modularity import capture
from modularity.models import Model

FOLDS = 5
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)  # inverse weights of the regularisation, of which one is chosen within each fold
BATCH_TOKENS = 1024


@torch.inference_mode()
def states(model: Model, sentences: Sequence[str]) -> Float[np.ndarray, "sentence d_model"]:
    """The last layer's states of each sentence, averaged over its tokens, as a sentence encoder is used."""
    ids = capture.tokenize(model, sentences)
    made: np.ndarray | None = None
    for chosen in capture.batches([len(i) for i in ids], BATCH_TOKENS):
        last, mask = capture.encoded(model, ids, chosen)
        weight = (mask / mask.sum(1, keepdim=True))[..., None]
        values = (last * weight).sum(1).float().cpu().numpy()
        made = np.empty((len(ids), values.shape[1]), np.float32) if made is None else made
        made[chosen] = values
    assert made is not None
    return made


def features(columns: Sequence[Float[np.ndarray, "item d_model"]]) -> Float[np.ndarray, "item feature"]:
    """What a probe of items sees: the state of a sentence; of a pair the distance and the product of both states in
    every dimension (Conneau et al., 2017), so that the two may be exchanged."""
    if len(columns) == 1:
        return columns[0]
    first, second = columns
    return np.hstack([np.abs(first - second), first * second])


@dataclass(frozen=True)
class Probe:
    """Regularised logistic regressions, each fitted without one fold of the items, which it judges."""

    fold: Int[np.ndarray, "item"]
    fitted: tuple[GridSearchCV, ...]
    labels: Int[np.ndarray, "item"]

    def judge(
        self, features: Float[np.ndarray, "judged feature"], rows: Int[np.ndarray, "judged"]
    ) -> tuple[float, float]:
        """Share of items that are judged right, and the area under their ROC curve, which does not depend on where
        the border between the classes is drawn; the mean over folds, each of which has a border of its own.

        Parameters
        ----------
        features : of the items `rows` of those fitted, as an encoder that may be perturbed has them.
        """
        right, areas = 0, []
        for i, probe in enumerate(self.fitted):
            mine = np.flatnonzero(self.fold[rows] == i)
            labels = self.labels[rows[mine]]
            if not len(mine):
                continue
            odds = probe.decision_function(features[mine])
            right += int(((odds > 0) == labels).sum())
            if 0 < labels.sum() < len(labels):
                areas.append(float(roc_auc_score(labels, odds)))
        return right / len(rows), float(np.mean(areas)) if areas else float("nan")


def fit(
    features: Float[np.ndarray, "item feature"],
    labels: Int[np.ndarray, "item"],
    groups: Sequence[str],
    *,
    seed: int = 0,
) -> Probe:
    """A probe of an unperturbed encoder.

    Parameters
    ----------
    groups : of each item. Items of one group are in one fold: of two made from one source with unlike labels, the one
        would teach the wrong answer to the other.
    seed : of the folds; the strength of the regularisation is chosen by folds within the items that are fitted.

    Raises
    ------
    ValueError
        A class has items of fewer groups than there are folds.
    """
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    least = min(len(set(numbers[labels == label])) for label in (0, 1))
    if least < FOLDS:
        raise ValueError(f"a class has items of {least} groups, expected {FOLDS} or more, one for each fold")
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    fold = np.empty(len(labels), dtype=int)
    fitted = []
    for i, (rest, judged) in enumerate(folds.split(features, labels, numbers)):
        fold[judged] = i
        inner = StratifiedGroupKFold(3, shuffle=True, random_state=seed)
        regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        search = GridSearchCV(regression, {"logisticregression__C": STRENGTHS}, cv=inner, scoring="roc_auc")
        fitted.append(search.fit(features[rest], labels[rest], groups=numbers[rest]))
    return Probe(fold, tuple(fitted), labels)


def similarity(
    first: Float[np.ndarray, "pair d_model"],
    second: Float[np.ndarray, "pair d_model"],
    labels: Int[np.ndarray, "pair"],
) -> float:
    """How well the cosine of two sentences' states tells pairs that mean the same: the area under the ROC curve."""
    both = (first * second).sum(1)
    cosine = both / np.maximum(np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1), 1e-12)
    return float(roc_auc_score(labels, cosine))
