"""Every file form, streamed: files to articles and back.

A reader takes a `Source` and yields an `Article` or, in its place, a `Rejected`. A writer takes
articles and yields the bytes of a file, or the files of a folder. Both count in `dropped` what the form
or an article cannot represent; their docstrings say what that is.
"""

from ner.formats.detect import detect_form
from ner.formats.encoding import decode, decode_utf8, detect_encoding
from ner.formats.fields import FIELDS, UNCOUNTED, UNREAD, Dropped, Row, parse_date, rename
from ner.formats.forms import BY_WORDS, EXCHANGE, FORMATS, WRITABLE, WRITTEN_SUFFIXES, Format
from ner.formats.jsonl import (
    MAX_LINE,
    json_lines,
    read_jsonl,
    source_lines,
)
from ner.formats.parquet import read_parquet
from ner.formats.paths import Skipped, find
from ner.formats.plain_text import read_text
from ner.formats.reader import read
from ner.formats.rows import (
    Item,
    article_or_rejected,
    article_row,
    check_text,
    dump,
    make_article,
    normalise,
    parse_span,
    safe_id,
    span_row,
)
from ner.formats.source import Part, Source, open_source
from ner.formats.tabular import read_csv

__all__ = [
    "BY_WORDS",
    "EXCHANGE",
    "FIELDS",
    "FORMATS",
    "MAX_LINE",
    "UNCOUNTED",
    "UNREAD",
    "WRITABLE",
    "WRITTEN_SUFFIXES",
    "Dropped",
    "Format",
    "Item",
    "Part",
    "Row",
    "Skipped",
    "Source",
    "article_or_rejected",
    "article_row",
    "check_text",
    "decode",
    "decode_utf8",
    "detect_encoding",
    "detect_form",
    "dump",
    "find",
    "json_lines",
    "make_article",
    "normalise",
    "open_source",
    "parse_date",
    "parse_span",
    "read",
    "read_csv",
    "read_jsonl",
    "read_parquet",
    "read_text",
    "rename",
    "safe_id",
    "source_lines",
    "span_row",
]
