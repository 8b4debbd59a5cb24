"""``python -m companion.explorer -o FOLDER``."""

import sys

from companion.explorer.pages import main

if __name__ == "__main__":
    sys.exit(main())
