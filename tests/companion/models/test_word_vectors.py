"""Word vectors come from the BERT at hand, or from spaCy where a model with vectors is installed, and say so."""

import numpy as np
import pytest

from companion.functions import similarity
from companion.models import word_vectors

WORDS = ["mother", "father", "temperature", "pressure"]


def test_similarity_is_the_cosine_and_names_its_source():
    found = word_vectors.similarity([*WORDS, "mother"], "bert")
    assert found.name == "all-MiniLM-L6-v2"
    assert found["word"].to_numpy().tolist() == sorted(WORDS)
    one, two = word_vectors.bert(["father", "mother"])
    by_hand = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
    assert found.sel(word="father", other="mother").item() == pytest.approx(by_hand, abs=1e-6)
    np.testing.assert_array_equal(found, found.T)
    assert (np.diagonal(found) == 1).all()
    assert found.sel(word="mother", other="father") > found.sel(word="mother", other="temperature") + 0.2


def test_a_word_is_read_alone():
    together, alone = word_vectors.bert(WORDS)[2], word_vectors.bert(["temperature"])[0]
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.fixture
def pipeline(tmp_path):
    """A spaCy model of four words, as `python -m spacy download` would leave one."""
    import spacy

    nlp = spacy.blank("en", meta={"name": "tiny"})
    for i, word in enumerate(("mother", "father", "heat", "wave")):
        nlp.vocab.set_vector(word, np.eye(4, dtype=np.float32)[i] + 0.5 * (i < 2))
    nlp.to_disk(tmp_path / "en_tiny")
    return tmp_path / "en_tiny"


@pytest.fixture
def installed(pipeline, monkeypatch):
    monkeypatch.setattr("spacy.util.get_installed_models", lambda: ["en_tiny"])
    monkeypatch.setattr("spacy.util.get_package_path", lambda _name: pipeline)
    load = __import__("spacy").load
    monkeypatch.setattr("spacy.load", lambda name: load(pipeline if name == "en_tiny" else name))


@pytest.mark.usefixtures("installed")
def test_spacys_vectors_are_taken_where_they_are_installed():
    assert word_vectors.spacy_models() == ["en_tiny"]
    for source in ("auto", "spacy"):
        found = word_vectors.similarity(["mother", "father", "heat wave"], source)
        assert found.name == "spaCy en_tiny"
        rows = np.eye(4)[:2] + 0.5
        expected = rows[0] @ rows[1] / (rows[0] @ rows[0])
        assert found.sel(word="mother", other="father").item() == pytest.approx(expected)
        assert found.sel(word="mother", other="heat wave").item() == pytest.approx(
            rows[0] @ [0, 0, 0.5, 0.5] / np.linalg.norm(rows[0]) / 0.5**0.5
        )
    assert word_vectors.similarity(["mother", "father"], "bert").name == "all-MiniLM-L6-v2"


@pytest.mark.usefixtures("installed")
def test_a_word_without_a_vector_is_named():
    with pytest.raises(ValueError, match="en_tiny has no vector for 'pressure'"):
        word_vectors.similarity(WORDS[:1] + WORDS[3:], "spacy")


def test_without_such_a_model_bert_stands_in_or_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setattr("spacy.util.get_installed_models", lambda: [])
    assert word_vectors.similarity(WORDS, "auto").name == "all-MiniLM-L6-v2"
    with pytest.raises(ValueError, match=r"no spaCy model with word vectors is installed .*download en_core_web_lg"):
        word_vectors.similarity(WORDS, "spacy")
    with pytest.raises(ValueError, match="spaCy has no model 'nowhere'"):
        word_vectors.spacy(WORDS, "nowhere")
    with pytest.raises(ValueError, match="unknown source 'elmo'; known: auto, bert, spacy"):
        word_vectors.similarity(WORDS, "elmo")


def test_without_spacy_nothing_is_asked_of_it(monkeypatch):
    monkeypatch.setattr(word_vectors.importlib.util, "find_spec", lambda _name: None)
    assert word_vectors.spacy_models() == []
    with pytest.raises(ModuleNotFoundError, match=r"pip install -e '\.\[spacy\]'"):
        word_vectors.spacy(WORDS, "en_core_web_lg")


def test_the_papers_sub_functions_are_about_one_word():
    words = word_vectors.similarity(["bank", "heat wave"], "bert")
    found = similarity.between(["bank.noun 1 2", "heat_wave.noun 1 2"], words)
    assert found[0, 1].item() == words[0, 1].item()
    with pytest.raises(ValueError, match="nothing says what 'plant' is like"):
        similarity.between(["plant.noun 1 2"], words)
    with pytest.raises(ValueError, match="compare those of one track"):
        similarity.between(["bank.noun 1 2", "bank/heat wave"], words)
