"""Executable companion to "Emergent Modularity in Pre-trained Transformers" (Zhang et al., 2023)."""
