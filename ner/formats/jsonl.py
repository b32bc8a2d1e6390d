"""JSON Lines, our own form and the lines that other forms are made of; and JSON arrays of the same rows."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO, NoReturn

from ner.article import Article, Rejected
from ner.errors import NerError, at
from ner.formats.encoding import decode, decode_as
from ner.formats.fields import UNCOUNTED, Dropped, Row, count_unknown, rename
from ner.formats.rows import TAGGED_BY, Item, article_row, dump, item, make_article
from ner.formats.source import Part, Source

MAX_LINE = 4_000_000  # bytes; a longer JSONL line is no article but a damaged file
_ARRAY = '[{"id": …, "text": …}, …]'


def load_json(text: str, *, remedy: str = "") -> Any:
    """A JSON value. NaN and Infinity are none.

    Raises:
        NerError: it is not JSON, or nested too deeply, or a number in it has thousands of digits.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        detail = "nested too deeply"
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, " if error.lineno > 1 else ""
        detail = f"{error.msg} at {place}column {error.colno}"
    except ValueError as error:
        detail = str(error)
    raise NerError(f"not JSON: {detail}", remedy=remedy)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def parse_json(line: str) -> dict[str, Any]:
    """One JSON object.

    Raises:
        NerError: it is not one.
    """
    value = load_json(line, remedy="one JSON object a line")
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


def source_lines(source: Source) -> Iterator[tuple[str, dict[str, Any] | NerError]]:
    """`json_lines` of a source, in its encoding; blank lines at its end are nothing."""
    decoder = partial(decode_line, source)
    blank: list[tuple[str, dict[str, Any] | NerError]] = []
    for where, value in json_lines(source.stream(), source.name, decode=decoder):
        if isinstance(value, NerError) and value.message == "blank line":
            blank.append((where, value))
            continue
        yield from blank
        blank.clear()
        yield where, value


def decode_line(source: Source, line: bytes) -> str:
    """A line of a source, in its encoding.

    Raises:
        NerError: it is not in that encoding.
    """
    if source.stream_encoding == "utf-8" and source.head.isascii():
        return decode(line)  # the first lines did not tell
    return decode_as(line, source.stream_encoding)


def read_lines(
    source: Source, make: Callable[[Row], Article], fields: Mapping[str, str] = {}
) -> Iterator[Item]:
    """Articles that `make` makes of a file's JSON lines, their fields renamed."""
    with at(source.name):
        lines = source_lines(source)
        for where, value in lines:
            if isinstance(value, NerError):
                yield Rejected.from_error(value, where=where)
            else:
                row = rename(value, fields)
                yield item(partial(make, row), where, row.get("id"))


def read_jsonl(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """One JSON object a line: `FIELDS`, and ``spans``. Other fields are left out and counted."""
    return read_lines(source, partial(_article, dropped=dropped), fields)


def read_json(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """A JSON array of the objects that `read_jsonl` takes, or one of them.

    Raises:
        NerError: the file is not JSON.
    """
    return read_array(source, partial(_article, dropped=dropped), fields)


def read_array(
    source: Source, make: Callable[[Row], Article], fields: Mapping[str, str] = {}
) -> Iterator[Item]:
    """Articles that `make` makes of the objects of a JSON array, or of one object, their fields renamed.

    Raises:
        NerError: the file is not JSON.
    """
    with at(source.name):
        value = load_json(source.text, remedy=_ARRAY)
    for number, row in enumerate(value if isinstance(value, list) else [value], 1):
        where = f"{source.name}:item {number}"
        if isinstance(row, dict):
            renamed = rename(row, fields)
            yield item(partial(make, renamed), where, renamed.get("id"))
        else:
            error = NerError(f"{type(row).__name__} is not a JSON object", remedy=_ARRAY)
            yield Rejected.from_error(error, where=where)


def _article(row: Row, *, dropped: Dropped) -> Article:
    count_unknown(row, ("spans", TAGGED_BY), dropped)
    return make_article(row, dropped=dropped)


def write_jsonl(articles: Iterable[Article], dropped: Dropped = UNCOUNTED) -> Iterator[Part]:
    """Drops nothing; scores have four digits."""
    for article in articles:
        yield Part(dump(article_row(article)).encode())
