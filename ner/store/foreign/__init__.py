"""Articles in a table that another program owns: read there, and what is found kept in tables of ours.

Their table is only read. Ours are in the same database or another, keyed by their id; a view gives
every span with offsets into their columns.
"""

from pathlib import Path

from ner.store.foreign.config import ForeignConfig, read_config
from ner.store.foreign.opened import upgrade
from ner.store.foreign.store import ForeignEnds, ForeignStore
from ner.store.store import Store

__all__ = [
    "AnyStore",
    "ForeignConfig",
    "ForeignEnds",
    "ForeignStore",
    "open_store",
    "read_config",
    "upgrade",
]

AnyStore = Store | ForeignStore


def open_store(url: str) -> AnyStore:
    """The store of a URL, or the foreign table that a file ``*.toml`` describes."""
    return ForeignStore.open(Path(url)) if url.endswith(".toml") else Store(url)
