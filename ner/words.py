"""Words: where they begin and end, and spans whose boundaries are inside one.

A word is a pair of offsets like a span's: code points, half-open. White space belongs to no word.
"""

import contextlib
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ner.article import Span, outermost, outside_in
from ner.errors import NerError, first_line, missing_extra
from ner.files import model_folders

Word = tuple[int, int]
Segment = Callable[[str], list[Word]]
Scheme = Literal["bio", "bmes"]

DEFAULT_MODEL = "words"
_PIECE = re.compile(r"[^\s。！？；]{1,200}[。！？；]?[”’」』]*|[。！？；][”’」』]*")


def load(model: str | Path = DEFAULT_MODEL) -> Segment:
    """A function from a text to its words, by a spacy-pkuseg model.

    Args:
        model: ``words`` (ours, shipped) or another that is `installed`, a folder, or a name that
            spacy-pkuseg knows (``spacy_ontonotes``, ``news`` …). Only such a name is ever downloaded,
            by spacy-pkuseg, once,
            into ``~/.pkuseg`` or ``$PKUSEG_HOME``. Folders from before 2020 hold pickles; take
            them only from people you trust.

    Raises:
        NerError: spacy-pkuseg is not installed, or the model is unknown, damaged or cannot be
            downloaded.
    """
    try:
        import spacy_pkuseg
    except ImportError:
        raise missing_extra("spacy-pkuseg", "words") from None
    from spacy_pkuseg.config import config

    folder = next(reversed(installed(str(model))), Path(model))
    known = list(config.available_models)
    if not folder.is_dir() and str(model) not in known:
        names = ", ".join([DEFAULT_MODEL, *known])
        raise NerError(f"no word model {str(model)!r}", remedy=f"give a folder, or one of {names}")
    name = str(folder) if folder.is_dir() else str(model)
    try:
        # It reports downloads and old file forms on stderr; a library says nothing by itself.
        with contextlib.redirect_stderr(io.StringIO()):
            segmenter = spacy_pkuseg.pkuseg(name, user_dict=None)
    except (
        # What its download and its readers of four file forms raise.
        *(AssertionError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError),
        zipfile.BadZipFile,
    ) as error:
        if folder.is_dir():
            raise NerError(
                f"no word model can be read here: {first_line(error)}",
                where=name,
                remedy="a model's folder holds features.msgpack and weights.npz",
            ) from None
        raise NerError(
            f"spacy-pkuseg could not download its model: {first_line(error)}",
            where=name,
            remedy=f"fetch {config.model_urls[name]} elsewhere, unpack it and give the folder;"
            f" or leave the option out and use {DEFAULT_MODEL!r}",
        ) from None
    return partial(_cut, segmenter)


def installed(name: str = "") -> list[Path]:
    """The folders of the installed word models: the user's own, then those of the package, oldest first.

    Args:
        name: only those of this name, with or without a version.
    """
    return model_folders("features.msgpack", name)


def _cut(segmenter: Any, text: str) -> list[Word]:
    words = []
    for start, end in pieces(text):
        for surface in segmenter.cut(text[start:end]):
            words.append((start, start + len(surface)))
            start += len(surface)
    return words


def pieces(text: str) -> Iterator[Word]:
    """The stretches that are cut into words one by one: sentences without white space."""
    return (match.span() for match in _PIECE.finditer(text))


@dataclass(frozen=True, slots=True)
class Snap:
    """A span with a boundary inside a word, and what it would be at the word's edge."""

    span: Span
    suggested: Span


def tokens(text: str, segment: Segment | None) -> list[Word]:
    """Words, each white space between them a token of its own; without ``segment`` all characters."""
    if segment is None:
        return [(offset, offset + 1) for offset in range(len(text))]
    words = segment(text)
    covered = {offset for start, end in words for offset in range(start, end)}
    spaces = [(o, o + 1) for o in range(len(text)) if o not in covered]
    return sorted([*words, *spaces])


def snap(spans: Sequence[Span], words: Iterable[Word]) -> list[Snap]:
    """What would change if boundaries inside words moved to the words' edges; reading order.

    A boundary moves to the nearer edge of its word; outwards where both are equally near, or where
    inwards would leave nothing. Any part of what is suggested may be accepted: no suggestion crosses
    or repeats a span or another suggestion.
    """
    inside = _inside(words)
    taken = set(spans)
    snaps = []
    for span in outside_in(spans):
        suggested = _snapped(span, inside)
        if suggested != span and not any(
            suggested.crosses(other) or (suggested.start, suggested.end) == (other.start, other.end)
            for other in taken
            if other != span
        ):
            snaps.append(Snap(span, suggested))
            taken.add(suggested)
    return snaps


def _inside(words: Iterable[Word]) -> dict[int, Word]:
    """Offsets that lie inside a word, to that word."""
    return {offset: word for word in words for offset in range(word[0] + 1, word[1])}


def _snapped(span: Span, inside: dict[int, Word]) -> Span:
    low, high = inside.get(span.start), inside.get(span.end)
    start, end = span.start, span.end
    if low:
        start = low[0] if span.start - low[0] <= low[1] - span.start else low[1]
    if high:
        end = high[1] if high[1] - span.end <= span.end - high[0] else high[0]
    if start >= end:
        start = low[0] if low else span.start
        end = high[1] if high else span.end
    return replace(span, start=start, end=end)


@dataclass(frozen=True, slots=True)
class Token:
    """A word and its tag: ``O``, or a place in a name and the name's label (``B-LOC``)."""

    start: int
    end: int
    tag: str


@dataclass(frozen=True, slots=True)
class WordTokens:
    """A text in words, one tag a word, and what one tag a word cannot represent.

    Every span is in ``tagged``, in ``inner`` (inside a tagged span) or in ``misaligned`` (it begins or ends
    inside a word, or where no word is).
    """

    tokens: tuple[Token, ...]
    tagged: tuple[Span, ...]
    inner: tuple[Span, ...]
    misaligned: tuple[Span, ...]


def word_tokens(spans: Iterable[Span], words: Sequence[Word], scheme: Scheme = "bio") -> WordTokens:
    """Words with tags, outermost spans first, for forms that know words only.

    Args:
        words: in reading order. White space between them is no token, so a reader that needs the
            whole text (spaCy's Doc) fills the gaps from the offsets.
        scheme: ``bio`` (B-, I-, O) or ``bmes`` (B-, M-, E-, S-, O).
    """
    ordered = outside_in(spans)
    starts = {start: number for number, (start, _) in enumerate(words)}
    ends = {end: number for number, (_, end) in enumerate(words)}
    fitting = [span for span in ordered if span.start in starts and span.end in ends]
    tagged = outermost(fitting)
    tags = ["O"] * len(words)
    for span in tagged:
        first, last = starts[span.start], ends[span.end]
        for number in range(first, last + 1):
            tags[number] = f"{_position(number, first, last, scheme)}-{span.label}"
    is_tagged, is_fitting = set(tagged), set(fitting)
    return WordTokens(
        tuple(Token(start, end, tag) for (start, end), tag in zip(words, tags, strict=True)),
        tuple(tagged),
        tuple(span for span in fitting if span not in is_tagged),
        tuple(span for span in ordered if span not in is_fitting),
    )


def _position(number: int, first: int, last: int, scheme: Scheme) -> str:
    if scheme == "bio":
        return "B" if number == first else "I"
    if first == last:
        return "S"
    return "B" if number == first else "E" if number == last else "M"
