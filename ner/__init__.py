"""Tag people, places, organisations and programme brands in Chinese newspaper articles."""

from typing import TYPE_CHECKING, Any

from ner.article import Article, Rejected, Span
from ner.errors import DISTRIBUTION, NerError

if TYPE_CHECKING:
    from ner.tagger.loading import load, model_path

    __version__: str

__all__ = ["Article", "NerError", "Rejected", "Span", "__version__", "load", "model_path"]


def __getattr__(name: str) -> Any:
    # Loading the tagger imports spaCy, a second or more: not before somebody asks.
    if name in ("load", "model_path"):
        from ner.tagger import loading

        return getattr(loading, name)
    if name == "__version__":
        from importlib.metadata import version

        return version(DISTRIBUTION)
    raise AttributeError(f"module 'ner' has no attribute {name!r}")
