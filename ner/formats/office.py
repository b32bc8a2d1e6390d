"""Word and Excel files. Read only; their libraries are in the extra ``office``."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from ner.errors import NerError, at, missing_extra
from ner.formats.fields import UNCOUNTED, Dropped, rename
from ner.formats.plain_text import article_of_lines
from ner.formats.rows import Item
from ner.formats.source import MAX_WHOLE, MEGABYTE, Source
from ner.formats.tabular import table_item

_REMEDY = "save it again in Word or Excel, or as text"


def read_docx(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """A Word file is an article: its paragraphs and the rows of its tables are the lines.

    The title is a paragraph in the style Title or Heading 1 at the head, else as in plain text.

    Raises:
        NerError: python-docx is not installed, or the file is damaged.
    """
    try:
        import docx
    except ImportError:
        raise missing_extra("python-docx", "office", where=source.name) from None
    _check_unpacked_size(source)
    try:
        document = docx.Document(io.BytesIO(source.data))
        blocks = list(_blocks(document))
    except Exception as error:  # zipfile's, lxml's and python-docx's own
        raise _damaged("Word", error, source) from None
    dropped["pictures in Word files"] += len(document.inline_shapes)
    yield article_of_lines(blocks, source)


def _blocks(document: Any) -> Iterator[tuple[str, bool]]:
    """Lines of a document, and whether each is a heading."""
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            for row in block.rows:
                cells = dict.fromkeys(cell._tc for cell in row.cells)
                texts = {cell._tc: cell.text for cell in row.cells}
                yield "\t".join(texts[cell] for cell in cells), False
        else:
            style = (block.style.name or "") if block.style is not None else ""
            yield block.text, style in ("Title", "Heading 1")


def read_xlsx(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """A row of a sheet is an article; the first row names the fields. Old .xls files are read as well.

    Sheets without a column of texts are left out and counted.

    Raises:
        NerError: python-calamine is not installed, the file is damaged, or no sheet has texts.
    """
    try:
        import python_calamine
    except ImportError:
        raise missing_extra("python-calamine", "office", where=source.name) from None
    _check_unpacked_size(source)
    try:
        workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(source.data))
        sheets = [(name, workbook.get_sheet_by_name(name)) for name in workbook.sheet_names]
        tables = [(name, list(sheet.iter_rows())) for name, sheet in sheets if sheet.height]
    except BaseException as error:  # a panic of its Rust code is no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise _damaged("Excel", error, source) from None
    with_texts = 0
    for name, rows in tables:
        names = [str(_plain(value)).strip() for value in rows[0]]
        if not {"text", "body"} & rename(dict.fromkeys(names, ""), fields).keys():
            dropped["sheets without a column of texts"] += 1
            continue
        with_texts += 1
        yield from _sheet(rows, names, f"{source.name}:{name}", fields, dropped)
    if not with_texts:
        raise NerError(
            "no sheet has a column 'text', 'body', 正文 or 内容 in its first row",
            where=source.name,
            remedy="map one with --field body=COLUMN",
        )


def _sheet(
    rows: list[list[Any]],
    names: list[str],
    where: str,
    fields: Mapping[str, str],
    dropped: Dropped,
) -> Iterator[Item]:
    for number, values in enumerate(rows[1:], 2):
        row = {name: _plain(value) for name, value in zip(names, values) if name}
        if any(value not in ("", None) for value in row.values()):
            yield table_item(row, fields, f"{where}:{number}", dropped)


def _plain(value: Any) -> Any:
    """A cell as a field: whole numbers without their .0, dates without a time."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else str(value)
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str | date | int):
        return value
    return "" if value is None else str(value)


def _check_unpacked_size(source: Source) -> None:
    """Refuse a file that would unpack to more than `MAX_WHOLE`.

    Raises:
        NerError: it would.
    """
    if not source.data.startswith(b"PK"):
        return  # an old .xls
    with at(source.name):
        try:
            with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
                size = sum(member.file_size for member in archive.infolist())
        except Exception as error:  # zipfile's own and struct's
            raise _damaged("Office", error, source) from None
        if size > MAX_WHOLE:
            raise NerError(f"unpacks to over {MAX_WHOLE // MEGABYTE} MB", remedy=_REMEDY)


def _damaged(program: str, error: BaseException, source: Source) -> NerError:
    reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return NerError(f"damaged {program} file: {reason}", where=source.name, remedy=_REMEDY)
