"""The register of brands: each as one entity, with its forms, times, counts, owner and place."""

from ner.brands.register import Register

__all__ = ["Register"]
