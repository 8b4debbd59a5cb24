"""The data of the page that shows neurons and experts one by one. ``python -m companion.explorer -o FOLDER``."""
