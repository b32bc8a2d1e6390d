"""Tables for people: CSV and Excel, row by row. XlsxWriter is in the extra ``office``."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ner.errors import missing_extra
from ner.formats.fields import UNCOUNTED, Dropped
from ner.formats.source import MEGABYTE, Part

Cells = Sequence[str | int | float]

# What makes a spreadsheet calculate a value, the full-width forms in Chinese and Japanese versions
# (OWASP, CSV Injection). A line feed or tab at the head is skipped before that is looked for.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_MAX_ROWS = 1 << 20  # of an Excel sheet
_MAX_CELL = 32_767  # characters of an Excel cell
_BUFFER = 1 << 16  # characters


def csv_parts(columns: Sequence[str], rows: Iterable[Cells]) -> Iterator[Part]:
    """A header and rows; UTF-8 with a mark by which Excel knows it.

    A value that a spreadsheet would calculate gets an apostrophe before it.
    """
    buffer = io.StringIO()
    buffer.write("\ufeff")
    table = csv.writer(buffer)
    table.writerow(columns)
    for row in rows:
        table.writerow([_harmless(value) if isinstance(value, str) else value for value in row])
        if buffer.tell() > _BUFFER:
            yield Part(buffer.getvalue().encode())
            buffer.seek(0)
            buffer.truncate()
    yield Part(buffer.getvalue().encode())


def xlsx_parts(
    columns: Sequence[str],
    rows: Iterable[Cells],
    dropped: Dropped = UNCOUNTED,
    widths: Mapping[int, int] = {},
) -> Iterator[Part]:
    """A header and rows; another sheet for every 1,048,575. No cell is a formula or a link.

    Values over 32,767 characters are cut and counted.

    Args:
        widths: of columns by number, in characters.

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
            _fill(book, columns, rows, dropped, widths)
        file.seek(0)
        yield from map(Part, iter(partial(file.read, MEGABYTE), b""))


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value


def _fill(
    book: Any,
    columns: Sequence[str],
    rows: Iterable[Cells],
    dropped: Dropped,
    widths: Mapping[int, int],
) -> None:
    bold = book.add_format({"bold": True})
    sheet, number = None, _MAX_ROWS
    for row in rows:
        if number == _MAX_ROWS:
            sheet, number = _sheet(book, bold, columns, widths), 1
        assert sheet
        for column, value in enumerate(row):
            if isinstance(value, str):
                dropped["ends of long values"] += len(value) > _MAX_CELL
                sheet.write_string(number, column, value[:_MAX_CELL])
            else:
                sheet.write_number(number, column, value)
        number += 1
    if sheet is None:
        _sheet(book, bold, columns, widths)


def _sheet(book: Any, heading: Any, columns: Sequence[str], widths: Mapping[int, int]) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for column, width in widths.items():
        sheet.set_column(column, column, width)
    for column, name in enumerate(columns):
        sheet.write_string(0, column, name, heading)
    return sheet
