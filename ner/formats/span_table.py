"""Tables for people, a row a span: CSV and Excel. Written only; XlsxWriter is in the extra ``office``."""

from collections.abc import Iterable, Iterator

from ner.article import Article, outside_in
from ner.formats.fields import UNCOUNTED, Dropped
from ner.formats.rows import article_fields
from ner.formats.source import Part
from ner.formats.table import Cells, csv_parts, xlsx_parts

_ARTICLE = ("id", "title", "paper", "date", "page", "section")
COLUMNS = (*_ARTICLE, "start", "end", "label", "name", "score", "model")
"""Of a row: the article's fields, then the span; ``name`` is what it covers."""
_WIDTHS = {1: 40}  # the title


def write_csv(articles: Iterable[Article], dropped: Dropped = UNCOUNTED) -> Iterator[Part]:
    """A row a span, under `COLUMNS`; UTF-8 with a mark by which Excel knows it.

    A value that a spreadsheet would calculate gets an apostrophe before it. Holds no texts, and nothing
    of articles without spans, which are counted.
    """
    return csv_parts(COLUMNS, _rows(articles, dropped))


def write_xlsx(articles: Iterable[Article], dropped: Dropped = UNCOUNTED) -> Iterator[Part]:
    """A row a span, under `COLUMNS`; another sheet for every 1,048,575. No cell is a formula or a link.

    Holds what `write_csv` holds. Values over 32,767 characters are cut and counted.

    Raises:
        NerError: XlsxWriter is not installed.
    """
    return xlsx_parts(COLUMNS, _rows(articles, dropped), dropped, _WIDTHS)


def _rows(articles: Iterable[Article], dropped: Dropped) -> Iterator[Cells]:
    for article in articles:
        fields = article_fields(article)
        known = tuple(fields[name] for name in _ARTICLE)
        dropped["articles without spans"] += not article.spans
        for span in outside_in(article.spans):
            name, score = article.surface(span), round(span.score, 4)
            yield (*known, span.start, span.end, span.label, name, score, span.model)
