"""The form of a file, by its name and by its first bytes."""

import json
import re
from typing import Any

from ner.errors import NerError, at
from ner.formats.conll import is_conll
from ner.formats.doccano import is_doccano
from ner.formats.encoding import SAMPLE
from ner.formats.epaper import is_page
from ner.formats.label_studio import is_label_studio
from ner.formats.paths import SUFFIXES
from ner.formats.source import Source

_REFUSED = {
    b"%PDF": ("a PDF file", "save it as text or docx"),
    b"\xd0\xcf\x11\xe0": ("an old Word file", "save it as docx or text"),
    b"Rar!": ("a RAR archive", "unpack it and give the folder"),
    b"7z\xbc\xaf": ("a 7z archive", "unpack it and give the folder"),
    b"\x89PNG": ("a picture", "give the text"),
    b"\xff\xd8\xff": ("a picture", "give the text"),
    b"SQLite format 3": ("a database", "a store is given with --store"),
}
_HTML = re.compile(
    r"\s{0,999}(<\?xml[^>]{0,99}>\s{0,99})?<(!doctype\s{1,9}html|html|head|body)\b", re.I
)


def detect_form(source: Source) -> str:
    """The form of a file: by its name, and where that leaves it open by what is in it.

    Raises:
        NerError: it is a kind of file that is not read.
    """
    form = SUFFIXES.get(source.suffix, "")
    if source.suffix == ".ann":
        raise NerError(
            "an .ann needs its .txt", where=source.name, remedy="name the .txt, or the folder"
        )
    if form == "txt" and source.path and source.path.with_suffix(".ann").is_file():
        return "brat"
    if form not in ("", "txt", "jsonl", "json") and source.suffix != ".tsv":
        return form
    head = source.head
    for magic, (kind, remedy) in _REFUSED.items():
        if head.startswith(magic):
            raise NerError(f"is {kind}", where=source.name, remedy=remedy)
    if not form and head.startswith((b"PAR1", b"PK\x03\x04")):
        return "parquet" if head.startswith(b"PAR1") else _office_form(head)
    with at(source.name):
        text = source.beginning
    if form in ("", "txt", "csv") and is_conll(text):
        return "bio"
    if form == "csv":
        return form
    if form in ("jsonl", "json") or text.startswith(("{", "[")):
        return _json_form(source, text, form)
    if _HTML.match(text):
        return "html"
    with at(source.name):
        return "page" if is_page(source.text) else "txt"


def _office_form(head: bytes) -> str:
    return "xlsx" if b"xl/" in head else "docx"


def _json_form(source: Source, text: str, form: str) -> str:
    if text.startswith("{"):
        first = _parsed(text.split("\n", 1)[0])
        if isinstance(first, dict) and form != "json":
            return _form_of_row(first) or "jsonl"
        if isinstance(first, dict) and len(text.split("\n")) > 1 and text.split("\n")[1].strip():
            return _form_of_row(first) or "jsonl"  # lines, whatever the name
    if form == "jsonl":
        return "jsonl"
    if not text.startswith(("{", "[")):
        return form or "txt"
    with at(source.name):
        whole = _parsed(source.text) if len(source.head) < SAMPLE else None
    if whole is None:
        return _json_form_by_look(text)
    rows = whole if isinstance(whole, list) else [whole]
    row = next((row for row in rows if isinstance(row, dict)), {})
    return _form_of_row(row) or "json"


def _json_form_by_look(text: str) -> str:
    """The form of a JSON file of which only the beginning is known."""
    if re.search(r'"(annotations|completions|predictions)"\s{0,9}:', text) and '"data"' in text:
        return "label-studio"
    if '"annotation_id"' in text and '"lead_time"' in text:
        return "label-studio"
    return "web-annotation" if '"@context"' in text else "json"


def _form_of_row(row: dict[str, Any]) -> str:
    """The form whose lines have the keys of this one; empty for our own."""
    if "@context" in row:
        return "web-annotation"
    if is_label_studio(row):
        return "label-studio"
    return "doccano" if is_doccano(row) else ""


def _parsed(text: str) -> Any:
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
