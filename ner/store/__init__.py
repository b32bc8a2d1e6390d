"""The article store: every table and every SQL statement."""

from ner.store.store import DEFAULT_URL, Added, ModelKey, Run, Store

__all__ = ["DEFAULT_URL", "Added", "ModelKey", "Run", "Store"]
