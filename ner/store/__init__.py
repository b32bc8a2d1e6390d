"""The article store: every table and every SQL statement."""

from ner.store.adding import Added
from ner.store.articles import Filters, Summary
from ner.store.runs import ModelKey, ModelUse, Run
from ner.store.store import DEFAULT_URL, Store
from ner.store.urls import safe_url

__all__ = [
    "DEFAULT_URL",
    "Added",
    "Filters",
    "ModelKey",
    "ModelUse",
    "Run",
    "Store",
    "Summary",
    "safe_url",
]
