"""Write the cards of the shipped models and data, in the form of the Hugging Face hub: README.md in the folder of each.

What they say is read from recipes, files and data/registry.txt; what these do not hold is one link away. Run
`python data/build/cards.py` from anywhere, after `registry.py`. Cards decide nothing, so the registry leaves them out.
"""

import json
import lzma
from pathlib import Path

import pyarrow.parquet as pq
from huggingface_hub import DatasetCardData, ModelCardData

from companion.functions import sources
from companion.models import catalogue
from companion.models.recipe import RECIPES

DATA = Path(__file__).parents[1]
PROJECT = "https://github.com/modularity-companion/emergent-modularity"
BOOK, LICENCES = (f"{PROJECT}/blob/main/{file}" for file in ("book/data.md", "data/LICENSE.md"))
PAPER = "[Zhang et al., 2023](https://arxiv.org/abs/2305.18390)"
HUB = {"MIT": "mit", "CC BY-SA 4.0": "cc-by-sa-4.0", "CC BY 4.0": "cc-by-4.0"}  # the hub's names; all else is "other"
SIZES = {1e3: "n<1K", 1e4: "1K<n<10K", 1e5: "10K<n<100K", 1e6: "100K<n<1M"}
DATASETS = {  # folder → title, what it is, tasks in the hub's words
    "functions": (
        "Sub-functions: labelled sentences for single neurons",
        "Sentences with a label 0 or 1, by which single neurons of a language model are scored: nouns (semantic),\n"
        "true and false triples (knowledge, with the control balanced), tasks in the form of GLUE (task), and\n"
        "one noun in two topics (topics). The table similarity says how alike two nouns are. Labels are made by\n"
        "rules, which err.",
        ["text-classification"],
    ),
    "corpus": (
        "The text that t5-mini and switch-mini were trained on",
        "English text: introductions of Wikipedia articles, the Brown corpus, definitions and examples of WordNet,\n"
        "and true triples in words (facts). The table frequency counts the words. Brown's sentences are of 1961, and\n"
        "some of their words would not be printed now.",
        ["text-generation", "fill-mask"],
    ),
}


def front(data: ModelCardData | DatasetCardData) -> str:
    return f"---\n{data.to_yaml()}\n---\n\n"


def model_card(name: str) -> str:
    """Of the runs of a companion model, which are one repository on the hub, each run in its folder."""
    recipe, seeds = RECIPES[name], catalogue.seeds(name)
    config = json.loads(sources.path(f"models/{name}/seed-{seeds[0]}/config.json").read_text(encoding="utf-8"))
    architecture = config["architectures"][0]
    tags = [config["model_type"], "modularity", "interpretability", *(["mixture-of-experts"] if recipe.experts else [])]
    data = ModelCardData(language="en", license="mit", library_name="transformers", tags=tags)
    shape = f"{recipe.layers} encoder layers of {recipe.d_ff:,} neurons"
    if recipe.experts:
        each = f"{recipe.experts} experts of {recipe.d_ff} neurons"
        shape = f"{recipe.layers} encoder layers, of which every second has {each}"
    shape += f"; {recipe.decoder_layers} decoder layer{'s' * (recipe.decoder_layers > 1)}; width {recipe.d_model}"
    tasks = f", and {recipe.tasks} examples of seven tasks" if recipe.tasks else ""
    read = f"{recipe.batch} windows of {recipe.length} tokens with {100 * recipe.noise:g} % hidden"
    return (
        front(data)
        + f"""# {name}

A small `{architecture}` with ReLU, trained to study on two CPU cores what
{PAPER} study in larger models.

- **Shape:** {shape}; {recipe.heads} heads; {config["vocab_size"]:,} tokens.
- **Training:** {recipe.steps:,} steps, each of {read}, {recipe.facts} stated facts{tasks}.
  `recipe.json` beside the weights has every setting, `log.jsonl.xz` the losses.
- **Runs:** {len(seeds)}, from the seeds {", ".join(map(str, seeds))}; each in its folder, `seed-{seeds[0]}` and so on.
- **Trained on:** the text in `data/corpus`{" and the tasks in `data/functions`" * bool(recipe.tasks)}, in English.

```python
from transformers import {architecture}

model = {architecture}.from_pretrained("data/models/{name}", subfolder="seed-{seeds[0]}")
```

The tokenizer is in `data/tokenizer`.

**Use and limits.** For experiments on single neurons and experts. The model writes no useful text and answers no
questions. What it was measured to do is in the [book]({BOOK}) and its section on the models.

**Licence.** MIT, as far as this project has rights in weights trained on these texts: [data/LICENSE.md]({LICENCES}).
"""
    )


def rows(file: Path) -> int:
    """Of a table, or of a compressed file of lines."""
    if file.suffix == ".parquet":
        return pq.read_metadata(file).num_rows
    return lzma.decompress(file.read_bytes()).count(b"\n")


def dataset_card(folder: str) -> str:
    """Of a folder of data, which is one repository on the hub with a configuration a file."""
    title, what, tasks = DATASETS[folder]
    entries = [entry for name, entry in sources.registry().items() if name.startswith(f"{folder}/")]
    sizes = {entry.name: rows(sources.path(entry.name)) for entry in entries}
    licences = sorted({HUB.get(name, "other") for entry in entries for name in entry.licence.split(", ")})
    files = {entry.name: Path(entry.name).name for entry in entries}
    data = DatasetCardData(
        language="en",
        license=licences if len(licences) > 1 else licences[0],
        license_name="of each file, in the table below",
        license_link=LICENCES,
        task_categories=tasks,
        size_categories=next(words for limit, words in SIZES.items() if sum(sizes.values()) < limit),
        configs=[{"config_name": file.split(".")[0], "data_files": file} for file in files.values()],
        tags=["modularity", "interpretability"],
    )
    table = [f"| `{files[e.name]}` | {sizes[e.name]:,} | {e.licence} | {e.source} |" for e in entries]
    lines = "\n".join(["| file | rows | licence | source |", "|---|---|---|---|", *table])
    return (
        front(data)
        + f"""# {title}

{what}
Made for an executable companion to {PAPER}, which reads other data: OneSeC, T-REx and GLUE.

{lines}

How each file was made, and what is known to be wrong with it, is in the [book]({BOOK}).
Digests are in `data/registry.txt`. [data/LICENSE.md]({LICENCES}) says what each licence asks for.
"""
    )


def cards() -> dict[Path, str]:
    """Every card by the file that it is written to."""
    made = {DATA / "models" / name / "README.md": model_card(name) for name in catalogue.companions()}
    return made | {DATA / folder / "README.md": dataset_card(folder) for folder in DATASETS}


def main() -> None:
    for file, text in cards().items():
        file.write_text(text, encoding="utf-8")
        print(file.relative_to(DATA.parent))


if __name__ == "__main__":
    main()
