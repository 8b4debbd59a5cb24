"""The built pages, for tests that read or open them."""

import os

import pytest
from places import ROOT

HTML = ROOT / "_build" / "html"


def needs_the_book():
    if not (HTML / "index.html").is_file():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the book is not built: run make book")
