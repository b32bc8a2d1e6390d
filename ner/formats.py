"""Every file form, streamed: lines and rows to Articles and back.

A reader takes a `Source` and yields an `Article` or, in its place, a `Rejected`; nothing is skipped
in silence. Text is decoded strictly (UTF-8, else GB18030) and normalised once, here: line ends
become ``\\n`` and ideographic or other indents at line ends are taken off. Nothing else changes.
"""

import csv
import glob
import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from ner.article import Article, Rejected, Span
from ner.errors import NerError, at

MAX_LINE = 4_000_000  # bytes; a longer JSONL line is no article but a damaged file
MAX_TEXT = 1_000_000  # code points; a longer article is a book, or a file without line ends
FIELDS = ("id", "title", "body", "text", "paper", "date", "page", "section")
"""The fields of an article in JSONL, CSV and Parquet; `ner ingest --field` maps others to them."""

_MAY_BE_NUMBERS = ("id", "date", "page")

Row = Mapping[str, Any]
Item = Article | Rejected


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes with a name for messages."""

    name: str
    data: bytes

    @property
    def stem(self) -> str:
        return Path(self.name.removesuffix(".gz")).stem

    @property
    def suffix(self) -> str:
        return Path(self.name.removesuffix(".gz")).suffix.lower()


def find(paths: Iterable[str], *, recursive: bool = False) -> list[Path | None]:
    """Paths, globs and folders to files, in order; ``-`` (standard input) is None.

    Raises:
        NerError: nothing is there, or a folder is named without `recursive`.
    """
    found: list[Path | None] = []
    for name in paths:
        path = Path(name)
        if name == "-":
            found.append(None)
        elif path.is_dir():
            if not recursive:
                raise NerError(
                    "is a folder", where=name, remedy="add --recursive to read all in it"
                )
            found += sorted(p for p in path.rglob("*") if Source(str(p), b"").suffix in SUFFIXES)
        elif path.exists():
            found.append(path)
        else:
            matches = sorted(glob.glob(name, recursive=True))
            if not matches:
                raise NerError("no such file", where=name, remedy="check the path or the pattern")
            found += [Path(match) for match in matches if not Path(match).is_dir()]
    return found


def open_source(path: Path | None) -> Source:
    """Read a file, unpacked if it is gzipped, or standard input for None.

    Raises:
        NerError: the file cannot be read or is empty.
    """
    name = str(path) if path else "<stdin>"
    try:
        data = path.read_bytes() if path else sys.stdin.buffer.read()
        if name.endswith(".gz"):
            data = gzip.decompress(data)
    except IsADirectoryError:
        raise NerError("is a folder", where=name, remedy="name a file") from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NerError(f"cannot be read: {reason}", where=name, remedy="check the file") from None
    if not data.strip():
        raise NerError("is empty", where=name, remedy="nothing to read; check how it was made")
    return Source(name, data)


def decode(data: bytes) -> str:
    """Strict UTF-8 (with or without a byte order mark), else strict GB18030.

    Raises:
        NerError: it is neither, or binary.
    """
    if b"\0" in data[:65536] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NerError("is binary, not text", remedy="give text, JSONL, CSV or Parquet")
    try:
        return decode_utf8(data)
    except NerError as error:
        not_utf8 = error
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError:
        raise NerError(f"{not_utf8.message}, nor GB18030", remedy=not_utf8.remedy) from None


def decode_utf8(data: bytes) -> str:
    """Strict UTF-8, with or without a byte order mark.

    Raises:
        NerError: it is not.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NerError(
            f"not UTF-8 (byte {error.start})", remedy="convert it: iconv -f GB18030 -t UTF-8"
        ) from None


def normalise(text: str) -> str:
    """What is stored: line ends as ``\\n``, no indents, no blanks at line ends, no empty edge lines.

    Idempotent; characters within a line stay as printed.
    """
    text = re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text)
    lines = [line.strip(" \t\u3000\xa0\ufeff") for line in text.split("\n")]
    return "\n".join(lines).strip("\n")


def make_article(row: Row, *, default_id: str = "") -> Article:
    """An article from fields: ``title`` and ``body``, or ``text`` that may begin with the title.

    With ``spans`` the text is taken exactly as it is, else it is normalised.

    Where there is no id, the text's own hash is one, so that reading twice gives it twice.

    Raises:
        NerError: a field is missing, of the wrong type, or its spans break the law of offsets.
    """
    # Spans hold for the text they came with, so that one is stored already: not a character changes.
    clean = str if row.get("spans") else normalise
    title = clean(_text_field(row, "title")).replace("\n", " ")
    body, text = clean(_text_field(row, "body")), clean(_text_field(row, "text"))
    if body and not text:
        text = f"{title}\n{body}" if title else body
    elif title and text and not text.startswith(f"{title}\n") and not row.get("spans"):
        text = f"{title}\n{text}"
    body_start = len(title) + 1 if title and text.startswith(f"{title}\n") else 0
    check_text(text)
    if not text:
        raise NerError(
            "has no text", remedy="needs a field body or text; --field maps another name"
        )
    return Article(
        id=_text_field(row, "id") or default_id or sha256(text.encode()).hexdigest()[:16],
        text=text,
        title=title,
        body_start=body_start,
        paper=_text_field(row, "paper"),
        date=parse_date(_text_field(row, "date")),
        page=_text_field(row, "page"),
        section=_text_field(row, "section"),
        spans=tuple(map(parse_span, row.get("spans") or ())),
    )


def check_text(text: str) -> None:
    """Refuse what no store and no network should be given.

    Raises:
        NerError: the text is too long, or holds a NUL or half of a surrogate pair.
    """
    if len(text) > MAX_TEXT:
        raise NerError(
            f"text of {len(text):,} characters, over {MAX_TEXT:,}", remedy="split it into articles"
        )
    bad = re.search(r"[\0\ud800-\udfff]", text)
    if bad:
        raise NerError(
            f"character U+{ord(bad[0]):04X} at {bad.start()} is not text",
            remedy="mend how the file was made",
        )


def _text_field(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, date) or (isinstance(value, int) and name in _MAY_BE_NUMBERS):
        return str(value)
    if not isinstance(value, str):
        raise NerError(f"field {name!r} is {type(value).__name__}, not text")
    return value


def parse_date(value: str) -> date | None:
    """A date as newspapers print it: 2024-12-05, 20241205, 2024/12/5, 2024年12月5日; None if empty.

    Raises:
        NerError: it is none of these.
    """
    if not value.strip():
        return None
    match = re.match(r"\s*(\d{4})\D{0,3}(\d{1,2})\D{0,3}(\d{1,2})", value)
    try:
        if match is None:
            raise ValueError
        return date(*map(int, match.groups()))
    except ValueError:
        raise NerError(f"{value!r} is not a date", remedy="write it as 2024-12-05") from None


def parse_span(value: Any) -> Span:
    """A span from ``[start, end, label]`` or ``{"start", "end", "label", …}``."""
    try:
        if isinstance(value, Mapping):
            return Span(
                int(value["start"]),
                int(value["end"]),
                str(value["label"]),
                float(value.get("score", 1.0)),
                str(value.get("model", "")),
            )
        start, end, label = value
        return Span(int(start), int(end), str(label))
    except (KeyError, TypeError, ValueError):
        raise NerError(
            f"{value!r} is not a span", remedy="write [start, end, label] or an object"
        ) from None


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


def _article_or_rejected(row: Row, where: str, *, default_id: str = "") -> Item:
    try:
        with at(where):
            return make_article(row, default_id=default_id)
    except NerError as error:
        known = row.get("id")
        return Rejected(str(known or default_id), error.where, error.message, error.remedy)


def rename(row: Row, fields: Mapping[str, str]) -> Row:
    """A row with its fields under our names; `fields` maps ours to theirs."""
    return {**row, **{ours: row[theirs] for ours, theirs in fields.items() if theirs in row}}


def read_jsonl(source: Source, fields: Mapping[str, str] = {}) -> Iterator[Item]:
    """One JSON object a line."""
    for where, value in json_lines(io.BytesIO(source.data.rstrip()), source.name):
        if isinstance(value, NerError):
            yield Rejected("", where, value.message, value.remedy)
        else:
            yield _article_or_rejected(rename(value, fields), where)


def read_csv(source: Source, fields: Mapping[str, str] = {}) -> Iterator[Item]:
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
            yield _article_or_rejected(rename(row, fields), f"{source.name}:{rows.line_num}")
    except csv.Error as error:
        yield Rejected("", f"{source.name}:{rows.line_num}", f"not CSV: {error}", "mend that line")


def read_parquet(source: Source, fields: Mapping[str, str] = {}) -> Iterator[Item]:
    """Parquet, a row an article."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise NerError(
            "reading Parquet needs pyarrow", where=source.name, remedy="pip install 'ner[parquet]'"
        ) from None
    try:
        file = pq.ParquetFile(pa.BufferReader(source.data))
    except pa.ArrowInvalid as error:
        raise NerError(f"is not Parquet: {error}", where=source.name) from None
    number = 0
    for batch in file.iter_batches():
        for row in batch.to_pylist():
            number += 1
            yield _article_or_rejected(rename(row, fields), f"{source.name}:row {number}")


def read_text(source: Source, fields: Mapping[str, str] = {}) -> Iterator[Item]:
    """Plain text: the first line is the title where it is short and has no full stop."""
    with at(source.name):
        text = normalise(decode(source.data))
    first, _, rest = text.partition("\n")
    is_title = rest and len(first) <= 60 and not first.endswith(("。", "！", "？", "”", ":", "："))
    row = {"title": first, "body": rest.lstrip("\n")} if is_title else {"body": text}
    yield _article_or_rejected(row, source.name, default_id=source.stem)


def span_row(span: Span, text: str) -> dict[str, Any]:
    """A span as the tagging contract writes it."""
    return {
        "start": span.start,
        "end": span.end,
        "label": span.label,
        "text": text[span.start : span.end],
        "score": round(span.score, 4),
    }


def article_row(article: Article) -> dict[str, Any]:
    """An article as ``ner export`` writes it."""
    return {
        "id": article.id,
        "title": article.title,
        "text": article.text,
        "paper": article.paper,
        "date": article.date.isoformat() if article.date else None,
        "page": article.page,
        "section": article.section,
        "spans": [{**span_row(span, article.text), "model": span.model} for span in article.spans],
    }


def dump(row: Mapping[str, Any]) -> str:
    """One JSON line, readable characters kept; a lone surrogate is escaped, since UTF-8 has none."""
    line = json.dumps(row, ensure_ascii=False)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        line = json.dumps(row)
    return line + "\n"


READERS: dict[str, Callable[..., Iterator[Item]]] = {
    "jsonl": read_jsonl,
    "csv": read_csv,
    "parquet": read_parquet,
    "txt": read_text,
}
SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".txt": "txt",
    ".text": "txt",
}
