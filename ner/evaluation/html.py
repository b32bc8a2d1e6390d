"""What a model gets wrong, as one HTML page that needs nothing else."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from ner.article import Article, Span, outside_in
from ner.evaluation.evaluate import Evaluation
from ner.evaluation.score import labels_of

KINDS = {
    "missed": "in gold, and nothing like it found",
    "spurious": "found, and nothing like it in gold",
    "boundary": "the label is right, start or end is not",
    "label": "start and end are right, the label is not",
}
_AROUND = 20  # code points of context on either side
_FREQUENT = 12  # strings listed under each kind


@dataclass(frozen=True, slots=True)
class Mistake:
    """A gold span without its like among the found, a found one without its like in gold, or both."""

    kind: str
    gold: Span | None
    found: Span | None

    @property
    def spans(self) -> list[Span]:
        """Gold first."""
        return [span for span in (self.gold, self.found) if span]

    @property
    def label(self) -> str:
        """Gold's label where there is one."""
        return self.spans[0].label


def mistakes(gold: Iterable[Span], found: Iterable[Span]) -> list[Mistake]:
    """The mistakes in one text, in reading order; each wrong or missing span is in one of them.

    Spans with equal offsets are paired first (kind label), then overlapping ones of one label, those
    that share most of their length first (kind boundary); the rest is missed or spurious.
    """
    ours, theirs = set(gold), set(found)
    missed, spurious = ours - theirs, theirs - ours
    pairs = [
        (_shared(g, f), Mistake("label" if _shared(g, f) == 1 else "boundary", g, f))
        for g in missed
        for f in spurious
        if _shared(g, f) == 1 or (g.label == f.label and _shared(g, f) > 0)
    ]
    made = []
    for _, pair in sorted(pairs, key=lambda pair: (-pair[0], pair[1].spans)):
        if pair.gold in missed and pair.found in spurious:
            missed.discard(pair.gold)
            spurious.discard(pair.found)
            made.append(pair)
    made += [Mistake("missed", span, None) for span in missed]
    made += [Mistake("spurious", None, span) for span in spurious]
    return sorted(made, key=lambda mistake: mistake.spans)


def _shared(one: Span, other: Span) -> float:
    """What two spans share of what they cover together, 0 to 1 (Jaccard)."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    return max(shared, 0) / (max(one.end, other.end) - min(one.start, other.start))


@dataclass(frozen=True, slots=True)
class Entry:
    """A mistake as the page shows it: the same stretch of text twice, with gold and found marks."""

    mistake: Mistake
    string: str
    article: str
    gold: Markup
    found: Markup

    @property
    def labels(self) -> list[str]:
        """Gold's, and the one found where it is another."""
        return list(dict.fromkeys(span.label for span in self.mistake.spans))


def page(
    articles: Sequence[Article], found: Sequence[Sequence[Span]], result: Evaluation, *, title: str
) -> str:
    """The error report as HTML: reliability of the scores, then mistakes by kind, frequent strings first.

    Args:
        result: what `evaluate` says of the same.
    """
    entries = [
        _entry(article, spans, mistake)
        for article, spans in zip(articles, found, strict=True)
        for mistake in mistakes(article.spans, spans)
    ]
    groups = {
        kind: _frequent_first([e for e in entries if e.mistake.kind == kind]) for kind in KINDS
    }
    environment = Environment(
        loader=PackageLoader("ner.evaluation"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        title=title,
        articles=len(articles),
        right=sum(len(set(a.spans) & set(spans)) for a, spans in zip(articles, found)),
        bins=result.bins,
        error=result.calibration_error,
        labels=labels_of([article.spans for article in articles], found),
        kinds=KINDS,
        groups=groups,
        counts=Counter((entry.mistake.kind, entry.mistake.label) for entry in entries),
        frequent={kind: _frequent(group) for kind, group in groups.items()},
    )


def _entry(article: Article, found: Sequence[Span], mistake: Mistake) -> Entry:
    start = max(min(span.start for span in mistake.spans) - _AROUND, 0)
    end = max(span.end for span in mistake.spans) + _AROUND
    surfaces = [article.surface(span) for span in mistake.spans]
    return Entry(
        mistake,
        " → ".join(dict.fromkeys(surfaces)),
        article.id,
        marked(article.text, article.spans, mistake.gold, start, end),
        marked(article.text, found, mistake.found, start, end),
    )


def marked(text: str, spans: Iterable[Span], about: Span | None, start: int, end: int) -> Markup:
    """Text from start to end with its spans as nested ``<mark>``, and the one it is about filled in.

    An element's class is its label and how many levels of marks it holds, so that lines under nested
    names lie under one another.
    """
    end = min(end, len(text))
    seen = [span for span in outside_in(spans) if span.start < end and span.end > start]
    closing = Counter(min(span.end, end) for span in seen)
    opening: dict[int, list[Markup]] = {}
    for span in seen:
        tag = Markup('<mark class="{} under-{}{}" title="{}{}">').format(
            span.label,
            min(_height(span, seen), 3),
            " about" if span == about else "",
            span.label,
            f" {span.score:.2f}" if span.score < 1 else "",
        )
        opening.setdefault(max(span.start, start), []).append(tag)
    pieces = []
    for place in range(start, end + 1):
        pieces += [Markup("</mark>")] * closing[place]
        pieces += opening.get(place, [])
        letter = text[place : min(place + 1, end)].replace("\n", "↵")
        pieces.append(Markup.escape(letter))
    return Markup().join(pieces)


def _height(span: Span, spans: Sequence[Span]) -> int:
    """How many levels of spans lie within a span."""
    within = [other for other in spans if span.holds(other) and other != span]
    return 1 + max((_height(other, within) for other in within), default=-1)


def _frequent_first(entries: Sequence[Entry]) -> list[Entry]:
    times = Counter(entry.string for entry in entries)
    return sorted(entries, key=lambda entry: (-times[entry.string], entry.string))


def _frequent(entries: Iterable[Entry]) -> list[tuple[str, str, int]]:
    """String, label and how often, where it is more than once."""
    times = Counter((entry.string, entry.mistake.label) for entry in entries)
    return [(*what, n) for what, n in times.most_common(_FREQUENT) if n > 1]
