"""The directives of a page: markdown-it finds them, with myst-parser's own plugins."""

import re
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin

PARSER = MarkdownIt("commonmark").use(colon_fence_plugin).use(myst_block_plugin)
_DIRECTIVE = re.compile(r"\{(?P<name>[\w:-]+)\} *(?P<title>.*)")
_OPTIONS = re.compile(r"(?::[\w-]+:.*\n)+")


class Directive(NamedTuple):
    name: str
    title: str
    label: str
    folded: bool
    body: str


def directive(token: Token) -> Directive | None:
    """The directive that a block of `PARSER` is, if it is one."""
    if not token.type.endswith("fence") or not (found := _DIRECTIVE.match(token.info)):
        return None
    options = match[0] if (match := _OPTIONS.match(token.content)) else ""
    label = re.search(r"^:label: *(\S+)", options, re.MULTILINE)
    body = token.content[len(options) :].strip("\n")
    return Directive(found["name"], found["title"], label[1] if label else "", "dropdown" in options, body)
