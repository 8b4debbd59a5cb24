"""The models that this book knows by name, how the companions among them are trained, and one that is built by hand.

What any model needs belongs to `modularity.models`.
"""

from companion.models.catalogue import MINI, companions, known_as, load, load_runs, seeds, tokenizer

__all__ = ["MINI", "companions", "known_as", "load", "load_runs", "seeds", "tokenizer"]
