"""OneSeC, a corpus tagged with word senses: the paper's semantic sub-functions (Section 3)."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler

import numpy as np
from tqdm import tqdm

from companion.functions import downloads
from modularity.subfunction import SubFunction

Instance = tuple[int, str, tuple[str, str]]  # its line, its name, and its word: lemma and part of speech


def load(*, sentences: int = 100, seed: int = 0) -> list[SubFunction]:
    """Semantic sub-functions from ``onesec/``: one for each pair of senses of a word that have enough sentences.

    The folder holds sense-tagged corpora as in the unified framework of Raganato et al. (2017): ``NAME.data.xml``
    with ``<sentence>``, ``<wf>`` and ``<instance id= lemma= pos=>``, and ``NAME.gold.key.txt`` with an instance and
    its sense on each line. `sentences` of each sense are drawn at random. One that shows a word twice counts once, and
    not at all if it shows the word in two senses: it would be in both classes.

    Raises
    ------
    FileNotFoundError
        No local folder is named (OneSeC has no address that a program may use), or it lacks a file.
    ValueError
        A malformed file, an instance without a sense, a sense given twice; with file and line.
    """
    folder = downloads.paper_part("onesec")
    wanted = "put OneSeC's NAME.data.xml and NAME.gold.key.txt (trainomatic.org/onesec) into onesec/ of a folder"
    if folder is None:
        raise FileNotFoundError(
            f"OneSeC is not downloaded by this program: {wanted} and name that in {downloads.PAPER}"
        )
    if not (corpora := downloads.files(folder, "*.data.xml")):
        raise FileNotFoundError(f"{folder} holds no *.data.xml: {wanted}")
    rng = np.random.default_rng(seed)
    kept: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    met: dict[str, int] = defaultdict(int)
    for corpus in corpora:
        key = _gold(corpus.with_name(corpus.name.removesuffix(".data.xml") + ".gold.key.txt"))
        for text, instances in _sentences(corpus):
            shown: dict[tuple[str, str], set[str]] = defaultdict(set)
            for line, identifier, word in instances:
                if (sense := key.pop(identifier, None)) is None:
                    raise ValueError(
                        f"{corpus}:{line}: instance {identifier!r} has no sense in its gold key, or stands twice"
                    )
                shown[word].add(sense)
            for word, (sense, *others) in shown.items():
                if others:
                    continue
                sample = kept[word][sense]
                met[sense] += 1
                if len(sample) < sentences:
                    sample.append(text)
                elif (place := rng.integers(met[sense])) < sentences:  # each sentence met has the same chance to stay
                    sample[place] = text
    made = []
    for (lemma, pos), senses in sorted(kept.items()):
        enough = sorted(sense for sense, sample in senses.items() if len(sample) == sentences)
        for a, b in combinations(enough, 2):
            name = f"{lemma}.{pos.lower()} {a} {b}"
            labels = np.repeat([1, 0], sentences)
            made.append(SubFunction(name, "semantic", (*senses[a], *senses[b]), labels, "OneSeC (Scarlini et al.)"))
    return made


def _gold(file: Path) -> dict[str, str]:
    """Instance → its sense (the first, where several are given)."""
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing; it belongs beside its .data.xml")
    senses: dict[str, str] = {}
    for place, text in downloads.lines(file):
        identifier, *given = text.split()
        if not given:
            raise ValueError(f"{place}: {text!r} names no sense, expected an instance and its sense")
        if identifier in senses:
            raise ValueError(f"{place}: instance {identifier!r} has a sense already; remove one of the two lines")
        senses[identifier] = given[0]
    return senses


class _Handler(ContentHandler):
    """Collects the tokens of each sentence and the instances among them."""

    def __init__(self, locator) -> None:
        super().__init__()
        self.parser = locator
        self.done: list[tuple[str, list[Instance]]] = []
        self.tokens: list[str] = []
        self.open: list[Instance] = []
        self.inside = False

    def startElement(self, name, attrs) -> None:
        if name == "sentence":
            self.tokens, self.open = [], []
        elif name in ("wf", "instance"):
            self.inside = True
            self.tokens.append("")
        if name == "instance":
            line = self.parser.getLineNumber()
            for attribute in ("id", "lemma", "pos"):
                if not attrs.get(attribute):
                    raise ValueError(f"{line}: an instance has no {attribute!r}, expected <instance id= lemma= pos=>")
            self.open.append((line, attrs["id"], (attrs["lemma"], attrs["pos"])))

    def characters(self, content) -> None:
        if self.inside:
            self.tokens[-1] += content

    def skippedEntity(self, name) -> None:
        line = self.parser.getLineNumber()
        raise ValueError(f"{line} has the entity &{name};, which it does not declare; write the character itself")

    def endElement(self, name) -> None:
        if name in ("wf", "instance"):
            self.inside = False
        elif name == "sentence":
            text = " ".join(token.strip() for token in self.tokens)
            self.done.append((text, self.open))


def _sentences(file: Path) -> Iterator[tuple[str, list[Instance]]]:
    """Each sentence with its instances, read piece by piece: OneSeC has millions."""
    from defusedxml import EntitiesForbidden, sax  # a machine that only reads models lacks it

    parser = sax.make_parser()  # which refuses every entity that the file declares: such may grow without end
    parser.forbid_external = False  # a document type may name a file, which is not read
    handler = _Handler(parser)
    parser.setContentHandler(handler)
    bar = tqdm(total=file.stat().st_size, desc=file.name, unit="B", unit_scale=True, leave=False)
    try:
        with file.open("rb") as stream, bar:
            while block := stream.read(1 << 20):
                parser.feed(block)  # type: ignore[attr-defined]
                yield from handler.done
                handler.done.clear()
                bar.update(len(block))
            parser.close()  # type: ignore[attr-defined]
    except SAXParseException as error:
        raise ValueError(
            f"{file}:{error.getLineNumber()} is not well-formed XML ({error.getMessage()}); fetch the file again"
        ) from error
    except EntitiesForbidden as error:
        line = parser.getLineNumber()  # type: ignore[attr-defined]
        raise ValueError(f"{file}:{line} declares the entity {error.name!r}; remove its <!ENTITY …>") from error
    except ValueError as error:
        raise ValueError(f"{file}:{error}") from error
    yield from handler.done
