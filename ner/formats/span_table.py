"""Tables for people, a row a span: CSV and Excel. Written only; XlsxWriter is in the extra ``office``."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from ner.article import Article, outside_in
from ner.errors import missing_extra
from ner.formats.fields import UNCOUNTED, Dropped
from ner.formats.rows import article_fields
from ner.formats.source import MEGABYTE, Part

_ARTICLE = ("id", "title", "paper", "date", "page", "section")
COLUMNS = (*_ARTICLE, "start", "end", "label", "name", "score", "model")
"""Of a row: the article's fields, then the span; ``name`` is what it covers."""

# What makes a spreadsheet calculate a value, the full-width forms in Chinese and Japanese versions
# (OWASP, CSV Injection). A line feed or tab at the head is skipped before that is looked for.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_MAX_ROWS = 1 << 20  # of an Excel sheet
_MAX_CELL = 32_767  # characters of an Excel cell
_BUFFER = 1 << 16  # characters

Row = tuple[str | int | float, ...]


def write_csv(articles: Iterable[Article], dropped: Dropped = UNCOUNTED) -> Iterator[Part]:
    """A row a span, under `COLUMNS`; UTF-8 with a mark by which Excel knows it.

    A value that a spreadsheet would calculate gets an apostrophe before it. Holds no texts, and nothing
    of articles without spans, which are counted.
    """
    buffer = io.StringIO()
    buffer.write("\ufeff")
    table = csv.writer(buffer)
    table.writerow(COLUMNS)
    for row in _rows(articles, dropped):
        table.writerow([_harmless(value) if isinstance(value, str) else value for value in row])
        if buffer.tell() > _BUFFER:
            yield Part(buffer.getvalue().encode())
            buffer.seek(0)
            buffer.truncate()
    yield Part(buffer.getvalue().encode())


def write_xlsx(articles: Iterable[Article], dropped: Dropped = UNCOUNTED) -> Iterator[Part]:
    """A row a span, under `COLUMNS`; another sheet for every 1,048,575. No cell is a formula or a link.

    Holds what `write_csv` holds. Values over 32,767 characters are cut and counted.

    Raises:
        NerError: XlsxWriter is not installed.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise missing_extra("XlsxWriter", "office") from None
    with tempfile.TemporaryFile() as file:
        # Rows go to the disk as they come, so memory does not grow with them.
        with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
            _fill(book, _rows(articles, dropped), dropped)
        file.seek(0)
        yield from map(Part, iter(_reader(file), b""))


def _rows(articles: Iterable[Article], dropped: Dropped) -> Iterator[Row]:
    for article in articles:
        fields = article_fields(article)
        known = tuple(fields[name] for name in _ARTICLE)
        dropped["articles without spans"] += not article.spans
        for span in outside_in(article.spans):
            name, score = article.surface(span), round(span.score, 4)
            yield (*known, span.start, span.end, span.label, name, score, span.model)


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value


def _fill(book: Any, rows: Iterable[Row], dropped: Dropped) -> None:
    bold = book.add_format({"bold": True})
    sheet, number = None, _MAX_ROWS
    for row in rows:
        if number == _MAX_ROWS:
            sheet, number = _sheet(book, bold), 1
        assert sheet
        for column, value in enumerate(row):
            if isinstance(value, str):
                dropped["ends of long values"] += len(value) > _MAX_CELL
                sheet.write_string(number, column, value[:_MAX_CELL])
            else:
                sheet.write_number(number, column, value)
        number += 1
    if sheet is None:
        _sheet(book, bold)


def _sheet(book: Any, heading: Any) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.set_column(1, 1, 40)  # the title
    for column, name in enumerate(COLUMNS):
        sheet.write_string(0, column, name, heading)
    return sheet


def _reader(file: BinaryIO) -> Callable[[], bytes]:
    return lambda: file.read(MEGABYTE)
