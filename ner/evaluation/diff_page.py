"""The page that shows two annotators where they part: side by side, self-contained."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ner.article import Article, Span, outside_in
from ner.evaluation.agreement import Agreement, Disagreement, disagreements

TEMPLATE = Path(__file__).with_name("templates") / "diff.html"


@dataclass(frozen=True, slots=True)
class Mark:
    """A span on the page: what is in it, text and inner marks; ``disputed`` where the other has not it."""

    label: str
    disputed: bool
    inside: "list[str | Mark]"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of an article on which two annotators part."""

    a: "list[str | Mark]"
    b: "list[str | Mark]"
    disputes: list[Disagreement]


def diff_page(
    pairs: Sequence[tuple[Article, Article]], names: tuple[str, str], agreement: Agreement
) -> str:
    """HTML of all paragraphs on which two annotations part, with the figures above.

    Args:
        pairs: articles as A and as B marked them.
        names: what to call A and B.

    Raises:
        ImportError: jinja2 is not there (the extra ``review``).
    """
    from jinja2 import Environment

    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    shown = [(a, paragraphs) for a, b in pairs if (paragraphs := list(_paragraphs(a, b)))]
    return page.render(
        articles=shown,
        names=names,
        compared=len(pairs),
        agreement=agreement,
        rows=tuple(agreement.kappa),
    )


def _paragraphs(a: Article, b: Article) -> Iterator[Paragraph]:
    disputes = disagreements(a.spans, b.spans)
    start = 0
    for line in a.text.splitlines(keepends=True):
        end = start + len(line)
        here = [item for item in disputes if start <= item.start < end]
        if any(item.start < end and start < item.end for item in disputes):
            only_a, only_b = set(a.spans) - set(b.spans), set(b.spans) - set(a.spans)
            yield Paragraph(
                _marked(a.text, start, end, a.spans, only_a),
                _marked(b.text, start, end, b.spans, only_b),
                here,
            )
        start = end


def _marked(
    text: str, start: int, end: int, spans: Sequence[Span], disputed: set[Span]
) -> list[str | Mark]:
    """A stretch of text with its spans as a tree; what reaches over its ends is cut."""
    nodes: list[str | Mark] = []
    within = [span for span in outside_in(spans) if span.start < end and start < span.end]
    while within:
        outer = within[0]
        inner = [span for span in within[1:] if outer.holds(span)]
        within = [span for span in within[1:] if not outer.holds(span)]
        low, high = max(outer.start, start), min(outer.end, end)
        nodes.append(text[start:low])
        inside = _marked(text, low, high, inner, disputed)
        nodes.append(Mark(outer.label, outer in disputed, inside))
        start = high
    return [*nodes, text[start:end]]
