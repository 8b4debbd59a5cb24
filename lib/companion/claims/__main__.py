"""``python -m companion.claims``: check the ledger of claims."""

from companion import terminal
from companion.claims.ledger import main

if __name__ == "__main__":
    terminal.run(main)
