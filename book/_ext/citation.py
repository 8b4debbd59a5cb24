"""Says to reference managers and search engines what a page is, of what, and by whom: Dublin Core, the ``citation_*``
tags of Google Scholar and Zotero, and schema.org as JSON-LD. All of it is text in the page; nothing is fetched.
"""

import datetime
import json
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from html import escape, unescape
from pathlib import Path

import yaml
from sphinx.application import Sphinx

FILE = "CITATION.cff"
LICENCES = "https://spdx.org/licenses/"


@dataclass(frozen=True)
class Work:
    """What ``CITATION.cff`` says of the book, or of the paper that it is about."""

    title: str
    authors: tuple[dict[str, str], ...]  # type and name, in the words of schema.org
    version: str = ""
    licence: str = ""
    year: str = ""
    collection: str = ""
    arxiv: str = ""

    @property
    def names(self) -> list[str]:
        return [author["name"] for author in self.authors]

    @property
    def address(self) -> str:
        return f"https://arxiv.org/abs/{self.arxiv}"

    def described(self) -> dict:
        """The paper, in the words of schema.org."""
        described = {"@id": self.address, "@type": "ScholarlyArticle", "name": self.title, "author": [*self.authors]}
        return described | {"datePublished": self.year, "identifier": f"arXiv:{self.arxiv}", "url": self.address}


@cache
def read(folder: Path) -> tuple[Work, Work]:
    """The book and its paper, as ``CITATION.cff`` has them.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file, or it does not name the paper with its arXiv number.
    """
    said = yaml.safe_load((folder / FILE).read_text(encoding="utf-8"))
    paper = (said.get("references") or [{}])[0]
    numbers = [str(identifier.get("value", "")) for identifier in paper.get("identifiers", [])]
    arxiv = next((n.removeprefix("arXiv:") for n in numbers if n.startswith("arXiv:")), None)
    if arxiv is None:
        raise ValueError(f"{folder / FILE} names no paper with an arXiv number under references, identifiers")
    book = Work(said["title"], _authors(said), str(said["version"]), said["license"])
    year, collection = str(paper["year"]), paper.get("collection-title", "")
    return book, Work(paper["title"], _authors(paper), year=year, collection=collection, arxiv=arxiv)


def _authors(work: dict) -> tuple[dict[str, str], ...]:
    """People have a family name, the given one before it; all others a name."""
    return tuple(
        {"@type": "Person", "name": f"{one.get('given-names', '')} {one['family-names']}".strip()}
        if "family-names" in one
        else {"@type": "Organization", "name": one["name"]}
        for one in work.get("authors", [])
    )


@cache
def day(folder: Path) -> str:
    """When the commit was made that the book is built from; without one, today. As ISO 8601."""
    try:
        command = ["git", "show", "--no-patch", "--format=%cs", "HEAD"]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return datetime.date.today().isoformat()


def tags(title: str, book: Work, paper: Work, date: str) -> str:
    """The tags of a page's head."""
    licence = f"{LICENCES}{book.licence}"
    pairs = [
        ("DC.title", title),
        *(("DC.creator", name) for name in book.names),
        ("DC.date", date),
        ("DC.language", "en"),
        ("DC.type", "Text"),
        ("DC.rights", licence),
        ("DC.relation", paper.address),
        ("citation_title", title),
        *(("citation_author", name) for name in book.names),
        ("citation_publication_date", date.replace("-", "/")),
        ("citation_inbook_title", book.title),
        ("citation_language", "en"),
        ("citation_reference", _reference(paper)),
    ]
    authors = [*book.authors]
    page = {
        "@context": "https://schema.org",
        "@type": ["WebPage", "LearningResource"],
        "name": title,
        "author": authors,
        "datePublished": date,
        "inLanguage": "en",
        "license": licence,
        "isPartOf": {"@type": "Book", "name": book.title, "author": authors, "version": book.version},
        "isBasedOn": paper.described() | {"isPartOf": {"@type": "Periodical", "name": paper.collection}},
    }
    lines = [f'<meta name="{name}" content="{escape(value)}" />' for name, value in pairs]
    inline = json.dumps(page, ensure_ascii=False).replace("</", "<\\/")  # so that no text ends the script
    return "\n".join(["", *lines, f'<script type="application/ld+json">{inline}</script>', ""])


def _reference(paper: Work) -> str:
    parts = [f"citation_title={paper.title}", *(f"citation_author={name}" for name in paper.names)]
    parts += [f"citation_publication_date={paper.year}", f"citation_inbook_title={paper.collection}"]
    return "; ".join([*parts, f"citation_arxiv_id={paper.arxiv}"])


def describe(app: Sphinx, _page: str, _template: str, context: dict, doctree: object) -> None:
    if doctree is not None:  # the search and the index are no works
        folder = Path(app.srcdir)
        title = unescape(re.sub("<.*?>", "", context.get("title", "")))
        context["metatags"] = context.get("metatags", "") + tags(title, *read(folder), day(folder))


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", describe)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
