"""Docstrings as this library writes them, for autodoc, and links between its names.

A section is a rubric; in those of parameters and errors each name is a term and the prose behind it its definition.
Types and shapes stand in signatures; napoleon would take what follows a parameter's colon for its type.
"""

import importlib
import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PACKAGES = ("modularity", "companion")
SECTION = re.compile(r"^(\w+)\n-{3,}\n", re.MULTILINE)
PARAMETER = re.compile(r"^(\S.*?) : ", re.MULTILINE)
ERROR = re.compile(r"^(\S.*)$", re.MULTILINE)


def restructured(text: str) -> str:
    """A docstring with its sections as rubrics, its parameters and errors as terms."""
    first, *parts = SECTION.split(text)
    made = [first]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        if title == "Parameters":
            body = PARAMETER.sub(r"``\1``\n    ", body)
        elif title == "Raises":
            body = ERROR.sub(r"``\1``", body)
        made.append(f".. rubric:: {title}\n\n{body}")
    return "".join(made)


def reword(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    lines[:] = restructured("\n".join(lines)).split("\n")


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element) -> nodes.Node | None:
    """Link `module.name` as it is written inside the packages; leave alone what is no name of theirs.

    No two modules have one name, so that of its package is left out. A name that its module does not have is none of
    these, so Sphinx warns of it.
    """
    if node.get("refdomain") != "py":
        return None
    objects = env.domains["py"].objects  # type: ignore[attr-defined]
    known = {n.rpartition(".")[2]: n for n, o in objects.items() if o.objtype == "module" and n.startswith(PACKAGES)}
    module, _, name = node["reftarget"].partition(".")
    if module not in known:
        return text  # a parameter, or somebody else's class
    target = f"{known[module]}.{name}" if name else known[module]
    if target in objects:
        node["reftarget"], node["reftype"] = target, "obj"
        return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, text)
    owner = importlib.import_module(known[module])
    return text if hasattr(owner, name.partition(".")[0]) else None  # a constant has no entry of its own


def setup(app: Sphinx) -> dict:
    app.connect("autodoc-process-docstring", reword)
    app.connect("missing-reference", resolve)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
