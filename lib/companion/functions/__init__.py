"""What is told apart: sub-functions of the paper's three functions, their controls, and every file with its checksum.

Text and labels belong here; nothing that needs a model.
"""

from companion.functions.tracks import CONTROLS, evaluation_sentences, first, load, load_all, load_controls, task_table

__all__ = ["CONTROLS", "evaluation_sentences", "first", "load", "load_all", "load_controls", "task_table"]
