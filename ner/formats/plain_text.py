"""Plain text, a file an article, and what else is lines with a title."""

from collections.abc import Iterable, Iterator, Mapping

from ner.errors import at
from ner.formats.fields import UNCOUNTED, Dropped
from ner.formats.rows import Item, article_or_rejected, normalise
from ner.formats.source import Source


def read_text(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """Plain text: the first line is the title where it is short and has no full stop."""
    with at(source.name):
        text = source.text
    yield article_of_lines([(line, False) for line in normalise(text).split("\n")], source)


def article_of_lines(lines: Iterable[tuple[str, bool]], source: Source) -> Item:
    """The article that lines are.

    Args:
        lines: each with whether it is marked as a title.
    """
    every = [(line, marked) for line, marked in lines]
    while every and not every[0][0].strip():
        every.pop(0)
    first, marked = every[0] if every else ("", False)
    rest = "\n".join(line for line, _ in every[1:])
    short = len(first) <= 60 and not first.endswith(("。", "！", "？", "”", ":", "："))
    if rest.strip() and (marked or short):
        row = {"title": first, "body": rest.lstrip("\n")}
    else:
        row = {"body": "\n".join(line for line, _ in every)}
    return article_or_rejected(row, source.name, default_id=source.default_id)
