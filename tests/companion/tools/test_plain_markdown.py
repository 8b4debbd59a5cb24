"""What only the book understands becomes Markdown that any notebook program shows."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from companion.tools import plain_markdown, quizzes, whole_book

FIRST = """# Is it so?

(start)=
## Where it starts

```{math}
:label: sum
a + b
```

```{math}
:label: product
a b
```

```{exercise} Add
:label: add
Do.
```
"""
FIGURE = {"figure": {"name": "fig-one", "caption": "Lines of one; dots of the other."}}


@pytest.fixture
def book(tmp_path):
    cells = [new_markdown_cell(FIRST), new_code_cell("plot()", metadata={"mystnb": FIGURE})]
    page = tmp_path / "claims.md"
    page.write_text("# What holds?\n\n(d1)=\n### D1\n", encoding="utf-8")
    values = {"first::share": 0.1234, "first::number": 4321, "other::word": "holds", "other::verdict_add_t5": "weaker"}
    values |= {"first::verdicts_add-up": "holds (t5)"}
    options = (quizzes.Option("a < b", "It is less.", right=True),)
    asked = {"first": [quizzes.Question("Which?", options)]}
    return whole_book.book({"first": new_notebook(cells=cells)}, [page], values, asked)


INLINE = [
    ("{glue:text}`share:.1%` of {glue:text}`number:,d`", "12.3% of 4,321"),
    ("it {glue:text}`../notebooks/other.ipynb::word:s`, {glue:text}`other.ipynb::word`", "it holds, holds"),
    ("{glue:text}`never:d` and {glue:text}`gone.ipynb::share:d`", "… and …"),
    ("{verdict}`add t5`, {verdict}`add none`", "weaker, …"),
    ("it took {cost}`first`", "it took the time that the book's table of costs says"),
    ("{ref}`the *start* <start>` of {ref}`start`, {ref}`add`", "the *start* of *Where it starts*, *Add*"),
    ("{numref}`fig-one`, {numref}`Figure %s <fig-one>`", "*Lines of one*, Figure"),
    (
        "Equation {eq}`product`, {doc}`../book/claims`, {term}`a neuron <neuron>`",
        "Equation (2), *What holds?*, a neuron",
    ),
    ("{ref}`two\nlines <start>`", "two lines"),
    ("[](first.ipynb), [so](../notebooks/first.ipynb)", "[Is it so?](first.ipynb), [so](first.ipynb)"),
    ("[the ledger](../book/claims.md), [](../book/claims.md), [D1](d1), [](d1)", "the ledger, *What holds?*, D1, *D1*"),
    ("[paper](https://arxiv.org/abs/2305.18390)", "[paper](https://arxiv.org/abs/2305.18390)"),
    ("`{ref}` and ``{ref}`start` `` are code", "`{ref}` and ``{ref}`start` `` are code"),
    ("`a[](b)` and $[0](x)$", "`a[](b)` and $[0](x)$"),
    ("| {glue:text}`number:d` | `x` |", "| 4321 | `x` |"),
]


@pytest.mark.parametrize(("written", "shown"), INLINE)
def test_roles_and_links_become_words(written, shown, book):
    assert plain_markdown.convert(written, "first", book) == shown


BLOCKS = [
    ("(start)=\n## Where", "## Where"),
    ("```{math}\n:label: product\na b\n```", "$$\na b \\tag{2}\n$$"),
    ("```{math}\na b\n```", "$$\na b\n$$"),
    ("before\n\n```{verdicts} one two\n```\n\nafter", "before\n\nafter"),  # no run said anything of them
    ("before\n\n```{verdicts} one add-up\n```\n\nafter", "before\n\n- *add up*: holds (t5)\n\nafter"),
    (":::{admonition} Read\n{glue:text}`number:d`\n\nlines\n:::", "> **Read**\n> \n> 4321\n> \n> lines"),
    (":::{note}\nso\n:::", "> **Note**\n> \n> so"),
    (
        "```{quiz}\n```\n\nafter",
        "**1. Which?**\n\n<details>\n<summary>a &lt; b</summary>\n\n**Right.** It is less.\n\n</details>\n\nafter",
    ),
    (
        ":::{admonition} Why?\n:class: dropdown\nso\n:::",
        "<details>\n<summary>Why?</summary>\n\nso\n\n</details>",
    ),
    (
        "```{exercise} Add\n:label: add\nDo {glue:text}`number:d`.\n\n:::{hint}\n:class: dropdown\n`a`\n:::\n```",
        "### Exercise: Add\n\nDo 4321.\n\n<details>\n<summary>Hint</summary>\n\n`a`\n\n</details>",
    ),
    ("```python\n(start)=\n{ref}`start`\n```", "```python\n(start)=\n{ref}`start`\n```"),
    ("    {ref}`start`", "    {ref}`start`"),
    ("- one\n\n  :::{hint}\n  two\n  :::", "- one\n\n  <details>\n  <summary>Hint</summary>\n\n  two\n\n  </details>"),
]


@pytest.mark.parametrize(("written", "shown"), BLOCKS)
def test_directives_become_what_markdown_has(written, shown, book):
    assert plain_markdown.convert(written, "first", book) == shown


def test_a_quiz_without_questions_is_refused(book):
    with pytest.raises(ValueError, match=r"other has a quiz, and book/quizzes\.yml has no questions for it"):
        plain_markdown.convert("```{quiz}\n```", "other", book)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("```{mermaid}\na\n```", "first has the directive 'mermaid', which has no form"),
        ("{cite}`a`", "first has the role 'cite', which has no form"),
        ("{ref}`gone`", "names the label 'gone', which the book does not have"),
        ("{eq}`gone`", "names the equation 'gone'"),
        ("[](gone.md)", "names the page 'gone'"),
    ],
)
def test_what_has_no_form_is_refused(written, message, book):
    with pytest.raises(ValueError, match=message):
        plain_markdown.convert(written, "first", book)
