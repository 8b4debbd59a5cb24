"""``python -m companion.explorer -o FOLDER``."""

from companion import terminal
from companion.explorer.pages import main

if __name__ == "__main__":
    terminal.run(main)
