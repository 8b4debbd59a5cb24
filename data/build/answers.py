"""The task `qnli`: a question and a sentence of its article that does or does not answer it.

templates.txt says which sentences state a fact, and how to ask for it. Instances come in squares of two questions and
the two sentences that answer them, of which one diagonal is positive, so that only the combination decides.
"""

import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from articles import SEED, TRAIN, VALIDATION, Article, Pair, articles, clip, plain, read, shared, square, stems, table
from lexicon import wordnet

NATIONS = (
    "Afghan|African|Albanian|Algerian|American|Arab|Argentine|Armenian|Athenian|Australian|Austrian|Azerbaijani|"
    "Babylonian|Bavarian|Belgian|Bengali|Bohemian|Bolivian|Brazilian|British|Bulgarian|Burmese|Byzantine|Canadian|"
    "Carthaginian|Castilian|Chilean|Chinese|Colombian|Croatian|Cuban|Czech|Danish|Dutch|Egyptian|English|Ethiopian|"
    "Finnish|Flemish|Florentine|Frankish|French|Genoese|Georgian|German|Greek|Hungarian|Icelandic|Indian|Indonesian|"
    "Iranian|Iraqi|Irish|Israeli|Italian|Jamaican|Japanese|Jewish|Kenyan|Korean|Lebanese|Lithuanian|Macedonian|Malian|"
    "Mexican|Mongol|Moroccan|Nigerian|Norwegian|Ottoman|Pakistani|Persian|Peruvian|Filipino|Polish|Portuguese|Prussian|"
    "Roman|Romanian|Russian|Scottish|Senegalese|Serbian|Sicilian|Slovak|Somali|South African|Soviet|Spanish|Swedish|"
    "Swiss|Syrian|Tanzanian|Thai|Tibetan|Turkish|Ukrainian|Venetian|Venezuelan|Vietnamese|Welsh"
)
JOBS = (
    "activist|actor|actress|admiral|anthropologist|archaeologist|architect|artist|astronaut|astronomer|athlete|author|"
    "bacteriologist|biologist|boxer|botanist|businessman|businesswoman|chemist|choreographer|cleric|comedian|commander|"
    "composer|conductor|critic|cyclist|dancer|designer|diplomat|director|dramatist|economist|educator|engineer|engraver|"
    "entrepreneur|essayist|explorer|filmmaker|footballer|general|geneticist|geologist|geographer|guitarist|historian|"
    "illustrator|industrialist|inventor|journalist|jurist|lawyer|linguist|logician|mathematician|missionary|monk|"
    "mountaineer|musician|mystic|naturalist|navigator|neurologist|novelist|nurse|officer|orator|painter|philosopher|"
    "photographer|physician|physicist|pianist|pilot|playwright|poet|politician|polymath|preacher|priest|printmaker|"
    "producer|psychiatrist|psychoanalyst|psychologist|rapper|runner|sailor|scholar|scientist|screenwriter|sculptor|"
    "singer|singer-songwriter|sociologist|soldier|soprano|sprinter|statesman|statistician|surgeon|swimmer|teacher|"
    "theologian|theorist|tenor|trumpeter|violinist|writer|zoologist"
)
BE = r"(?:is|are|was|were|has been|have been|had been|can be|could be|may be|might be)"
SOFT = (
    r"(?:(?:\w+ly|also|first|now|still|often|most|best|well|better|sometimes|perhaps|then|later|being|been|thus|so|both|"
    r"today|(?:said|believed|thought|known) to (?:be|have been)) )*"
)
# What <NAME> stands for in a pattern; a group `a` holds the answer. § is the thing that the article is about.
MACROS = {
    "V": rf"(?:§|§[^;.,]*? and) (?:{BE} )?{SOFT}",  # before a participle
    "W": rf"(?:§|§[^;.,]*? and) {SOFT}",  # before a verb
    "T": r"(?P<a>(?:[\w.,–-]+ ){0,4}?(?<![\d,.])(?:\d{3,4}s?(?![\d,]|–\d+,| (?:[kc]?m|ft|mi|metres|species|people)\b)|"
    r"\d{1,2}(?:st|nd|rd|th)[- ]centur(?:y|ies))\b(?: (?:BCE?|CE))?)",
    "N": r"(?P<a>(?:the )?(?:[\w'-]+ ){0,5}?[A-Z][^.;]*)",
    "R": r"(?P<a>[^.;,]{3,})",
    "RR": r"(?P<a>[^.;]{3,})",
    "Q": r"(?P<a>(?:[\w.,-]+ ){0,2}?[\d.,]*\d(?: (?:million|billion|thousand))?)",
    "FROM": r"(?P<a>(?:from|between|until|to) [^.;]*?\d{3,4}(?: (?:to|until|and)[^.;,]*)?)",
    "PRIZE": r"[^.;]*?(?P<a>(?:[A-Z][\w'-]+ (?:(?:for|of|in) )?)*(?:Prizes?|Awards?|Medals?|Oscars?|Grammys?|Cups?|"
    r"medals?|titles?|championships?)\b[^.;,]*)",
    "BE": BE,
    "SOFT": SOFT,
    "KM": r"(?:km|kilometres|kilometers|miles|mi|metres|meters|m|ft|feet)\b",
    "NATIONS": NATIONS,
    "JOBS": JOBS,
}


class Relation(NamedTuple):
    """How a relation is found in a sentence and asked for."""

    name: str
    fits: str
    answer: str
    patterns: list[re.Pattern]
    rival: re.Pattern
    questions: list[str]


class Fact(NamedTuple):
    """A sentence of an article that answers a question: its place there, itself, its marked form, the relation."""

    place: int
    sentence: str
    marked: str
    relation: Relation
    answer: str


def relations() -> list[Relation]:
    """The templates, compiled."""
    found = []
    for block in read("templates.txt"):
        head, *lines = block.replace("\n  ", "").split("\n")
        name, fits, answer = re.fullmatch(r"(.*) (person|thing|either) (\w+)", head).groups()  # type: ignore[union-attr]
        texts: dict[str, list[str]] = defaultdict(list)
        for line in lines:
            texts[line[0]].append(line[2:])
        patterns = []
        for text in texts["="]:
            while (expanded := re.sub(r"(?<!\?P)<(\w+)>", lambda m: MACROS[m[1]], text)) != text:
                text = expanded
            patterns.append(re.compile(text))
        rivals = "|".join(texts["!"]).replace("<NATIONS>", NATIONS).replace("<JOBS>", JOBS)
        questions = [q.strip() for q in texts["?"][0].split("|")]
        found.append(Relation(name, fits, answer, patterns, re.compile(rf"\b(?:{rivals})", re.I), questions))
    return found


GENERIC = (
    "city country river island lake mountain species genus family order novel film book play poem painting opera war "
    "battle conflict treaty empire kingdom dynasty state region language religion movement company university disease "
    "condition disorder infection plant tree bird animal fish insect instrument device machine sport game dish drink "
    "mineral element metal compound unit band group building tower temple town province territory area sea ocean gulf "
    "desert period era event revolution party church theory practice process substance drug virus work story ship "
    "aircraft vehicle weapon tool planet moon star constellation galaxy"
).split()
LEAD = r"^((?:[A-Z][\w'-]*(?: [^,.;]{1,60})?, )?)"
PARTICIPLES = (
    "Located|Situated|Founded|Born|Established|Named|Built|Composed|Written|Published|Released|Discovered|Invented|"
    "Designed|Set|Educated|Known|Used|Found|Native|Constructed|Created|Developed|Introduced|Based|Considered|Regarded"
)


TITLES = {"Saint", "Pope", "Great", "Emperor", "Queen", "King", "Empress"}


def markers(article: Article) -> list[re.Pattern]:
    """Patterns for the start of a sentence whose subject is the thing: after a participle, a noun, a possessive."""
    core, words = re.escape(article.core), article.core.split()
    subjects = {core, re.escape(article.name)}
    if article.person:
        subjects |= {re.escape(w) for w in (words[0], words[-1]) if len(w) > 3 and w[0].isupper() and w not in TITLES}
        subjects |= {"[Hh]e", "[Ss]he"} | ({"[Tt]hey"} if article.name.startswith("the ") else set())
    else:
        # "The city", "the genus", but only if the article has called it so.
        kind = re.split(r" (?:of|in|on|that|used|for|with|which|by|from)\b", article.description)[0].split()[-1:]
        opening = f"{article.description} {article.text.split(chr(10))[0]}".lower()
        called = {g for g in GENERIC if re.search(rf"\b{g}\b", opening)}
        nouns = "|".join(sorted(map(re.escape, called | {k.lower() for k in kind} | {words[-1].lower()})))
        subjects |= {
            "[Ii]t",
            "[Tt]hey",
            "He",
            "She",
            f"[Tt]he {core}",
            f"An? {core}",
            f"{core}s",
            f"[Tt]he (?:{nouns})",
        }
    subject = "(?:" + "|".join(sorted(subjects, key=lambda s: (-len(s), s))) + ")"
    return [
        re.compile(rf"^(?P<verb>{PARTICIPLES})\b(?P<rest>[^,]*(?:, [A-Z][^,]*?)?), {subject}(?= )"),
        re.compile(rf"{LEAD}{subject}(?P<owner>'s|’s)?(?= (?![A-Z]))"),
        re.compile(rf"{LEAD}(?:[Ii]ts|[Hh]is|[Hh]er|[Tt]heir)(?= )"),
    ]


def mark(sentence: str, place: int, core: str, patterns: list[re.Pattern]) -> str:
    """The sentence with § for its subject if that is what the article is about."""
    if place == 0 and (verb := re.search(r"\b(?:is|are|was|were)\b", sentence)) and verb.start() < 110:
        words = core.split()
        if any(plain(w)[:5] in plain(sentence[: verb.start()]) for w in (words[0], words[-1])):
            return "§ " + sentence[verb.start() :]
    if found := patterns[0].match(sentence):
        return f"§ was {found['verb'].lower()}{found['rest']}; §{sentence[found.end() :]}"
    if found := patterns[1].match(sentence):
        rest = re.sub(r",? (and|but) (?:he|she|it|they) ", r" \1 ", sentence[found.end() :])
        return found[1] + "§" + ("'s" if found["owner"] else "") + rest
    if found := patterns[2].match(sentence):
        return found[1] + "§'s" + sentence[found.end() :]
    return sentence


def facts(article: Article, known: list[Relation]) -> list[Fact]:
    """What the sentences of an article state, by the templates."""
    patterns = markers(article)
    fitting = [r for r in known if r.fits in ("either", "person" if article.person else "thing")]
    found = []
    for place, line in enumerate(article.text.split("\n")):
        sentence = clip(line, 26, least=5)
        marked = mark(sentence, place, article.core, patterns)
        for relation in fitting if sentence else ():
            # Later sentences that say what a thing is say it of a part or kind of it.
            if place and relation.name in ("meaning", "nation", "work"):
                continue
            match = next((m for p in relation.patterns if (m := p.search(marked))), None)
            if match:
                found.append(Fact(place, sentence, marked, relation, match["a"]))
    return found


# What a thing is and what it is about or known by are often said by the same sentence.
OVERLAPPING = ({"meaning", "matter"}, {"meaning", "marks"}, {"fame", "reputation"}, {"rank", "importance"})


def apart(a: Fact, b: Fact) -> bool:
    """Does neither sentence answer the other's question?"""
    names = {a.relation.name, b.relation.name}
    if a.place == b.place or len(names) == 1 or names in OVERLAPPING:
        return False
    for one, two in ((a, b), (b, a)):
        if one.relation.rival.search(two.sentence) or any(p.search(two.marked) for p in one.relation.patterns):
            return False
        answer = set(stems(one.answer))
        if len(answer & set(stems(two.sentence))) > 0.34 * len(answer):
            return False
    return True


SORTS = {
    "time": re.compile(r"\d{3,4}|centur"),
    "number": re.compile(r"\d"),
    "place": re.compile(r"\b(?:in|at|to|of|from|on|near) (?:the )?[A-Z]"),
    "name": re.compile(r"\b(?<!^)[A-Z]\w+"),
    "other": re.compile(r"$^"),
}


def ask(fact: Fact, other: Fact, article: Article, rng: np.random.Generator) -> str:
    """The phrasing that shares least with the answer, compared with the other sentence."""
    forms = {"is": "are", "was": "were", "does": "do", "has": "have"}
    verbs = {one: many if article.plural else one for one, many in forms.items()}
    questions = [q.format(t=article.name, **verbs) for q in fact.relation.questions]
    gain = [shared(q, fact.sentence) - shared(q, other.sentence) + 0.04 * rng.random() for q in questions]
    return questions[int(np.argmin(gain))]


def choose(introductions: list[Article]) -> dict[str, list[tuple[Article, Fact, Fact, int]]]:
    """Title → pairs of facts, rare relations and good distractors first, and how many distractors are good."""
    known = relations()
    candidates = []
    for article in introductions:
        found = facts(article, known) if article.name else []
        for i, a in enumerate(found):
            for b in found[i + 1 :]:
                if apart(a, b):
                    # A sentence that holds what the other's question asks for, a date say, is a better distractor.
                    traps = sum(bool(SORTS[x.relation.answer].search(y.sentence)) for x, y in ((a, b), (b, a)))
                    candidates.append((article, a, b, traps))
    frequency = Counter(x.relation.name for _, a, b, _ in candidates for x in (a, b))
    value = [(1 + t) * sum(frequency[x.relation.name] ** -0.5 for x in (a, b)) for _, a, b, t in candidates]
    used: set[tuple] = set()
    chosen: dict[str, list] = defaultdict(list)
    for k in np.argsort(-np.array(value), kind="stable"):
        article, a, b, _ = candidates[k]
        keys = {(article.title, x.place, x.relation.name) for x in (a, b)}
        if not keys & used:
            used |= keys
            chosen[article.title].append(candidates[k])
    return chosen


def qnli(introductions: list[Article]) -> dict[str, list[Pair]]:
    """Squares of two sentences of one article and a question to each; 0 if the sentence answers."""
    rng = np.random.default_rng(SEED)
    chosen = choose(introductions)
    pairs: dict[str, list[Pair]] = {"validation": [], "train": []}
    taken: set[tuple[str, str]] = set()
    sizes = {"validation": 2 * VALIDATION, "train": 2 * TRAIN}
    titles = sorted(chosen)
    for title in (titles[i] for i in rng.permutation(len(titles))):
        part = next((p for p in sizes if len(pairs[p]) + 4 * len(chosen[title]) <= sizes[p]), None)
        for article, a, b, traps in chosen[title] if part else ():
            kind = ("other kind of answer", "one trap", "two traps")[traps]
            questions = ask(a, b, article, rng), ask(b, a, article, rng)
            new = square(questions, (a.sentence, b.sentence), (title, title), kind)
            texts = {(p.text_1, p.text_2) for p in new}
            if not texts & taken:
                taken |= texts
                pairs[str(part)] += [p._replace(label=1 - p.label, kind=kind) for p in new]
    return pairs


def build(packages: Path) -> pd.DataFrame:
    """The task in the columns of task.py."""
    with wordnet(packages) as wn:
        return table("qnli", qnli(articles(wn)))
