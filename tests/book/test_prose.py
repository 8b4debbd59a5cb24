"""Pages say what a run found: no verdict on a claim is typed, and what is not shown is not worded as absence."""

import re

import nbformat
import pytest
import yaml
from places import ROOT

from companion.claims import ledger, verdicts

NOTEBOOKS = {p.stem: p for p in sorted((ROOT / "notebooks").glob("*.ipynb"))}
PAGES = {p.stem: p for p in sorted((ROOT / "book").glob("*.md"))} | NOTEBOOKS
CLAIMS = {claim.id: claim for claim in ledger.read()}
ROLE = re.compile(r"\{[\w:]+\}`[^`]*`")
GLUED = re.compile(r"\{glue:text\}`(?:(?:\.\./notebooks/)?(\w+)\.ipynb::)?verdict(s?)_([\w.-]+)(:s)?`")
VERDICTS = re.compile(r"^```\{verdicts\} (.+)$", re.MULTILINE)
# Where the words are explained, and so have to be typed: page → passage.
DEFINITIONS = {
    "claims": r"## The rule\n.*?(?=\n## )",
    "glossary": r"\nverdict\n  .*?\n(?=\n|```)",
    "teaching": r"keeps \*not in this model\* .*? apart from \*not shown\* \(.*?\)",
}
TYPED = [
    r"\bnot shown\b|\bnot in this model\b",
    r"\*(?:holds|weaker|fails)\*",
    r"\b(?:established|refuted|confirmed|disproved)\b",
    r"\bclaims?\b[^.;:!?|]*\b(?:holds?|held|fails?|failed|(?:is|are) weaker)\b",
    r"\b(?:holds?|fails?)\b[^.;:!?|]*\bclaims?\b",
]
# What a run could not tell, in the words of the pages: claim → its subject; and words that deny it.
UNTOLD = {
    "own-experts": r"dissociat|\bown experts\b|\bown task\b",
    "switch-without": r"\bavoiding functional experts\b|(?<!layer )without (?:its )?functional experts\b",
}
DENIED = (
    r"\b(?:no|none|nothing(?! else)|nowhere|absent|absence)\b"
    r"|\b(?:is|are|do|does) not (?:there|exist|matter|hurt|darker)\b"
)


def prose(name: str) -> str:
    """What a page says: of a notebook its Markdown, and the captions and descriptions of its figures."""
    if name not in NOTEBOOKS:
        return PAGES[name].read_text(encoding="utf-8")
    cells = nbformat.read(NOTEBOOKS[name], 4).cells
    said = [c.source for c in cells if c.cell_type == "markdown"]
    for shown in (c.metadata.get("mystnb", {}) for c in cells):
        said += [shown.get("figure", {}).get("caption", ""), shown.get("image", {}).get("alt", "")]
    return "\n\n".join(said)


def unglued(text: str, definition: str = "") -> str:
    """Without what roles put there, code blocks, and the passage that explains the words."""
    if definition:
        text = re.sub(definition, "", text, flags=re.DOTALL)
    return ROLE.sub("…", re.sub(r"^```(?:python|bash|\{math\}).*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


def typed(text: str) -> list[str]:
    """Every place at which a verdict on a claim is typed."""
    return [match[0] for pattern in TYPED for match in re.finditer(pattern, text, re.IGNORECASE)]


def denied(text: str) -> list[str]:
    """Sentences that word as absence what is not shown."""
    sentences = re.split(r"(?<=[.!?;])\s+|\n\n|\n\|", text)
    about = [s for s in sentences for subject in UNTOLD.values() if re.search(subject, s, re.IGNORECASE)]
    return [s for s in about if re.search(DENIED, s)]  # with its case: the strategy "No Function" denies nothing


@pytest.mark.parametrize("name", PAGES)
def test_no_page_types_a_verdict(name):
    assert typed(unglued(prose(name), DEFINITIONS.get(name, ""))) == []


@pytest.mark.parametrize("name", PAGES)
def test_what_is_not_shown_is_not_worded_as_absence(name):
    assert denied(unglued(prose(name))) == []


def test_the_words_are_explained_where_they_may_be_typed():
    for name, passage in DEFINITIONS.items():
        assert len(re.findall(passage, prose(name), re.DOTALL)) == 1, name
        assert typed(unglued(prose(name))), name


def test_what_may_not_be_denied_is_what_is_not_shown():
    for claim in UNTOLD:
        assert "not shown" in CLAIMS[claim].expected.values()


@pytest.mark.parametrize(
    "sentence",
    [
        "The double dissociation is *not shown*.",
        "In T5-base the claim holds, by the authors' files.",
        "Small models fail this claim.",
        "That experts come first is not in this model.",
        "*Switch without*: **weaker**.",
        "That it hurts is not established by these files.",
    ],
)
def test_a_typed_verdict_is_found(sentence):
    assert typed(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "The claim has the verdict *{glue:text}`verdict_own-experts`*.",
        "An expert holds too many top neurons.",
        "The build fails when a file is missing.",
        "The claim asks for two things: each expert holds its neurons.",
    ],
)
def test_a_glued_verdict_and_other_words_are_none(sentence):
    assert typed(unglued(sentence)) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "In the double dissociation no part serves its task more than others.",
        "Double dissociation: the diagonal is not there.",
        "A task loses no more from its own experts than from others.",
        "Avoiding functional experts does not hurt.",
    ],
)
def test_absence_of_what_is_not_shown_is_found(sentence):
    assert denied(sentence)


def test_every_glued_verdict_is_one_that_its_page_glues():
    """Of a claim that the page decides: its own model's, or that of a model for which a verdict is expected."""
    found = [(name, *parts) for name in PAGES for parts in GLUED.findall(prose(name))]
    assert found
    for name, page, every, key, as_text in found:
        assert bool(page) == bool(as_text), (name, key, "from another page the role needs a format, :s")
        claim = next(c for c in sorted(CLAIMS, key=len, reverse=True) if key == c or key.startswith(f"{c}_"))
        model = key.removeprefix(claim).removeprefix("_")
        page = page or name
        models = {verdicts.slug(m) for m in CLAIMS[claim].expected}
        released = page == "A_released"
        assert released or page in CLAIMS[claim].pages, (name, key)
        assert not (every and model), (name, key)
        assert every or (model or own_model(page)) in models, (name, key)
        assert model.endswith("-released") or not released, (name, key)


def test_every_page_that_decides_claims_opens_with_their_verdicts():
    shown = {name: [c for block in VERDICTS.findall(prose(name)) for c in block.split()] for name in PAGES}
    assert sum(map(len, shown.values())) > 30
    assert {claim for claims in shown.values() for claim in claims} <= set(CLAIMS)
    for page in {page for claim in CLAIMS.values() for page in claim.pages}:
        first = nbformat.read(NOTEBOOKS[page], 4).cells[0].source
        assert any(page in CLAIMS[c].pages for block in VERDICTS.findall(first) for c in block.split()), page


def own_model(page: str) -> str:
    (cell,) = [c for c in nbformat.read(NOTEBOOKS[page], 4).cells if "parameters" in c.metadata.get("tags", [])]
    return yaml.safe_load(re.findall(r'^model: str = "(.+?)"', cell.source, re.MULTILINE)[0])


# Words that stopped readers, and what to write instead. A page that explains one of them quotes it in `ALLOWED`.
RIDDLES = {
    r"\buseless\b": "chance-level",
    r"\bdealt\b|\bdeals? (?:neurons|words|out)\b": "randomly assigned, or shuffled",
    r"\bluck in it\b": "selecting the highest score also selects luck",
    r"\bstands? still\b|\bwritten (?:more )?faintly\b|\bkeep the same company\b|\bdoes not mind\b": "what was measured",
    r"\bshare of the run\b": "fraction of training",
    r"\bless (?:that|those) of\b|\bown less\b|\btrained less untrained\b": "minus",
    r"(?<!there )\b(?:is|are) no (?!more|less|longer|larger|smaller|higher|lower|better)\w+": "is not, or without",
}
ALLOWED = {
    "choices": [r"What is a useless neuron", r"0\.5 is useless"],
    "03_functionality": [r"the value of a useless neuron"],
    "A_choices": [r"0\.5 means a useless neuron"],
}


def riddles(name: str) -> list[str]:
    text = unglued(re.sub(r"``.*?``|`.*?`", "", prose(name)))
    for allowed in ALLOWED.get(name, []):
        text = re.sub(allowed, "", text)
    return [f"{m[0]!r}: write {better}" for r, better in RIDDLES.items() for m in re.finditer(r, text, re.IGNORECASE)]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_speaks_in_riddles(name):
    assert riddles(name) == []


def test_a_riddle_is_found(monkeypatch):
    monkeypatch.setattr(
        f"{__name__}.prose", lambda name: "Neurons are dealt to experts. That is no proof, and there is no other."
    )
    assert [found.split(":")[0] for found in riddles("x")] == ["'dealt'", "'is no proof'"]
