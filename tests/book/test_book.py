"""The built pages in headless Chromium: self-contained, without script errors, no wider than the screen, accessible."""

import functools
import http.server
import importlib.util
import re
import threading

import pytest
import yaml
from browsing import TOO_WIDE, Opened, visit
from built_book import HTML, needs_the_book
from places import ROOT

TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
CHAPTERS = [chapter for part in TOC["parts"] for chapter in part["chapters"]]
PAGES = [TOC["root"], *(page["file"] for chapter in CHAPTERS for page in [chapter, *chapter.get("sections", [])])]
PAGES += ["search", "genindex", "py-modindex", "_modules/modularity/capture"]
# Long pages of one kind, written by Sphinx: axe looks at them on the desktop only, to save time.
REFERENCE = [page for page in PAGES if page.startswith(("book/api/", "genindex", "_modules/"))]


@pytest.fixture(scope="module")
def site():
    """Address of a local server of the built book."""
    needs_the_book()
    handler = functools.partial(Quiet, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module", params=[pytest.param(page, marks=pytest.mark.slow) for page in PAGES])
def opened(request, browser, site):
    """A page from the server on a desktop by day, and from disk on a phone by night: two loads for all there is to see.

    Colours do not depend on the width, and a desktop shows more of them.
    """
    address = (HTML / f"{request.param}.html").as_uri()
    rest = request.param not in REFERENCE
    desktop = Opened(browser, f"{site}/{request.param}.html", width=1280, dark=False)
    return desktop, Opened(browser, address, width=390, dark=True, contrast=False, rest=rest)


def test_a_page_asks_no_other_host(opened, site):
    desktop, phone = opened
    assert desktop.requests
    assert [r for r in desktop.requests if not r.startswith((f"{site}/", "data:", "blob:"))] == []
    assert [r for r in phone.requests if not r.startswith(("file:", "data:", "blob:"))] == []


def test_a_page_has_no_script_error_and_opens_from_disk(opened):
    desktop, phone = opened
    assert desktop.errors == []
    assert phone.errors == []
    assert phone.title == desktop.title != ""


def test_a_page_is_no_wider_than_the_screen_in_either_scheme(opened):
    for view in opened:
        assert view.too_wide == {"light": [], "dark": []}


def test_a_page_is_accessible(opened):
    for view in opened:
        assert view.violations == []


def test_all_text_of_a_page_stands_out_in_either_scheme(opened):
    assert opened[0].faint == {"light": [], "dark": []}


PLANTED = """<!doctype html><html lang="en"><title>x</title><main><h1>Planted</h1>
<p style="color: #ccc; background: #fff">faint</p> <p style="color: #ccc; background: #fff">faint as well</p>
<p>plain</p><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
<div style="overflow: hidden"><p id="wide" style="width: 3000px">wide</p></div></main>
<p id="outside">in no landmark</p>
<style>@media (prefers-color-scheme: dark) { #wide { color: #111; background: #000 } }</style></html>"""


def test_a_page_shows_numbers_and_not_what_holds_them():
    needs_the_book()
    for page in PAGES:
        if not page.startswith("_modules/"):
            shown = (HTML / f"{page}.html").read_text(encoding="utf-8")
            assert re.findall(r"(?:np|numpy)\.(?:float|int|str|bool)\w*\([^)]*\)", shown) == [], page


def test_planted_faults_would_be_seen(browser, tmp_path):
    (tmp_path / "page.html").write_text(PLANTED)
    found = Opened(browser, (tmp_path / "page.html").as_uri(), width=390, dark=False)
    assert sorted(line.split(":")[0] for line in found.violations) == ["image-alt", "region"]
    assert [re.findall(">(.*?)<", line) for line in found.faint["light"]] == [["faint"]]
    assert [re.findall(">(.*?)<", line) for line in found.faint["dark"]] == [["faint"], ["wide"]]
    assert [re.findall('id="(.*?)"', line) for line in found.too_wide["light"]] == [["wide"]]


def test_the_page_of_section_4_shows_its_figure_and_numbers(browser, site):
    page, _, _ = visit(browser, f"{site}/notebooks/04_specialization.html")
    figure = page.locator("figure img").first
    assert figure.evaluate("image => image.complete && image.naturalWidth") > 300
    assert len(figure.get_attribute("alt")) > 40
    assert len(re.findall(r"0\.\d{3}", page.locator("h1 + p").inner_text())) >= 2  # trained and untrained
    assert page.locator("table.verdicts .verdict-holds").count() >= 1
    page.context.close()


def test_the_first_page_fits_a_laptop(browser, site):
    page, _, _ = visit(browser, f"{site}/book/index.html", width=1440)
    doors = page.locator(".doors").bounding_box()
    assert doors["y"] + doors["height"] < 900  # the height that a visit has
    assert page.locator("table .verdict").count() == 6
    page.context.close()


def test_the_ledger_is_filtered_by_keyboard(browser, site):
    page, _, errors = visit(browser, f"{site}/book/claims.html")
    rows = page.locator("table.ledger-matrix tbody tr:visible")
    every, blocks = rows.count(), page.locator(".claim:visible").count()
    assert every == blocks > 30
    page.get_by_label("Model", exact=True).focus()
    page.keyboard.type("t5-mini")
    page.get_by_label("Verdict", exact=True).focus()
    page.keyboard.type("not in")
    shown = rows.count()
    assert 0 < shown < every
    assert page.locator(".claim:visible").count() == shown
    assert page.get_by_role("status").inner_text() == f"{shown} of {every} claims"
    assert page.locator("table.ledger-matrix tbody tr:visible .verdict-not-in-this-model:visible").count() == shown
    assert page.locator("table.ledger-matrix thead th:visible").all_inner_texts()[2:] == ["t5-mini"]
    assert errors == []
    page.context.close()


@pytest.mark.parametrize("name", ["book/claims", "notebooks/05_functional_experts", "notebooks/05_how_sure"])
def test_a_page_is_printed_whole_and_in_dark_ink(browser, site, name):
    page, _, _ = visit(browser, f"{site}/{name}.html", width=718, dark=True)  # what is left of A4 between margins
    page.emulate_media(media="print")
    assert page.evaluate(TOO_WIDE) == []
    scrolls = "e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1"
    assert (
        page.evaluate(f"[...document.querySelectorAll('main *')].filter({scrolls}).map(e => e.outerHTML.slice(0, 99))")
        == []
    )
    ink = page.evaluate("['main p', 'main td', 'main h2'].map(s => getComputedStyle(document.querySelector(s)).color)")
    assert all(max(map(int, re.findall(r"\d+", colour)[:3])) < 130 for colour in ink), ink
    page.context.close()


def test_formulas_are_typeset(browser, site):
    page, _, _ = visit(browser, f"{site}/notebooks/03_functionality.html")
    page.wait_for_selector("mjx-container", timeout=10_000)
    page.context.close()


def test_launch_buttons_point_at_the_committed_notebook(browser, site):
    page, _, _ = visit(browser, f"{site}/notebooks/04_specialization.html")
    links = page.eval_on_selector_all("a[href]", "links => links.map(l => l.href)")
    for host in ("colab.research.google.com", "mybinder.org"):
        assert any(host in link and "notebooks/04_specialization.ipynb" in link.replace("%2F", "/") for link in links)
    page.context.close()


def test_a_request_to_another_host_would_be_seen(browser, site, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<h1>x</h1><img src="http://192.0.2.1/x.png"><script>throw new Error("broken")</script>')
    _, requests, errors = visit(browser, page.as_uri())
    assert "http://192.0.2.1/x.png" in requests
    assert any("broken" in e for e in errors)


def test_the_readme_tells_the_finding_of_this_run():
    needs_the_book()
    spec = importlib.util.spec_from_file_location("readme", ROOT / "book/readme.py")
    readme = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(readme)
    written = readme.BLOCK.search((ROOT / "README.md").read_text(encoding="utf-8")).group()
    now = readme.block(readme.glued(readme.EXECUTED))
    number = re.compile(r"\d+\.\d+")
    # The last digit may differ between machines; the words may not.
    assert number.sub("#", written) == number.sub("#", now)
    for a, b in zip(number.findall(written), number.findall(now), strict=True):
        assert abs(float(a) - float(b)) < 0.0101
    assert (ROOT / readme.FIGURE).is_file()
