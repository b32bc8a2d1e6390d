"""Parquet, a row an article. Read only; pyarrow is in the extra ``parquet``."""

import io
from collections.abc import Iterator, Mapping
from typing import Any

from ner.article import Rejected
from ner.errors import NerError, missing_extra
from ner.formats.fields import UNCOUNTED, Dropped
from ner.formats.rows import Item
from ner.formats.source import MAX_WHOLE, MEGABYTE, Source
from ner.formats.tabular import check_columns, table_item

_ROWS = 1000  # at a time
_DAMAGED = "damaged Parquet file"
_REMEDY = "make the file again"


def read_parquet(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """Rows by row group; one that is damaged costs its own rows.

    Raises:
        NerError: pyarrow is not installed, the file is not Parquet, or no column holds the text.
    """
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise missing_extra("pyarrow", "parquet", where=source.name) from None
    try:
        file = pq.ParquetFile(io.BytesIO(source.data))
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
                    yield table_item(row, fields, where, dropped)
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
