"""The tagging contract: JSONL in, a JSONL line out for every line in, in order.

In: ``{"id": str, "text": str, …}``. Out: ``{"id", "spans": [{"start", "end", "label", "text",
"score"}, …]}``, or ``{"id", "error"}`` in the place of a line that is not so. Scripts depend on it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from ner.errors import NerError, at
from ner.formats import check_text, decode_utf8, dump, json_lines, span_row
from ner.tagger.loading import Tagger
from ner.tagger.runtime import by_characters


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
    for batch in by_characters(((value, _check(where, value)) for where, value in lines), _length):
        found = tagger.tag([line["text"] for _, line in batch if isinstance(line, dict)])
        for value, line in batch:
            if isinstance(line, NerError):
                known = value.get("id") if isinstance(value, dict) else None
                yield Line(dump({"id": known, "error": f"{line.message} ({line.remedy})"}), line)
            else:
                spans = [span_row(span, line["text"]) for span in next(found)]
                yield Line(dump({"id": line["id"], "spans": spans}))


def _length(line: tuple[Any, dict[str, str] | NerError]) -> int:
    return 0 if isinstance(line[1], NerError) else len(line[1]["text"])


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
