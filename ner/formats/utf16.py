"""Offsets as other tools count them: UTF-16 units (JavaScript), or ``\\r\\n`` as one character."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
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


def place_quoted(text: str, spans: Sequence[Span]) -> list[Span]:
    """Spans with the code points that their quoted texts (`Span.text`) stand at.

    Tools count differently, and the quotes tell how this one did: in code points, in UTF-16 units, or
    in either with ``\\r\\n`` as one character. White space is not compared: few tools keep it.

    Raises:
        NerError: in no way of counting all quotes stand at their offsets.
    """
    for points in _countings(text):
        try:
            placed = [replace(s, start=points[s.start], end=points[s.end]) for s in spans]
        except (KeyError, NerError):
            continue
        if all(_agrees(text, span) for span in placed):
            return [replace(span, text="") for span in placed]
    span = next((span for span in spans if not _agrees(text, span)), spans[0])
    raise NerError(
        f"span {span.start}:{span.end} should be {span.text[:40]!r},"
        f" but {text[span.start : span.end][:40]!r} stands there",
        remedy="was the text changed after it was annotated? offsets are code points",
    )


def _countings(text: str) -> Iterator[dict[int, int]]:
    """The ways of counting: each from its offsets to code points."""
    yield {point: point for point in range(len(text) + 1)}
    edges = utf16_edges(text)
    if edges[-1] != len(text):
        yield {unit: point for point, unit in enumerate(edges)}
    if "\r\n" in text:
        before = list(itertools.accumulate(text[i : i + 2] == "\r\n" for i in range(len(text))))
        joined = [0, *before]  # how many \r\n have begun before each code point
        yield {p - joined[p]: p for p in reversed(range(len(text) + 1)) if not _within(text, p)}
        yield {
            edges[p] - joined[p]: p for p in reversed(range(len(text) + 1)) if not _within(text, p)
        }


def _within(text: str, point: int) -> bool:
    return text[point - 1 : point + 1] == "\r\n" if point else False


def _agrees(text: str, span: Span) -> bool:
    return not span.text or _bare(text[span.start : span.end]) == _bare(span.text)


def _bare(text: str) -> str:
    return "".join(text.replace("\\n", "").split())
