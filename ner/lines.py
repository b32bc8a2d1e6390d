"""The tagging contract: JSONL in, a JSONL line out for every line in, in order.

In: ``{"id": str, "text": str, …}``. Out: ``{"id", "spans": [{"start", "end", "label", "text",
"score"}, …]}``, or ``{"id", "error"}`` in the place of a line that is not so. Scripts depend on it.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from ner.errors import NerError, at
from ner.formats import check_text, decode_utf8, dump, json_lines, span_row
from ner.tagger import BATCH_TEXTS, Tagger


@dataclass(frozen=True, slots=True)
class Line:
    """A line of output, and the error that made it one of ``{"id", "error"}``."""

    json: str
    error: NerError | None = None


def tag_lines(tagger: Tagger, file: BinaryIO, name: str) -> Iterator[Line]:
    """Tag a file's lines.

    Args:
        name: the file's, for messages.
    """
    lines = json_lines(file, name, decode=decode_utf8)
    while batch := list(itertools.islice(lines, BATCH_TEXTS)):
        checked = [(value, _error(where, value)) for where, value in batch]
        found = tagger.tag([value["text"] for value, error in checked if not error])
        for value, error in checked:
            if error:
                row = {"id": _id(value), "error": f"{error.message} ({error.remedy})"}
            else:
                text = value["text"]
                row = {"id": value["id"], "spans": [span_row(span, text) for span in next(found)]}
            yield Line(dump(row), error)


def _error(where: str, value: dict[str, Any] | NerError) -> NerError | None:
    if isinstance(value, NerError):
        return value
    try:
        with at(where):
            for field in ("id", "text"):
                if not isinstance(value.get(field), str):
                    raise NerError(
                        f"no {field!r}, or it is not text", remedy='{"id": "…", "text": "…"}'
                    )
            check_text(value["text"])
    except NerError as error:
        return error
    return None


def _id(value: dict[str, Any] | NerError) -> Any:
    return None if isinstance(value, NerError) else value.get("id")
