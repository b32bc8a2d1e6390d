"""Tag people, places, organisations and programme brands in Chinese newspaper articles."""

from typing import TYPE_CHECKING, Any

from ner.article import Article, Rejected, Span
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.tagger.loading import load

__all__ = ["Article", "NerError", "Rejected", "Span", "load"]


def __getattr__(name: str) -> Any:
    # Loading the tagger imports spaCy, a second or more: not before somebody asks.
    if name == "load":
        from ner.tagger.loading import load

        return load
    raise AttributeError(f"module 'ner' has no attribute {name!r}")
