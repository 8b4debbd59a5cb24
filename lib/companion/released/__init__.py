"""The paper's printed numbers, and the authors' own result files. ``python -m companion.released DIR`` compares them.

Numbers of other people belong here; ours never do.
"""
