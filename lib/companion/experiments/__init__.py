"""What takes longer than a page may: planned in cells, computed, stored, shipped and rechecked.

What is computed in hours belongs here; how it is tabulated and drawn belongs to `sections`.
"""
