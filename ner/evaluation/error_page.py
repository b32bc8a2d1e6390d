"""What a model gets wrong, as one HTML page that needs nothing else."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ner.article import Article, Span
from ner.evaluation.evaluate import Evaluation
from ner.evaluation.nesting import Nesting, mark_up
from ner.evaluation.pages import render
from ner.evaluation.pairing import Disagreement, disagreements
from ner.evaluation.score import labels_of
from ner.segments import Segment

ERROR_KINDS = {
    "missed": "in gold, and nothing like it found",
    "spurious": "found, and nothing like it in gold",
    "boundary": "the label is right, start or end is not",
    "label": "start and end are right, the label is not",
}
_NAMES = {"only in A": "missed", "only in B": "spurious"}
_CONTEXT = 20  # code points on either side
_LONGEST = 160  # code points; of a longer string the middle is left out
_LEVELS = 8  # of nested spans, below those that cover all that is shown
_LINES = 3  # levels of lines that are drawn below a text
_FREQUENT = 12  # strings listed under each kind


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake as the page shows it: the same stretch of text twice, with gold and found spans.

    Args:
        kind: one of `ERROR_KINDS`.
        labels: gold's, and the one found where it is another.
        score: of the span found; None where nothing was.
        start: offset of the gold span, or of the one found.
    """

    kind: str
    string: str
    article: str
    labels: tuple[str, ...]
    score: float | None
    start: int
    gold: Markup
    found: Markup

    @property
    def label(self) -> str:
        """Gold's label where there is one."""
        return self.labels[0]


def error_page(
    articles: Sequence[Article], found: Sequence[Sequence[Span]], result: Evaluation, *, title: str
) -> str:
    """The error report as HTML: reliability of the scores, then mistakes by kind, frequent strings first.

    Args:
        articles: with their gold spans.
        found: the spans of each.
        result: what `evaluate` gives for the same.
    """
    mistakes = [
        mistake
        for article, spans in zip(articles, found, strict=True)
        for mistake in _mistakes(article, spans)
    ]
    groups = {
        kind: _frequent_first([each for each in mistakes if each.kind == kind])
        for kind in ERROR_KINDS
    }
    return render(
        "error_page.html",
        title=title,
        articles=len(articles),
        right=sum(len(set(a.spans) & set(spans)) for a, spans in zip(articles, found)),
        bins=result.bins,
        error=result.calibration_error,
        labels=labels_of([article.spans for article in articles], found),
        kinds=ERROR_KINDS,
        groups=groups,
        counts=Counter((mistake.kind, mistake.label) for mistake in mistakes),
        frequent={kind: _frequent(group) for kind, group in groups.items()},
    )


def _mistakes(article: Article, found: Sequence[Span]) -> list[Mistake]:
    gold_spans, found_spans = Nesting(article.spans), Nesting(found)
    return [
        Mistake(
            kind=_NAMES.get(pair.kind, pair.kind),
            string=" → ".join(dict.fromkeys(_shortened(article.surface(s)) for s in pair.spans)),
            article=article.id,
            labels=tuple(dict.fromkeys(span.label for span in pair.spans)),
            score=pair.b.score if pair.b else None,
            start=pair.spans[0].start,
            gold=_in_context(article.text, gold_spans, pair.a, pair),
            found=_in_context(article.text, found_spans, pair.b, pair),
        )
        for pair in disagreements(article.spans, found)
    ]


def _shortened(string: str) -> str:
    if len(string) <= _LONGEST:
        return string
    return f"{string[: _LONGEST // 2]}…{string[-_LONGEST // 2 :]}"


def _in_context(text: str, spans: Nesting, about: Span | None, pair: Disagreement) -> Markup:
    """The stretch of a text that a mistake is about, with the spans of one side.

    An element's class is how many levels of spans it holds, so that the lines under nested names lie
    under one another; the span that the mistake is about is filled in.
    """
    start, end = max(pair.start - _CONTEXT, 0), min(pair.end + _CONTEXT, len(text))
    omitted = (0, 0)
    if pair.end - pair.start > _LONGEST:
        omitted = (pair.start + _LONGEST // 2, pair.end - _LONGEST // 2)
    shown = spans.within(start, end, depth=_LEVELS)
    if about and about not in shown:
        shown = [*shown, about]

    def tags(segment: Segment) -> tuple[Markup, Markup]:
        span = segment.span
        assert span  # it begins or ends here
        opening = Markup('<mark data-label="{}" class="under-{}{}" title="{}{}">').format(
            span.label,
            min(segment.levels, _LINES),
            " about" if span == about else "",
            span.label,
            f" {span.score:.2f}" if span.score < 1 else "",
        )
        return opening, Markup("</mark>")

    return mark_up(text, start, end, shown, tags, omitted=omitted)


def _frequent_first(mistakes: Sequence[Mistake]) -> list[Mistake]:
    times = Counter(mistake.string for mistake in mistakes)
    return sorted(mistakes, key=lambda mistake: (-times[mistake.string], mistake.string))


def _frequent(mistakes: Iterable[Mistake]) -> list[tuple[str, str, int]]:
    """String, label and how often, where it is more than once."""
    times = Counter((mistake.string, mistake.label) for mistake in mistakes)
    return [(*string, n) for string, n in times.most_common(_FREQUENT) if n > 1]
