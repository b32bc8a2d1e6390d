"""The register of brands, organisations and places: each as one entity, across a store's articles."""

from ner.brands.facts import Reader
from ner.brands.register import describe, divide, evidence, rows, update

__all__ = ["Reader", "describe", "divide", "evidence", "rows", "update"]
