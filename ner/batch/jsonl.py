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
from ner.tagger.component import BATCH_TEXTS
from ner.tagger.loading import Tagger


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
        checked = [_check(where, value) for where, value in batch]
        found = tagger.tag([line["text"] for line in checked if isinstance(line, dict)])
        for (_, value), line in zip(batch, checked):
            if isinstance(line, NerError):
                known = value.get("id") if isinstance(value, dict) else None
                yield Line(dump({"id": known, "error": f"{line.message} ({line.remedy})"}), line)
            else:
                spans = [span_row(span, line["text"]) for span in next(found)]
                yield Line(dump({"id": line["id"], "spans": spans}))


def _check(where: str, value: dict[str, Any] | NerError) -> dict[str, str] | NerError:
    """The line, or why it is none."""
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
    return value
