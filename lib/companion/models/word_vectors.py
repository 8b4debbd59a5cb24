"""How alike words are by their vectors: those of the BERT at hand, or spaCy's as in the paper (Appendix A.6)."""

import importlib.util
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import torch
import xarray as xr

from companion.models import catalogue
from modularity import capture

Source = Literal["auto", "bert", "spacy"]
BERT = catalogue.MINILM


@torch.inference_mode()
def bert(words: Sequence[str], name: str = BERT) -> np.ndarray:
    """Vectors of words read alone: the mean of a BERT's last states over their tokens and marks, as its sentence
    embeddings are made (Reimers and Gurevych, 2019), ``(word, d_model)``."""
    model = catalogue.load(name)
    states, mask = capture.encoded(model, capture.tokenize(model, words), range(len(words)))
    mask = mask[..., None].to(states.dtype)
    return ((states * mask).sum(1) / mask.sum(1)).float().cpu().numpy()


def spacy_models() -> list[str]:
    """spaCy models with word vectors that are installed, the largest first; empty without spaCy."""
    if importlib.util.find_spec("spacy") is None:
        return []
    import spacy.util

    sized = ((name, spacy.util.get_package_path(name)) for name in spacy.util.get_installed_models())
    found = {name: int(spacy.util.get_model_meta(path).get("vectors", {}).get("vectors", 0)) for name, path in sized}
    return sorted((name for name, number in found.items() if number), key=lambda name: (-found[name], name))


def spacy(words: Sequence[str], name: str) -> np.ndarray:
    """Vectors of words in an installed spaCy model or a folder with one, ``(word, dimension)``; a name of several words
    has their mean.

    Raises
    ------
    ModuleNotFoundError
        spaCy is not installed.
    ValueError
        There is no such model, or it has no vector for a word.
    """
    if importlib.util.find_spec("spacy") is None:
        raise ModuleNotFoundError("spaCy is not installed; pip install -e '.[spacy]' and a model with vectors")
    import spacy

    try:
        model = spacy.load(name)
    except OSError as error:
        raise ValueError(
            f"spaCy has no model {name!r}; `python -m spacy download en_core_web_lg` fetches one with vectors, or take "
            "the BERT's vectors"
        ) from error
    vectors = [np.mean([np.asarray(model.vocab[part].vector) for part in word.split()], axis=0) for word in words]
    for word, vector in zip(words, vectors, strict=True):
        if not np.any(vector):
            raise ValueError(f"the spaCy model {name} has no vector for {word!r}; take a model with more of them")
    return np.array(vectors)


def similarity(words: Sequence[str], source: Source = "auto") -> xr.DataArray:
    """Cosine of the vectors of any two words, dims ``(word, other)``; its name says where they are from.

    Parameters
    ----------
    source : ``spacy`` as in the paper, from the installed model with the most vectors; ``bert``, `BERT`; ``auto``,
        spaCy where it has such a model, else BERT.

    Raises
    ------
    ValueError
        An unknown source, no spaCy model with vectors, and what `spacy` raises.
    """
    if source not in get_args(Source):
        raise ValueError(f"unknown source {source!r}; known: {', '.join(get_args(Source))}")
    names = sorted(set(words))
    found = spacy_models() if source != "bert" else []
    if source == "spacy" and not found:
        raise ValueError(
            "no spaCy model with word vectors is installed (no package registry carries one); "
            "`python -m spacy download en_core_web_lg` fetches one, or take source='bert'"
        )
    vectors, label = (spacy(names, found[0]), f"spaCy {found[0]}") if found else (bert(names), BERT)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    matrix = np.clip(unit @ unit.T, -1, 1).astype(np.float64)
    np.fill_diagonal(matrix, 1)
    return xr.DataArray((matrix + matrix.T) / 2, {"word": names, "other": names}, ("word", "other"), name=label)
