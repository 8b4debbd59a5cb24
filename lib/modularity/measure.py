"""What decides a number beside data, model and options: part of the key of every result that is stored."""

from importlib import metadata

# Raise it by one in the commit that changes what a number means or how it is computed: a score, how activations are
# pooled, which neurons or layers are read, how a text becomes tokens, how sentences are split into halves, a partition,
# a perturbation, how chance is simulated, a grid's plan. Everything stored is then computed anew. Moving or renaming
# code, or making it faster with the same numbers, does not raise it.
VERSION = 1

# Of what this process has imported: a worker may be older than what is now installed. Without the build ("+cpu"),
# so that a client without a GPU may ask workers that have one.
LIBRARIES = {
    name: metadata.version(name).split("+")[0]
    for name in ("k-means-constrained", "numpy", "ortools", "scipy", "tokenizers", "torch", "transformers")
}


def key() -> dict[str, object]:
    """The version of the measure and of each library that computes it, as a part of a key of `store.cached`."""
    return {"measure": VERSION, **LIBRARIES}
