"""The models that this book knows by name, how the companions among them are trained, and one that is built by hand.

What any model needs belongs to `modularity.models`.
"""

from typing import TYPE_CHECKING

from companion.models.names import MINI, companions, known_as, seeds

if TYPE_CHECKING:
    from companion.models.catalogue import load, load_runs, tokenizer

__all__ = ["MINI", "companions", "known_as", "load", "load_runs", "seeds", "tokenizer"]


def __getattr__(name: str) -> object:
    """What loads models needs transformers, which takes seconds to import and which names do without."""
    if name not in ("load", "load_runs", "tokenizer"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from companion.models import catalogue

    return getattr(catalogue, name)
