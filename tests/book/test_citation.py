"""What machines read of the built book: who wrote a page, on which paper it builds, and the origin of every file."""

import datetime
import io
import json
import re
from html import unescape

import pytest
import yaml
from places import ROOT
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from companion.functions import sources

EXTENSIONS = ROOT / "book/_ext"
REPOSITORY = "https://github.com/a/book"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
CFF = """title: "Tests & trials"
version: 1.2
license: MIT
authors: [{name: A group}, {family-names: Gödel, given-names: K.}]
references:
  - title: Paper </script>
    authors: [{family-names: Solo}]
    year: 1931
    collection-title: Monthly
    identifiers: [{type: doi, value: 10.1/2}, {type: other, value: "arXiv:3101.00001"}]
"""


@pytest.fixture
def extensions(monkeypatch):
    """The two extensions, as modules."""
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    import citation
    import crate

    return citation, crate


@pytest.fixture
def built(tmp_path, extensions):
    """The folder of a small built book, which has a table below its downloads."""
    configuration = "extensions = ['citation', 'crate']\nhtml_theme = 'sphinx_book_theme'\n"
    configuration += f"html_theme_options = {{'repository_url': {REPOSITORY!r}}}\n"
    title = "First & *best*"
    files = {"conf.py": configuration, "index.rst": f"{title}\n{'=' * len(title)}\n", "CITATION.cff": CFF}
    files["html/_downloads/01_one/fig.csv"] = "a\n"
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    out, warnings = tmp_path / "html", io.StringIO()
    with docutils_namespace():
        Sphinx(tmp_path, tmp_path, out, tmp_path / "trees", "html", status=None, warning=warnings).build()
    assert warnings.getvalue() == ""
    return out


def test_a_page_says_its_title_its_authors_and_its_paper(built):
    page = (built / "index.html").read_text(encoding="utf-8")
    head = page.partition("<body")[0]
    tags = [(name, unescape(text)) for name, text in re.findall(r'<meta name="(\S+)" content="(.*?)" />', head)]
    today = datetime.date.today().isoformat()
    assert [text for name, text in tags if name in ("DC.title", "citation_title")] == ["First & best"] * 2
    assert [text for name, text in tags if name == "DC.creator"] == ["A group", "K. Gödel"]
    assert [text for name, text in tags if name == "citation_author"] == ["A group", "K. Gödel"]
    assert ("DC.date", today) in tags
    assert ("citation_publication_date", today.replace("-", "/")) in tags
    assert ("DC.relation", "https://arxiv.org/abs/3101.00001") in tags
    assert "citation_arxiv_id=3101.00001" in dict(tags)["citation_reference"]
    assert "DC.title" not in (built / "search.html").read_text(encoding="utf-8")


def test_the_linked_data_of_a_page_is_whole_whatever_a_title_holds(built):
    page = (built / "index.html").read_text(encoding="utf-8")
    (inline,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    said = json.loads(inline)
    assert said["@context"] == "https://schema.org"
    assert said["name"] == "First & best"
    assert said["isPartOf"]["name"] == "Tests & trials"
    assert [author["@type"] for author in said["author"]] == ["Organization", "Person"]
    assert said["isBasedOn"]["name"] == "Paper </script>"
    assert said["isBasedOn"]["identifier"] == "arXiv:3101.00001"


def test_the_book_of_this_repository_names_its_paper(extensions):
    book, paper = extensions[0].read(ROOT)
    assert book.licence == "MIT"
    assert len(paper.authors) == 10
    assert paper.arxiv == "2305.18390"


def test_a_citation_without_the_paper_is_an_error(extensions, tmp_path):
    (tmp_path / "CITATION.cff").write_text(CFF.replace("arXiv:", ""))
    with pytest.raises(ValueError, match="no paper with an arXiv number"):
        extensions[0].read(tmp_path)


def faults(crate, folder):
    """What RO-Crate 1.1 asks for and a crate does not have."""
    known = {entity["@id"]: entity for entity in crate["@graph"]}
    found = [] if len(known) == len(crate["@graph"]) else ["an id twice"]
    descriptor, root = known["ro-crate-metadata.json"], known["./"]
    if (descriptor["about"], descriptor["@type"]) != ({"@id": "./"}, "CreativeWork"):
        found.append("descriptor")
    if descriptor["conformsTo"] != {"@id": "https://w3id.org/ro/crate/1.1"}:
        found.append("version")
    found += [f"root: {name}" for name in ("name", "description", "datePublished", "license") if not root.get(name)]
    found += ["root: type"] if root["@type"] != "Dataset" else []
    datetime.date.fromisoformat(root["datePublished"])
    given = [entity for entity in known.values() if entity is not descriptor]
    named = {ref for entity in given for ref in re.findall(r"\{'@id': '([^']*)'\}", str(entity))}
    found += [f"described nowhere: {name}" for name in sorted(named - set(known))]
    for part in (known.get(ref["@id"], {}) for ref in root["hasPart"]):
        found += [f"part: {part}"] if part.get("@type") != "File" or not part.get("encodingFormat") else []
        here = not part.get("@id", "").startswith("https://")
        found += [f"missing: {part.get('@id')}"] if here and not (folder / part.get("@id", "")).is_file() else []
    return found


def test_the_crate_has_what_the_standard_asks_for_and_every_file(built):
    crate = json.loads((built / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    assert faults(crate, built) == []
    known = {entity["@id"]: entity for entity in crate["@graph"]}
    assert known["index.html"]["name"] == "First & best"
    assert known["_downloads/01_one/fig.csv"]["encodingFormat"] == "text/csv"
    assert known["./"]["isBasedOn"] == {"@id": "https://arxiv.org/abs/3101.00001"}
    for entry in sources.registry().values():
        described = known[f"{REPOSITORY}/raw/main/data/{entry.name}"]
        assert (described["sha256"], described["description"]) == (entry.sha256, entry.source)
        assert ", ".join(known[ref["@id"]]["name"] for ref in described["license"]) == entry.licence


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda known: known["./"].pop("license"), "root: license"),
        (lambda known: known["index.html"].pop("encodingFormat"), "part: "),
        (lambda known: known["./"]["hasPart"].append({"@id": "none.html"}), "described nowhere: none.html"),
        (lambda known: known["ro-crate-metadata.json"].update(conformsTo={"@id": "x"}), "version"),
    ],
)
def test_a_crate_that_lacks_something_would_be_seen(built, change, fault):
    crate = json.loads((built / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    change({entity["@id"]: entity for entity in crate["@graph"]})
    assert any(line.startswith(fault) for line in faults(crate, built))


def test_the_codecheck_lists_what_every_notebook_makes():
    said = yaml.safe_load((ROOT / "codecheck.yml").read_text(encoding="utf-8"))
    assert said["version"] == "https://codecheck.org.uk/spec/config/1.0/"
    assert said["paper"]["title"] == yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["title"]
    listed = [part["file"] for part in said["manifest"]]
    assert sorted(listed) == sorted(f"executed/{p.name}" for p in (ROOT / "notebooks").glob("*.ipynb"))
    together = " ".join(part["comment"] for part in said["manifest"])
    asked = {(kind, number) for kind, last in (("Figure", 8), ("Table", 5)) for number in range(1, last + 1)}
    named = {
        (kind, int(number))
        for kind, numbers in re.findall(r"(Figure|Table)s? ([\d, and]+)", together)
        for number in re.findall(r"\d", numbers)
    }
    assert named == asked
