"""Annotations apart from their texts (standoff annotation), for texts that may not be passed on.

A row is ``{"id", "length", "text_sha256", "spans": [[start, end, label], …]}``: whoever has the texts puts
the two together again. The annotated text is the first ``length`` code points of the text of that id.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ner.article import Article, text_hash
from ner.corpus.read import strict_rows
from ner.errors import NerError
from ner.formats import Row

_SPANS = {"id": str, "length": int, "text_sha256": str, "spans": list}
_CLASS = {"string_sha256": str, "class": str}


def detach(articles: Iterable[Article]) -> Iterator[Row]:
    """Rows of the articles' spans, without their texts."""
    for article in articles:
        yield {
            "id": article.id,
            "length": len(article.text),
            "text_sha256": article.text_hash,
            "spans": [[span.start, span.end, span.label] for span in article.spans],
        }


def attach(standoff: Path, texts: Iterable[Path]) -> Iterator[Row]:
    """Rows of annotated articles: ``{"id", "text", "spans"}``, in the order of the standoff file.

    Args:
        texts: JSONL files with ``id`` and ``text``, which may hold more articles than are annotated.

    Raises:
        NerError: a line cannot be read, an annotated text is in none of the files, or is another one there.
    """
    wanted = {row["id"]: (where, row) for where, row in _notes(standoff, _SPANS)}
    found: dict[str, str] = {}
    for path in texts:
        for _, row in strict_rows(path):
            article_id, text = str(row.get("id")), row.get("text")
            if article_id in wanted and isinstance(text, str):
                _, note = wanted[article_id]
                # Of two texts with one id that is meant whose hash fits.
                if article_id not in found or _fits(text, note):
                    found[article_id] = text[: note["length"]]
    for article_id, (where, note) in wanted.items():
        if article_id not in found:
            raise NerError(
                f"the text of {article_id} is in none of the files",
                where=where,
                remedy="name the file that holds it with --texts",
            )
        if not _fits(found[article_id], note):
            raise NerError(
                f"the text of {article_id} is not the one that was annotated",
                where=where,
                remedy="use the version of the texts that was annotated",
            )
        yield {"id": article_id, "text": found[article_id], "spans": note["spans"]}


def attach_quotes(standoff: Path, texts: Iterable[Path]) -> Iterator[Row]:
    """Rows of quoted strings with their class, as `read.read_quotes` takes them.

    A row of the standoff file is ``{"string_sha256", "class"}``.

    Args:
        texts: JSONL files with ``string`` and ``context``, which may hold more strings than have a class.

    Raises:
        NerError: a line cannot be read, or a string is in none of the files.
    """
    wanted = {row["string_sha256"]: (where, row) for where, row in _notes(standoff, _CLASS)}
    for path in texts:
        for _, row in strict_rows(path):
            string = str(row.get("string"))
            _, note = wanted.pop(text_hash(string), ("", None))
            if note:
                yield {"string": string, "class": note["class"], "contexts": [row.get("context")]}
    for where, _ in wanted.values():
        raise NerError(
            f"{len(wanted)} strings are in none of the files",
            where=where,
            remedy="name the file that holds them with --texts",
        )


def holds_quotes(standoff: Path) -> bool:
    """True where the file's first row is of a quoted string, not of an article."""
    return any("string_sha256" in row for _, row in islice(strict_rows(standoff), 1))


def _fits(text: str, note: Mapping[str, Any]) -> bool:
    return bool(text_hash(text[: note["length"]]) == note["text_sha256"])


def _notes(path: Path, fields: Mapping[str, type]) -> Iterator[tuple[str, Row]]:
    for where, row in strict_rows(path):
        if not all(isinstance(row.get(name), kind) for name, kind in fields.items()):
            raise NerError(
                f"is not a row of standoff annotation with {', '.join(fields)}",
                where=where,
                remedy="ner corpus detach writes such rows",
            )
        yield where, row
