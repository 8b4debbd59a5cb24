"""Tables and figures of the sections: from what experiments give to what a page shows.

A module of tables and one of figures for a page; nothing here reads a model.
"""
