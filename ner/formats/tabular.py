"""CSV and Parquet, a row an article; plain text, a file an article. Read only: no room for spans."""

import csv
import io
from collections.abc import Iterator, Mapping

from ner.article import Rejected
from ner.errors import NerError, at, missing_extra
from ner.formats.jsonl import MAX_LINE
from ner.formats.rows import UNCOUNTED, Item, Lost, article_or_rejected, normalise, rename
from ner.formats.source import Source, decode


def read_csv(
    source: Source, fields: Mapping[str, str] = {}, lost: Lost = UNCOUNTED
) -> Iterator[Item]:
    """Comma- or tab-separated, with a header line."""
    with at(source.name):
        text = decode(source.data)
    csv.field_size_limit(MAX_LINE)
    header = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in header else ",")
    if not {fields.get(name, name) for name in ("text", "body")} & set(rows.fieldnames or ()):
        raise NerError(
            f"has no column 'text' or 'body', only {', '.join(rows.fieldnames or ())}",
            where=f"{source.name}:1",
            remedy="map one with --field body=COLUMN",
        )
    try:
        for row in rows:
            yield article_or_rejected(rename(row, fields), f"{source.name}:{rows.line_num}")
    except csv.Error as error:
        yield Rejected("", f"{source.name}:{rows.line_num}", f"not CSV: {error}", "mend that line")


def read_parquet(
    source: Source, fields: Mapping[str, str] = {}, lost: Lost = UNCOUNTED
) -> Iterator[Item]:
    """Parquet, a row an article."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise missing_extra("pyarrow", "parquet", where=source.name) from None
    try:
        file = pq.ParquetFile(pa.BufferReader(source.data))
    except pa.ArrowInvalid as error:
        raise NerError(f"is not Parquet: {error}", where=source.name) from None
    number = 0
    for batch in file.iter_batches():
        for row in batch.to_pylist():
            number += 1
            yield article_or_rejected(rename(row, fields), f"{source.name}:row {number}")


def read_text(
    source: Source, fields: Mapping[str, str] = {}, lost: Lost = UNCOUNTED
) -> Iterator[Item]:
    """Plain text: the first line is the title where it is short and has no full stop."""
    with at(source.name):
        text = normalise(decode(source.data))
    first, _, rest = text.partition("\n")
    is_title = rest and len(first) <= 60 and not first.endswith(("。", "！", "？", "”", ":", "："))
    row = {"title": first, "body": rest.lstrip("\n")} if is_title else {"body": text}
    yield article_or_rejected(row, source.name, default_id=source.stem)
