"""Parquet, a row an article, its spans a list of structs. pyarrow is in the extra ``parquet``."""

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ner.article import BYLINE, Article, Rejected, batches
from ner.errors import NerError, missing_extra
from ner.formats.fields import UNCOUNTED, Dropped
from ner.formats.rows import TAGGED_BY, Item, article_fields, span_row
from ner.formats.source import MAX_WHOLE, MEGABYTE, Part, Source
from ner.formats.tabular import check_columns, table_item

_ROWS = 1000  # at a time
GROUP = 5000  # articles of a row group that is written, at most
GROUP_CHARACTERS = 4_000_000  # code points of their texts, at which it ends earlier
_DAMAGED = "damaged Parquet file"
_REMEDY = "make the file again"


def read_parquet(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """Rows by row group; one that is damaged costs its own rows. A column ``spans`` holds spans.

    Raises:
        NerError: pyarrow is not installed, the file is not Parquet, or no column holds the text.
    """
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise missing_extra("pyarrow", "parquet", where=source.name) from None
    try:
        # A file on the disk may be of any size: only its row groups are read.
        whole = None if source.path and source.path.suffix == ".parquet" else source.data
        file = pq.ParquetFile(source.path if whole is None else io.BytesIO(whole))
        groups = [file.metadata.row_group(n) for n in range(file.num_row_groups)]
        sizes = [(group.num_rows, group.total_byte_size) for group in groups]
        names = list(file.schema_arrow.names)
    except Exception as error:  # what a damaged file makes pyarrow raise is of many types
        raise NerError(f"{_DAMAGED}: {_reason(error)}", where=source.name, remedy=_REMEDY) from None
    check_columns(names, fields, source.name)
    number = 0
    for group, (rows, size) in enumerate(sizes):
        if size > MAX_WHOLE:
            why = f"row group of over {MAX_WHOLE // MEGABYTE} MB"
            yield Rejected("", f"{source.name}:row {number + 1}", why, "write smaller row groups")
        else:
            for index, row in _rows(file, group, rows):
                where = f"{source.name}:row {number + index + 1}"
                if isinstance(row, NerError):
                    yield Rejected.from_error(row, where=where)
                else:
                    yield table_item(row, fields, where, dropped, known=("spans", TAGGED_BY))
        number += max(rows, 0)


def _rows(file: Any, group: int, count: int) -> Iterator[tuple[int, dict[str, Any] | NerError]]:
    """Rows of a row group by their number in it; an error for those that cannot be read."""
    done = 0
    try:
        for batch in file.iter_batches(batch_size=_ROWS, row_groups=[group]):
            for index in range(batch.num_rows):
                yield done + index, _row(batch, index)
            done += batch.num_rows
        if done != count:
            raise ValueError(f"{done} rows of {count}")
    except Exception as error:  # see above
        yield done, NerError(f"{_DAMAGED}: {_reason(error)}", remedy=_REMEDY)


def _row(batch: Any, index: int) -> dict[str, Any] | NerError:
    try:
        [row] = batch.slice(index, 1).to_pylist()
    except Exception as error:  # a string that is not UTF-8, a date out of range
        return NerError(f"{_DAMAGED}: {_reason(error)}", remedy=_REMEDY)
    return dict(row)


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def write_parquet(
    articles: Iterable[Article], dropped: Dropped = UNCOUNTED, *, has_date: bool = True
) -> Iterator[Part]:
    """Row groups of `GROUP` articles; text columns are empty, dates null where not known. Drops nothing.

    Args:
        has_date: with a column of dates; none where the file's folder is named after its date.

    Raises:
        NerError: pyarrow is not installed.
    """
    file = ParquetFile(has_date=has_date)
    for batch in batches(articles, GROUP, GROUP_CHARACTERS):
        yield Part(file.write(batch))
    yield Part(file.end())


class ParquetFile:
    """A file that is written row group by row group: see `write_parquet`."""

    def __init__(self, *, has_date: bool = True) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise missing_extra("pyarrow", "parquet") from None
        self._schema = _schema(pa, has_date=has_date)
        self._has_date = has_date
        self._table = pa.Table
        self._sink = _Sink()
        self._file = pq.ParquetWriter(self._sink, self._schema, compression="zstd")

    def write(self, articles: Iterable[Article]) -> bytes:
        """The bytes of a row group."""
        rows = [_written(article, has_date=self._has_date) for article in articles]
        self._file.write_table(self._table.from_pylist(rows, schema=self._schema))
        return self._sink.take()

    def end(self) -> bytes:
        """The bytes that end the file."""
        self._file.close()
        return self._sink.take()


class _Sink(io.RawIOBase):
    """Takes what is written and gives it away, so that memory holds one row group."""

    def __init__(self) -> None:
        self._written = bytearray()
        self._taken = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def tell(self) -> int:
        return self._taken + len(self._written)

    def take(self) -> bytes:
        data = bytes(self._written)
        self._taken += len(data)
        self._written.clear()
        return data


def _schema(pa: Any, *, has_date: bool) -> Any:
    span = {
        **{"start": pa.int32(), "end": pa.int32(), "label": pa.string(), "text": pa.string()},
        **{"score": pa.float64(), "model": pa.string()},
    }
    names = ("id", "title", "text", "paper", "page", "section", *BYLINE)
    columns = [(name, pa.string()) for name in names]
    dates = [("date", pa.date32())] if has_date else []
    spans = ("spans", pa.list_(pa.struct(list(span.items()))))
    return pa.schema([*columns, *dates, (TAGGED_BY, pa.string()), spans])


def _written(article: Article, *, has_date: bool) -> dict[str, Any]:
    spans = [{**span_row(span, article.text), "model": span.model} for span in article.spans]
    more = {"text": article.text, TAGGED_BY: article.tagged_by or None, "spans": spans}
    row = {**article_fields(article), **more}
    return {**row, "date": article.date} if has_date else row
