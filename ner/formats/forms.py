"""The table of file forms: how each is read and written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ner.formats.brat import read_brat, write_brat
from ner.formats.conll import read_conll, write_bio, write_bmes
from ner.formats.docbin import read_docbin, write_docbin
from ner.formats.doccano import read_doccano, write_doccano, write_doccano_relations
from ner.formats.epaper import read_page
from ner.formats.html import read_html
from ner.formats.jsonl import read_json, read_jsonl, write_jsonl
from ner.formats.label_studio import read_label_studio, write_label_studio
from ner.formats.marked_html import write_html
from ner.formats.office import read_docx, read_xlsx
from ner.formats.parquet import read_parquet, write_parquet
from ner.formats.paths import SUFFIXES
from ner.formats.plain_text import read_text
from ner.formats.rows import Item
from ner.formats.source import Part
from ner.formats.span_table import write_csv, write_xlsx
from ner.formats.tabular import read_csv
from ner.formats.web_annotation import read_web_annotation, write_web_annotation


@dataclass(frozen=True, slots=True)
class Format:
    """A file form, both ways.

    ``read(source, fields, dropped)`` gives items; `fields` maps our names to the file's own.
    ``write(articles, dropped)`` gives parts, None where the form cannot represent spans. With `folder`
    the parts have names: files of a folder. With `ids_by_file` articles without an id of their own are
    named after their file. `for_people`: what is written shows spans and cannot be read as articles again.
    """

    read: Callable[..., Iterator[Item]]
    write: Callable[..., Iterator[Part]] | None = None
    folder: bool = False
    ids_by_file: bool = False
    for_people: bool = False


FORMATS = {
    "jsonl": Format(read_jsonl, write_jsonl),
    "json": Format(read_json),
    "doccano": Format(read_doccano, write_doccano),
    "doccano-relations": Format(read_doccano, write_doccano_relations),
    "label-studio": Format(read_label_studio, write_label_studio),
    "brat": Format(read_brat, write_brat, folder=True, ids_by_file=True),
    "bio": Format(read_conll, write_bio, ids_by_file=True),
    "bmes": Format(read_conll, write_bmes, ids_by_file=True),
    "docbin": Format(read_docbin, write_docbin, ids_by_file=True),
    "web-annotation": Format(read_web_annotation, write_web_annotation),
    "csv": Format(read_csv, write_csv, for_people=True),
    "xlsx": Format(read_xlsx, write_xlsx, for_people=True),
    "parquet": Format(read_parquet, write_parquet),
    "txt": Format(read_text, ids_by_file=True),
    "page": Format(read_page, ids_by_file=True),
    "html": Format(read_html, write_html, ids_by_file=True, for_people=True),
    "docx": Format(read_docx, ids_by_file=True),
}
BY_WORDS = ("bio", "bmes", "docbin")
"""Forms that can have a token a word."""
WRITABLE = tuple(name for name, form in FORMATS.items() if form.write)
WRITTEN_SUFFIXES = {
    suffix: form
    for suffix, form in SUFFIXES.items()
    if form in WRITABLE and suffix not in (".tsv", ".xls")  # read, but what is written is not that
}
"""What an output's name says of the form to write."""
EXCHANGE = tuple(name for name in WRITABLE if not FORMATS[name].for_people)
"""Forms that give back what was written in them."""
