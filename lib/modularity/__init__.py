"""Do neurons of a Transformer specialise, and do they gather in experts? For any model and any labelled sentences.

What a researcher needs who brings a model and a table belongs here. It knows no file of this book, and needs no clone.
"""

from typing import TYPE_CHECKING

from modularity.subfunction import SubFunction

if TYPE_CHECKING:
    from modularity.analysis import analyse
    from modularity.models import wrap

__all__ = ["SubFunction", "analyse", "wrap"]


def __getattr__(name: str) -> object:
    """`wrap` and `analyse` need torch, which takes seconds to load and which statistics do without."""
    if name not in ("analyse", "wrap"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from modularity.analysis import analyse
    from modularity.models import wrap

    return wrap if name == "wrap" else analyse
