"""What a few minutes on a borrowed GPU are for. ``python -m companion.gpu OUT`` runs it.

Nothing else of this book needs it, and it needs few packages of the borrowed machine.
"""
