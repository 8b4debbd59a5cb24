"""``ro-crate-metadata.json`` in the built book (RO-Crate 1.1): what each page, download and file of data is.

Of data it has the checksum, licence and source as well, from ``data/registry.txt``.
"""

import json
import mimetypes
import re
from collections.abc import Iterable
from pathlib import Path

from citation import LICENCES, Work, day, read
from provenance import commit
from reuse import DOWNLOADS
from sphinx.application import Sphinx

from companion.functions import sources

FILE = "ro-crate-metadata.json"
CRATE = "https://w3id.org/ro/crate/1.1"
ADDRESSES = {
    "MIT": f"{LICENCES}MIT",
    "CC BY-SA 4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
}
KINDS = {".ipynb": "application/x-ipynb+json", ".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
DESCRIPTION = (
    "An executable companion to {paper}: its claims tested on models that run on two CPU cores. "
    "The pages, the executed notebooks, the tables behind the figures, and the data that the notebooks read."
)


def crate(book: Work, paper: Work, date: str, files: Iterable[dict], data: Iterable[dict]) -> dict:
    """The metadata of the built book: `files` that lie in it, and `data` that lies elsewhere."""
    parts = [*files, *data]
    licences = {name for part in data for name in _names(part.get("licence", "MIT"))} | {book.licence}
    authors, people = ([{"@id": f"#{_slug(a['name'])}", **a} for a in work.authors] for work in (book, paper))
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": book.title,
        "description": DESCRIPTION.format(paper=paper.title),
        "datePublished": date,
        "version": book.version,
        "license": {"@id": _licence(book.licence)},
        "author": _ids(authors),
        "isBasedOn": {"@id": paper.address},
        "hasPart": _ids(parts),
    }
    descriptor = {"@id": FILE, "@type": "CreativeWork", "conformsTo": {"@id": CRATE}, "about": {"@id": "./"}}
    graph = [descriptor, root, paper.described() | {"author": _ids(people)}, *authors, *people]
    graph += [_described(part) for part in parts]
    graph += [{"@id": _licence(name), "@type": "CreativeWork", "name": name} for name in sorted(licences)]
    return {"@context": f"{CRATE}/context", "@graph": graph}


def _described(part: dict) -> dict:
    """A part with references to its licences in place of their names."""
    said = {key: value for key, value in part.items() if key != "licence"}
    licences = [{"@id": _licence(name)} for name in _names(part.get("licence", ""))]
    return said | ({"license": licences} if licences else {})


def _ids(entities: Iterable[dict]) -> list[dict]:
    return [{"@id": entity["@id"]} for entity in entities]


def _names(licence: str) -> list[str]:
    return [name for name in licence.split(", ") if name]


def _licence(name: str) -> str:
    return ADDRESSES.get(name, f"#licence-{_slug(name)}")


def _slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def file(address: str, name: str, **more: str) -> dict:
    suffix = Path(address).suffix
    kind = KINDS.get(suffix) or mimetypes.guess_type(address)[0] or "application/octet-stream"
    return {"@id": address, "@type": "File", "name": name, "encodingFormat": kind, **more}


def made(app: Sphinx) -> list[dict]:
    """The pages of the built book, and what hangs on them."""
    out = Path(app.outdir)
    pages = [file(f"{name}.html", app.env.titles[name].astext()) for name in sorted(app.env.found_docs)]
    kept = sorted(path for kind in ("*.ipynb", "*/*.csv") for path in (out / DOWNLOADS).glob(kind))
    return pages + [
        file(path.relative_to(out).as_posix(), path.relative_to(out / DOWNLOADS).as_posix()) for path in kept
    ]


def shipped(repository: str, version: str) -> list[dict]:
    """The files of data of the repository at a commit or branch."""
    folder = f"{repository}/raw/{version}/data"
    return [
        file(f"{folder}/{e.name}", e.name, sha256=e.sha256, licence=e.licence, description=e.source)
        for e in sources.registry().values()
    ]


def write(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    folder = Path(app.srcdir)
    repository = (app.config.html_theme_options or {}).get("repository_url", "")
    data = shipped(repository, commit(folder)[:40] or "main") if repository else []
    book, paper = read(folder)
    text = json.dumps(crate(book, paper, day(folder), made(app), data), ensure_ascii=False, indent=1)
    (Path(app.outdir) / FILE).write_text(text + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict:
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
