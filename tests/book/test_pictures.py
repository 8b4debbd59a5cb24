"""A figure is read on a phone: its picture keeps its size and scrolls in a box that the keyboard reaches."""

import sys

import pytest
from browsing import TOO_WIDE, visit
from places import ROOT
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="570pt" height="230pt"><text y="20" font-size="9pt">9</text></svg>'
PAGE = "# A page\n\n```{figure} wide.svg\n:name: fig-wide\n:alt: A number.\n\nWhat it shows, in a long caption.\n```\n"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of a page with one figure, as wide as those of the sections."""
    folder = tmp_path_factory.mktemp("book")
    configuration = "extensions = ['myst_parser', 'accessible']\nhtml_theme = 'sphinx_book_theme'\n"
    configuration += "html_context = {'default_mode': 'auto'}\n"
    configuration += f"html_static_path = [{str(ROOT / 'book/_static')!r}]\nhtml_css_files = ['custom.css']\n"
    for name, text in {"conf.py": configuration, "index.md": PAGE, "wide.svg": SVG}.items():
        (folder / name).write_text(text)
    sys.path.insert(0, str(ROOT / "book/_ext"))
    try:
        with docutils_namespace(), (folder / "warnings").open("w") as log:
            Sphinx(folder, folder, folder / "html", folder / "trees", "html", status=None, warning=log).build()
    finally:
        sys.path.pop(0)
        sys.modules.pop("accessible", None)
    assert (folder / "warnings").read_text() == ""
    return (folder / "html/index.html").as_uri()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("width", [360, 390, 1280])
def test_a_picture_is_as_wide_as_can_be_read_and_the_page_as_its_screen(address, browser, width):
    page, _, errors = visit(browser, address, width=width)
    assert errors == []
    assert page.evaluate(TOO_WIDE) == []
    picture = page.get_by_role("group", name="fig-wide")
    scale = picture.locator("img").evaluate("image => image.getBoundingClientRect().width / image.naturalWidth")
    assert 12 * scale > 9  # pixels of the smallest text
    hidden = picture.evaluate("box => box.scrollWidth - box.clientWidth")
    assert (hidden > 100) == (width < 700)
    assert page.locator("figcaption").evaluate("text => text.scrollWidth <= text.clientWidth")
    if width < 700:
        picture.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.activeElement.scrollLeft > 0")
    else:
        assert picture.get_attribute("tabindex") == "-1"  # nothing to scroll, so no stop
    page.context.close()
