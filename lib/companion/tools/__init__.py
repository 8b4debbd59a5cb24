"""What runs sections and knows what they depend on; nothing here computes a result."""

from pathlib import Path

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
