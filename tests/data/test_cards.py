"""Every shipped model and every folder of text has a card that the hub can read and that says what is there now."""

import re
import sys

import pytest
from huggingface_hub import DatasetCard, ModelCard
from places import ROOT

from companion.functions import sources
from companion.models import catalogue

sys.path.insert(0, str(ROOT / "data/build"))
MODELS = sorted({name.split("/")[1] for name in sources.registry() if name.startswith("models/")})
DATASETS = ["corpus", "functions"]


def test_the_cards_are_what_their_builder_makes():
    import cards

    made = cards.cards()
    assert {file.parent.name for file in made} == {*MODELS, *DATASETS}
    for file, text in made.items():
        assert file.read_text(encoding="utf-8") == text, f"{file.parent.name}: run python data/build/cards.py"


@pytest.mark.parametrize("name", MODELS)
def test_a_model_card_has_what_the_hub_asks_for(name):
    card = ModelCard.load(ROOT / f"data/models/{name}/README.md")
    assert (card.data.license, card.data.language, card.data.library_name) == ("mit", "en", "transformers")
    assert "modularity" in card.data.tags
    assert ("mixture-of-experts" in card.data.tags) == (name == "switch-mini")


@pytest.mark.parametrize("folder", DATASETS)
def test_a_card_of_data_has_what_the_hub_asks_for_and_every_file(folder):
    card = DatasetCard.load(ROOT / f"data/{folder}/README.md")
    shipped = [entry for name, entry in sources.registry().items() if name.startswith(f"{folder}/")]
    assert card.data.language == "en"
    assert {"cc-by-sa-4.0", "other"} <= set(card.data.license)
    assert card.data.license_link.endswith("data/LICENSE.md")
    assert "modularity" in card.data.tags
    files = [part["data_files"] for part in card.data.configs]
    assert sorted(files) == sorted(entry.name.split("/")[1] for entry in shipped)
    rows = dict(re.findall(r"^\| `(.*?)` \| [\d,]+ \| (.*?) \|", card.text, re.MULTILINE))
    assert rows == {entry.name.split("/")[1]: entry.licence for entry in shipped}


@pytest.mark.parametrize("name", MODELS)
def test_the_lines_of_a_model_card_load_the_model(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / f"data/models/{name}/README.md").read_text(), re.DOTALL)
    found: dict = {}
    exec(code, found)
    shipped = catalogue.load(name, seed=catalogue.seeds(name)[0])
    assert found["model"].num_parameters() == shipped.module.num_parameters()


def test_a_card_without_front_matter_would_be_seen():
    assert ModelCard("# t5-mini\n", ignore_metadata_errors=True).data.license is None
