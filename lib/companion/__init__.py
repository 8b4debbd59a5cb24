"""This book's own machinery: what is read, the models at hand, what takes hours, tables, figures and claims.

It uses `modularity`, which never uses it. Each package imports only from those before it: functions, models,
experiments, released, sections, gpu, claims, choices, explorer, tools; programs stand beside them.
"""
