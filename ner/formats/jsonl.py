"""JSON Lines: our own form, and the lines that other forms are made of."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO

from ner.article import Article, Rejected
from ner.errors import NerError, at
from ner.formats.rows import (
    UNCOUNTED,
    Item,
    Lost,
    Row,
    article_row,
    count_unknown,
    dump,
    item,
    make_article,
    rename,
)
from ner.formats.source import Part, Source, decode

MAX_LINE = 4_000_000  # bytes; a longer JSONL line is no article but a damaged file


def parse_json(line: str) -> dict[str, Any]:
    """One JSON object.

    Raises:
        NerError: it is not one.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        detail = (
            f"{error.msg} at column {error.colno}"
            if isinstance(error, json.JSONDecodeError)
            else error
        )
        raise NerError(f"not JSON: {detail}", remedy="one JSON object a line") from None
    if not isinstance(value, dict):
        raise NerError("not a JSON object", remedy='one object a line, {"id": …, "text": …}')
    return value


def bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines of a file; of one over `MAX_LINE` only its beginning, one byte too long."""
    while raw := file.readline(MAX_LINE + 1):
        yield raw
        while len(raw) > MAX_LINE and not raw.endswith(b"\n"):
            raw = file.readline(MAX_LINE + 1)


def json_lines(
    file: BinaryIO, name: str, *, decode: Callable[[bytes], str] = decode
) -> Iterator[tuple[str, dict[str, Any] | NerError]]:
    """Place and object, or place and error, of every line.

    Each line is decoded on its own, so that one bad line costs one line.
    """
    for number, raw in enumerate(bounded_lines(file), 1):
        where = f"{name}:{number}"
        try:
            with at(where):
                if len(raw) > MAX_LINE:
                    raise NerError(
                        f"line of over {MAX_LINE:,} bytes", remedy="one article a line; split it"
                    )
                if not raw.strip():
                    raise NerError("blank line", remedy="one JSON object a line")
                value = parse_json(decode(raw))
        except NerError as error:
            yield where, error
        else:
            yield where, value


def read_lines(
    source: Source, make: Callable[[Row], Article], fields: Mapping[str, str] = {}
) -> Iterator[Item]:
    """Articles that `make` makes of a file's JSON lines, their fields renamed."""
    for where, value in json_lines(io.BytesIO(source.data.rstrip()), source.name):
        if isinstance(value, NerError):
            yield Rejected.from_error(value, where=where)
        else:
            row = rename(value, fields)
            yield item(partial(make, row), where, str(row.get("id") or ""))


def read_jsonl(
    source: Source, fields: Mapping[str, str] = {}, lost: Lost = UNCOUNTED
) -> Iterator[Item]:
    """One JSON object a line: `FIELDS`, and ``spans``. Other fields are left out and counted."""

    def make(row: Row) -> Article:
        count_unknown(row, ("spans", *fields.values()), lost)
        return make_article(row)

    return read_lines(source, make, fields)


def write_jsonl(articles: Iterable[Article], lost: Lost = UNCOUNTED) -> Iterator[Part]:
    """Loses nothing; scores have four digits."""
    for article in articles:
        yield Part(dump(article_row(article)).encode())
