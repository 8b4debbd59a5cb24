"""The paper's claims as effects with intervals, and the rule that makes them verdicts. ``python -m companion.claims``.

The claims themselves are data (``data/claims.yml``).
"""
