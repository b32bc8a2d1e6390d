"""Every file form, streamed: files to articles and back.

A reader takes a `Source` and yields an `Article` or, in its place, a `Rejected`; nothing is skipped
in silence. A writer takes articles and yields the bytes of a file, or the files of a folder. Both add
to `lost` what the form has no room for; their docstrings say what that is.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ner.errors import NerError
from ner.formats.brat import read_brat, write_brat
from ner.formats.conll import read_conll, write_bio, write_bmes
from ner.formats.docbin import read_docbin, write_docbin
from ner.formats.doccano import read_doccano, write_doccano, write_doccano_relations
from ner.formats.jsonl import (
    MAX_LINE,
    bounded_lines,
    json_lines,
    parse_json,
    read_jsonl,
    write_jsonl,
)
from ner.formats.label_studio import read_label_studio, write_label_studio
from ner.formats.rows import (
    FIELDS,
    MAX_TEXT,
    UNCOUNTED,
    Item,
    Lost,
    Row,
    article_or_rejected,
    article_row,
    check_text,
    dump,
    make_article,
    normalise,
    parse_date,
    parse_span,
    rename,
    span_row,
)
from ner.formats.source import SUFFIXES, Part, Source, decode, decode_utf8, find, open_source
from ner.formats.tabular import read_csv, read_parquet, read_text
from ner.formats.web_annotation import read_web_annotation, write_web_annotation


@dataclass(frozen=True, slots=True)
class Format:
    """A file form, both ways.

    ``read(source, fields, lost)`` gives items; `fields` maps our names to the file's own.
    ``write(articles, lost)`` gives parts, None where the form has no room for spans. With `folder`
    the parts have names: files of a folder.
    """

    read: Callable[..., Iterator[Item]]
    write: Callable[..., Iterator[Part]] | None = None
    folder: bool = False


FORMATS = {
    "jsonl": Format(read_jsonl, write_jsonl),
    "doccano": Format(read_doccano, write_doccano),
    "doccano-relations": Format(read_doccano, write_doccano_relations),
    "label-studio": Format(read_label_studio, write_label_studio),
    "brat": Format(read_brat, write_brat, folder=True),
    "bio": Format(read_conll, write_bio),
    "bmes": Format(read_conll, write_bmes),
    "docbin": Format(read_docbin, write_docbin),
    "web-annotation": Format(read_web_annotation, write_web_annotation),
    "csv": Format(read_csv),
    "parquet": Format(read_parquet),
    "txt": Format(read_text),
}
BY_WORDS = ("bio", "bmes", "docbin")
"""Forms that can have a token a word."""
WRITABLE = tuple(name for name, form in FORMATS.items() if form.write)


def guess(source: Source) -> str:
    """The form of a file by its name, and where that leaves it open by its look,
    empty if neither says.

    Raises:
        NerError: it is brat's .ann, which is nothing without its text.
    """
    form = SUFFIXES.get(source.suffix, "")
    if source.suffix == ".ann":
        raise NerError(
            "is half an article", where=source.name, remedy="name the .txt, or the folder"
        )
    if form == "txt" and Path(source.name).with_suffix(".ann").is_file():
        return "brat"
    if form not in ("", "jsonl", "label-studio"):
        return form
    head = source.data[:4096].lstrip()
    if re.match(rb'[\[{]\s*(\{\s*)?"@context"', head):
        return "web-annotation"
    if head.startswith(b"["):
        return "label-studio"
    return _guess_lines(source) if head.startswith(b"{") else form


def _guess_lines(source: Source) -> str:
    try:
        row = json.loads(source.data.split(b"\n", 1)[0])
    except ValueError:
        return "jsonl"
    listed = row.get("entities", row.get("label", row.get("labels")))
    spans = isinstance(listed, list) and all(isinstance(span, list | dict) for span in listed)
    return "doccano" if spans else "jsonl"


__all__ = [
    "BY_WORDS",
    "FIELDS",
    "FORMATS",
    "MAX_LINE",
    "MAX_TEXT",
    "SUFFIXES",
    "UNCOUNTED",
    "WRITABLE",
    "Format",
    "Item",
    "Lost",
    "Part",
    "Row",
    "Source",
    "article_or_rejected",
    "article_row",
    "bounded_lines",
    "check_text",
    "decode",
    "decode_utf8",
    "dump",
    "find",
    "guess",
    "json_lines",
    "make_article",
    "normalise",
    "open_source",
    "parse_date",
    "parse_json",
    "parse_span",
    "read_csv",
    "read_jsonl",
    "read_parquet",
    "read_text",
    "rename",
    "span_row",
]
