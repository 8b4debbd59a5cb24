"""``python -m companion.claims``: check the ledger of claims."""

import sys

from companion.claims.ledger import main

if __name__ == "__main__":
    sys.exit(main())
