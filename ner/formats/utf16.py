"""Offsets as JavaScript counts them: UTF-16 units, not code points."""

import itertools
from collections.abc import Iterable
from dataclasses import replace

from ner.article import Span
from ner.errors import NerError


def utf16_edges(text: str) -> list[int]:
    """Where every code point begins in UTF-16 units, and where the text ends.

    ``edges[span.start]`` is an offset as JavaScript counts; a unit that is not among the edges lies
    within a character.
    """
    return list(itertools.accumulate((1 + (char > "\uffff") for char in text), initial=0))


def from_utf16(text: str, spans: Iterable[Span]) -> list[Span]:
    """Spans whose offsets count UTF-16 units, as JavaScript does, with code points instead.

    Raises:
        NerError: an offset lies within a character, or past the text.
    """
    points = {unit: point for point, unit in enumerate(utf16_edges(text))}
    try:
        return [replace(span, start=points[span.start], end=points[span.end]) for span in spans]
    except KeyError as error:
        raise NerError(
            f"offset {error} is within a character or past the text",
            remedy="offsets here count UTF-16 units, as JavaScript does; were they counted otherwise?",
        ) from None
