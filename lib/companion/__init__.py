"""This book's own machinery: what is read, the models at hand, what takes hours, tables, figures and claims.

It uses `modularity`, which never uses it. Each package imports only from those before it: functions, models,
experiments, released, sections, gpu, claims, choices, explorer, tools; programs stand beside them.
"""

import warnings

# transformers asks for bars of ipywidgets in a notebook; the bars of this book are text, and nothing is missing.
warnings.filterwarnings("ignore", "IProgress not found")
