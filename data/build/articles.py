"""Wikipedia's introductions as the tasks on pairs of texts read them: names, first sentences, squares of texts."""

import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, diags

from corpus import OUT as CORPUS

SEED, TRAIN, VALIDATION = 0, 4000, 1000  # instances of a label
STOP = set(
    "the and for are was with that from which who its his her their has have had not but also this these those one any "
    "into most more other some used use such being been were they them than when where often usually only especially "
    "made make can may between both known what does did how whose whom".split()
)


def read(name: str) -> list[str]:
    """The blocks of a text file beside this one, without comments."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip().split("\n\n")


class Pair(NamedTuple):
    """One instance and the thing it was made from."""

    label: int
    text_1: str
    text_2: str
    source: str
    kind: str


def plain(text: str) -> str:
    """Lower case without diacritics."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()


def stems(text: str) -> list[str]:
    """First six letters of the content words, in order."""
    return [w[:6] for w in re.findall(r"[a-z]{3,}", plain(text)) if w not in STOP]


def bare(sentence: str) -> str:
    """Without brackets: pronunciations, dates and notes."""
    previous = ""
    while previous != sentence:
        previous, sentence = sentence, re.sub(r"\s*[(\[][^()\[\]]*[)\]]", "", sentence)
    return re.sub(r"\s+([.,;:])", r"\1", " ".join(sentence.split())).rstrip(" .;:,")


ALIAS = re.compile(
    r",? (?:(?:also|better|commonly|sometimes|often|formerly|officially|formally|or) )+"
    r"(?:known|called|spelled|written|referred to|abbreviated|named)\b[^,]*(?:, or [^,]*)?,"
)
CLAUSE = re.compile(
    r"[;:–—]|,? (?=(?:which|who|whose|where|while|although|whereas|because|in which|with which)\b)|"
    r", (?=(?:and|but|or|with|in|at|on|from|as|by|after|before|during|including|especially|\w{3,}ing|\w{3,}ed)\b)"
)
FINITE = re.compile(r"\b(?:is|was|are|were|has|have|had|can|may|refers?|consists?|occurs?|took|lasted|\w+ed|\w+s)\b")
OPEN = re.compile(
    r"\b(?:the|an?|of|in|and|or|by|to|with|such as|for|including|from|as|at|on|its|both|who|which|that|is|are|was)$"
)


def clip(sentence: str, limit: int, least: int = 6) -> str:
    """The sentence, or its longest head of `limit` words that ends with a clause; empty if there is none."""
    sentence = bare(sentence)
    heads = [sentence] + [sentence[: m.start()].rstrip(" ,") for m in reversed(list(CLAUSE.finditer(sentence)))]
    for head in heads:
        # An odd quotation mark or "both ... and" cut in two would leave half a phrase.
        whole = head == sentence or (FINITE.search(head) and not OPEN.search(head) and "both" not in head)
        if least <= len(head.split()) <= limit and whole and head.count('"') % 2 == 0:
            return head
    return ""


WORK = re.compile(
    r"\b(?:film|novel|play|painting|album|song|poem|magazine|series|game|treatise|book|opera|ballet|musical|tragedy|"
    r"comedy|dialogue|franchise|strip|work) ?(?:by|written|directed|composed|$)"
)

PEOPLE = (
    r"\b(?:[Ee]mperor|[Qq]ueen|[Kk]ing|[Cc]onqueror|[Pp]resident|[Pp]ope|[Pp]haraoh|[Rr]uler|[Ll]eader|[Ss]tatesman|"
    r"[Pp]hilosopher|[Mm]athematician|[Pp]hysicist|[Cc]omposer|[Pp]oet|[Pp]olymath|[Pp]ainter|[Ee]xplorer|[Nn]ovelist|"
    r"[Pp]laywright|[Nn]aturalist|[Ii]nventor|[Tt]heologian|[Cc]hemist|[Ee]ngineer|[Aa]stronomer|[Gg]eneral|[Aa]ctivist)"
    r"\b.*\d{2}"
)


class Article(NamedTuple):
    """An introduction, one sentence a line; what running text calls its subject; is that a plural, a person."""

    title: str
    text: str
    description: str
    topic: str
    core: str  # the title without what tells it from others
    name: str
    plural: bool
    person: bool


def articles(wn: Any) -> list[Article]:
    """The introductions of the corpus; the name is empty where no way to write it inside a sentence was found."""
    spelled: dict[str, set[str]] = defaultdict(set)
    for lemma in (name for synset in wn.all_synsets("n") for name in synset.lemma_names()):
        spelled[plain(lemma)].add(lemma)
    table = pd.read_json(CORPUS / "wikipedia.jsonl.xz", lines=True)
    documents = [[str(x) for x in row] for row in table[["title", "text", "description", "topic"]].to_numpy()]
    lower, upper = Counter(), Counter()
    for _, text, _, _ in documents:
        for sentence in text.split("\n"):
            for word in re.findall(r"[^\W\d_]+", sentence)[1:]:
                (lower if word[0].islower() else upper)[word.lower()] += 1
    found = []
    for title, text, description, topic in documents:
        core = re.sub(r" \(.*", "", title)
        first = bare(text.split("\n")[0])
        head = (re.findall(r"[^\W\d_]+", core) or ["x"])[0].lower()
        verb = re.search(r"\b(is|are|was|were)\b", first)
        subject = re.match(
            rf"(?:[A-Z][^,.]{{0,40}}, )?(the |an? )?{re.escape(core)}(e?s)?\b.*?"
            r"\b(is|are|was|were|refers?|consists?|has|have|occurs?)\b",
            first,
            re.I,
        )
        name, plural = "", False
        # The thousand articles without a topic hold some people.
        person = topic == "People" or (topic == "Uncategorized" and bool(re.search(PEOPLE, description)))
        if person and verb:
            plural = verb[1] in ("are", "were")
            name = f"the {core}" if f"the {plain(core)} " in plain(first) and plural else core
        elif core.endswith(" language"):
            name = f"the {core}"
        elif subject:
            article = "" if core.lower().startswith("the ") else (subject[1] or "").lower()
            plural = subject[3] in ("are", "were", "refer", "consist", "have", "occur")
            # Common nouns are written small: by WordNet where it is sure, else by what other introductions do.
            forms = spelled[plain(core).replace(" ", "_")]
            if any(word[0].isupper() for word in core.split()[1:]) or WORK.search(description):
                proper = True
            elif forms and core.isascii() and (len(forms) == 1 or topic in ("Everyday life", "Technology")):
                proper = max(forms)[0].isupper()
            else:
                proper = upper[head] > lower[head] or (upper[head] == lower[head] and article in ("", "the "))
            name = article + (core if proper else core[0].lower() + core[1:]) + (subject[2] or "")
        if text:
            found.append(Article(title, text, description, topic, core, name, plural, person))
    return found


def weights(texts: list[str]) -> csr_matrix:
    """Unit tf-idf rows over stems, (text, stem)."""
    found = [sorted(set(stems(t))) for t in texts]
    count = Counter(s for f in found for s in f)
    index = {s: i for i, s in enumerate(sorted(count))}
    entries = [(row, index[s], np.log(len(texts) / count[s])) for row, f in enumerate(found) for s in f]
    rows, columns, values = zip(*entries, strict=True)
    matrix = csr_matrix((values, (rows, columns)), shape=(len(texts), len(index)))
    norm = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)).ravel())
    return csr_matrix(diags(1 / np.maximum(norm, 1e-9)) @ matrix)


def shared(a: str, b: str) -> float:
    """Mean share of one text's words that the other has."""
    one, two = (set(re.findall(r"\w+", plain(t))) for t in (a, b))
    return len(one & two) / 2 * (1 / len(one) + 1 / len(two))


def square(first: tuple[str, str], second: tuple[str, str], source: tuple[str, str], kind: str) -> list[Pair]:
    """Two first and two second texts, of which those at the same place belong together."""
    return [
        Pair(int(a == b), first[a], second[b], source[a], f"same, by {kind}" if a == b else f"other {kind}")
        for a in (0, 1)
        for b in (0, 1)
    ]


def table(task: str, parts: dict[str, list[Pair]]) -> pd.DataFrame:
    """Instances by part as the table that task.py wants."""
    rows = [(task, part, *pair) for part, pairs in parts.items() for pair in pairs]
    return pd.DataFrame(rows, columns=["task", "part", *Pair._fields])
