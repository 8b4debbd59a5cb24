"""The built pages in headless Chromium: self-contained, without script errors, and no wider than the screen."""

import functools
import http.server
import importlib.util
import os
import re
import shutil
import threading
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def needs_the_book():
    if not (HTML / "index.html").is_file():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the book is not built: run make book")


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


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop("no Chromium: install it, or name it in CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


def visit(browser, address, *, width=1280, dark=False):
    """The opened page, every address it asked for, and every script error."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    page = context.new_page()
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("response", lambda response: errors.append(response.url) if response.status >= 400 else None)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(address, wait_until="load")
    page.wait_for_timeout(300)
    return page, requests, errors


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_no_other_host_and_has_no_script_error(browser, site, name):
    page, requests, errors = visit(browser, f"{site}/{name}.html")
    assert requests
    assert [r for r in requests if not r.startswith((site, "data:", "blob:"))] == []
    assert errors == []
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_from_disk(browser, site, name):
    page, requests, _ = visit(browser, (HTML / f"{name}.html").as_uri())
    assert [r for r in requests if not r.startswith(("file:", "data:", "blob:"))] == []
    assert page.locator("h1").first.inner_text().strip()
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_is_no_wider_than_the_screen(browser, site, name, width, dark):
    page, _, _ = visit(browser, f"{site}/{name}.html", width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    theme = page.evaluate("document.documentElement.dataset.theme")
    assert theme == ("dark" if dark else "light")
    page.context.close()


def test_the_page_of_section_4_shows_its_figure_and_numbers(browser, site):
    page, _, _ = visit(browser, f"{site}/notebooks/04_specialization.html")
    figure = page.locator("figure img").first
    assert figure.evaluate("image => image.complete && image.naturalWidth") > 300
    assert len(figure.get_attribute("alt")) > 40
    answer = page.locator("h1 + p").inner_text()
    assert (
        len(re.findall(r"0\.\d{3}", answer)) == 5
    )  # trained, untrained, useless, and the gains in tasks and knowledge
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
