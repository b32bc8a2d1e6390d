"""The nouns: a span, an article, and what could not become one. And the law of offsets.

Offsets are Unicode code points into the text exactly as stored, half-open: ``text[start:end]``.
Spans may nest and never cross.
"""

import datetime
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TypeVar

from ner.errors import NerError

_LABEL = re.compile(r"[^\W\d_][\w.-]{0,15}")
BYLINE = ("overtitle", "author", "editor", "continued_from", "continued_on")
"""The fields of an article that pages print around it, which many articles have none of."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A labelled stretch of a text.

    Args:
        start: first code point.
        end: one past the last code point.
        label: one of `labels.LABELS`, or what another model marks.
        score: how sure the annotator is, 0 to 1; a person's is 1.
        model: ``name-version`` of the model that made it; empty for a person's.
        text: what stands there, where whoever made the span says so; empty otherwise.
    """

    start: int
    end: int
    label: str
    score: float = field(default=1.0, compare=False)
    model: str = field(default="", compare=False)
    text: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise NerError(
                f"span {self.start}:{self.end} is empty or runs backwards",
                remedy="offsets are code points, start < end",
            )
        if not _LABEL.fullmatch(self.label):
            raise NerError(
                f"{self.label!r} is not a label",
                remedy="up to 16 letters, digits, - _ . after a letter, for example PER",
            )

    def crosses(self, other: "Span") -> bool:
        """True where the two overlap and neither holds the other."""
        return (
            self.start < other.start < self.end < other.end
            or other.start < self.start < other.end < self.end
        )

    def holds(self, other: "Span") -> bool:
        """True where the other lies within this one (equal offsets count)."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Article:
    """One article: ``text`` is the title, a newline, and the body, in one offset space.

    The text never changes once stored; ``text_hash`` names it. Of the fields that are text, those
    that are not known are empty.

    Args:
        body_start: where the body begins in ``text`` (0: no title).
        page: the page as printed, without 第 and 版: ``003``, ``A2``.
        section: the section that the page belongs to.
        overtitle: the lines printed over the title (引题).
        author: who wrote it, as the byline names them: ``甲、乙``.
        editor: who edited it (责编).
        continued_from: the page that this article began on (上接1版).
        continued_on: the page that it goes on at (下转2版).
        tagged_by: ``name-version`` of the model that tagged it, empty if none has; None where that is not
            known. So an article without names can be told from one that was not tagged.
        where: the file and line that it was read from, for messages; not stored.
    """

    id: str
    text: str
    title: str = ""
    body_start: int = 0
    paper: str = ""
    date: datetime.date | None = None
    page: str = ""
    section: str = ""
    spans: tuple[Span, ...] = ()
    overtitle: str = ""
    author: str = ""
    editor: str = ""
    continued_from: str = ""
    continued_on: str = ""
    tagged_by: str | None = field(default=None, compare=False)
    where: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.id:
            raise NerError("an article without an id")
        if not self.text:
            raise NerError("an article without text", where=self.id)
        if self.body_start and self.text[: self.body_start] != f"{self.title}\n":
            raise NerError("the text does not begin with the title and a newline", where=self.id)
        check_spans(self.spans, self.text)

    def placed(self, where: str) -> "Article":
        """The same article, read from this file and line. What is checked is the same, so it is not again."""
        same = copy(self)
        object.__setattr__(same, "where", where)
        return same

    @property
    def text_hash(self) -> str:
        """SHA-256 of the text in UTF-8, hexadecimal."""
        return text_hash(self.text)

    @property
    def body(self) -> str:
        """The text after the title."""
        return self.text[self.body_start :]

    @property
    def page_number(self) -> int | None:
        """The page as a number: 3 for ``003``, 2 for ``A02``, 11 for ``十一``; None if there is none."""
        return page_number(self.page)

    def surface(self, span: Span) -> str:
        """The string that a span covers."""
        return self.text[span.start : span.end]


@dataclass(frozen=True, slots=True)
class Rejected:
    """What could not be read or tagged, in the stream's order, so that nothing is lost."""

    id: str
    where: str
    why: str
    remedy: str = ""

    @classmethod
    def from_error(cls, error: NerError, id: str = "", *, where: str = "") -> "Rejected":
        """What an error set aside.

        Args:
            where: the place, for an error that does not know its own.
        """
        return cls(id, error.where or where, error.message, error.remedy)

    def to_error(self) -> NerError:
        """The same as an error, for a caller that cannot go on without it."""
        return NerError(self.why, where=self.where, remedy=self.remedy)

    def __str__(self) -> str:
        return str(self.to_error())


def page_number(page: str) -> int | None:
    """The number that a page is printed with, in digits or in Chinese; None if it has none."""
    if digits := re.search(r"\d{1,4}", page):
        return int(digits[0])
    numeral = re.search(r"[一二三四五六七八九十]{1,3}", page)
    if numeral is None:
        return None
    tens, ten, ones = numeral[0].rpartition("十")
    return (_DIGITS.get(tens, 1) * 10 if ten else 0) + _DIGITS.get(ones, 0)


_DIGITS = {numeral: digit for digit, numeral in enumerate("一二三四五六七八九", 1)}


Item = TypeVar("Item", bound=Article | Rejected)


def text_hash(text: str) -> str:
    """SHA-256 of a text in UTF-8, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def check_spans(spans: Sequence[Span], text: str) -> None:
    """Hold spans to the law of offsets.

    Raises:
        NerError: a span ends past the text, says it covers another string than it does, stands twice,
            or crosses another.
    """
    seen: set[Span] = set()
    open_spans: list[Span] = []
    for span in outside_in(spans):
        if span.end > len(text):
            raise NerError(
                f"span {span.start}:{span.end} {span.label} ends past the text"
                f" ({len(text)} code points)",
                remedy="offsets count code points, not bytes or UTF-16 units",
            )
        if span.text and span.text != text[span.start : span.end]:
            raise NerError(
                f"span {span.start}:{span.end} {span.label} should be {_quote(span.text)},"
                f" but {_quote(text[span.start : span.end])} stands there",
                remedy="was the text changed after it was annotated? offsets are code points",
            )
        if span in seen:
            raise NerError(
                f"span {span.start}:{span.end} {span.label}"
                f" {_quote(text[span.start : span.end])} stands twice"
            )
        seen.add(span)
        while open_spans and open_spans[-1].end <= span.start:
            open_spans.pop()
        if open_spans and open_spans[-1].crosses(span):
            outer = open_spans[-1]
            raise NerError(
                f"span {span.start}:{span.end} {span.label}"
                f" {_quote(text[span.start : span.end])} crosses {outer.start}:{outer.end}"
                f" {outer.label} {_quote(text[outer.start : outer.end])}",
                remedy="spans may nest, not cross",
            )
        open_spans.append(span)


def _quote(text: str) -> str:
    """A text for a message: a long one is cut."""
    return repr(text if len(text) <= 80 else f"{text[:79]}…")


def outside_in(spans: Iterable[Span]) -> list[Span]:
    """Spans in reading order, the longer first where two start together."""
    return sorted(spans, key=lambda span: (span.start, -span.end, span.label))


def outermost(spans: Iterable[Span]) -> list[Span]:
    """The spans that no other span holds, in reading order; of two with equal offsets the surer."""
    flat: list[Span] = []
    for span in outside_in(spans):
        if flat and flat[-1].holds(span):
            same = (flat[-1].start, flat[-1].end) == (span.start, span.end)
            if same and span.score > flat[-1].score:
                flat[-1] = span
            continue
        flat.append(span)
    return flat


def without_crossings(spans: Iterable[Span]) -> list[Span]:
    """Keep the surest spans such that none cross and no two share both offsets; reading order."""
    kept: list[Span] = []
    for cluster in _clusters(spans):
        surest: list[Span] = []
        for span in sorted(cluster, key=lambda span: (-span.score, span)):
            if not any(
                span.crosses(other) or (span.start, span.end) == (other.start, other.end)
                for other in surest
            ):
                surest.append(span)
        kept += outside_in(surest)
    return kept


def _clusters(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Spans that hang together by overlaps: only within them is there anything to compare."""
    cluster: list[Span] = []
    end = 0
    for span in outside_in(spans):
        if cluster and span.start >= end:
            yield cluster
            cluster = []
        cluster.append(span)
        end = max(end, span.end)
    if cluster:
        yield cluster


def at_least(spans: Iterable[Span], threshold: float | Mapping[str, float]) -> tuple[Span, ...]:
    """The spans whose score is not below a threshold: one for all labels, or one by label."""
    if isinstance(threshold, Mapping):
        return tuple(span for span in spans if span.score >= threshold.get(span.label, 0.0))
    return tuple(span for span in spans if span.score >= threshold)


def batches(items: Iterable[Item], size: int, characters: int) -> Iterator[list[Item]]:
    """Items in lists of at most `size`; one ends where its texts reach `characters` code points."""
    batch: list[Item] = []
    held = 0
    for item in items:
        batch.append(item)
        held += len(item.text) if isinstance(item, Article) else 0
        if len(batch) >= size or held >= characters:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
