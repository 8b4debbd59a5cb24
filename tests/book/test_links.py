"""The built pages as files, without browser or network: every link and anchor leads somewhere, images have words."""

from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from built_book import HTML, needs_the_book


class Page(HTMLParser):
    """What a file links to, shows, and can be linked at."""

    def __init__(self, file):
        super().__init__()
        self.links, self.ids, self.images = [], [], []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "img":
            self.images.append(values)
        if tag == "meta" and values.get("http-equiv") == "refresh":
            self.links.append(values["content"].split("url=")[-1])
        self.links += [values[name] for name in ("href", "src") if name in values]


page = cache(Page)


def problem(link, file):
    """What is wrong with a link of a page, or nothing."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return "no address"
    if parts.scheme in ("data", "mailto", "javascript"):
        return None if parts.scheme != "javascript" else "a script"
    if parts.scheme or parts.netloc:
        usual = (
            parts.scheme in ("https", "http") and "." in (parts.hostname or "") and not set(link) & set(' "<>{}|\\^`')
        )
        return None if usual else "no address"
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.is_relative_to(HTML.resolve()) and not target.is_relative_to(file.parent.resolve()):
        return "outside the book"
    if not target.is_file():
        return "no such file"
    if parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in page(target).ids:
        return "no such anchor"
    return None


def problems(file):
    found = page(file)
    lines = [f"{link}: {wrong}" for link in dict.fromkeys(found.links) if (wrong := problem(link, file))]
    lines += [f"#{name}: {times} times" for name, times in Counter(found.ids).items() if times > 1]
    return lines + [f"{image.get('src')}: no words" for image in found.images if not (image.get("alt") or "").strip()]


@pytest.fixture(scope="module")
def files():
    needs_the_book()
    return sorted(file.resolve() for file in HTML.rglob("*.html") if "_static" not in file.relative_to(HTML).parts)


def test_every_link_leads_somewhere_and_every_image_has_words(files):
    assert len(files) > 10
    assert {file.name: wrong for file in files if (wrong := problems(file))} == {}


def test_no_image_is_described_by_its_file_name(files):
    for file in files:
        for image in page(file).images:
            assert not Path(image["src"]).suffix or Path(image["src"]).name not in image["alt"]


def test_planted_faults_would_be_seen(tmp_path):
    (tmp_path / "other.html").write_text("<p id=there>x</p>")
    (tmp_path / "page.html").write_text(
        """<p id=twice></p><p id=twice></p><img src="data:," alt=" ">
        <a href="other.html#there">ok</a><a href="#twice">ok</a>
        <a href="other.html#gone">x</a><a href="#gone">x</a><a href="gone.html">x</a><a href="https://x y.org/">x</a>
        <a href="https://nowhere">x</a><a href="https://doi.org/10.1/2">ok</a><a href="../../passwd">x</a>"""
    )
    assert problems(tmp_path / "page.html") == [
        "other.html#gone: no such anchor",
        "#gone: no such anchor",
        "gone.html: no such file",
        "https://x y.org/: no address",
        "https://nowhere: no address",
        "../../passwd: outside the book",
        "#twice: 2 times",
        "data:,: no words",
    ]
