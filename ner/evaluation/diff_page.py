"""The page that shows where two annotators differ, side by side."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ner.article import Article, Span
from ner.evaluation.agreement import Agreement
from ner.evaluation.nesting import Nesting, mark_up
from ner.evaluation.pages import render
from ner.evaluation.pairing import Disagreement, disagreements
from ner.segments import Segment


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of an article on which two annotators differ, as each marked it.

    Args:
        disagreements: those that begin on the line.
    """

    a: Markup
    b: Markup
    disagreements: list[Disagreement]


def diff_page(
    pairs: Sequence[tuple[Article, Article]], names: tuple[str, str], agreement: Agreement
) -> str:
    """HTML of all paragraphs on which two annotations differ, with the figures above.

    Args:
        pairs: articles as A and as B marked them.
        names: what to call A and B.
    """
    shown = [(a, paragraphs) for a, b in pairs if (paragraphs := list(_paragraphs(a, b)))]
    return render(
        "diff_page.html",
        articles=shown,
        names=names,
        compared=len(pairs),
        agreement=agreement,
        rows=tuple(agreement.kappa),
    )


def _paragraphs(a: Article, b: Article) -> Iterator[Paragraph]:
    found = disagreements(a.spans, b.spans)
    starts = [item.start for item in found]
    sides = [
        (Nesting(a.spans), set(a.spans) - set(b.spans)),
        (Nesting(b.spans), set(b.spans) - set(a.spans)),
    ]
    start, reached = 0, 0  # how far disagreements of the lines above reach
    for line in a.text.splitlines(keepends=True):
        end = start + len(line)
        here = found[bisect_left(starts, start) : bisect_left(starts, end)]
        if here or reached > start:
            stop = start + len(line.rstrip("\r\n"))
            one, other = (
                _marked(a.text, start, stop, spans, disputed) for spans, disputed in sides
            )
            yield Paragraph(one, other, here)
        reached = max([reached, *(item.end for item in here)])
        start = end


def _marked(text: str, start: int, end: int, spans: Nesting, disputed: set[Span]) -> Markup:
    def tags(segment: Segment) -> tuple[Markup, Markup]:
        assert segment.span  # it begins or ends here
        label = segment.span.label
        opening = Markup('<mark data-label="{}"{}>').format(
            label, Markup(' class="disputed"') if segment.span in disputed else ""
        )
        # A word joiner keeps the label on the line of its name.
        return opening, Markup("\u2060<i>{}</i></mark>").format(label)

    return mark_up(text, start, end, spans.within(start, end), tags)
