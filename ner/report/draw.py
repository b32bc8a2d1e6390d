"""Texts with their spans, drawn for pages (nested elements) and for Typst (nested lists)."""

import re
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from ner.article import Span
from ner.evaluation.nesting import Nesting, mark_up
from ner.segments import Segment, segments
from ner.store import UNSURE

LINES = 3  # levels of lines that are drawn below a text
CONTEXT = 24  # code points on either side of what a passage is about
LONGEST = 120  # code points of a span that a passage shows; what is longer is cut
_SENTENCE_END = re.compile("[。！？!?；;][”’」』]?|\n")

Window = tuple[int, int]


def window(text: str, start: int, end: int) -> Window:
    """The stretch around a span that is shown: its sentence, or as much of that as is near."""
    end = min(end, start + LONGEST)
    before = text[max(0, start - CONTEXT) : start]
    ends = [match.end() for match in _SENTENCE_END.finditer(before)]
    first = start - (len(before) - ends[-1] if ends else len(before))
    after = text[end : end + CONTEXT]
    found = _SENTENCE_END.search(after)
    return first, end + (len(after[: found.end()].rstrip()) if found else len(after))


def as_html(text: str, spans: Iterable[Span], shown: Window, about: Iterable[Span] = ()) -> Markup:
    """A stretch of a text with its spans as nested ``mark`` elements.

    An element's class is how many levels of spans it holds, so that the lines under nested names lie
    under one another.

    Args:
        about: the spans that the stretch is shown for.
    """
    start, end = shown
    wanted = set(about)

    def tags(segment: Segment) -> tuple[Markup, Markup]:
        span = segment.span
        assert span  # it begins or ends here
        classes = [f"under-{min(segment.levels, LINES)}"]
        classes += ["low"] * (span.score < UNSURE) + ["about"] * (span in wanted)
        score = f" {span.score:.2f}" if span.score < 1 else ""
        opening = Markup('<mark data-label="{}" class="{}" title="{}{}">').format(
            span.label, " ".join(classes), span.label, score
        )
        return opening, Markup("</mark>")

    return mark_up(text, start, end, Nesting(spans).within(start, end), tags)


def as_lists(
    text: str, spans: Iterable[Span], shown: Window, about: Iterable[Span] = ()
) -> list[Any]:
    """The same as nested lists: strings, and ``{"label", "levels", "about", "parts"}`` for spans."""
    start, end = shown
    wanted = set(about)
    parts: list[Any] = []
    opened = [parts]
    for segment in segments(Nesting(spans).within(start, end), start, end):
        span = segment.span
        if segment.step > 0 and span:
            inner: list[Any] = []
            levels = min(segment.levels, LINES)
            opened[-1].append(
                {"label": span.label, "levels": levels, "about": span in wanted, "parts": inner}
            )
            opened.append(inner)
        elif segment.step < 0:
            opened.pop()
        else:
            opened[-1].append(text[segment.start : segment.end].replace("\n", "↵"))
    return parts
