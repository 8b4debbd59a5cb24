"""What can be read from an encoder's last states, by a linear probe or by the similarity of two sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modularity import capture
from modularity.models import Model

FOLDS = 5
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)  # of the weights' size against the sentences' errors, chosen within each fold
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


@dataclass(frozen=True)
class Probe:
    """Regularised logistic regressions, each fitted without one fold of the sentences, which it judges."""

    fold: Int[np.ndarray, "sentence"]
    fitted: tuple[GridSearchCV, ...]
    labels: Int[np.ndarray, "sentence"]

    def accuracy(self, states: Float[np.ndarray, "sentence d_model"]) -> float:
        """Share of sentences that are judged right, by states of the same sentences in the same order."""
        if len(states) != len(self.fold):
            raise ValueError(f"got states of {len(states)} sentences, expected those of the {len(self.fold)} fitted")
        said = np.empty(len(states), dtype=self.labels.dtype)
        for i, probe in enumerate(self.fitted):
            said[self.fold == i] = probe.predict(states[self.fold == i])
        return float((said == self.labels).mean())


def fit(states: Float[np.ndarray, "sentence d_model"], labels: Int[np.ndarray, "sentence"], *, seed: int = 0) -> Probe:
    """A probe of unperturbed states.

    Parameters
    ----------
    seed : of the folds; the strength of the regularisation is chosen by folds within the sentences that are fitted.

    Raises
    ------
    ValueError
        A class has fewer sentences than there are folds.
    """
    if (least := int(np.bincount(labels, minlength=2).min())) < FOLDS:
        raise ValueError(f"a class has {least} sentences, expected {FOLDS} or more, one for each fold")
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    fold = np.empty(len(labels), dtype=int)
    fitted = []
    for i, (rest, judged) in enumerate(folds.split(states, labels)):
        fold[judged] = i
        inner = StratifiedKFold(3, shuffle=True, random_state=seed)
        regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        search = GridSearchCV(regression, {"logisticregression__C": STRENGTHS}, cv=inner)
        fitted.append(search.fit(states[rest], labels[rest]))
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
